"""Files of text as streams in UTF-8, whatever Unicode encoding their first bytes tell of."""

from __future__ import annotations

import codecs
import contextlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dataparams.errors import DataError
from dataparams.sources.compressed_files import FAILURES, opened_decompressed
from dataparams.sources.row_groups import shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
"""Byte order marks, longer ones first; that of UTF-8 is known to all that read UTF-8."""
_HEAD = 1 << 12
_MOST_ZEROS = 0.01
TEXT_FAILURES = (*FAILURES, UnicodeError)
"""What reading a damaged file of text raises."""


def encoding_of(head: bytes) -> str:
    r"""The encoding of a text, by its first bytes: UTF-8 where nothing tells of another.

    Without a byte order mark, UTF-16 is known by the zeros that are half of every letter of the
    Latin alphabet.

    Args:
        head: The first bytes; the more, the surer.

    Example:
        >>> encoding_of("a,b\n".encode("utf-16")), encoding_of("a,b\n".encode("utf-16-be"))
        ('utf-16', 'utf-16-be')
        >>> encoding_of(b"\xef\xbb\xbfa,b\n"), encoding_of(b"a,b\n\0")
        ('utf-8', 'utf-8')
    """
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if marked is not None:
        return marked
    first, second = head[0 : len(head) // 2 * 2 : 2], head[1::2]
    if not first:
        return "utf-8"
    if second.count(0) > len(second) / 2 and not first.count(0):
        return "utf-16-le"
    if first.count(0) > len(first) / 2 and not second.count(0):
        return "utf-16-be"
    return "utf-8"


@contextlib.contextmanager
def opened_as_utf8(path: Path) -> Iterator[Any]:
    """Open a file of text as a stream in UTF-8, decompressed on the way.

    Bytes of a file in UTF-8 come as they are, valid or not.

    Args:
        path: The file; see :func:`dataparams.sources.compressed_files.opened_decompressed`.

    Yields:
        An Arrow stream.

    Raises:
        DataError: If it cannot be read.
    """
    with opened_decompressed(path) as stream:
        encoding = encoding_of(stream.read(_HEAD))
    with opened_decompressed(path) as stream:
        if encoding == "utf-8":
            yield stream
        else:
            yield pa.transcoding_input_stream(stream, encoding, "utf-8")


def no_utf8(where: str, path: Path, shown: str) -> DataError:
    """The error of a byte that is no UTF-8.

    Args:
        where: Which row, as a sentence begins.
        path: The file.
        shown: What is there, the byte as an escape.
    """
    return DataError(
        f"{where} of {shown_path(path)} has a byte that is no UTF-8: {shown}. Save the file as "
        "UTF-8; where it is Windows-1252: iconv -f WINDOWS-1252 -t UTF-8."
    )


def require_text(path: Path, head: bytes) -> None:
    """Refuse what is no text, by its first bytes in UTF-8.

    Args:
        path: The file.
        head: Its first bytes.

    Raises:
        DataError: Saying what it is.
    """
    found = next((what for magic, what in _OTHER.items() if head.startswith(magic)), None)
    if found is None and _is_binary(head):
        found = "no text"
    if found is not None:
        raise DataError(
            f"{shown_path(path)} is {found}, as its first bytes tell; expected a table as text in "
            "UTF-8, such as CSV."
        )


def _is_binary(head: bytes) -> bool:
    """Whether first bytes are no text; a zero here and there, as of databases, is a letter."""
    if b"\0" not in head:
        return False
    try:
        # What ends in the middle of a letter is text.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return True
    return _MOST_ZEROS * len(head) < head.count(0)


_OTHER = {
    b"%PDF": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
}
