"""Changing cells of a spreadsheet (.xlsx) where they stand, everything else in it kept.

A spreadsheet is an archive of XML files, of which the one of the first sheet is changed, cell by
cell among its bytes: formats, pictures, charts, macros and other sheets stay byte for byte.
"""

from __future__ import annotations

import re
import zipfile
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from dataparams.applying.compressed_writing import write_archive
from dataparams.applying.delimited_cells import replaced
from dataparams.applying.edits import spelled_classes
from dataparams.applying.formulas import has_formulas, recalculated
from dataparams.errors import DataError
from dataparams.sources.spreadsheets import kept_places, read_spreadsheet
from dataparams.sources.workbook_sheets import WORKBOOK, end_of_tag, first_sheet, iterate_elements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from dataparams.applying.edits import TableEdits

_SIGNATURES = "_xmlsignatures/"
_CELL = re.compile(r"([A-Z]+)([0-9]+)")
_SPANS = re.compile(rb"""\sspans\s*=\s*("[^"]*"|'[^']*')""")
_LOCKS = ("~${}", ".~lock.{}#")
"""What Excel and LibreOffice put beside a file that is open in them."""


class Written(NamedTuple):
    """What a cell holds as it is written.

    Attributes:
        kind: The cell's attribute ``t``; None for a number.
        inner: What stands within the cell.
    """

    kind: str | None
    inner: bytes


class SheetCell(NamedTuple):
    """A cell of a sheet among its bytes.

    Attributes:
        column: Its column, from 1.
        start: Where it begins.
        end: Where it ends.
        tag: What its element is called, with a prefix where the file has one.
        attributes: Those of its element, in order.
        written: What it holds; None where that is nothing.
        is_formula: Whether that is computed.
    """

    column: int
    start: int
    end: int
    tag: str
    attributes: dict[str, str]
    written: Written | None
    is_formula: bool


class SheetRow(NamedTuple):
    """A row of a sheet among its bytes.

    Attributes:
        number: Its number, from 1.
        start: Where it begins.
        cells: Its cells, from left to right.
    """

    number: int
    start: int
    cells: list[SheetCell]


def spreadsheet_notes(path: Path) -> tuple[str, ...]:
    """Sentences on what happens beside the labels when a spreadsheet is changed.

    Raises:
        DataError: If it may not be changed.
    """
    for lock in _LOCKS:
        file = path.with_name(lock.format(path.name))
        if file.exists():
            raise DataError(
                f"{path} is open in another program ({file.name} lies beside it), which would "
                "write over the changes. Nothing was changed. Close it there, or remove that file."
            )
    with zipfile.ZipFile(path) as archive:
        if any(name.startswith(_SIGNATURES) for name in archive.namelist()):
            raise DataError(
                f"{path} is signed, and the signature would not hold for changed labels. Nothing "
                "was changed. Remove the signature first, or `dataparams export` writes a "
                "corrected table."
            )
        if not has_formulas(archive):
            return ()
    return (f"{path} has formulas; what opens it next computes them anew.",)


def write_edited_spreadsheet(path: Path, target: Path, edits: TableEdits) -> None:
    """Write a spreadsheet with some cells of its first sheet changed.

    A new label is a copy of what a cell of that class holds; each cell keeps its format.

    Args:
        path: The file.
        target: Where to write.
        edits: What changes; a column of marks that is not there goes to the right of all others.

    Raises:
        DataError: If a label is computed, a class cannot be written, or the file does not read
            back as it was.
    """
    with zipfile.ZipFile(path) as archive:
        name = first_sheet(path, archive)
        changed = {name: _edited_sheet(path, archive.read(name), edits)}
        if has_formulas(archive):
            changed[WORKBOOK] = recalculated(archive.read(WORKBOOK))
    write_archive(path, target, changed)
    _require_same_elsewhere(path, target, edits)


def _edited_sheet(path: Path, data: bytes, edits: TableEdits) -> bytes:
    places = kept_places(path)
    extent = _extent(data)
    columns = {name: extent.left + place for name, place in places.columns.items()}
    mark = columns.get(edits.mark, extent.right + 1)
    sought = {*(columns[name] for name in edits.columns), mark}
    first = extent.top + 1
    header = None
    # Rows that are empty need not be in the file.
    rows = {row: SheetRow(first + row, 0, []) for row in range(places.rows)}
    for row in iterate_rows(data, sought):
        if row.number == extent.top:
            header = row
        elif row.number - first in rows:
            rows[row.number - first] = row
    if header is None:
        raise DataError(
            f"The rows of {path} cannot be told one by one as they are read; nothing was changed. "
            "Save it as CSV, audit that, and apply the corrections."
        )
    pieces = []
    for name in edits.columns:
        pieces += _label_pieces(path, name, columns[name], rows, edits)
    if edits.discarded:
        pieces += _mark_pieces(data, header, rows, edits, mark, is_new=edits.mark not in columns)
        pieces += _dimension(data, extent, mark)
    return replaced(data, pieces)


