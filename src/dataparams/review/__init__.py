"""The place where people decide about samples: a local server and its page."""

from dataparams.review.serving import serve

__all__ = ["serve"]
