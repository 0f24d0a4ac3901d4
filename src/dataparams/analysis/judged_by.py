"""Who judged the samples of an audit, and what that cannot see, in words for people."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from dataparams.terminal.words import counted

NOT_SEEN = (
    "What this figure does not see: labels that are wrong where the sample itself looks like the "
    "class that it was given. They count as right, so the true share can be higher, and lie "
    "above the interval."
)
"""Stands beside the estimated share of wrong labels, wherever that is shown."""


def not_seen_words(disputed: float | None) -> str:
    """What the estimated share does not see, and what else there is to go by.

    Args:
        disputed: Share of the labels for which another class is likelier; None where not known.

    Example:
        >>> not_seen_words(0.186).removeprefix(NOT_SEEN)
        ' The classifiers find another class likelier for 18.6 % of the labels, wrong or not; if
        labels are wrong just where classes look alike, about as many may be.'
    """
    if disputed is None:
        return NOT_SEEN
    return (
        f"{NOT_SEEN} The classifiers find another class likelier for {100 * disputed:.1f} % of the "
        "labels, wrong or not; if labels are wrong just where classes look alike, about as many "
        "may be."
    )


@dataclass(frozen=True)
class JudgedBy:
    """Classifiers and neighbors that never saw the sample that they judge, or given predictions.

    Attributes:
        encoder: What the features were made by, by name.
        width: Numbers per sample; None where it is not known.
        classifiers: How many classifiers judge each sample.
        neighbors: How many neighbors vote.
        rounds: How often all of them were asked, each time without the labels doubted before.
        day: When, ``2026-01-31``; None where it is not known.
        unreadable: How many samples could not be read, and are not judged.
        has_trees: Whether gradient-boosted trees judge as well, as they do rows of tables.
        has_probabilities: Whether class probabilities were given.
        given_epochs: Of how many epochs of a training logits were given.
        has_features: Whether there are features, on which the classifiers were trained.
    """

    encoder: str
    width: int | None = None
    classifiers: int = 1
    neighbors: int = 0
    rounds: int = 1
    day: str | None = None
    unreadable: int = 0
    has_trees: bool = False
    has_probabilities: bool = False
    given_epochs: int = 0
    has_features: bool = True

    def sentence(self) -> str:
        """How the samples were judged.

        Example:
            >>> JudgedBy("efficientnet-lite0", 1280, 3, 20, 3).sentence()
            'Every label was judged by 3 small classifiers that were trained without that sample and
            by its 20 nearest neighbors, in 3 rounds, on features of efficientnet-lite0 (1,280
            numbers per sample).'
            >>> JudgedBy("", has_probabilities=True, has_features=False).sentence()
            'Every label was judged by the class probabilities that were given, as of models that
            did not learn from that sample.'
        """
        given = self._given()
        if not self.has_features:
            return f"Every label was judged by {given}."
        judges = counted(self.classifiers, "small classifier")
        judges += " and by gradient-boosted trees" if self.has_trees else ""
        is_one = self.classifiers == 1 and not self.has_trees
        judges += f" that {'was' if is_one else 'were'} trained without that sample"
        if self.neighbors:
            judges += f" and by its {self.neighbors:,} nearest neighbors"
        rounds = f", in {self.rounds} rounds" if self.rounds > 1 else ""
        width = f" ({self.width:,} numbers per sample)" if self.width else ""
        beside = f", together with {given}" if given else ""
        return (
            f"Every label was judged by {judges}{rounds}, on features of {self.encoder}{width}"
            f"{beside}."
        )

    def _given(self) -> str:
        parts = []
        if self.has_probabilities:
            parts.append(
                "the class probabilities that were given, as of models that did not learn from "
                "that sample"
            )
        if self.given_epochs:
            parts.append(
                f"what a training said of it in {counted(self.given_epochs, 'epoch')}, averaged"
            )
        return " and by ".join(parts)


def judged_by(description: dict[str, Any]) -> JudgedBy | None:
    """Who judged, by ``run.json``; None where it is no audit.

    What an entry lacks, or has in another form, is left out.

    Example:
        >>> judged_by({"audit": {"encoder": {"name": "mine"}, "width": 64}})
        JudgedBy(encoder='mine', width=64, classifiers=1, neighbors=0, rounds=1, day=None,
        unreadable=0, has_trees=False, has_probabilities=False, given_epochs=0, has_features=True)
    """
    entry = description.get("audit")
    if not isinstance(entry, dict):
        return None
    encoder, settings = _part(entry, "encoder"), _part(entry, "settings")
    given = _part(entry, "given")
    heads, counts = _part(settings, "heads"), _part(description, "counts")
    has_trees = entry.get("has_trees") is True
    plain = 0
    if settings.get("plain_power") and not has_trees:
        plain = _number(_part(settings, "plain").get("repeats"))
    day = entry.get("day")
    return JudgedBy(
        encoder=str(encoder.get("name", "given predictions" if given else "an unknown encoder")),
        width=_number(entry.get("width")) or None,
        classifiers=_number(heads.get("repeats")) + plain or 1,
        neighbors=_number(settings.get("neighbors")),
        rounds=_number(settings.get("rounds")) or 1,
        day=day if isinstance(day, str) else None,
        unreadable=_number(counts.get("unreadable")),
        has_trees=has_trees,
        has_probabilities=given.get("probabilities") is True,
        given_epochs=_number(given.get("epochs")),
        has_features=not given or given.get("features") is True,
    )


def evidence_words(probability: float | None, vote: float | None) -> str | None:
    """What was found for the label of a sample; None where that is not known.

    Args:
        probability: Of the given label by classifiers that never saw the sample, 0 ... 1.
        vote: The neighbors' share of votes for it, 0 ... 1; None where there are no neighbors.

    Example:
        >>> evidence_words(0.034, 0.25)
        'Classifiers that never saw it give its label 3%, its neighbors 25% of their votes.'
    """
    if probability is None or not math.isfinite(probability):
        return None
    if vote is None or not math.isfinite(vote):
        return f"The predictions for it give its label {probability:.0%}."
    return (
        f"Classifiers that never saw it give its label {probability:.0%}, its neighbors {vote:.0%} "
        "of their votes."
    )


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
