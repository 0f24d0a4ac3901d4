"""The run folder, the one place that knows its files: what training leaves and analysis reads."""
