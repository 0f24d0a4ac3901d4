"""Contents for the page, made beside the server: pictures are kept on the disk within bounds."""

from __future__ import annotations

import asyncio
import io
import json
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from dataparams.contents.content import UnreadableContentError, View
from dataparams.contents.image_files import read_header
from dataparams.contents.images import EncodedImage, require_image, views_of
from dataparams.errors import ChangedDataError, RunError, UserError
from dataparams.run.safe_files import write_whole
from dataparams.web.excerpts import excerpt_of, whole_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dataparams.analysis.result import SampleContents
    from dataparams.contents.content import Content
    from dataparams.web.unusual_values import ClassNorms

Size = Literal["small", "large", "original"]
SIDES: dict[Size, int] = {"small": 240, "large": 640, "original": 6_000}
"""Of a picture, pixels of the longer side at most. A picture of 24 megapixels keeps its size."""
PICTURE, WORDS = "image/jpeg", "application/json"
"""The kinds that are shown, of which a browser runs nothing: pictures; texts and rows."""
LARGEST_PICTURE = 40_000_000
"""Pixels from which Pillow is wary; of more than twice as many it refuses the picture."""

_SUFFIX = ".jpg"
_BATCH = 32
_QUALITY_OF_ORIGINAL = 92
_MOST_BYTES = 1 << 29
_UNREADABLE_KEPT = 10_000
_MOST_CHANGED = 256

_Key: TypeAlias = "tuple[int, Size]"


@dataclass(frozen=True)
class _Trouble:
    """Why the source cannot be read, of the data as they were then."""

    words: str
    mark: str


class ContentViews:
    """Hands out contents as they are shown, made a few at a time beside the server.

    Args:
        contents: Where they come from; None for none.
        folder: Where pictures are kept. What lies there is used, and counts.
        most_bytes: How much may lie there; what was not used for longest goes first.
        norms_of: Gives what values are usual for the class of a row, by the number of the sample.
        mark_of: Gives what changes when the data are changed by ourselves: then what could not be
            read is tried again.
    """

    def __init__(
        self,
        contents: SampleContents | None,
        folder: Path,
        most_bytes: int = _MOST_BYTES,
        norms_of: Callable[[int], ClassNorms] | None = None,
        mark_of: Callable[[], str] = str,
    ) -> None:
        self._contents = contents
        self._folder = folder
        self._norms_of = norms_of
        self._mark_of = mark_of
        self._most_bytes = most_bytes
        self._kept = _files_in(folder)
        self._bytes = sum(self._kept.values())
        self._unreadable: OrderedDict[int, str] = OrderedDict()
        self._changed: dict[int, str] = {}
        self._waiting: OrderedDict[_Key, tuple[str, asyncio.Future[View | None]]] = OrderedDict()
        self._reader: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="contents")
        self._gone: _Trouble | None = None
        self._changed_words: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why the source cannot be read at all, or which samples are others now; None for none."""
        if self._gone is not None and self._gone.mark == self.mark:
            return self._gone.words
        return self._changed_words

    @property
    def mark(self) -> str:
        """What changes when the data are changed by ourselves."""
        return self._mark_of()

    async def get(self, index: int, sample: str, size: Size) -> View | None:
        """A sample's content as it is shown.

        Args:
            index: The number of the sample.
            sample: What the content is read by.
            size: How large a picture is; of a text or row ``large`` is all of it.

        Returns:
            The view, of a text or row JSON with the fields of an ``Excerpt``; None where the sample
            has no content that can be read.
        """
        kept = await self._kept_file((index, size))
        if kept is not None:
            return kept
        if self._contents is None or self._unreadable.get(index) == self.mark:
            return None
        key = (index, size)
        if key not in self._waiting:
            future = asyncio.get_running_loop().create_future()
            self._waiting[key] = (sample, future)
        future = self._waiting[key][1]
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read_waiting())
        # A request that is given up must not take the picture from others that wait for it.
        return await asyncio.shield(future)

    def close(self) -> None:
        """Make no further views."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _kept_file(self, key: _Key) -> View | None:
        name = _file_name(key)
        if name not in self._kept:
            return None
        self._kept.move_to_end(name)
        try:
            data = await asyncio.to_thread((self._folder / name).read_bytes)
        except OSError:
            self._bytes -= self._kept.pop(name, 0)
            return None
        return View(PICTURE, data)

    async def _read_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            # The newest first: the others may have been scrolled away.
            keys = _at_once(list(reversed(self._waiting)))
            taken = {key: self._waiting[key] for key in keys}
            samples = {index: taken[index, size][0] for index, size in keys}
            made: dict[_Key, View] = {}
            mark = self.mark
            try:
                made = await loop.run_in_executor(self._thread, self._make, samples, keys)
            finally:
                for key, (_, future) in taken.items():
                    del self._waiting[key]
                    if not future.done():
                        future.set_result(made.get(key))
            self._remember(keys, made, mark)

    def _make(self, samples: dict[int, str], keys: Sequence[_Key]) -> dict[_Key, View]:
        if self._contents is None:
            return {}
        mark = self.mark
        try:
            read = self._read(self._contents, samples)
        except UserError as error:
            self._gone = _Trouble(str(error), mark)
            return {}
        except Exception as error:  # noqa: BLE001 - whatever a damaged source does, the page goes on
            self._gone = _Trouble(f"The samples cannot be read: {type(error).__name__}.", mark)
            return {}
        self._gone = None
        found = dict(zip(samples, read, strict=True))
        words = {key: self._words(key, found[key[0]]) for key in keys}
        made = {key: view for key, view in words.items() if view is not None}
        return made | self._make_pictures(found, [key for key in keys if key not in made])

    def _words(self, key: _Key, content: Content | UnreadableContentError) -> View | None:
        """A text or a row as JSON; None of anything else."""
        index, size = key
        norms = None
        if self._norms_of is not None:
            # Where others of the class have changed, that is told; its rows go unmarked.
            with suppress(UserError):
                norms = self._norms_of(index)
        excerpt = (excerpt_of if size == "small" else whole_of)(content, norms)
        if excerpt is None:
            return None
        return View(WORDS, json.dumps(excerpt._asdict(), ensure_ascii=False).encode())

    def _make_pictures(
        self, found: dict[int, Content | UnreadableContentError], keys: Sequence[_Key]
    ) -> dict[_Key, View]:
        made = {key: view for key in keys if (view := _original(key, found[key[0]])) is not None}
        wanted: dict[int, list[Size]] = {}
        for index, size in keys:
            if size != "original":
                wanted.setdefault(index, []).append(size)
        sides = [[SIDES[size] for size in sizes] for sizes in wanted.values()]
        every = views_of([found[index] for index in wanted], sides)
        for (index, sizes), views in zip(wanted.items(), every, strict=True):
            for size, view in zip(sizes, views, strict=False):
                if view.media_type == PICTURE:
                    made[index, size] = view
        for key, view in made.items():
            if key[1] == "original":
                continue  # a few of them would take the room of thousands
            with suppress(RunError):  # without room on the disk it is made again next time
                write_whole(self._folder / _file_name(key), view.data)
        return made

    def _read(
        self, contents: SampleContents, samples: dict[int, str]
    ) -> list[Content | UnreadableContentError]:
        """Read some samples; one that is not what it was takes no other's picture away."""
        try:
            read = contents.read(list(samples.values()))
        except ChangedDataError:
            alone = {index: _read_alone(contents, sample) for index, sample in samples.items()}
            read = [one or UnreadableContentError("it has changed") for one in alone.values()]
            changed = {index: samples[index] for index, one in alone.items() if one is None}
        else:
            changed = {}
        known = {index: sample for index, sample in self._changed.items() if index not in samples}
        changed = dict([*known.items(), *changed.items()][-_MOST_CHANGED:])
        if changed != self._changed:
            self._changed = changed
            self._changed_words = _words_of_change(contents, list(changed.values()))
        return read

    def _remember(self, keys: Sequence[_Key], made: dict[_Key, View], mark: str) -> None:
        """Keep what was made, and what could not be, of the data as they were then."""
        for key in keys:
            if key[1] == "original":
                continue  # what is too large to be shown whole may be shown small
            if key in made and made[key].media_type == PICTURE:
                name, size = _file_name(key), len(made[key].data)
                self._bytes += size - self._kept.pop(name, 0)
                self._kept[name] = size
            elif key not in made and self._gone is None and key[0] not in self._changed:
                self._unreadable[key[0]] = mark
        while len(self._unreadable) > _UNREADABLE_KEPT:
            self._unreadable.popitem(last=False)
        while self._bytes > self._most_bytes and len(self._kept) > 1:
            name, size = self._kept.popitem(last=False)
            self._bytes -= size
            with suppress(OSError):
                (self._folder / name).unlink()


