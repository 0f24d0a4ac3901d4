"""What a sample is: a content, told from others and shown. Knows no source and no batch."""
