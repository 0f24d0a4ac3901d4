"""What is told of a sample that somebody is to judge without knowing what else is known of it."""

from __future__ import annotations

from typing import Any

BLIND = "audit"
"""Stands for the category of such a sample."""
NOTE = "judged blind"
"""What is said in place of a suggestion."""
_TOLD = ("index", "id", "label", "split")


def blinded(details: dict[str, Any]) -> dict[str, Any]:
    """Only what a sample is and which label it was given; all else is as if nothing were known.

    Args:
        details: What is known of the sample, as JSON has it. What is not named here is left out.

    Example:
        >>> sample = {"index": 3, "id": "a", "label": 1, "category": "hard", "suggested": 0}
        >>> told = blinded(sample)
        >>> told["label"], told["category"], told["suggested"]
        (1, 'audit', None)
    """
    told = {name: details[name] for name in _TOLD if name in details}
    return {
        **told,
        "category": BLIND,
        "suggested": None,
        "confidence": None,
        "is_likely": False,
        "note": NOTE,
        "is_outlier": False,
        "evidence": None,
        "subgroup": None,
        "opinions": [],
    }
