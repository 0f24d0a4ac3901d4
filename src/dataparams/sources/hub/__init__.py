"""Data sets of the Hugging Face hub: asked for, downloaded, and read from the disk."""
