"""What is said of a label that may be wrong: which class is suggested in its place, if any.

A sample that may be of no class at all is an outlier. By features that is one far from all classes
(``is_outlier``); where no features were looked at it is a hard one of which no class is likely.

``suggested_label`` is the likeliest class of every sample, and most often that is the given one:
then nothing is suggested. Everything that people look at asks here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataparams.analysis.result import Category

Label = TypeVar("Label", int, str)
"""A class, by its number or its name."""
LEAST_CONFIDENCE = 0.5
"""From this confidence on a class is likelier than not, so that it may be claimed."""
OUTLIER = "outlier?"
"""What is said of an outlier, beside its category."""
MAYBE = "maybe"
NO_OTHER = "no other class is likely"
NONE = "none"


@dataclass(frozen=True)
class Suggestion(Generic[Label]):
    """What is suggested in place of a given label.

    Attributes:
        label: The likeliest class where that is another one than the given; None where not.
        confidence: How likely that is the true class, 0 ... 1; None where it is not known.
        is_likely: Whether it is likelier than not.
        note: What is said instead of a class, or before one that is not likely: ``maybe``, ``no
            other class is likely``, ``none``; empty before a class that is likely.
        is_outlier: Whether the sample may be of no class at all.
    """

    label: Label | None
    confidence: float | None
    is_likely: bool
    note: str
    is_outlier: bool = False


def is_suggestion() -> pl.Expr:
    """Whether the likeliest class is another one than the given: only then one is suggested.

    Example:
        >>> frame = pl.DataFrame({"label": [0, 0, 0], "suggested_label": [0, 1, None]})
        >>> frame.select(is_suggestion()).to_series().to_list()
        [False, True, False]
    """
    return (pl.col("suggested_label") != pl.col("label")).fill_null(value=False)


def weighs_other_classes(frame: pl.DataFrame) -> bool:
    """Whether an analysis tells classes apart: temperatures alone suggest no other class at all."""
    return bool(frame.select(is_suggestion().any()).item())


def outliers(frame: pl.DataFrame) -> pl.Series:
    """Which samples of an analysis may be of no class at all, (n,).

    Args:
        frame: Its rows; those of runs without features have no ``is_outlier``.

    Example:
        >>> frame = pl.DataFrame({
        ...     "label": [0, 0, 0], "suggested_label": [1, 0, 1], "category": ["hard"] * 3,
        ...     "suggested_confidence": [0.2, 0.4, 0.9]})
        >>> outliers(frame).to_list()
        [True, True, False]
        >>> outliers(frame.with_columns(is_outlier=pl.Series([False, False, True]))).to_list()
        [False, False, True]
    """
    if "is_outlier" in frame.columns:
        return frame["is_outlier"].fill_null(value=False)
    fits_none = (pl.col("category") == "hard") & (pl.col("suggested_confidence") < LEAST_CONFIDENCE)
    is_known = pl.col("suggested_label").is_not_null() & pl.lit(weighs_other_classes(frame))
    return frame.select((fits_none & is_known).fill_null(value=False)).to_series()


def suggestion(
    given: Label,
    suggested: Label | None,
    confidence: float | None,
    category: Category | str,
    *,
    are_weighed: bool = True,
    is_outlier: bool | None = None,
) -> Suggestion[Label]:
    """What is suggested in place of a given label, and what is said where nothing is.

    Args:
        given: The given class.
        suggested: The likeliest class; None where it is not known.
        confidence: How likely that is the true one, 0 ... 1; None or NaN where it is not known.
        category: Of the sample.
        are_weighed: Whether other classes were weighed; see :func:`weighs_other_classes`.
        is_outlier: Whether it is far from all classes; None where no features were looked at.

    Example:
        >>> suggestion(3, 5, 0.8, "hard")
        Suggestion(label=5, confidence=0.8, is_likely=True, note='', is_outlier=False)
        >>> suggestion(3, 5, 0.2, "hard")
        Suggestion(label=5, confidence=0.2, is_likely=False, note='maybe', is_outlier=True)
        >>> suggestion(3, 5, 0.2, "hard", is_outlier=False).is_outlier
        False
        >>> suggestion(3, 3, 0.9, "review").note
        'no other class is likely'
    """
    if confidence is not None and not math.isfinite(confidence):
        confidence = None
    is_likely = confidence is not None and confidence >= LEAST_CONFIDENCE
    if is_outlier is None:
        is_known = suggested is not None and confidence is not None and are_weighed
        is_outlier = is_known and category == "hard" and not is_likely
    if suggested is not None and suggested != given:
        return Suggestion(suggested, confidence, is_likely, "" if is_likely else MAYBE, is_outlier)
    is_none = suggested is None or not are_weighed or category == "easy"
    return Suggestion(None, None, False, NONE if is_none else NO_OTHER, is_outlier)


def suggestion_of_row(row: Mapping[str, Any], *, are_weighed: bool) -> Suggestion[str]:
    """What :func:`suggestion` says of a row of an analysis, by the names of classes."""
    return suggestion(
        str(row["label_name"]),
        row["suggested_name"],
        row["suggested_confidence"],
        row["category"],
        are_weighed=are_weighed,
        is_outlier=row.get("is_outlier"),
    )


def suggestion_words(
    given_name: str,
    suggested_name: str | None,
    confidence: float | None,
    category: Category | str,
    *,
    are_weighed: bool = True,
    is_outlier: bool | None = None,
) -> str:
    """The caption of a sample: a class only where it is another one, and likelier than not.

    Args:
        given_name: Name of the given class.
        suggested_name: Name of the likeliest class; None where it is not known.
        confidence: How likely that is the true one, 0 ... 1; None or NaN where it is not known.
        category: Of the sample.
        are_weighed: Whether other classes were weighed; see :func:`weighs_other_classes`.
        is_outlier: Whether it is far from all classes; None where no features were looked at.

    Returns:
        The name of the suggested class; ``outlier?`` where the sample may be of no class; both of
        an outlier that is likeliest another class than the given; otherwise nothing.

    Example:
        >>> suggestion_words("starfish", "crab", 0.8, "hard")
        'crab'
        >>> suggestion_words("starfish", "hawksbill", 0.2, "hard")
        'outlier?'
        >>> suggestion_words("starfish", "crab", 0.8, "hard", is_outlier=True)
        'crab, outlier?'
        >>> suggestion_words("starfish", "hawksbill", 0.2, "review")
        ''
        >>> suggestion_words("starfish", "starfish", 0.9, "easy")
        ''
    """
    found = suggestion(
        given_name,
        suggested_name,
        confidence,
        category,
        are_weighed=are_weighed,
        is_outlier=is_outlier,
    )
    parts = [
        found.label if found.is_likely else None,
        OUTLIER if found.is_outlier else None,
    ]
    return ", ".join(part for part in parts if part is not None)
