"""The first sheet of a spreadsheet (.xlsx), and the places of elements among the bytes of XML."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple
from xml.parsers import expat

from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path
    from zipfile import ZipFile

WORKBOOK = "xl/workbook.xml"
"""The file that names the sheets."""
_RELATIONS = "xl/_rels/workbook.xml.rels"
_TAG = re.compile(rb"""<[^>"']*(?:(?:"[^"]*"|'[^']*')[^>"']*)*>""")
_AT_ONCE = 1 << 16
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class Element(NamedTuple):
    """The beginning or the end of an element.

    Attributes:
        name: What it is called, without a prefix.
        is_start: Whether it begins.
        start: The byte at which it begins.
        end: The byte behind its last; of a beginning, behind its tag.
        tag: What it is called, with its prefix.
        attributes: Those of its tag.
    """

    name: str
    is_start: bool
    start: int
    end: int
    tag: str
    attributes: dict[str, str]


def iterate_elements(data: bytes, names: Collection[str]) -> Iterator[Element]:
    """The beginnings and ends of some elements of an XML file, in order.

    Args:
        data: All of the file.
        names: What the elements are called, without a prefix.

    Yields:
        Each, as far as the file was read by then.

    Raises:
        DataError: If it is no XML, or in an encoding of two bytes per letter.

    Example:
        >>> start, end = iterate_elements(b'<a><x:b c="1"/></a>', ["b"])
        >>> start.attributes, (end.start, end.end)
        ({'c': '1'}, (3, 15))
    """
    if data.startswith(_WIDE):
        raise DataError("The spreadsheet is written in UTF-16; expected UTF-8. Save it once more.")
    found: list[Element] = []
    open_ones: list[Element] = []
    parser = expat.ParserCreate()

    def starts(tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name in names:
            place = parser.CurrentByteIndex
            element = Element(name, True, place, end_of_tag(data, place), tag, attributes)
            found.append(element)
            open_ones.append(element)

    def ends(tag: str) -> None:
        if tag.rpartition(":")[2] in names:
            element = open_ones.pop()
            is_whole = data.endswith(b"/>", element.start, element.end)
            end = element.end if is_whole else end_of_tag(data, parser.CurrentByteIndex)
            found.append(element._replace(is_start=False, end=end))

    parser.StartElementHandler, parser.EndElementHandler = starts, ends
    parser.EntityDeclHandler = _refuse_entities
    for start in range(0, len(data), _AT_ONCE):
        try:
            parser.Parse(data[start : start + _AT_ONCE], start + _AT_ONCE >= len(data))
        except expat.ExpatError as error:
            raise DataError(f"The spreadsheet is damaged: {error}. Save it once more.") from error
        yield from found
        found.clear()


def _refuse_entities(*_: object) -> None:
    raise DataError("The spreadsheet declares entities, as none should.")


def end_of_tag(data: bytes, start: int) -> int:
    """The byte behind a tag that begins at a byte.

    Example:
        >>> end_of_tag(b'<a b=">"/>c', 0)
        10
    """
    found = _TAG.match(data, start)
    return len(data) if found is None else found.end()


def first_sheet(path: Path, archive: ZipFile) -> str:
    """The name of the file that holds the first sheet of a spreadsheet.

    Args:
        path: The spreadsheet, for messages.
        archive: The same, open.

    Raises:
        DataError: If it cannot be found.
    """
    names = set(archive.namelist())
    if {WORKBOOK, _RELATIONS} <= names:
        sheets = iterate_elements(archive.read(WORKBOOK), ("sheet",))
        wanted = next((_related(sheet.attributes) for sheet in sheets), None)
        for relation in iterate_elements(archive.read(_RELATIONS), ("Relationship",)):
            if relation.attributes.get("Id") == wanted:
                target = posixpath.join("/xl", relation.attributes.get("Target", "")).lstrip("/")
                name = posixpath.normpath(target)
                if name in names:
                    return name
    raise DataError(
        f"The first sheet of {path} cannot be found in it. Save it once more, or as CSV."
    )


def _related(attributes: dict[str, str]) -> str | None:
    return next((value for name, value in attributes.items() if name.endswith(":id")), None)
