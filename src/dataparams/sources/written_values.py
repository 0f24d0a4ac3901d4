"""What columns of a text file hold: numbers with points or commas, dates, true and false, texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MISSING = ("na", "n/a", "nan", "null", "none", "?", "-", "#n/a", "<na>")
_POINTED = r"^[-+]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?([eE][-+]?\d+)?$"
_LEADING_ZERO = r"^[-+]?0\d+$"
_LONG_NUMBER = r"^[-+]?\d{17,}$"
_MOST_DATE_LETTERS = 40


class ValueKind(NamedTuple):
    """A way in which values are written.

    Attributes:
        name: What they are, in words.
        arrow: Their type.
        parse: From written values, stripped of spaces, to values; null where one is not so written.
    """

    name: str
    arrow: pa.DataType
    parse: Callable[[pl.Expr], pl.Expr]


def _whole(text: pl.Expr) -> pl.Expr:
    # Codes with leading zeros would lose them.
    is_code = text.str.contains(_LEADING_ZERO)
    return pl.when(~is_code).then(text).cast(pl.Int64, strict=False)


def _number(text: pl.Expr) -> pl.Expr:
    is_code = text.str.contains(_LEADING_ZERO) | text.str.contains(_LONG_NUMBER)
    return pl.when(~is_code).then(text).cast(pl.Float64, strict=False)


def _with_comma(text: pl.Expr) -> pl.Expr:
    plain = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    is_code = text.str.contains(_LEADING_ZERO)
    return (
        pl.when(text.str.contains(_POINTED) & ~is_code).then(plain).cast(pl.Float64, strict=False)
    )


def _truth(text: pl.Expr) -> pl.Expr:
    lower = text.str.to_lowercase()
    return pl.when(lower == "true").then(True).when(lower == "false").then(False)


def _date(written: str) -> Callable[[pl.Expr], pl.Expr]:
    return lambda text: _short(text).str.to_date(written, strict=False)


def _time(written: str) -> Callable[[pl.Expr], pl.Expr]:
    return lambda text: _short(text).str.to_datetime(
        written, strict=False, time_unit="us", time_zone="UTC" if "%z" in written else None
    )


def _short(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.len_bytes() <= _MOST_DATE_LETTERS).then(text)


_DAY, _MOMENT, _MOMENT_UTC = pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC")
TRUTHS = ValueKind("true and false", pa.bool_(), _truth)
WHOLE_NUMBERS = ValueKind("whole numbers", pa.int64(), _whole)
NUMBERS = ValueKind("numbers", pa.float64(), _number)
COMMA_NUMBERS = ValueKind("numbers with decimal commas", pa.float64(), _with_comma)
TEXTS = ValueKind("texts", pa.large_string(), lambda text: text)
MONTH_FIRST = ValueKind("dates, the month first", _DAY, _date("%m/%d/%Y"))
DAY_FIRST = ValueKind("dates, the day first", _DAY, _date("%d/%m/%Y"))
_KINDS = (
    TRUTHS,
    WHOLE_NUMBERS,
    NUMBERS,
    COMMA_NUMBERS,
    *(
        ValueKind("dates", _DAY, _date(written))
        for written in ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y")
    ),
    DAY_FIRST,
    MONTH_FIRST,
    *(
        ValueKind("dates with times", _MOMENT, _time(written))
        for written in (
            *("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"),
            *("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M"),
            *("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S"),
        )
    ),
    *(
        ValueKind("dates with times", _MOMENT_UTC, _time(written))
        for written in ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z")
    ),
)


class WrittenColumn(NamedTuple):
    """What is known of a column of which some pieces were looked at.

    Attributes:
        possible: The ways in which all its values may be written, the likeliest first; without
            any, they are texts.
        is_empty: Whether no value was there.
    """

    possible: tuple[ValueKind, ...]
    is_empty: bool = True

    @property
    def kind(self) -> ValueKind:
        """How its values are written."""
        return TEXTS if self.is_empty or not self.possible else self.possible[0]

    def narrowed(self, values: Any) -> WrittenColumn:
        """The same after one more piece was looked at.

        Args:
            values: An Arrow array of strings.
        """
        if not self.possible or values.null_count == len(values):
            return self
        frame = pl.DataFrame({"text": pl.from_arrow(values)}).drop_nulls()
        text = pl.col("text").str.strip_chars()
        is_word = text.str.to_lowercase().is_in(_MISSING)
        frame = frame.select(text).filter(~is_word)
        if not len(frame):
            return self
        fitting = frame.head(1)
        possible = [kind for kind in self.possible if _fits(kind, fitting)]
        return WrittenColumn(tuple(kind for kind in possible if _fits(kind, frame)), is_empty=False)

    def joined(self, other: WrittenColumn) -> WrittenColumn:
        """What is known of two columns that are one after the other."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        return WrittenColumn(tuple(k for k in self.possible if k in other.possible), is_empty=False)


def _fits(kind: ValueKind, frame: pl.DataFrame) -> bool:
    return not frame.select(kind.parse(pl.col("text")).is_null().any()).item()


def unread_column(*, has_decimal_commas: bool) -> WrittenColumn:
    """A column of which nothing was looked at.

    Args:
        has_decimal_commas: Whether numbers may be written with commas for points; not so where
            commas separate the columns.

    Example:
        >>> written = unread_column(has_decimal_commas=True)
        >>> written.narrowed(pa.array(["1,5", "1.024,0", "NA"])).kind.name
        'numbers with decimal commas'
    """
    return WrittenColumn(
        tuple(kind for kind in _KINDS if has_decimal_commas or kind is not COMMA_NUMBERS)
    )


def parse_values(texts: Any, kind: ValueKind) -> Any:
    """Make values of what was written.

    Args:
        texts: An Arrow array of strings.
        kind: How all of them are written.

    Returns:
        An Arrow array of the kind's type, as long.

    Example:
        >>> parse_values(pa.array(["0.23", " 4", None]), NUMBERS).to_pylist()
        [0.23, 4.0, None]
    """
    if kind is TEXTS:
        return texts.cast(pa.large_string())
    frame = pl.DataFrame({"text": pl.from_arrow(texts)})
    parsed = frame.select(kind.parse(pl.col("text").str.strip_chars())).to_series()
    return parsed.to_arrow().cast(kind.arrow)


def date_notes(columns: Mapping[str, WrittenColumn]) -> list[str]:
    """Sentences on columns whose dates may be read in two ways.

    Args:
        columns: What is known of each, by its name.

    Example:
        >>> written = unread_column(has_decimal_commas=False).narrowed(pa.array(["01/02/2020"]))
        >>> date_notes({"bought": written})
        ["The dates of the column 'bought' are read with the day first; none of them tells."]
    """
    return [
        f"The dates of the column {name!r} are read with the day first; none of them tells."
        for name, one in columns.items()
        if one.kind is DAY_FIRST and MONTH_FIRST in one.possible
    ]
