"""Output in a terminal: numbers in words, tables, progress, arguments as flags."""
