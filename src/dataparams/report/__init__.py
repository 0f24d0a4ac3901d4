"""The report: static pages, opened from disk, to be handed to the owner of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.lazy_names import lazy_names

if TYPE_CHECKING:
    from dataparams.report.writing import write_report

__all__ = ["write_report"]

__getattr__, __dir__ = lazy_names(__name__, {"write_report": "dataparams.report.writing"})
