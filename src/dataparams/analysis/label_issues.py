"""Which labels are called issues, and their score, as users of cleanlab's Datalab know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EVEN = 0.5


def label_score(frame: pl.DataFrame) -> pl.Series:
    """How well given labels stand, (n,), 0 ... 1, low is bad.

    It is the evidence for the label; a training gathers none: there it is 1 less the suspicion.

    Args:
        frame: The rows of an analysis.
    """
    evidence = pl.col("evidence") if "evidence" in frame.columns else 1 - pl.col("suspicion")
    return frame.select(label_score=evidence.cast(pl.Float64)).to_series()


def is_label_issue(frame: pl.DataFrame, *, is_known: bool, unjudged: pl.Series) -> pl.Series:
    """Whether a label is an issue.

    It is where the evidence speaks against it, and its class can be judged (a training gathers no
    evidence); and so are as many of the most suspicious as labels are estimated to be wrong, where
    that is known.

    Args:
        frame: The rows of an analysis.
        is_known: Whether it is known how many labels are wrong.
        unjudged: The classes that cannot be judged, as ``label`` has them.

    Returns:
        ``is_label_issue``, (n,).

    Example:
        >>> frame = pl.DataFrame({
        ...     "label": [0, 1, 1], "suspicion": [0.1, 0.9, 0.5], "evidence": [0.9, 0.2, 0.6],
        ...     "noise_probability": [0.1, 1.0, 0.7]})
        >>> is_label_issue(frame, is_known=True, unjudged=pl.Series([0])).to_list()
        [False, True, True]
        >>> is_label_issue(frame, is_known=False, unjudged=pl.Series([0])).to_list()
        [False, True, False]
    """
    is_against = pl.repeat(value=False, n=pl.len())
    if "evidence" in frame.columns:
        is_against = (pl.col("evidence") < _EVEN) & ~pl.col("label").is_in(unjudged.implode())
    flagged: NDArray[np.bool_] = frame.select(is_against).to_series().to_numpy(writable=True)
    if is_known:
        count = round(float(frame["noise_probability"].sum()))
        flagged[np.argsort(-frame["suspicion"].to_numpy(), kind="stable")[:count]] = True
    return pl.Series("is_label_issue", flagged)
