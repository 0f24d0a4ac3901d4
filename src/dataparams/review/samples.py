"""The samples of a run in the order in which they are looked at, held in a few bytes each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from mmap import mmap
from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis.judged_by import evidence_words
from dataparams.analysis.result import CATEGORIES
from dataparams.analysis.suggestions import suggestion

if sys.platform != "win32":
    from mmap import MADV_DONTNEED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.review.ranked_facts import RankedFacts

    Ranks = NDArray[np.intp]

MOST_AT_ONCE = 200_000
"""Of so many samples at most, all is done in the process that serves them: memory suffices."""


@dataclass(frozen=True)
class Filter:
    """Which samples are wanted; what is empty or None wants all.

    Attributes:
        label: The given class.
        categories: Categories, any of which will do.
        suggested: The suggested class.
        subgroup: Name of the sub-group.
        is_outlier: Only samples that may be of no class at all.
        split: Name of the split.
    """

    label: int | None = None
    categories: tuple[str, ...] = ()
    suggested: int | None = None
    subgroup: str | None = None
    is_outlier: bool = False
    split: str | None = None


@dataclass(frozen=True)
class SampleFacts:
    """What the page knows of a sample, apart from decisions.

    Attributes:
        index: Its number.
        id: Its file name.
        category: Easy, hard or review.
        label: The given class.
        suggested: The suggested class, which is never the given one; None for none.
        confidence: How likely the suggestion is right, 0 ... 1; None where it is not known.
        is_likely: Whether that is likelier than not.
        note: What is said instead of a suggestion, or before one that is not likely.
        is_outlier: Whether it may be of no class at all.
        evidence: What was found for its label, in words; None of a training.
        subgroup: Name of the sub-group; None for most.
        split: Name of the split; None where there is one alone.
    """

    index: int
    id: str
    category: str
    label: int
    suggested: int | None
    confidence: float | None
    is_likely: bool
    note: str
    is_outlier: bool
    evidence: str | None
    subgroup: str | None
    split: str | None = None


class ReviewSamples:
    """The samples of an analysis, each known by its rank: its place in the order of looking.

    Hard and need-review samples come first, then easy ones, the most suspicious of each first. The
    order never changes, so that paging by "after this sample" neither skips nor repeats any.

    Args:
        facts: What is known of them.

    Attributes:
        index: Position in the data source by rank, (n,).
        label: Given class by rank, (n,).
        suspicious: How many hard and need-review samples there are; theirs are the first ranks.
        epochs: The epochs that ``trajectories`` has.
    """

    def __init__(self, facts: RankedFacts) -> None:
        self.class_names = facts.class_names
        self.subgroups, self.splits = facts.subgroups, facts.splits
        self.epochs = facts.epochs
        self.index, self.label = facts.index, facts.label
        self._suggested, self._confidence = facts.suggested, facts.confidence
        self._are_weighed = bool((facts.suggested != facts.label).any())
        self._category, self._subgroup = facts.category, facts.subgroup
        self._is_outlier, self._found, self._split = facts.is_outlier, facts.found, facts.split
        self._ids, self._trajectories = facts.ids, facts.trajectories
        self._by_index = np.argsort(self.index, kind="stable").astype(np.int32)
        self._index_sorted = self.index[self._by_index]
        self.suspicious = int((self._category != CATEGORIES.index("easy")).sum())
        self._by_label = np.argsort(self.label, kind="stable").astype(np.int32)
        self._label_starts = np.searchsorted(
            self.label[self._by_label], np.arange(len(self.class_names) + 1)
        )

    def __len__(self) -> int:
        return len(self.index)

    @property
    def ranks_in_source(self) -> NDArray[np.int32]:
        """The ranks in the order of the data source, (n,)."""
        return self._by_index

    def ranks_of(self, index: Sequence[int] | NDArray[np.integer]) -> Ranks:
        """The ranks of samples by their position in the data source.

        Raises:
            KeyError: If there is no such sample.
        """
        wanted = np.asarray(index, dtype=np.int64)
        ranks, found = self.find(wanted)
        if not found.all():
            raise KeyError(int(wanted[~found][0]))
        return ranks

    def find(self, index: NDArray[np.int64]) -> tuple[Ranks, NDArray[np.bool_]]:
        """The ranks of the samples that exist, and which entries of ``index`` they are."""
        places = np.searchsorted(self._index_sorted, index)
        found = places < len(self)
        found[found] = self._index_sorted[places[found]] == index[found]
        return self._by_index[places[found]].astype(np.intp), found

    def facts(self, ranks: Ranks) -> list[SampleFacts]:
        """What the page knows of some samples, in their order."""
        return [
            self._facts_of(rank, sample)
            for rank, sample in zip(ranks.tolist(), self._ids.gather(ranks).to_list(), strict=True)
        ]

    def ids(self, ranks: Ranks) -> list[str]:
        """The names by which the data source knows some samples."""
        names: list[str] = self._ids.gather(ranks).to_list()
        return names

    def wanted(self, chosen: Filter) -> NDArray[np.bool_]:
        """Which samples pass a filter, (n,), by rank."""
        mask = np.ones(len(self), dtype=np.bool_)
        if chosen.label is not None:
            mask &= self.label == chosen.label
        if chosen.categories:
            codes = [CATEGORIES.index(name) for name in chosen.categories]
            mask &= np.isin(self._category, codes)
        if chosen.suggested is not None:
            mask &= (self._suggested == chosen.suggested) & (self._suggested != self.label)
        if chosen.subgroup is not None:
            known = chosen.subgroup in self.subgroups
            mask &= self._subgroup == (self.subgroups.index(chosen.subgroup) if known else -2)
        if chosen.is_outlier:
            mask &= self._is_outlier
        if chosen.split is not None:
            known = chosen.split in self.splits
            mask &= self._split == (self.splits.index(chosen.split) if known else -2)
        return mask

    @property
    def category(self) -> NDArray[np.int8]:
        """Position among ``CATEGORIES`` by rank, (n,)."""
        return self._category

    def confusions(self) -> NDArray[np.int64]:
        """Which classes are suggested in place of which: the most frequent first.

        Returns:
            Given class, suggested class and how many hard and need-review samples, (m, 3).
        """
        label, suggested = self.label[: self.suspicious], self._suggested[: self.suspicious]
        differs = label != suggested
        classes = len(self.class_names)
        cells = label[differs].astype(np.int64) * classes + suggested[differs]
        found, counts = np.unique(cells, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return np.column_stack([found // classes, found % classes, counts])[order]

    def members(self, label: int) -> Ranks:
        """The ranks of a class, ascending."""
        start, stop = self._label_starts[label : label + 2]
        return self._by_label[start:stop].astype(np.intp)

    def clearest(self, label: int, count: int) -> Ranks:
        """The samples that are most clearly of a class, the surest first.

        Easy samples whose label the model would suggest itself come first, then other easy ones.
        """
        members = self.members(label)
        confidence = np.nan_to_num(self._confidence[members])
        fits = self._suggested[members] == label
        order = np.lexsort((-confidence, ~fits, ~self.is_easy(members)))
        return members[order[:count]]

    def easy_of(self, label: int, most: int) -> Ranks:
        """Easy samples of a class, of many some from the surest to the least sure."""
        members = self.members(label)
        easy = members[self.is_easy(members)]
        if len(easy) <= most:
            return easy
        spread: Ranks = easy[np.linspace(0, len(easy) - 1, most).astype(np.intp)]
        return spread

    def is_easy(self, ranks: Ranks) -> NDArray[np.bool_]:
        """Which of some samples are easy."""
        return ranks >= self.suspicious

    def trajectories(self, ranks: Ranks) -> NDArray[np.float32]:
        """Log temperatures of some samples at ``epochs``, (len(ranks), epochs)."""
        values = self._trajectories[ranks].astype(np.float32)
        release(self._trajectories)
        return values

    def _facts_of(self, rank: int, sample: str) -> SampleFacts:
        label, category = int(self.label[rank]), CATEGORIES[int(self._category[rank])]
        found = suggestion(
            label,
            int(self._suggested[rank]),
            float(self._confidence[rank]),
            category,
            are_weighed=self._are_weighed,
            is_outlier=bool(self._is_outlier[rank]),
        )
        code = int(self._subgroup[rank])
        return SampleFacts(
            index=int(self.index[rank]),
            id=sample,
            category=category,
            label=label,
            suggested=found.label,
            confidence=None if found.confidence is None else round(found.confidence, 3),
            is_likely=found.is_likely,
            note=found.note,
            is_outlier=found.is_outlier,
            evidence=evidence_words(*self._found[rank].tolist()),
            subgroup=self.subgroups[code] if code >= 0 else None,
            split=self.splits[self._split[rank]] if len(self.splits) > 1 else None,
        )


def release(array: NDArray[np.generic]) -> None:
    """Let what was looked at of an array that lies on the disk go back there."""
    mapped = array.base
    if isinstance(mapped, mmap) and sys.platform != "win32":
        mapped.madvise(MADV_DONTNEED)