def _at_once(keys: Sequence[_Key]) -> list[_Key]:
    """The first of those that wait, one original at most: it takes the memory of hundreds."""
    originals = [key for key in keys if key[1] == "original"][:1]
    others = [key for key in keys if key[1] != "original"][:_BATCH]
    return others or originals


def _original(key: _Key, content: Content | UnreadableContentError) -> View | None:
    """A picture with all its pixels, nearly as it is stored; None where that is not wanted."""
    if key[1] != "original":
        return None
    try:
        image = require_image(content)
        if isinstance(image, EncodedImage) and _pixels_of(image) > LARGEST_PICTURE:
            return None
        return picture_view(image.pixels(SIDES["original"]))
    except UnreadableContentError:
        return None


def _pixels_of(image: EncodedImage) -> int:
    """How many pixels a picture says that it has; nothing of it is decoded."""
    header = read_header(bytes(image.encoded()))
    return 0 if isinstance(header, str) else header.width * header.height


def picture_view(pixels: NDArray[np.uint8]) -> View:
    """A picture as a JPEG file in which what is compressed does not show when it is enlarged.

    Args:
        pixels: (height, width, 3), uint8.
    """
    from PIL import Image

    stream = io.BytesIO()
    picture = Image.fromarray(pixels)
    picture.save(stream, "JPEG", quality=_QUALITY_OF_ORIGINAL, subsampling=0)
    return View(PICTURE, stream.getvalue(), picture.size)


def _read_alone(contents: SampleContents, sample: str) -> Content | UnreadableContentError | None:
    """What a sample holds; None where it is not what it was."""
    try:
        return contents.read([sample])[0]
    except ChangedDataError:
        return None


def _words_of_change(contents: SampleContents, samples: list[str]) -> str | None:
    """What is said of samples that are not what they were; None where they are again."""
    try:
        if samples:
            contents.read(samples)
    except ChangedDataError as error:
        return str(error)
    return None


def _file_name(key: _Key) -> str:
    """Where a picture lies in the folder; a thousand share a folder."""
    index, size = key
    return f"{index // 1000}/{index}_{size}{_SUFFIX}"


def _files_in(folder: Path) -> OrderedDict[str, int]:
    """The files of a folder and their sizes, the oldest first."""
    found = []
    for file in folder.glob(f"*/*_*{_SUFFIX}"):
        with suppress(OSError):
            facts = file.stat()
            found.append((facts.st_mtime_ns, f"{file.parent.name}/{file.name}", facts.st_size))
    return OrderedDict((name, size) for _, name, size in sorted(found))
