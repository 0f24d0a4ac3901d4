"""Sources of labeled samples, by one protocol. Imports contents, and no batches."""
