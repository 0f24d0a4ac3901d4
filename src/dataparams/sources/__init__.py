"""Where labeled samples come from, by one protocol. Knows contents, and nothing of batches."""
