"""Features that are fitted on all contents of a data set together, and kept like others."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.contents.content import UnreadableContentError
from dataparams.encoders.feature_cache import StoredFeatures
from dataparams.encoders.features import read_features
from dataparams.errors import DataError, Stopped
from dataparams.terminal.words import counted, reasons_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dataparams.contents.content import Content
    from dataparams.encoders.feature_cache import FeatureCache
    from dataparams.sources.source import Contents

_DIGITS = 16


@dataclass(frozen=True, eq=False)
class ReadContents:
    """The contents of a source, in memory.

    Attributes:
        rows: Rows of those that can be read, (m,), ascending.
        contents: m of them.
        digests: What tells each from others, (m,), 32 hexadecimal digits.
        unreadable: Why the others cannot be read, by row.
    """

    rows: NDArray[np.int64]
    contents: list[Content]
    digests: pl.Series
    unreadable: dict[int, str]


def read_all(
    contents: Contents,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], int] = lambda: 0,
) -> ReadContents:
    """Read all contents of a source that are small: texts, or rows of a table.

    Args:
        contents: The contents.
        on_progress: Called with the number of samples done and of all.
        should_stop: The number of the signal that asks to stop, 0 for none.

    Raises:
        DataError: If more than half of them cannot be read.
        Stopped: If ``should_stop`` said so.

    Example:
        >>> from dataparams.sources.table_contents import RowContents
        >>> read = read_all(RowContents(pl.DataFrame({"carat": [0.23, 0.3]})))
        >>> read.rows.tolist(), read.contents[1].items()
        ([0, 1], [('carat', 0.3)])
    """
    count = len(contents)
    found: list[Content | None] = [None] * count
    words: list[str] = [""] * count
    unreadable: dict[int, str] = {}
    done = 0
    for some in contents.sweep(range(count)):
        for place, content in zip(some.places, some.contents, strict=True):
            if isinstance(content, UnreadableContentError):
                unreadable[place] = str(content)
            else:
                words[place], found[place] = content.digest(), content
        done += len(some.places)
        if on_progress is not None:
            on_progress(done, count)
        if signal_number := should_stop():
            raise Stopped(
                f"Stopped: {done:,} of {counted(count, 'sample')} were read.", signal_number
            )
    if 2 * len(unreadable) > count or len(unreadable) == count:
        raise DataError(
            f"{len(unreadable):,} of {counted(count, 'sample')} cannot be read: "
            f"{reasons_text(unreadable.values())}."
        )
    rows = [row for row in range(count) if found[row] is not None]
    return ReadContents(
        np.array(rows, dtype=np.int64),
        [content for content in found if content is not None],
        pl.Series("content", [words[row] for row in rows], dtype=pl.String),
        dict(sorted(unreadable.items())),
    )


def features_of_whole(
    name: str,
    digests: pl.Series,
    width: int,
    cache: FeatureCache,
    make: Callable[[], NDArray[np.floating]],
) -> tuple[NDArray[np.float16], str]:
    """Features of all contents of a data set, made once.

    They depend on which contents these are, so that is what their key tells.

    Args:
        name: Of what makes them; changes whenever it would make others of the same contents.
        digests: Of the contents, (n,).
        width: Length of a feature.
        cache: Where they are kept.
        make: Makes them, (n, width), of contents in this order; not called where they are kept.

    Returns:
        The features, (n, width), and their key.
    """
    letters = digests.str.join("")[0]
    key = f"{name}-{sha256(letters.encode()).hexdigest()[:_DIGITS]}"
    stored = StoredFeatures(cache.folder / key, width)
    known = np.frombuffer(bytes.fromhex(letters), np.uint8).reshape(len(digests), -1)
    if not stored.has(known).all():
        values = make().astype(np.float16)
        # Contents that are the same have one feature.
        first = np.sort(np.unique(known, axis=0, return_index=True)[1])
        stored.add(known[first], [values[first]])
    return read_features(known, stored), key
