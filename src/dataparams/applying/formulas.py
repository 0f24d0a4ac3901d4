"""Whether a spreadsheet (.xlsx) computes something, and how it is told to compute it anew."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataparams.applying.delimited_cells import replaced
from dataparams.sources.workbook_sheets import end_of_tag, iterate_elements

if TYPE_CHECKING:
    from zipfile import ZipFile

_BEFORE_CALCULATION = ("sheets", "functionGroups", "externalReferences", "definedNames", "calcPr")


def has_formulas(archive: ZipFile) -> bool:
    """Whether something in a spreadsheet is computed."""
    sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
    return any(re.search(rb"<(?:\w+:)?f[\s>/]", archive.read(name)) for name in sheets)


def recalculated(data: bytes) -> bytes:
    r"""The file that names the sheets, saying that all is to be computed anew once it is opened.

    Example:
        >>> recalculated(b"<workbook><sheets/><calcPr calcId='1'/></workbook>")
        b'<workbook><sheets/><calcPr fullCalcOnLoad="1" calcId=\'1\'/></workbook>'
    """
    ends = [one for one in iterate_elements(data, _BEFORE_CALCULATION) if not one.is_start]
    last = ends[-1]
    flag = b' fullCalcOnLoad="1"'
    if last.name != "calcPr":
        prefix = last.tag[: -len(last.name)]
        return replaced(data, [(last.end, last.end, f"<{prefix}calcPr".encode() + flag + b"/>")])
    if "fullCalcOnLoad" in last.attributes:
        tag = data[last.start : end_of_tag(data, last.start)]
        said = re.sub(rb"""fullCalcOnLoad\s*=\s*["'][^"']*["']""", flag.strip(), tag)
        return replaced(data, [(last.start, last.start + len(tag), said)])
    place = last.start + 1 + len(last.tag.encode())
    return replaced(data, [(place, place, flag)])
