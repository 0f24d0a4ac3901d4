"""Formulas of a spreadsheet (.xlsx) whose values no program has computed yet.

Libraries that write spreadsheets write formulas without values, or with a zero in place of one; the
program that opens the file is to compute them. What reads the file alone finds nothing there.
"""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING, NamedTuple

from dataparams.errors import DataError
from dataparams.sources.workbook_sheets import WORKBOOK, first_sheet
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

_FORMULA = re.compile(
    rb"<(?:\w+:)?c\b(?P<attributes>[^<>]*)>\s*<(?:\w+:)?f\b(?:[^<>]*/>|[^<>]*>[^<]*</(?:\w+:)?f>)"
    rb"\s*(?P<empty>(?:<(?:\w+:)?v\s*(?:/>|>\s*</(?:\w+:)?v>)\s*)?</(?:\w+:)?c>)?"
)
_ADDRESS = re.compile(rb"""\br\s*=\s*["']([A-Z]+[0-9]+)""")
_IS_TEXT = re.compile(rb"""\bt\s*=\s*["']str["']""")
_COMPUTED_ANEW = re.compile(
    rb"""<(?:\w+:)?calcPr\b[^<>]*\bfullCalcOnLoad\s*=\s*["'](?:1|true)["']"""
)
AT_ONCE = 1 << 20


class Formulas(NamedTuple):
    """The formulas of a sheet.

    Attributes:
        total: How many there are.
        uncomputed: How many have no value.
        first: The first cell of those, such as C2; empty where there is none, or it says not which.
        is_outdated: Whether the values of all are to be computed anew by what opens the file.
    """

    total: int = 0
    uncomputed: int = 0
    first: str = ""
    is_outdated: bool = False


def formulas_of(path: Path) -> Formulas:
    """The formulas of the first sheet of a spreadsheet; none where its files are not as usual.

    A formula that gives an empty text has a value.

    Args:
        path: The spreadsheet.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sheet = first_sheet(path, archive)
            is_outdated = bool(_COMPUTED_ANEW.search(archive.read(WORKBOOK)))
            with archive.open(sheet) as file:
                return _counted(file, is_outdated=is_outdated)
    except (DataError, zipfile.BadZipFile, OSError, ValueError):
        return Formulas()


def _counted(file: IO[bytes], *, is_outdated: bool) -> Formulas:
    total, uncomputed, first = 0, 0, ""
    for found in _iterate_formulas(file):
        total += 1
        attributes = found["attributes"]
        if found["empty"] and not _IS_TEXT.search(attributes):
            address = _ADDRESS.search(attributes)
            if not uncomputed and address:
                first = address[1].decode()
            uncomputed += 1
    return Formulas(total, uncomputed, first, is_outdated and total > 0)


def _iterate_formulas(file: IO[bytes]) -> Iterator[re.Match[bytes]]:
    rest = b""
    while piece := file.read(AT_ONCE):
        rest += piece
        # A row ends between cells, and what is cut there cuts no cell.
        end = rest.rfind(b"<", 0, rest.rfind(b"row>") + 1) if b"row>" in rest else 0
        yield from _FORMULA.finditer(rest, 0, end)
        rest = rest[end:]
    yield from _FORMULA.finditer(rest)


def told_of_formulas(path: str, formulas: Formulas) -> str | None:
    """A sentence on formulas whose values are missing or may be others; None where none are.

    Args:
        path: The spreadsheet, as it is called.
        formulas: Those of its first sheet.

    Example:
        >>> print(told_of_formulas("cards.xlsx", Formulas(9, 1, "C2")))
        The formula of the cell C2 of cards.xlsx has no value and is read as an empty cell: it was
        never computed. Open the file in a spreadsheet program and save it, or save it as CSV there.
    """
    advice = "Open the file in a spreadsheet program and save it, or save it as CSV there."
    if formulas.uncomputed == 1 and formulas.first:
        return (
            f"The formula of the cell {formulas.first} of {path} has no value and is read as an "
            f"empty cell: it was never computed. {advice}"
        )
    if formulas.uncomputed:
        first = f", the first of them {formulas.first}," if formulas.first else ""
        cells = counted(formulas.uncomputed, "cell")
        return (
            f"The formulas of {cells} of {path}{first} have no value "
            f"and are read as empty cells: they were never computed. {advice}"
        )
    if formulas.is_outdated:
        return (
            f"{path} says that its formulas ({formulas.total:,}) are to be computed anew when it "
            f"is opened; what it holds for them now is read. {advice}"
        )
    return None
