"""Predictions or features that somebody has already, judged as an audit judges: ``find_issues``.

What arrays hold is checked here, turned into evidence and handed to the analysis. How heads are
trained lives in ``training``, how evidence becomes a verdict in ``analysis``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.lazy_names import lazy_names

if TYPE_CHECKING:
    from dataparams.issues.finding import find_issues
    from dataparams.issues.result import Issues

__all__ = ["Issues", "find_issues"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {"find_issues": "dataparams.issues.finding", "Issues": "dataparams.issues.result"},
)
