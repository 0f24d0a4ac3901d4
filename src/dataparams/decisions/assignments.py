"""Who is to decide about which samples: by class, or by shares of the rest."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.decisions.database import is_storable, now
from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.decisions.database import DecisionDatabase

_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%")
_WHOLE = 100.0
_STEP, _MIX, _MORE = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@dataclass(frozen=True)
class Assignment:
    """What an annotator is to decide about.

    Attributes:
        annotator: The name.
        classes: Numbers of the given classes that are theirs.
        share: Share of the samples of all other classes, 0 ... 1.
    """

    annotator: str
    classes: tuple[int, ...] = ()
    share: float = 0.0


def parsed_assignments(words: Sequence[str], class_names: Sequence[str]) -> tuple[Assignment, ...]:
    """Assignments as they are written: ``NAME=CLASS,CLASS`` or ``NAME=30%``.

    Args:
        words: One for each annotator.
        class_names: The names of classes 0, 1, ...

    Raises:
        ArgumentError: If one cannot be understood.

    Example:
        >>> ann, bob = parsed_assignments(["ann=cat,fox", "bob=50%"], ["cat", "dog", "fox"])
        >>> ann.classes, bob.share
        ((0, 2), 0.5)
    """
    found = tuple(_parsed(one, class_names) for one in words)
    names = [one.annotator for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ArgumentError(f"{twice!r} is assigned twice; expected one `NAME=WHAT` for each.")
    return found


def is_assigned(
    assignments: Sequence[Assignment],
    annotator: str,
    index: NDArray[np.int64],
    label: NDArray[np.integer],
) -> NDArray[np.bool_]:
    """Which samples an annotator is to decide about.

    Shares are laid one after the other around a circle on which every sample has a place that
    follows from its index alone: the same samples are always the same annotator's, whatever is
    decided, analyzed or added. Shares of more than 100 % in all overlap, so that some samples
    are decided by two, which shows how far they agree.

    Args:
        assignments: What everybody is to do.
        annotator: Whose samples are wanted.
        index: The samples' positions in the data source, (n,).
        label: Their given classes, (n,).

    Returns:
        Whether each is the annotator's, (n,).

    Example:
        >>> import numpy as np
        >>> halves = [Assignment("ann", share=0.5), Assignment("bob", share=0.5)]
        >>> index, label = np.arange(1000), np.zeros(1000, dtype=int)
        >>> ann, bob = (is_assigned(halves, name, index, label) for name in ("ann", "bob"))
        >>> bool((ann ^ bob).all()), 450 < int(ann.sum()) < 550
        (True, True)
    """
    by_class = [number for one in assignments for number in one.classes]
    begin = 0.0
    for one in assignments:
        if one.annotator == annotator:
            places = (_places(index) - begin) % 1.0
            of_rest = (places < one.share) & ~np.isin(label, by_class)
            mine: NDArray[np.bool_] = of_rest | np.isin(label, one.classes)
            return mine
        begin += one.share
    return np.zeros(len(index), dtype=np.bool_)


def assignments_in(database: DecisionDatabase) -> tuple[Assignment, ...]:
    """The assignments that count; empty where nobody was assigned anything.

    Raises:
        RunError: If the file cannot be read.
    """
    rows = database.rows("SELECT plan FROM assignment ORDER BY number DESC LIMIT 1")
    return _read(rows[0][0]) if rows else ()


def assign(database: DecisionDatabase, assignments: Sequence[Assignment]) -> None:
    """Assign samples, in place of all earlier assignments.

    Args:
        database: The decisions.
        assignments: What everybody is to do; none to assign nothing.

    Raises:
        RunError: If it cannot be written.
    """
    if tuple(assignments) == assignments_in(database):
        return
    plan = json.dumps([asdict(one) for one in assignments])
    with database.transaction() as connection:
        connection.execute("INSERT INTO assignment (plan, made_at) VALUES (?, ?)", (plan, now()))


def _parsed(words: str, class_names: Sequence[str]) -> Assignment:
    name, sign, what = (part.strip() for part in words.partition("="))
    if not sign or not name or not what or not is_storable(name):
        raise ArgumentError(f"{words!r} assigns nothing; expected NAME=CLASS,CLASS or NAME=30%.")
    share = _SHARE.fullmatch(what)
    if share and what not in class_names:
        if not 0 < float(share[1]) <= _WHOLE:
            raise ArgumentError(f"{words!r} is no share; expected more than 0% and up to 100%.")
        return Assignment(name, share=float(share[1]) / _WHOLE)
    # The name of a class may have a comma.
    named = [what] if what in class_names else [part.strip() for part in what.split(",")]
    strange = next((one for one in named if one not in class_names), None)
    if strange is not None:
        raise ArgumentError(
            f"{words!r}: there is no class {strange!r}; expected NAME=CLASS,CLASS with classes of "
            f"the run, such as {class_names[0]!r}, or NAME=30%."
        )
    return Assignment(name, classes=tuple(class_names.index(one) for one in named))


def _places(index: NDArray[np.int64]) -> NDArray[np.float64]:
    """A place between 0 and 1 for each sample, as good as random (the mixer of SplitMix64)."""
    with np.errstate(over="ignore"):
        z = (index.astype(np.uint64) + np.uint64(1)) * np.uint64(_STEP)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(_MIX)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(_MORE)
        z = z ^ (z >> np.uint64(31))
    places: NDArray[np.float64] = (z >> np.uint64(11)) * 2.0**-53
    return places


def _read(plan: str) -> tuple[Assignment, ...]:
    """The assignments of a row; a file is not trusted."""
    try:
        found = [
            Assignment(str(one["annotator"]), tuple(map(int, one["classes"])), float(one["share"]))
            for one in json.loads(plan)
        ]
    except (ValueError, TypeError, KeyError):
        return ()
    return tuple(found)
