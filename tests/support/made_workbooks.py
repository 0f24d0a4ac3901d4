"""Workbooks (.xlsx) as programs write them: shared texts, formats, several sheets."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
SHEET = "xl/worksheets/sheet7.xml"
"""The file that holds the first sheet."""


def write_workbook(
    path: Path,
    rows: Sequence[Sequence[object]],
    *,
    prefix: str = "",
    row: int = 1,
    column: int = 1,
    more: Mapping[str, bytes] | None = None,
) -> None:
    """Write a spreadsheet of two sheets, of which the first has the rows.

    Args:
        path: Where to.
        rows: Cells: texts, numbers, truths; None for a cell that has a format alone; a text that
            begins with = is a formula, of which ``value`` is known; an empty row has none.
        prefix: What stands before the names of elements.
        row: Where the first row is.
        column: Where the first column is.
        more: Further files of the archive.
    """
    shared: dict[str, int] = {}
    cells = [
        (number, _row(number, each, column, shared, prefix))
        for number, each in enumerate(rows, start=row)
        if each
    ]
    name = f"{prefix}:" if prefix else ""
    space = f'xmlns{":" if prefix else ""}{prefix}="{_MAIN}"'
    body = "".join(
        f'<{name}row r="{number}" spans="1:3" ht="15">{inner}</{name}row>'
        for number, inner in cells
    )
    sheet = (
        f'<{name}worksheet {space}><{name}dimension ref="A1:C9"/><{name}sheetData>{body}'
        f'</{name}sheetData><{name}pageMargins left="0.7" right="0.7" top="1" bottom="1" '
        f'header="0.3" footer="0.3"/></{name}worksheet>'
    )
    texts = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in shared)
    files = {
        "[Content_Types].xml": _content_types(),
        "_rels/.rels": _relations([("rId1", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            '<sheet name="Data &amp; more" sheetId="7" r:id="rId9"/>'
            '<sheet name="Notes" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": _relations(
            [
                ("rId1", "worksheet", "worksheets/sheet1.xml"),
                ("rId9", "worksheet", f"/{SHEET}"),
                ("rId3", "sharedStrings", "sharedStrings.xml"),
            ]
        ),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><sheetData/></worksheet>',
        SHEET: sheet,
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{texts}</sst>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, text in files.items():
            archive.writestr(file, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}')
        for file, data in (more or {}).items():
            archive.writestr(file, data)


def files_of(path: Path) -> dict[str, bytes]:
    """What each file in a spreadsheet holds."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _row(
    number: int, values: Sequence[object], start: int, shared: dict[str, int], prefix: str
) -> str:
    return "".join(
        _cell(
            f"{chr(ord('A') + column - 1)}{number}", value, shared, f"{prefix}:" if prefix else ""
        )
        for column, value in enumerate(values, start=start)
    )


def _cell(place: str, value: object, shared: dict[str, int], name: str) -> str:
    start = f'<{name}c r="{place}" s="0"'
    if value is None:
        return f"{start}/>"
    if isinstance(value, bool):
        return f'{start} t="b"><{name}v>{int(value)}</{name}v></{name}c>'
    if isinstance(value, (int, float)):
        return f"{start}><{name}v>{value}</{name}v></{name}c>"
    text = str(value)
    if text.startswith("="):
        formula, _, known = text[1:].partition("=")
        inner = f"<{name}f>{escape(formula)}</{name}f><{name}v>{escape(known)}</{name}v>"
        return f'{start} t="str">{inner}</{name}c>'
    code = shared.setdefault(text, len(shared))
    return f'{start} t="s"><{name}v>{code}</{name}v></{name}c>'


def _relations(known: Sequence[tuple[str, str, str]]) -> str:
    words = "".join(
        f'<Relationship Id="{one}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for one, kind, target in known
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{words}</Relationships>'


def _content_types() -> str:
    parts = {
        "xl/workbook.xml": "sheet.main",
        "xl/worksheets/sheet1.xml": "worksheet",
        SHEET: "worksheet",
        "xl/sharedStrings.xml": "sharedStrings",
    }
    words = "".join(
        f'<Override PartName="/{part}" ContentType="{_TYPES}.{kind}+xml"/>'
        for part, kind in parts.items()
    )
    relations = "application/vnd.openxmlformats-package.relationships+xml"
    default = f'<Default Extension="rels" ContentType="{relations}"/>'
    return f'<Types xmlns="{_PACKAGE}/content-types">{default}{words}</Types>'
