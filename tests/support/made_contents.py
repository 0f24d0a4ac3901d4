"""Contents that tests hold in a list: encoded images, or texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dataparams.contents.content import UnreadableContentError, View, digest_of
from dataparams.contents.images import EncodedImage, pixels_of
from dataparams.sources.opening import open_contents
from dataparams.sources.source import Contents


class ListedContents(Contents):
    def __init__(self, contents):
        self._contents = list(contents)

    def __len__(self):
        return len(self._contents)

    def read(self, rows):
        return [self._contents[row] for row in rows]

    def sizes(self):
        return np.array([content.size() for content in self._contents], dtype=np.int64)


def listed_images(sources):
    """Contents of encoded images: bytes, paths, or None for none."""
    return ListedContents(
        EncodedImage(source)
        if source is None or isinstance(source, bytes)
        else EncodedImage(None, str(source))
        for source in sources
    )


@dataclass(frozen=True)
class Text:
    """A content that is a text, and knows nothing of images."""

    text: str

    def loaded(self):
        return self

    def size(self):
        return len(self.text.encode())

    def digest(self):
        return digest_of([self.text.encode()])

    def views(self, longest_sides):
        return [View("text/plain", self.text[:letters].encode()) for letters in longest_sides]


class OpenedPictures:
    """The pictures of a source, as arrays, by ids."""

    def __init__(self, name, *, longest_side=640, **options):
        self._contents_of = open_contents(name, **options)
        self._longest_side = longest_side

    def read(self, ids):
        contents = self._contents_of(list(ids)).read(range(len(ids)))
        return pixels_of(contents, self._longest_side)


def stored_in(contents, rows):
    """The encoded bytes of some rows; an error where there are none."""
    return [_stored(one) for one in contents.read(list(rows))]


def _stored(content):
    try:
        return content if isinstance(content, Exception) else bytes(content.encoded())
    except UnreadableContentError as error:
        return error
