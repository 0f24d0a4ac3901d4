"""Kinds of a table's columns, by their Arrow types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray


def is_text(kind: Any) -> bool:
    """Whether it is a type of strings, or of categories that are strings."""
    kind = without_categories(kind)
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def is_bytes(kind: Any) -> bool:
    """Whether it is a type of bytes."""
    kind = without_categories(kind)
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    )


def is_list(kind: Any) -> bool:
    """Whether it is a type of lists."""
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def holds_pictures(kind: Any) -> bool:
    """Whether it is a type in which encoded images are stored: bytes, or ``bytes`` and ``path``."""
    if not pa.types.is_struct(kind):
        return is_bytes(kind)
    fields = {field.name: field.type for field in kind}
    stored = fields.get("bytes", pa.int8())
    return is_bytes(stored) or (pa.types.is_null(stored) and is_text(fields.get("path", pa.null())))


def is_counted(kind: Any) -> bool:
    """Whether values are few bytes each, and can be told apart."""
    return describe_type(kind) in (
        "text", "whole numbers", "numbers", "true and false", "dates or times",
    )  # fmt: skip


def describe_type(kind: Any) -> str:
    """A plain name for a column's type.

    Example:
        >>> describe_type(pa.int8()), describe_type(pa.dictionary(pa.int8(), pa.string()))
        ('whole numbers', 'text')
    """
    plain = without_categories(kind)
    named = {
        "text": is_text(plain),
        "whole numbers": pa.types.is_integer(plain),
        "numbers": pa.types.is_floating(plain) or pa.types.is_decimal(plain),
        "true and false": pa.types.is_boolean(plain),
        "dates or times": pa.types.is_temporal(plain),
        "lists": is_list(plain),
        "structs": pa.types.is_struct(plain),
        "bytes": is_bytes(plain),
        "nothing": pa.types.is_null(plain),
    }
    return next((name for name, fits in named.items() if fits), str(plain))


def without_categories(kind: Any) -> Any:
    """The type of the values, where they are stored as numbers of categories."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def plain_values(column: Any) -> Any:
    """A chunked array whose values are not stored as numbers of categories."""
    kind = without_categories(column.type)
    return column if kind == column.type else column.cast(kind)


def distinct_values(column: Any, most: int) -> Any:
    """The distinct values of a column, or the first ``most`` and one more that are found.

    No more are held, since a column of texts may be larger than memory.

    Args:
        column: An Arrow chunked array.
        most: How many distinct values are of interest.

    Returns:
        An Arrow array, a null among them where one was met.

    Example:
        >>> distinct_values(pa.chunked_array([["a", "b", "a"], ["c", "d"]]), 2).to_pylist()
        ['a', 'b', 'c']
    """
    found = pa.array([], column.type)
    for chunk in column.chunks:
        found = pc.unique(pa.concat_arrays([found, pc.unique(chunk)]))
        if len(found) > most:
            return found[: most + 1]
    return found


def arrow_array(values: Any, kind: pa.DataType | None = None) -> pa.Array:
    """Values as an Arrow array; Arrow's own way imports pandas first, which takes a second.

    Args:
        values: A list, a NumPy array or a Polars series of numbers, truths or strings.
        kind: The type that is wanted; None for what the values have.

    Example:
        >>> arrow_array([3, 1]).to_pylist(), str(arrow_array([], pa.large_string()).type)
        ([3, 1], 'large_string')
    """
    import polars as pl

    array = (values if isinstance(values, pl.Series) else pl.Series(values)).to_arrow()
    return array if kind is None else array.cast(kind)


def numpy_array(array: Any) -> NDArray[Any]:
    """An Arrow array without gaps as a NumPy array, likewise.

    Example:
        >>> numpy_array(arrow_array([3, 1])).tolist()
        [3, 1]
    """
    import polars as pl

    values: NDArray[Any] = pl.Series(pl.from_arrow(array)).to_numpy()
    return values
