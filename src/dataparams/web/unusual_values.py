"""Values in a row of a table that are unusual for its class."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from dataparams.contents.cell_words import cell_words
from dataparams.contents.rows import Row
from dataparams.run.source import ContentsOfRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from dataparams.analysis.result import SampleContents
    from dataparams.contents.rows import Cell

    Unusual: TypeAlias = Literal["high", "low", "rare"]
    """How a value is unusual: far above or below what the class has, or seldom there."""

LEGEND = (
    "unusual for the given class: a number far from the middle of the class, or a value that is "
    "rare in it"
)
"""What the mark at a value means."""
UNUSUAL_WORDS: dict[Unusual, str] = {
    "high": "unusually high",
    "low": "unusually low",
    "rare": "rare in the class",
}
"""How a value is unusual, in words."""
_MOST_COMPARED = 2_000
_FAR = 3.5
_RARE_SHARE = 0.02
_FEWEST = 20
_FEW_NUMBERS = 10
_OF_NORMAL = 1.4826
"""Standard deviations of a normal distribution in its median absolute deviation."""
_OF_MEAN = 1.2533
"""The same in its mean absolute deviation."""


class ShownCell(NamedTuple):
    """A value in a row as it is shown.

    Attributes:
        name: Of the column.
        words: The value; None where it is missing.
        unusual: How it is unusual for the class; None where it is not.
    """

    name: str
    words: str | None
    unusual: Unusual | None


@dataclass(frozen=True)
class _Numbers:
    """Where the numbers of a class lie, and from which distance on one may be unusual."""

    middle: float
    scale: float
    far: float

    def judge(self, value: Cell) -> Unusual | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        distance = value - self.middle
        is_near = abs(distance) < self.far or abs(distance) < _FAR * self.scale
        if is_near or not math.isfinite(distance):
            return None
        return "high" if distance > 0 else "low"


@dataclass(frozen=True)
class _Categories:
    """The values that are rare in a class; missing ones are None."""

    rare: frozenset[Cell]
    common: frozenset[Cell]
    is_unseen_rare: bool

    def judge(self, value: Cell) -> Unusual | None:
        is_unseen = value not in self.common
        is_rare = value in self.rare or (is_unseen and self.is_unseen_rare)
        return "rare" if is_rare else None


@dataclass(frozen=True)
class _Missing:
    """Whether it is rare in a class of numbers that one is missing."""

    is_rare: bool

    def judge(self, value: Cell) -> Unusual | None:
        return "rare" if value is None and self.is_rare else None


class ClassNorms:
    """What values are usual in the rows of a class, by column.

    A number is unusual where its robust z-score is 3.5 or above: its distance from the class's
    median over 1.4826 times the median absolute deviation (Iglewicz and Hoaglin, "How to Detect and
    Handle Outliers", 1993). Where more than half of the numbers are the same, the mean absolute
    deviation stands in for it, and the number must be among the farthest 2 %. Any other value, a
    missing one too, is unusual where it and all rarer ones make up at most 2 % of the others. In
    classes of fewer than 20 rows nothing is.

    Args:
        rows: Rows of the class.

    Example:
        >>> from dataparams.contents.rows import Row
        >>> rows = [Row(("carat", "color"), (0.2 + i / 100, "E")) for i in range(40)]
        >>> norms = ClassNorms(rows)
        >>> norms.cells(Row(("carat", "color"), (9.5, "Z")))[0]
        ShownCell(name='carat', words='9.5', unusual='high')
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        columns: dict[str, list[Cell]] = {}
        for row in rows:
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
        self._judges = {name: found for name, vs in columns.items() if (found := _judges(vs))}

    def cells(self, row: Row) -> list[ShownCell]:
        """The values of a row as they are shown."""
        return [
            ShownCell(name, cell_words(value), self._unusual(name, value))
            for name, value in row.items()
        ]

    def _unusual(self, name: str, value: Cell) -> Unusual | None:
        for judge in self._judges.get(name, ()):
            found = judge.judge(value)
            if found is not None:
                return found
        return None


def class_norms(contents: SampleContents, ids: Sequence[str]) -> ClassNorms:
    """What values are usual in the rows of a class, of very many by some that are evenly spread.

    Args:
        contents: Where the rows come from.
        ids: The samples of the class.

    Raises:
        UserError: If the source is gone.
    """
    places = np.linspace(0, len(ids) - 1, min(len(ids), _MOST_COMPARED)).astype(int).tolist()
    chosen = [ids[place] for place in places]
    if isinstance(contents, ContentsOfRun):
        # Those that have changed are told where they are shown.
        read = contents.of(chosen).read(range(len(chosen)))
    else:
        read = contents.read(chosen)
    return ClassNorms(content for content in read if isinstance(content, Row))


def card_cells(cells: Sequence[ShownCell], most: int) -> list[ShownCell]:
    """The values for which a card has room: unusual ones before others, in the table's order.

    Args:
        cells: All values of a row.
        most: How many there is room for.

    Example:
        >>> row = [ShownCell("a", "1", None), ShownCell("b", "2", None), ShownCell("c", "3", "low")]
        >>> [cell.name for cell in card_cells(row, 2)]
        ['a', 'c']
    """
    if len(cells) <= most:
        return list(cells)
    by_need = sorted(range(len(cells)), key=lambda place: cells[place].unusual is None)
    return [cells[place] for place in sorted(by_need[:most])]


def _judges(values: Sequence[Cell]) -> tuple[_Numbers | _Missing | _Categories, ...]:
    """What judges the values of a column in a class; nothing where they are too few."""
    if len(values) < _FEWEST:
        return ()
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    known = sum(value is not None for value in values)
    if numbers and len(numbers) == known and len(set(numbers)) > _FEW_NUMBERS:
        others = len(values) - known - 1
        is_rare = others <= _RARE_SHARE * (len(values) - 1)
        return (_numbers(np.array(numbers, dtype=np.float64)), _Missing(is_rare))
    return (_categories(values),)


def _numbers(values: NDArray[np.float64]) -> _Numbers:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return _Numbers(0.0, np.inf, np.inf)
    middle = float(np.median(finite))
    distances = np.abs(finite - middle)
    scale = _OF_NORMAL * float(np.median(distances))
    if scale > 0:
        return _Numbers(middle, scale, 0.0)
    farthest = float(np.quantile(distances, 1 - _RARE_SHARE, method="higher"))
    return _Numbers(middle, _OF_MEAN * float(distances.mean()) or np.inf, farthest)


def _categories(values: Sequence[Cell]) -> _Categories:
    counts = Counter(values)
    most = _RARE_SHARE * (len(values) - 1)
    # How many have a value that occurs at most so often, counted without the value's own sample.
    as_rare, rare_counts = -1, set()
    for count, of_values in sorted(Counter(counts.values()).items()):
        as_rare += count * of_values
        if as_rare <= most:
            rare_counts.add(count)
    rare = frozenset(value for value, count in counts.items() if count in rare_counts)
    has_few_singles = sum(count == 1 for count in counts.values()) <= most
    return _Categories(rare, frozenset(counts) - rare, has_few_singles)
