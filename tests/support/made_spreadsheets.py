"""Spreadsheets (.xlsx) that tests write, of the few parts that a reader needs."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_KINDS = "http://schemas.openxmlformats.org/package/2006/content-types"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PART = "application/vnd.openxmlformats-officedocument.spreadsheetml"


class Formula(NamedTuple):
    """A cell that is computed.

    Attributes:
        value: What its value is written as; None where no value is written at all.
        kind: What is said of the value, such as ``str``.
        address: The cell, where that is written.
    """

    value: str | None = None
    kind: str = ""
    address: str = ""


def write_spreadsheet(
    path: Path,
    sheets: Mapping[str, Sequence[Sequence[object]]],
    *,
    workbook: str = "",
) -> Path:
    """Write sheets by their names, each a list of rows; None is an empty cell.

    Args:
        path: Where to.
        sheets: Texts, numbers and formulas.
        workbook: What stands in the file of the workbook below the names of the sheets.
    """
    places = range(1, len(sheets) + 1)
    named = "".join(
        f'<sheet name="{escape(name)}" sheetId="{place}" r:id="rId{place}"/>'
        for place, name in zip(places, sheets, strict=True)
    )
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{place}.xml" '
        f'ContentType="{_PART}.worksheet+xml"/>'
        for place in places
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_KINDS}"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
        f'PartName="/xl/workbook.xml" ContentType="{_PART}.sheet.main+xml"/>{kinds}</Types>',
        "_rels/.rels": _links([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_OFFICE}"><sheets>{named}'
        f"</sheets>{workbook}</workbook>",
        "xl/_rels/workbook.xml.rels": _links(
            [("worksheet", f"worksheets/sheet{place}.xml") for place in places]
        ),
    }
    for place, rows in zip(places, sheets.values(), strict=True):
        written = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
        parts[f"xl/worksheets/sheet{place}.xml"] = (
            f'<worksheet xmlns="{_SHEETS}"><sheetData>{written}</sheetData></worksheet>'
        )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return path


def _cell(value: object) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, Formula):
        kind = f' t="{value.kind}"' if value.kind else ""
        written = "" if value.value is None else f"<v>{value.value}</v>"
        place = f' r="{value.address}"' if value.address else ""
        return f'<c{place}{kind}><f>LOWER("x &lt; y")</f>{written}</c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def _links(targets: Sequence[tuple[str, str]]) -> str:
    links = "".join(
        f'<Relationship Id="rId{place}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for place, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_LINKS}">{links}</Relationships>'
