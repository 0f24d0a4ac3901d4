"""What is said in a terminal: numbers in words, tables, progress."""
