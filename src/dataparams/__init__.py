"""Data parameters: find mislabeled, hard and under-represented samples by training once."""
