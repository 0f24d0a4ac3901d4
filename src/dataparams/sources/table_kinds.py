"""Kinds of files that hold tables, by their names and first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.errors import DataError
from dataparams.sources.compressed_files import COMPRESSED_EXTENSIONS
from dataparams.sources.row_groups import shown_path

if TYPE_CHECKING:
    from pathlib import Path

PARQUET, DELIMITED, JSON_LINES, SPREADSHEET = "Parquet", "CSV", "JSON lines", "spreadsheet"
_EXTENSIONS = {
    **dict.fromkeys((".parquet", ".pq", ".parq"), PARQUET),
    **dict.fromkeys((".csv", ".tsv", ".tab"), DELIMITED),
    **dict.fromkeys((".jsonl", ".ndjson"), JSON_LINES),
    ".xlsx": SPREADSHEET,
}
_NOT_READ = {
    ".arrow": "an Arrow table",
    ".feather": "an Arrow table",
    ".xls": "a spreadsheet of an old format",
    ".ods": "a spreadsheet of another format",
}
_MAGIC = b"PAR1"
_LOCK = "~$"
"""How the name begins of what Excel writes beside a spreadsheet that is open."""


def table_kind(name: str) -> str | None:
    """The kind of table that a file holds by its name; None where it is none.

    Example:
        >>> table_kind("train.PARQUET"), table_kind("a.csv.gz"), table_kind("a.jpg")
        ('Parquet', 'CSV', None)
    """
    plain = name.lower()
    if plain.startswith(_LOCK):
        return None
    for ending in COMPRESSED_EXTENSIONS:
        inner = plain.removesuffix(ending)
        kind = _by_extension(inner) if inner != plain else None
        if kind in (DELIMITED, JSON_LINES):
            return kind
    return _by_extension(plain)


def _by_extension(name: str) -> str | None:
    return next((kind for ending, kind in _EXTENSIONS.items() if name.endswith(ending)), None)


def is_table_file(name: str) -> bool:
    """Whether a file's name is that of a table that can be read."""
    return table_kind(name) is not None


def require_table_file(path: Path) -> str:
    """The kind of table that a file holds.

    Args:
        path: A file.

    Raises:
        DataError: If it is no table, or of a kind that is not read.
    """
    kind = table_kind(path.name)
    if kind is not None or not path.is_file():
        return kind or PARQUET
    if _begins_as_parquet(path):
        return PARQUET
    suffix = path.suffix.lower()
    if suffix in COMPRESSED_EXTENSIONS:
        return DELIMITED
    if suffix == ".json":
        return JSON_LINES
    known = _NOT_READ.get(suffix)
    found = f"holds {known}, which is not read" if known else "is no table, by its name"
    raise DataError(
        f"{shown_path(path)} {found}; expected an image folder (<class>/<image>), or a table: "
        ".csv, .tsv, .jsonl, .xlsx or .parquet, or a folder of such files. (Polars and pandas "
        "write them by write_parquet and to_parquet, write_csv and to_csv.)"
    )


def _begins_as_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def without_extension(name: str) -> str:
    """A file's name without the extensions of tables and of compression.

    Example:
        >>> without_extension("pets.v2.csv.gz"), without_extension("train.parquet")
        ('pets.v2', 'train')
    """
    plain = name
    for ending in (*COMPRESSED_EXTENSIONS, *_EXTENSIONS):
        if plain.lower().endswith(ending) and len(plain) > len(ending):
            plain = plain[: -len(ending)]
    return plain
