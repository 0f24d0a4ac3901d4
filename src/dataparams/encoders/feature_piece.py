"""A file of features, with the digests of their contents.

It is a safetensors file, which other programs read as well: ``values`` (n, width), half precision;
``digests`` (n, 16), bytes. It is renamed into place when it is whole, and never changed.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

DIGEST_BYTES = 16
SUFFIX = ".safetensors"
UNFINISHED = ".tmp"
_FORMAT = "dataparams features 1"
_LONGEST_HEADER = 4096
_AT_ONCE = 1 << 24
_LENGTH = struct.Struct("<Q")


class DamagedPieceError(Exception):
    """A file of features is damaged; the message says how."""


class FeaturePiece(NamedTuple):
    """A file of features, of which the digests were read.

    Attributes:
        path: The file.
        width: Length of a feature.
        digests: Digests of the contents, (n, 16), uint8.
        start: Offset of the values, in bytes.
        checksum: CRC-32 of the values.
    """

    path: Path
    width: int
    digests: NDArray[np.uint8]
    start: int
    checksum: int

    def __len__(self) -> int:
        return len(self.digests)

    def values(self) -> NDArray[np.float16]:
        """The features, (n, width), memory-mapped."""
        shape = (len(self), self.width)
        return np.memmap(self.path, "<f2", mode="r", offset=self.start, shape=shape)

    def require_sound(self) -> None:
        """Raise DamagedPieceError if the values do not have their checksum."""
        checksum = 0
        for block in _blocks(self.values()):
            checksum = zlib.crc32(block, checksum)
        if checksum != self.checksum:
            raise DamagedPieceError("its checksum is wrong")


def write_piece(
    folder: Path, digests: NDArray[np.uint8], parts: Sequence[NDArray[np.float16]]
) -> FeaturePiece:
    """Write features to a new file.

    Args:
        folder: An existing folder.
        digests: Digests of the contents, (n, 16), uint8.
        parts: Their features, in one or more arrays (k, width) with n rows in all.

    Returns:
        The file.

    Raises:
        OSError: If it cannot be written; no part of it is left then.
    """
    width = parts[0].shape[1]
    checksum = 0
    for block in _blocks_of(parts):
        checksum = zlib.crc32(block, checksum)
    header = _header(digests, width, checksum)
    path = folder / f"{uuid4().hex}{SUFFIX}"
    temporary = path.with_name(f"{path.name}{UNFINISHED}")
    try:
        with temporary.open("wb") as file:
            file.write(header)
            file.write(np.ascontiguousarray(digests).data)
            for block in _blocks_of(parts):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    return FeaturePiece(path, width, digests, len(header) + digests.nbytes, checksum)


def read_piece(path: Path, width: int) -> FeaturePiece:
    """Read the digests of a file; the values stay on disk.

    Args:
        path: The file.
        width: The expected length of a feature.

    Raises:
        DamagedPieceError: If the file is not whole, or not of this format.
        FileNotFoundError: If it does not exist.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
            header = json.loads(file.read(min(length, _LONGEST_HEADER)))
            known, (count, found) = header["__metadata__"], header["values"]["shape"]
            stored = file.read(DIGEST_BYTES * count)
        start = _LENGTH.size + length + DIGEST_BYTES * count
        is_sound = known["format"] == _FORMAT and found == width
        is_sound &= size == start + 2 * count * width
        is_sound &= zlib.crc32(stored) == int(known["digests_crc32"])
        checksum = int(known["values_crc32"])
        digests = np.frombuffer(stored, np.uint8).reshape(count, DIGEST_BYTES)
    except FileNotFoundError:
        raise
    except (OSError, struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DamagedPieceError(reason) from None
    if not is_sound:
        raise DamagedPieceError("its header does not fit its contents")
    return FeaturePiece(path, width, digests, start, checksum)


def _header(digests: NDArray[np.uint8], width: int, checksum: int) -> bytes:
    count = len(digests)
    end = digests.nbytes + 2 * count * width
    header = {
        "__metadata__": {
            "format": _FORMAT,
            "digests_crc32": str(zlib.crc32(np.ascontiguousarray(digests).data)),
            "values_crc32": str(checksum),
        },
        "digests": {
            "dtype": "U8",
            "shape": [count, DIGEST_BYTES],
            "data_offsets": [0, digests.nbytes],
        },
        "values": {"dtype": "F16", "shape": [count, width], "data_offsets": [digests.nbytes, end]},
    }
    text = json.dumps(header).encode()
    # Values that begin at a multiple of 8 bytes can be memory-mapped.
    text += b" " * (-len(text) % 8)
    return _LENGTH.pack(len(text)) + text


def _blocks_of(parts: Sequence[NDArray[np.float16]]) -> Iterator[memoryview]:
    for part in parts:
        yield from _blocks(part)


def _blocks(values: NDArray[np.float16]) -> Iterator[memoryview]:
    """The bytes of the values, in blocks of rows."""
    rows = max(1, _AT_ONCE // (2 * values.shape[1]))
    for start in range(0, len(values), rows):
        block = np.ascontiguousarray(values[start : start + rows], dtype="<f2")
        yield block.view(np.uint8).data
