"""The decisions of annotators about samples: the store, agreement, import and tables."""
