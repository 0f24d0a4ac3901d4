"""Groups of one thing under different labels: first in the queue, and decided once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.health.findings import LABEL_CONFLICTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.review.health_lists import HealthLists
    from dataparams.review.samples import ReviewSamples

    Ranks = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Group:
    """Samples that are one thing, of which at least two have different labels.

    Attributes:
        number: What it is asked for by.
        sentence: What they are, in words.
        ranks: Which, (m,), the one to look at first in front.
    """

    number: int
    sentence: str
    ranks: Ranks


class LabelConflicts:
    """All such groups of a run, the surest first.

    Args:
        groups: The groups; no sample is in two of them.
        count: How many samples there are.

    Attributes:
        ranks: The samples of all groups, those of a group beside each other.
        is_member: Whether each sample is in a group, (count,) by rank.

    Example:
        >>> group = Group(7, "The same twice.", np.array([4, 1]))
        >>> conflicts = LabelConflicts([group], 6)
        >>> conflicts.number_of(1), conflicts.number_of(2)
        (7, None)
        >>> conflicts.is_member.tolist()
        [False, True, False, False, True, False]
    """

    def __init__(self, groups: Sequence[Group], count: int) -> None:
        self._groups = {group.number: group for group in groups}
        self.ranks: Ranks = np.concatenate(
            [np.zeros(0, dtype=np.intp), *(group.ranks for group in groups)]
        )
        self.is_member = np.zeros(count, dtype=np.bool_)
        self.is_member[self.ranks] = True
        self._number = {rank: group.number for group in groups for rank in group.ranks.tolist()}

    def number_of(self, rank: int) -> int | None:
        """The number of a sample's group; None where it is in none."""
        return self._number.get(rank)

    def group(self, number: int) -> Group:
        """A group.

        Raises:
            KeyError: If there is none of that number.
        """
        return self._groups[number]


def conflicts_of(health: HealthLists | None, samples: ReviewSamples) -> LabelConflicts:
    """The groups that were found in the data of a review.

    Where the analysis lacks samples of a finding, the others may have one label: that is no
    conflict any more. A sample of two findings counts with the first, which is the surer one.

    Args:
        health: What was found beside wrong labels; None for nothing.
        samples: All samples.
    """
    taken: set[int] = set()
    groups: list[Group] = []
    if health is None:
        return LabelConflicts(groups, len(samples))
    for number in health.numbers_of(LABEL_CONFLICTS):
        found = [rank for rank in health.ranks_of(number).tolist() if rank not in taken]
        if len(np.unique(samples.label[found])) > 1:
            taken.update(found)
            sentence = health.one(number).sentence
            groups.append(Group(number, sentence, np.array(found, dtype=np.intp)))
    return LabelConflicts(groups, len(samples))
