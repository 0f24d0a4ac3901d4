"""Threads that decode images side by side."""

from __future__ import annotations

import contextlib
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_Result = TypeVar("_Result")
_WORKERS_AT_MOST = 8


@contextlib.contextmanager
def decoding_threads() -> Iterator[ThreadPoolExecutor]:
    """A few threads that decode images, without Pillow's warnings."""
    workers = min(os.cpu_count() or 1, _WORKERS_AT_MOST)
    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as pool:
        # A damaged image is reported as such; Pillow's warning about it would say it twice.
        warnings.filterwarnings("ignore", module=r"PIL\b")
        yield pool


def side_by_side(work: Callable[..., _Result], *columns: Sequence[Any]) -> list[_Result]:
    """The results of work on each of some contents, done in a few threads; one alone needs none.

    Args:
        work: What is done with each.
        columns: What it is given, as long as each other.

    Example:
        >>> side_by_side(max, [1, 5], [2, 3])
        [2, 5]
    """
    if len(columns[0]) > 1:
        with decoding_threads() as pool:
            return list(pool.map(work, *columns))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\b")
        return list(map(work, *columns))
