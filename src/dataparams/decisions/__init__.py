"""What people decided about samples: the store, agreement between people, import and tables."""
