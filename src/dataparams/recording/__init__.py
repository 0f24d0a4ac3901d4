"""Somebody else's training loop, recorded in a run folder as our own training is."""
