"""Threads that decode images side by side."""

from __future__ import annotations

import contextlib
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORKERS_AT_MOST = 8


@contextlib.contextmanager
def decoding_threads() -> Iterator[ThreadPoolExecutor]:
    """A few threads that decode images, without Pillow's warnings."""
    workers = min(os.cpu_count() or 1, _WORKERS_AT_MOST)
    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as pool:
        # A damaged image is reported as such; Pillow's warning about it would say it twice.
        warnings.filterwarnings("ignore", module=r"PIL\b")
        yield pool
