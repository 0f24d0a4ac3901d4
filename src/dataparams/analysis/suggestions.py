"""What is said of a label that may be wrong: which class is suggested in its place, if any.

``suggested_label`` is the likeliest class of every sample, and most often that is the given one:
then nothing is suggested. Everything that people look at asks here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import polars as pl

if TYPE_CHECKING:
    from dataparams.analysis.result import Category

Label = TypeVar("Label", int, str)
"""A class, by its number or its name."""
LEAST_CONFIDENCE = 0.5
"""From this confidence on a class is likelier than not, so that it may be claimed."""
OUTLIER = "outlier?"
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
        note: What is said instead of a class, or before one that is not likely: ``maybe``,
            ``outlier? maybe``, ``no other class is likely``, ``outlier? no other class is likely``,
            ``none``; empty before a class that is likely.
    """

    label: Label | None
    confidence: float | None
    is_likely: bool
    note: str


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


def suggestion(
    given: Label,
    suggested: Label | None,
    confidence: float | None,
    category: Category | str,
    *,
    are_weighed: bool = True,
) -> Suggestion[Label]:
    """What is suggested in place of a given label, and what is said where nothing is.

    Args:
        given: The given class.
        suggested: The likeliest class; None where it is not known.
        confidence: How likely that is the true one, 0 ... 1; None or NaN where it is not known.
        category: Of the sample.
        are_weighed: Whether other classes were weighed; see :func:`weighs_other_classes`.

    Example:
        >>> suggestion(3, 5, 0.8, "hard")
        Suggestion(label=5, confidence=0.8, is_likely=True, note='')
        >>> suggestion(3, 5, 0.2, "hard").note, suggestion(3, 3, 0.9, "review").note
        ('outlier? maybe', 'no other class is likely')
    """
    if confidence is not None and not math.isfinite(confidence):
        confidence = None
    is_likely = confidence is not None and confidence >= LEAST_CONFIDENCE
    is_outlier = category == "hard" and confidence is not None and not is_likely
    if suggested is not None and suggested != given:
        doubt = f"{OUTLIER} {MAYBE}" if is_outlier else MAYBE
        return Suggestion(suggested, confidence, is_likely, "" if is_likely else doubt)
    if suggested is None or not are_weighed or category == "easy":
        return Suggestion(None, None, is_likely=False, note=NONE)
    note = f"{OUTLIER} {NO_OTHER}" if is_outlier else NO_OTHER
    return Suggestion(None, None, is_likely=False, note=note)


def suggestion_words(
    given_name: str,
    suggested_name: str | None,
    confidence: float | None,
    category: Category | str,
    *,
    are_weighed: bool = True,
) -> str:
    """The caption of a sample: a class only where it is another one, and likelier than not.

    Args:
        given_name: Name of the given class.
        suggested_name: Name of the likeliest class; None where it is not known.
        confidence: How likely that is the true one, 0 ... 1; None or NaN where it is not known.
        category: Of the sample.
        are_weighed: Whether other classes were weighed; see :func:`weighs_other_classes`.

    Returns:
        The name of the suggested class; ``outlier?`` where the sample is hard and no class, the
        given one among them, is likelier than not; otherwise nothing.

    Example:
        >>> suggestion_words("starfish", "crab", 0.8, "hard")
        'crab'
        >>> suggestion_words("starfish", "hawksbill", 0.2, "hard")
        'outlier?'
        >>> suggestion_words("starfish", "hawksbill", 0.2, "review")
        ''
        >>> suggestion_words("starfish", "starfish", 0.9, "easy")
        ''
    """
    found = suggestion(given_name, suggested_name, confidence, category, are_weighed=are_weighed)
    if found.is_likely and found.label is not None:
        return found.label
    return OUTLIER if found.note.startswith(OUTLIER) else ""
