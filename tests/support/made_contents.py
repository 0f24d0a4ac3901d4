"""Contents that tests hold in a list: encoded images, or texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import EncodedImage, pixels_of
from dataparams.contents.texts import Text as Text
from dataparams.sources.opening import open_contents
from dataparams.sources.source import Contents

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.contents.content import Content


class ListedContents(Contents):
    def __init__(self, contents: Iterable[Content | UnreadableContentError]) -> None:
        self._contents = list(contents)

    def __len__(self) -> int:
        return len(self._contents)

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        return [self._contents[row] for row in rows]

    def sizes(self) -> NDArray[np.int64]:
        sizes = [0 if isinstance(one, Exception) else one.size() for one in self._contents]
        return np.array(sizes, dtype=np.int64)


def listed_images(sources: Iterable[bytes | Path | str | None]) -> ListedContents:
    """Contents of encoded images: bytes, paths, or None for none."""
    return ListedContents(
        EncodedImage(source)
        if source is None or isinstance(source, bytes)
        else EncodedImage(None, str(source))
        for source in sources
    )


class OpenedPictures:
    """The pictures of a source, as arrays, by ids."""

    def __init__(self, name: str, *, longest_side: int = 640, **options: Any) -> None:
        self._contents_of = open_contents(name, **options)
        self._longest_side = longest_side

    def read(self, ids: Sequence[str]) -> list[NDArray[np.uint8] | None]:
        contents = self._contents_of(list(ids)).read(range(len(ids)))
        return pixels_of(contents, self._longest_side)


def stored_in(contents: Contents, rows: Iterable[int]) -> list[Any]:
    """The encoded bytes of some rows; an error where there are none."""
    return [_stored(one) for one in contents.read(list(rows))]


def _stored(content: Content | UnreadableContentError) -> bytes | UnreadableContentError:
    try:
        if isinstance(content, UnreadableContentError):
            return content
        assert isinstance(content, EncodedImage)
        return bytes(content.encoded())
    except UnreadableContentError as error:
        return error
