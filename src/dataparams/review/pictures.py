"""Pictures for the page: made once, kept on the disk within bounds, decoded beside the server."""

from __future__ import annotations

import asyncio
import io
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from dataparams.errors import RunError, UserError
from dataparams.runs import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.analysis.result import Pictures

Size = Literal["small", "large"]
SIDES: dict[Size, int] = {"small": 240, "large": 640}
"""Pixels of the longer side at most."""
LARGEST_PICTURE = 40_000_000
"""Pixels from which Pillow is wary; of more than twice as many it refuses the picture."""

_BATCH = 32
_QUALITY = 82
_QUALITY_OF_TINY = 95
_TINY = 80
_MOST_BYTES = 1 << 29
_UNREADABLE_KEPT = 10_000

_Key: TypeAlias = "tuple[int, Size]"


class PictureCache:
    """Hands out pictures as JPEG files, a few of which are made at a time in a thread of their own.

    Args:
        pictures: Where they come from; None for none.
        folder: Where they are kept. What lies there is used, and counts.
        most_bytes: How much may lie there; what was not used for longest goes first.

    Attributes:
        trouble: Why the source cannot be read at all; None while it can.
    """

    def __init__(
        self, pictures: Pictures | None, folder: Path, most_bytes: int = _MOST_BYTES
    ) -> None:
        self._pictures = pictures
        self._folder = folder
        self._most_bytes = most_bytes
        self._kept = _found(folder)
        self._bytes = sum(self._kept.values())
        self._unreadable: OrderedDict[int, None] = OrderedDict()
        self._waiting: OrderedDict[_Key, tuple[str, asyncio.Future[bytes | None]]] = OrderedDict()
        self._reader: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self.trouble: str | None = None

    async def get(self, index: int, sample: str, size: Size) -> bytes | None:
        """A picture as the contents of a JPEG file.

        Args:
            index: The number of the sample.
            sample: What the picture is read by.
            size: How large.

        Returns:
            The file; None where the sample has no picture that can be read.
        """
        kept = await self._kept_file((index, size))
        if kept is not None:
            return kept
        if self._pictures is None or index in self._unreadable:
            return None
        key = (index, size)
        if key not in self._waiting:
            future = asyncio.get_running_loop().create_future()
            self._waiting[key] = (sample, future)
        future = self._waiting[key][1]
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read_waiting())
        # Whoever scrolls on must not take the picture from others who wait for it.
        return await asyncio.shield(future)

    def close(self) -> None:
        """Make no further pictures."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _kept_file(self, key: _Key) -> bytes | None:
        name = _name(*key)
        if name not in self._kept:
            return None
        self._kept.move_to_end(name)
        try:
            return await asyncio.to_thread((self._folder / name).read_bytes)
        except OSError:
            self._bytes -= self._kept.pop(name, 0)
            return None

    async def _read_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            # The newest first: the others may have been scrolled away.
            keys = list(reversed(self._waiting))[:_BATCH]
            taken = {key: self._waiting[key] for key in keys}
            samples = {index: taken[index, size][0] for index, size in keys}
            made: dict[_Key, bytes] = {}
            try:
                made = await loop.run_in_executor(self._thread, self._make, samples, keys)
            finally:
                for key, (_, future) in taken.items():
                    del self._waiting[key]
                    if not future.done():
                        future.set_result(made.get(key))
            self._remember(keys, made)

    def _make(self, samples: dict[int, str], keys: Sequence[_Key]) -> dict[_Key, bytes]:
        if self._pictures is None:
            return {}
        try:
            read = self._pictures.read(list(samples.values()))
        except UserError as error:
            self.trouble = str(error)
            return {}
        except Exception as error:  # noqa: BLE001 - whatever a damaged source does, the page goes on
            self.trouble = f"Pictures cannot be read: {type(error).__name__}."
            return {}
        self.trouble = None
        pixels = dict(zip(samples, read, strict=True))
        made = {}
        for index, size in keys:
            one = pixels[index]
            if one is not None and one.size:
                made[index, size] = jpeg(one, SIDES[size])
                with suppress(RunError):  # without room on the disk it is made again next time
                    write_whole(self._folder / _name(index, size), made[index, size])
        return made

    def _remember(self, keys: Sequence[_Key], made: dict[_Key, bytes]) -> None:
        for key in keys:
            if key in made:
                name = _name(*key)
                self._bytes += len(made[key]) - self._kept.pop(name, 0)
                self._kept[name] = len(made[key])
            elif self.trouble is None:
                self._unreadable[key[0]] = None
        while len(self._unreadable) > _UNREADABLE_KEPT:
            self._unreadable.popitem(last=False)
        while self._bytes > self._most_bytes and len(self._kept) > 1:
            name, size = self._kept.popitem(last=False)
            self._bytes -= size
            with suppress(OSError):
                (self._folder / name).unlink()


def jpeg(pixels: NDArray[np.uint8], longest_side: int) -> bytes:
    r"""A picture as the contents of a JPEG file, shrunk to a longest side.

    Example:
        >>> jpeg(np.zeros((4, 6, 3), np.uint8), 3)[:2]
        b'\xff\xd8'
    """
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB")
    longest = max(picture.size)
    side = (longest_side, longest_side)
    picture.thumbnail(side, Image.Resampling.LANCZOS, reducing_gap=2.0)
    contents = io.BytesIO()
    if longest < _TINY:
        # A picture of few pixels shows every artefact of the compression, and costs nothing.
        picture.save(contents, "JPEG", quality=_QUALITY_OF_TINY, subsampling=0)
    else:
        picture.save(contents, "JPEG", quality=_QUALITY)
    return contents.getvalue()


def _name(index: int, size: Size) -> str:
    """Where a picture lies in the folder; a thousand share a folder."""
    return f"{index // 1000}/{index}_{size}.jpg"


def _found(folder: Path) -> OrderedDict[str, int]:
    """The files that lie there and how large they are, those made first in front."""
    found = []
    for file in folder.glob("*/*.jpg"):
        with suppress(OSError):
            facts = file.stat()
            found.append((facts.st_mtime_ns, f"{file.parent.name}/{file.name}", facts.st_size))
    return OrderedDict((name, size) for _, name, size in sorted(found))
