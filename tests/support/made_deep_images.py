"""Files of more than 8 bits a value that tests write byte by byte, as other programs do."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

_PNG_COLORS = {1: 0, 2: 4, 3: 2, 4: 6}
_SHORT, _LONG = 3, 4


def png_of_16_bits(
    values: ArrayLike, significant: int | None = None, transparent: int | None = None
) -> bytes:
    """A PNG of (height, width) or (height, width, channels)."""
    array = np.asarray(values)
    channels = 1 if array.ndim == 2 else array.shape[2]
    rows = array.reshape(len(array), -1).astype(">u2")
    size = struct.pack(">II", array.shape[1], array.shape[0])
    header = size + bytes([16, _PNG_COLORS[channels], 0, 0, 0])
    chunks = [(b"IHDR", header)]
    if significant is not None:
        chunks.append((b"sBIT", bytes([significant] * channels)))
    if transparent is not None:
        chunks.append((b"tRNS", struct.pack(">H", transparent)))
    chunks.append((b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in [*chunks, (b"IEND", b"")])


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def pgm(values: ArrayLike, greatest: int) -> bytes:
    array = np.asarray(values)
    header = f"P5\n{array.shape[1]} {array.shape[0]}\n{greatest}\n".encode()
    return header + array.astype(">u2").tobytes()


def tiff(
    values: NDArray[np.generic],
    bits: int,
    tags: Mapping[int, int] | None = None,
    width: int | None = None,
) -> bytes:
    """A little-endian TIFF of one strip, with the bytes of ``values`` as they are."""
    width = values.shape[1] if width is None else width
    known = {256: width, 257: len(values), 258: bits, 259: 1, 262: 1, 277: 1}
    return _tiff(values.tobytes(), {**known, **(tags or {})})


def colored_tiff(values: NDArray[np.integer], compression: int) -> bytes:
    """A little-endian TIFF of (height, width, 3) in 16 bits, plain (1) or deflated (8)."""
    height, width, channels = values.shape
    stored = values.astype("<u2").tobytes()
    tags = {256: width, 257: height, 259: compression, 262: 2, 277: channels}
    return _tiff(stored if compression == 1 else zlib.compress(stored), tags, bits=(16,) * channels)


def _tiff(stored: bytes, tags: Mapping[int, int], bits: tuple[int, ...] = ()) -> bytes:
    content = stored + b"\0" * (len(stored) % 2)
    if bits:
        tags = {**tags, 258: 8 + len(content)}
        content += struct.pack(f"<{len(bits)}H", *bits)
    entries = {**tags, 273: 8, 278: tags[257], 279: len(stored)}
    directory = b"".join(
        struct.pack(
            "<HHII",
            tag,
            _LONG if value > 65535 else _SHORT,
            len(bits) if tag == 258 and bits else 1,
            value,
        )
        for tag, value in sorted(entries.items())
    )
    start = struct.pack("<2sHI", b"II", 42, 8 + len(content))
    return start + content + struct.pack("<H", len(entries)) + directory + bytes(4)
