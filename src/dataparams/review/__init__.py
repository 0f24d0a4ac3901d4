"""The place where people decide about samples: a local server and its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.lazy_names import lazy_names

if TYPE_CHECKING:
    from dataparams.review.serving import serve

__all__ = ["serve"]

__getattr__, __dir__ = lazy_names(__name__, {"serve": "dataparams.review.serving"})