def _label_pieces(
    path: Path, name: str, column: int, rows: dict[int, SheetRow], edits: TableEdits
) -> list[tuple[int, int, bytes]]:
    """What replaces which bytes for the new labels of a column."""
    cells = [_cell_at(rows[row], column) for row in range(len(rows))]
    written = [None if cell is None or cell.is_formula else cell.written for cell in cells]
    prefix = next((_prefix(cell.tag) for cell in cells if cell is not None), "")
    spelled = spelled_classes(path, name, edits, written, partial(_written_value, prefix))
    pieces = []
    for row, label in edits.labels.items():
        cell = cells[row]
        if cell is None or cell.is_formula:
            found = "is empty" if cell is None else "is computed by a formula"
            raise DataError(
                f"The cell of the column {name!r} in row {rows[row].number} of {path} {found}, so "
                "no label can be written there. Nothing was changed. Replace it by its value first."
            )
        pieces.append((cell.start, cell.end, _rewritten(cell, spelled[label])))
    return pieces


def _mark_pieces(
    data: bytes,
    header: SheetRow,
    rows: dict[int, SheetRow],
    edits: TableEdits,
    column: int,
    *,
    is_new: bool,
) -> list[tuple[int, int, bytes]]:
    """What replaces which bytes for the marks of discarded rows."""
    prefix = _prefix(header.cells[-1].tag)
    wanted: list[tuple[SheetRow, Written]] = []
    if is_new:
        wanted.append((header, _written_value(prefix, edits.mark)))
    for number, row in rows.items():
        if row.cells and (is_new or number in edits.discarded):
            is_discarded = edits.discarded.get(number, False)
            wanted.append((row, _written_value(prefix, is_discarded)))
    pieces = []
    for row, written in wanted:
        cell = _cell_at(row, column)
        if cell is not None:
            pieces.append((cell.start, cell.end, _rewritten(cell, written)))
            continue
        before = max((one.end for one in row.cells if one.column < column), default=None)
        tag_end = end_of_tag(data, row.start)
        attributes = {"r": f"{_letters(column)}{row.number}"}
        new = SheetCell(column, 0, 0, f"{prefix}c", attributes, None, is_formula=False)
        place = tag_end if before is None else before
        pieces.append((place, place, _rewritten(new, written)))
        spans = _SPANS.search(data, row.start, tag_end)
        if spans is not None:
            pieces.append((*spans.span(), b""))
    return pieces


def iterate_rows(data: bytes, sought: Collection[int] | None = None) -> Iterator[SheetRow]:
    """The rows of a sheet.

    Args:
        data: The XML of the sheet.
        sought: Columns of which cells are wanted; the last cell on the left of each is given, too.
            None for all.

    Example:
        >>> data = b'<rows><row r="2"><c r="B2" t="s"><v>7</v></c><c r="C2"/></row></rows>'
        >>> (row,) = iterate_rows(data, [2])
        >>> row.number, row.cells[0].written
        (2, Written(kind='s', inner=b'<v>7</v>'))
    """
    row: SheetRow | None = None
    number = column = 0
    is_formula = False
    for element in iterate_elements(data, ("row", "c", "f")):
        name = element.name
        if name == "row" and element.is_start:
            number = int(element.attributes.get("r", number + 1))
            row, column = SheetRow(number, element.start, []), 0
        elif name == "row" and row is not None:
            yield row
            row = None
        elif name == "c" and element.is_start:
            column = _column_of(element.attributes.get("r"), column)
            is_formula = False
        elif name == "f":
            is_formula = True
        elif name == "c" and row is not None:
            cell = _cell(data, element.start, element.end, element.tag, element.attributes, column)
            _keep(row.cells, cell._replace(is_formula=is_formula), sought)


def _keep(cells: list[SheetCell], cell: SheetCell, sought: Collection[int] | None) -> None:
    """Put a cell behind others, of which one that is not sought gives way to it."""
    if cells and sought is not None:
        last = cells[-1].column
        if not any(last <= one <= cell.column for one in sought):
            cells.pop()
    cells.append(cell)


