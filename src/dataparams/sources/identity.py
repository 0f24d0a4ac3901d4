"""Whether samples have changed: comparison of their contents' hashes, without decoding.

What a run keeps of a content is a word: its digest, or, where reading all of them would take too
long, its size, such as ``48213 bytes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.decoding_threads import side_by_side
from dataparams.contents.rows import Row
from dataparams.contents.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from dataparams.contents.content import Content

Identity = Literal["content", "size", "id"]
"""By what samples are told from others: the digest of their content, its size, or the id alone."""

_ROWS_AT_ONCE = 100_000
_BYTES = " bytes"
_IN_MEMORY = (Row, Text, UnreadableContentError)
_SHOWN = 5


def size_word(size: int) -> str | None:
    """The word that stands for a content whose size alone is known; None for no content.

    Example:
        >>> size_word(48213), size_word(-1)
        ('48213 bytes', None)
    """
    return f"{size}{_BYTES}" if size >= 0 else None


def size_words(sizes: NDArray[np.int64]) -> pl.Series:
    """The same of many, (n,) texts.

    Example:
        >>> size_words(np.array([48213, -1])).to_list()
        ['48213 bytes', None]
    """
    import polars as pl

    size = pl.col("size")
    word = pl.when(size >= 0).then(size.cast(pl.String) + _BYTES)
    return pl.DataFrame({"size": sizes}).select(word.alias("size"))["size"]


def identity_of(words: Iterable[str | None]) -> Identity:
    """By what the samples with these words are told from others.

    Example:
        >>> identity_of(["48213 bytes"]), identity_of([None])
        ('size', 'id')
    """
    first = next((word for word in words if word is not None), None)
    if first is None:
        return "id"
    return "size" if first.endswith(_BYTES) else "content"


def named(ids: Sequence[str]) -> str:
    """The first of some ids, for a message.

    Example:
        >>> named(["a.jpg", "b.jpg"])
        'a.jpg, b.jpg'
    """
    more = f" and {len(ids) - _SHOWN:,} more" if len(ids) > _SHOWN else ""
    return ", ".join(ids[:_SHOWN]) + more


class KnownContents:
    """Hashes or sizes of many samples' contents, in a few bytes each.

    Ids and words are kept as 64 bits of a hash, so that a million samples take 20 megabytes.

    Args:
        samples: A table, or what reads one: the columns ``id`` and ``content``, the samples' words,
            null if unknown.

    Example:
        >>> import polars as pl
        >>> from dataparams.contents.images import EncodedImage
        >>> cat = EncodedImage(b"cat")
        >>> samples = {"id": ["cat.jpg", "dog.jpg"], "content": [cat.digest(), None]}
        >>> known = KnownContents(pl.DataFrame(samples))
        >>> known.changed(["cat.jpg", "dog.jpg"], [cat, cat])
        []
        >>> known.changed(["cat.jpg"], [EncodedImage(b"dog")])
        ['cat.jpg']
    """

    def __init__(self, samples: pl.DataFrame | pl.LazyFrame) -> None:
        import polars as pl

        word = pl.col("content").cast(pl.String).fill_null("")
        lazy = samples.lazy().select(
            pl.col("id").cast(pl.String).hash(seed=0),
            word.hash(seed=0).alias("word"),
            word.str.ends_with(_BYTES).alias("is_size"),
        )
        count = samples.lazy().select(pl.len()).collect().item()
        # Ids and words of a million samples take many times what is kept of them, if read at once.
        starts = range(0, max(count, 1), _ROWS_AT_ONCE)
        parts = [lazy.slice(start, _ROWS_AT_ONCE).collect() for start in starts]
        ids, words, is_size = (
            np.concatenate([part[name].to_numpy() for part in parts])
            for name in ("id", "word", "is_size")
        )
        order = np.argsort(ids)
        self._ids: NDArray[np.uint64] = ids[order]
        self._words: NDArray[np.uint64] = words[order]
        self._is_size: NDArray[np.bool_] = is_size[order]
        (self._nothing,) = _hashed([""])

    @property
    def is_empty(self) -> bool:
        """Whether digests are missing, as for older runs and runs trained from a cache."""
        return not bool((self._words != self._nothing).any())

    def changed(
        self, ids: Sequence[str], contents: Sequence[Content | UnreadableContentError]
    ) -> list[str]:
        """The samples whose content has changed.

        Samples that cannot be read, or whose digest is unknown, are not among them.
        """
        if self.is_empty:
            return []
        places, is_known = self._places(ids)
        sized = (is_known & self._is_size[places]).tolist()
        # Threads are worth it where contents are files.
        work = map if all(isinstance(one, _IN_MEMORY) for one in contents) else side_by_side
        words = list(work(_word, contents, is_known.tolist(), sized))
        return self.changed_words(ids, words)

    def changed_words(
        self, ids: Sequence[str] | pl.Series, words: Sequence[str | None] | pl.Series
    ) -> list[str]:
        """The same for samples of whose contents the words are there; None where there is none."""
        if self.is_empty:
            return []
        places, is_known = self._places(ids)
        now = _hashed(words)
        differs = is_known & (now != self._nothing) & (now != self._words[places])
        return [ids[place] for place in np.flatnonzero(differs).tolist()]

    def _places(self, ids: Sequence[str] | pl.Series) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Where samples are, and whether something is known of them."""
        hashes = _hashed(ids)
        places = np.minimum(np.searchsorted(self._ids, hashes), len(self._ids) - 1)
        return places, (self._ids[places] == hashes) & (self._words[places] != self._nothing)


def _word(
    content: Content | UnreadableContentError,
    is_known: bool,
    is_sized: bool,
) -> str | None:
    if not is_known or isinstance(content, UnreadableContentError):
        return None
    try:
        return size_word(content.size()) if is_sized else content.digest()
    except UnreadableContentError:
        return None


def _hashed(texts: Sequence[str | None] | pl.Series) -> NDArray[np.uint64]:
    import polars as pl

    whole = pl.Series(texts, dtype=pl.String).fill_null("")
    hashes: NDArray[np.uint64] = whole.hash(seed=0).to_numpy()
    return hashes
