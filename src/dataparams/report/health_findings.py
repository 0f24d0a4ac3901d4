"""What was found beside the labels, as the report shows it: the surest of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from dataparams.health.findings import KINDS
from dataparams.health.sentences import restored_sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.health.findings import HealthFindings
    from dataparams.report.cited_samples import CitedSample, CitedSamples

FIRST_FINDINGS = 3
"""Findings of each kind on the first page."""
_MOST_FINDINGS = 24
_MOST_SAMPLES = 8


@dataclass(frozen=True, eq=False)
class ShownFinding:
    """A finding.

    Attributes:
        sentence: What was found.
        classes: Number and name of the classes that it is about.
        samples: The first of its samples.
        hidden: How many others it has.
    """

    sentence: str
    classes: list[tuple[int, str]]
    samples: list[CitedSample]
    hidden: int


@dataclass(frozen=True, eq=False)
class ShownKind:
    """The findings of a kind: what it is called, how many there are, and those that are shown."""

    kind: str
    title: str
    count: int
    findings: list[ShownFinding]


@dataclass(frozen=True, eq=False)
class ShownHealth:
    """What is shown of the findings, by kind."""

    kinds: list[ShownKind]

    @property
    def has_page(self) -> bool:
        """Whether the first page leaves some out, so that there is one with more."""
        return any(kind.count > FIRST_FINDINGS for kind in self.kinds)


def samples_shown(found: HealthFindings) -> set[int]:
    """The numbers of the samples that are shown of findings."""
    return {
        index
        for rows in _shown_rows(found).values()
        for samples in rows["samples"].to_list()
        for index in samples[:_MOST_SAMPLES]
    }


def shown_health(
    found: HealthFindings, cited: CitedSamples, class_names: Sequence[str]
) -> ShownHealth:
    """What is shown of the findings, with their samples.

    Args:
        found: The findings.
        cited: The samples.
        class_names: Name of class 0, 1, ...
    """
    kinds = []
    for kind, rows in _shown_rows(found).items():
        count = int((found.table["kind"] == kind).sum())
        findings = [_shown(row, cited, class_names) for row in rows.iter_rows(named=True)]
        kinds.append(ShownKind(kind, KINDS[kind], count, findings))
    return ShownHealth(kinds)


def _shown_rows(found: HealthFindings) -> dict[str, pl.DataFrame]:
    """The findings of each kind that are shown, the surest first."""
    of_kind = {kind: found.table.filter(pl.col("kind") == kind) for kind in KINDS}
    return {kind: rows.head(_MOST_FINDINGS) for kind, rows in of_kind.items() if len(rows)}


def _shown(row: dict[str, object], cited: CitedSamples, class_names: Sequence[str]) -> ShownFinding:
    samples, classes = _numbers(row["samples"]), _numbers(row["classes"])
    return ShownFinding(
        sentence=restored_sentence(str(row["sentence"]), str(row["parts"])),
        classes=[(one, class_names[one]) for one in classes if 0 <= one < len(class_names)],
        samples=[cited.sample(index, has_split=True) for index in samples[:_MOST_SAMPLES]],
        hidden=max(len(samples) - _MOST_SAMPLES, 0),
    )


def _numbers(value: object) -> list[int]:
    return value if isinstance(value, list) else []
