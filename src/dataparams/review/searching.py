"""Search for words: within texts and rows, or in the names of pictures."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from dataparams.run.source import ContentsOfRun

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from dataparams.analysis.result import SampleContents
    from dataparams.contents.content import ContentKind
    from dataparams.sources.source import Contents

    Mask = NDArray[np.bool_]

_LARGE_LETTERS = r"[\p{Uppercase}\p{Lt}]"
_SEARCHES_KEPT = 8


class NameSearch:
    """Finds the samples in whose names some words occur, in large or small letters.

    Args:
        ids: The names by which the data source knows the samples, (n,), by rank.
    """

    def __init__(self, ids: pl.Series) -> None:
        # Most names are in small letters: those are not held twice, not even for a moment.
        has_large = ids.str.contains(_LARGE_LETTERS).any()
        self._small_ids = ids.str.to_lowercase() if has_large else ids

    def __call__(self, words: str) -> Mask:
        """Which samples have the words, (n,), by rank."""
        found = self._small_ids.str.contains(words.lower(), literal=True)
        mask: Mask = found.fill_null(value=False).to_numpy()
        return mask


class ContentSearch:
    """Finds the texts and rows in which some words occur, in large or small letters.

    Args:
        contents: The contents of a run, which are opened when the first words are sought.
        ids: The names by which the data source knows the samples, (n,), by rank.
    """

    def __init__(self, contents: ContentsOfRun, ids: pl.Series) -> None:
        self._source, self._ids = contents, ids

    def __call__(self, words: str) -> Mask:
        """Which samples have the words, (n,), by rank.

        Raises:
            UserError: If the source is gone or cannot be read.
        """
        return self._contents.containing(words)

    @cached_property
    def _contents(self) -> Contents:
        return self._source.of(self._ids)


def search_for(
    ids: pl.Series, contents: SampleContents | None, kind: ContentKind | None
) -> Callable[[str], Mask]:
    """What finds words: within texts and rows of a run, else in the names of samples.

    Args:
        ids: The names by which the data source knows the samples, (n,), by rank.
        contents: Their contents; None where they are not at hand.
        kind: What they are; None where nothing was kept to show.
    """
    search: Callable[[str], Mask]
    if kind in ("text", "row") and isinstance(contents, ContentsOfRun):
        search = ContentSearch(contents, ids)
    else:
        search = NameSearch(ids)
    return lru_cache(_SEARCHES_KEPT)(search)
