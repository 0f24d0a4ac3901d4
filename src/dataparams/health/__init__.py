"""What is wrong beside labels: duplicates, leakage, damaged and odd samples, outliers, classes."""
