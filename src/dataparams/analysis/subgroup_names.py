"""What sub-groups are called: by what is known of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FAR_FROM_ALL = "far from all"
RARE_KIND = "rare kind"
SEVERAL = "like several classes"
OWN_KIND = "a kind of its own"
NEIGHBORS = 20
"""So many of the samples nearest to each of its members tell which class a sub-group is near."""


def subgroup_name(
    given: str, likely: Sequence[str], neighbors: Sequence[str] = (), *, is_rare: bool = False
) -> str:
    """The name of a sub-group that is not far from all classes.

    Args:
        given: Name of its class.
        likely: Name of the likely class of each member.
        neighbors: Names of the classes of the samples nearest to members, where that is known.
        is_rare: Whether it is a rare kind within its class.

    Returns:
        ``like X`` where more than half of the members are likely of another class X; ``like several
        classes`` where more than half are of others, but not of one; ``near X: 12 of 20 nearest``
        where half of the neighbors are, in the mean over members; otherwise a kind of its own.

    Example:
        >>> subgroup_name("cat", ["dog", "dog", "cat"])
        'like dog'
        >>> subgroup_name("cat", ["dog", "cow", "cat"])
        'like several classes'
        >>> subgroup_name("cat", ["cat", "cat"], 12 * ["dog"] + 8 * ["cat"])
        'near dog: 12 of 20 nearest'
        >>> subgroup_name("cat", ["cat"], ["cat"], is_rare=True)
        'rare kind'
    """
    other, count = _most_common(likely)
    if other != given and 2 * count > len(likely):
        return f"like {other}"
    if 2 * sum(name != given for name in likely) > len(likely):
        return SEVERAL
    near, count = _most_common(neighbors)
    if neighbors and near != given and 2 * count >= len(neighbors):
        words = f"near {near}: {round(NEIGHBORS * count / len(neighbors))} of {NEIGHBORS} nearest"
        return f"{RARE_KIND}, {words}" if is_rare else words
    return RARE_KIND if is_rare else OWN_KIND


def names_told_apart(names: Sequence[str]) -> list[str]:
    """Names of a class's sub-groups, with numbers where two would be equal.

    Example:
        >>> names_told_apart(["like dog", "rare kind", "like dog"])
        ['like dog (1)', 'rare kind', 'like dog (2)']
        >>> names_told_apart(["like a", "like a", "like a (1)"])
        ['like a (2)', 'like a (3)', 'like a (1)']
    """
    counts = Counter(names)
    taken = {name for name, count in counts.items() if count == 1}
    found = []
    for name in names:
        own, number = name, 1
        while counts[name] > 1 and (own == name or own in taken):
            own, number = f"{name} ({number})", number + 1
        taken.add(own)
        found.append(own)
    return found


def _most_common(names: Sequence[str]) -> tuple[str, int]:
    if not names:
        return "", 0
    ((name, count),) = Counter(names).most_common(1)
    return name, count