def _cell(
    data: bytes, start: int, end: int, tag: str, attributes: dict[str, str], column: int
) -> SheetCell:
    inner_start = end_of_tag(data, start)
    inner = data[inner_start : data.rindex(b"</", inner_start, end)] if inner_start < end else b""
    written = Written(attributes.get("t"), inner) if inner.strip() else None
    return SheetCell(column, start, end, tag, attributes, written, is_formula=False)


class _Extent(NamedTuple):
    """The part of a sheet in which something is written: first row and column, last ones."""

    top: int
    left: int
    bottom: int
    right: int


def _extent(data: bytes) -> _Extent:
    """Where a sheet begins and ends; cells that have a format alone count at its end only."""
    tops, lefts, right, bottom = [], [], 1, 1
    for row in iterate_rows(data):
        filled = [cell.column for cell in row.cells if cell.written is not None]
        if filled:
            tops.append(row.number)
            lefts.append(min(filled))
        if row.cells:
            right, bottom = max(right, row.cells[-1].column), row.number
    return _Extent(min(tops, default=1), min(lefts, default=1), bottom, right)


def _dimension(data: bytes, extent: _Extent, mark: int) -> list[tuple[int, int, bytes]]:
    """What replaces the sheet's own word on how large it is."""
    for element in iterate_elements(data, ("dimension",)):
        if not element.is_start:
            right = _letters(max(extent.right, mark))
            first = f"{_letters(extent.left)}{extent.top}"
            attributes = {**element.attributes, "ref": f"{first}:{right}{extent.bottom}"}
            return [(element.start, element.end, _element(element.tag, attributes, b""))]
    return []


def _cell_at(row: SheetRow, column: int) -> SheetCell | None:
    return next((cell for cell in row.cells if cell.column == column), None)


def _rewritten(cell: SheetCell, written: Written) -> bytes:
    """A cell that holds something else, in its own format."""
    attributes = {name: value for name, value in cell.attributes.items() if name != "t"}
    if written.kind is not None:
        attributes["t"] = written.kind
    return _element(cell.tag, attributes, written.inner)


def _element(tag: str, attributes: dict[str, str], inner: bytes) -> bytes:
    words = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    start = _bytes_of(f"<{tag}{words}")
    return start + (b">" + inner + f"</{tag}>".encode() if inner else b"/>")


def _written_value(prefix: str, value: object) -> Written:
    """A value in a cell that no other cell is an example for."""
    if isinstance(value, bool):
        return Written("b", f"<{prefix}v>{int(value)}</{prefix}v>".encode())
    if isinstance(value, (int, float)):
        return Written(None, f"<{prefix}v>{value!r}</{prefix}v>".encode())
    text = f'<{prefix}t xml:space="preserve">{escape(str(value))}</{prefix}t>'
    return Written("inlineStr", _bytes_of(f"<{prefix}is>{text}</{prefix}is>"))


def _bytes_of(text: str) -> bytes:
    """A text in whatever encoding the file has."""
    return text.encode("ascii", "xmlcharrefreplace")


def _prefix(tag: str) -> str:
    """What stands before the name of an element, with its colon."""
    before, colon, _ = tag.rpartition(":")
    return before + colon


def _column_of(reference: str | None, before: int) -> int:
    """The column of a cell, from 1; the one after that before it where it does not say.

    Example:
        >>> _column_of("AB7", 3), _column_of(None, 3)
        (28, 4)
    """
    found = _CELL.fullmatch(reference or "")
    if found is None:
        return before + 1
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column


def _letters(column: int) -> str:
    """The name of a column, from 1.

    Example:
        >>> _letters(1), _letters(28)
        ('A', 'AB')
    """
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _require_same_elsewhere(path: Path, target: Path, edits: TableEdits) -> None:
    """Raise DataError unless all but the changed columns reads as before."""
    import polars as pl

    tables = (read_spreadsheet(file).table for file in (path, target))
    old, new = (pl.DataFrame(pl.from_arrow(table)) for table in tables)
    names = [name for name in old.columns if name not in (*edits.columns, edits.mark)]
    is_there = set(new.columns) == set(old.columns) | ({edits.mark} if edits.discarded else set())
    if not is_there or not old.select(names).equals(new.select(names)):
        raise DataError(
            f"{path} does not read as it should once its labels are changed; nothing was changed. "
            "`dataparams export` writes a new table with the corrections."
        )
