"""What the header of a JPEG file says, read without a decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_START = b"\xff\xd8"
_SEQUENTIAL_FRAMES = (0xC0, 0xC1)
_FRAMES = (*_SEQUENTIAL_FRAMES, 0xC2)
_SCAN = 0xDA
_RESTART_INTERVAL = 0xDD
_METADATA = 0xE1
# Besides these there are tables, applications' segments and comments.
_KNOWN = frozenset((*_FRAMES, _SCAN, _RESTART_INTERVAL, 0xC4, 0xDB, *range(0xE0, 0xF0), 0xFE))
_METADATA_WITH_ORIENTATION = (b"Exif\x00\x00", b"http://ns.adobe.com/xap/1.0/\x00")
_BITS = 8
_COMPONENTS = (1, 3)


class JpegHeader(NamedTuple):
    """The frame of a JPEG file.

    Attributes:
        width: Pixels of a stored row.
        height: Stored rows.
        size_offset: Where the file holds height and width, two bytes each.
        can_lose_rows: Whether the rows are stored one after another and without markers between
            them, so that the first ones can be decoded alone.
        has_metadata: Whether there is metadata that may hold an orientation.
    """

    width: int
    height: int
    size_offset: int
    can_lose_rows: bool
    has_metadata: bool


def read_jpeg_header(data: bytes) -> JpegHeader | None:
    """Read the header of an ordinary JPEG file.

    Args:
        data: The file.

    Returns:
        The header; None for anything that is not a gray or three-colored JPEG of 8 bits with
        Huffman codes and an undamaged header.

    Example:
        >>> read_jpeg_header(b"GIF89a") is None
        True
    """
    segments = list(_segments(data))
    frames = [(marker, start) for marker, start in segments if marker in _FRAMES]
    if not segments or segments[-1][0] != _SCAN or len(frames) != 1:
        return None
    (marker, frame), scan = frames[0], segments[-1][1]
    height = int.from_bytes(data[frame + 1 : frame + 3], "big")
    width = int.from_bytes(data[frame + 3 : frame + 5], "big")
    components = int.from_bytes(data[frame + 5 : frame + 6], "big")
    if data[frame] != _BITS or components not in _COMPONENTS or not (width and height):
        return None
    is_plain = marker in _SEQUENTIAL_FRAMES and data[scan] == components
    has_restarts = any(marker == _RESTART_INTERVAL for marker, _ in segments)
    has_metadata = any(
        marker == _METADATA and data.startswith(_METADATA_WITH_ORIENTATION, start)
        for marker, start in segments
    )
    return JpegHeader(width, height, frame + 1, is_plain and not has_restarts, has_metadata)


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker and start of the content of each segment, as far as they are known, to the scan."""
    if not data.startswith(_START):
        return
    position = len(_START)
    while position + 4 < len(data):
        prefix, marker = data[position], data[position + 1]
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if prefix != 0xFF or marker not in _KNOWN or length < 2:
            return
        yield marker, position + 4
        if marker == _SCAN:
            return
        position += 2 + length


def with_fewer_rows(data: bytes, header: JpegHeader, rows: int) -> bytes:
    """Let a file claim fewer rows than it has: a decoder then leaves out what comes below them.

    Args:
        data: A JPEG file.
        header: Its header, by which it can lose rows.
        rows: The rows to keep.

    Returns:
        The changed file.
    """
    offset = header.size_offset
    return data[:offset] + rows.to_bytes(2, "big") + data[offset + 2 :]
