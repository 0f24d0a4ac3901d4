"""What was found beside wrong labels, as lists of samples that can be looked through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.errors import RunError
from dataparams.health.findings import KINDS, LABEL_CONFLICTS, read_findings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.health.findings import HealthFindings
    from dataparams.review.samples import ReviewSamples
    from dataparams.run.folder import RunFolder

    Ranks = NDArray[np.intp]

DUPLICATES = (
    LABEL_CONFLICTS,
    "leakage",
    "exact_duplicates",
    "near_duplicates",
)
"""Kinds whose samples are one thing several times, so that one decision is about all of them."""


@dataclass(frozen=True)
class FindingInReview:
    """A finding as the page lists it.

    Attributes:
        number: What it is asked for by.
        kind: Its kind.
        sentence: What is wrong, in words.
        strength: How sure it is, 0 ... 1.
        samples: How many samples of the analysis it is about.
        is_one_thing: Whether they are one thing several times.
    """

    number: int
    kind: str
    sentence: str
    strength: float
    samples: int
    is_one_thing: bool


class HealthLists:
    """Findings and the samples that each is about; those that the analysis lacks are left out.

    Args:
        findings: What was found.
        samples: All samples.
    """

    def __init__(self, findings: HealthFindings, samples: ReviewSamples) -> None:
        table = findings.table
        self._kinds = table["kind"].to_list()
        self._sentences, self._strength = table["sentence"], table["strength"]
        lengths = table["samples"].list.len().to_numpy().astype(np.int64)
        flat = table["samples"].explode().drop_nulls().to_numpy().astype(np.int64)
        finding = np.repeat(np.arange(len(table)), lengths)
        self._ranks, is_known = samples.find(flat)
        self._starts = np.searchsorted(finding[is_known], np.arange(len(table) + 1))
        self._checked, self._not_checked = findings.checked, dict(findings.not_checked)
        self._count = len(samples)

    def __len__(self) -> int:
        return len(self._kinds)

    def overview(self) -> dict[str, Any]:
        """The kinds that were looked for, with how much was found, and why others were not."""
        kinds = np.array(self._kinds, dtype=object)
        shown = self._sizes() > 0
        return {
            "kinds": [
                {
                    "kind": kind,
                    "words": KINDS[kind],
                    "findings": int(np.count_nonzero(shown & (kinds == kind))),
                    "samples": len(self.ranks_of_kind(kind)),
                }
                for kind in self._checked
            ],
            "not_checked": [
                {"words": KINDS[kind], "why": why} for kind, why in self._not_checked.items()
            ],
        }

    def of_kind(self, kind: str, after: int, limit: int) -> list[FindingInReview]:
        """Findings of a kind, the surest first.

        Args:
            kind: Which.
            after: Number of the finding after which they are wanted; -1 for all.
            limit: How many are wanted at most.
        """
        numbers = (number for number in self.numbers_of(kind) if number > after)
        return [self.one(number) for number, _ in zip(numbers, range(limit), strict=False)]

    def numbers_of(self, kind: str) -> list[int]:
        """The numbers of the findings of a kind that have samples here, the surest first."""
        sizes = self._sizes()
        return [number for number, one in enumerate(self._kinds) if one == kind and sizes[number]]

    def one(self, number: int) -> FindingInReview:
        """A finding.

        Raises:
            KeyError: If there is none of that number.
        """
        if not 0 <= number < len(self._kinds):
            raise KeyError(number)
        kind = self._kinds[number]
        return FindingInReview(
            number=number,
            kind=kind,
            sentence=self._sentences[number],
            strength=round(self._strength[number], 3),
            samples=int(self._sizes()[number]),
            is_one_thing=kind in DUPLICATES,
        )

    def ranks_of(self, number: int) -> Ranks:
        """The samples of a finding, the one to look at first in front.

        Raises:
            KeyError: If there is none of that number.
        """
        if not 0 <= number < len(self._kinds):
            raise KeyError(number)
        return self._ranks[self._starts[number] : self._starts[number + 1]]

    def ranks_of_kind(self, kind: str) -> Ranks:
        """The samples of all findings of a kind, ascending, none twice."""
        is_kind = np.array([one == kind for one in self._kinds], dtype=np.bool_)
        return np.unique(self._ranks[np.repeat(is_kind, self._sizes())])

    def _sizes(self) -> NDArray[np.int64]:
        return np.diff(self._starts)


def health_of(run: RunFolder, samples: ReviewSamples) -> HealthLists | None:
    """What was found in a run's data beside wrong labels; None where nobody looked, or in vain."""
    try:
        findings = read_findings(run)
    except RunError:
        return None  # a review goes on without it
    return None if findings is None else HealthLists(findings, samples)
