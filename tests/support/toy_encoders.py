"""Encoders that tests make for themselves: of texts, without a network."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.contents.content import UnreadableContentError
from made_contents import ListedContents, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.contents.content import Content


class LetterEncoder:
    """Counts the letters of texts, and how often it was asked."""

    name = "letters"
    width = 26
    batch_size = 4
    processes = 0

    def __init__(self, key: str = "letters-1", threads: int = 1, seconds: float = 0.0) -> None:
        self.key = key
        self.threads = threads
        self.prepared = 0
        self.encoded: list[str] = []
        self._seconds = seconds
        self._lock = threading.Lock()

    def prepare(self, content: Content) -> NDArray[np.uint8]:
        if not isinstance(content, Text):
            raise UnreadableContentError("it is no text")
        if not content.text:
            raise UnreadableContentError("the text is empty")
        with self._lock:
            self.prepared += 1
        return np.frombuffer(content.text.lower().encode(), np.uint8)

    def encode(self, prepared: Sequence[NDArray[Any]]) -> NDArray[np.float16]:
        assert 0 < len(prepared) <= self.batch_size
        time.sleep(self._seconds)
        with self._lock:
            self.encoded += [bytes(one).decode() for one in prepared]
        return np.stack([letters_of(bytes(one).decode()) for one in prepared])


def letters_of(text: str) -> NDArray[np.float16]:
    counts = np.bincount(np.frombuffer(text.lower().encode(), np.uint8), minlength=256)
    return counts[ord("a") : ord("z") + 1].astype(np.float16)


def texts(*several: str) -> ListedContents:
    return ListedContents(Text(text) for text in several)


def numbered_texts(count: int, start: int = 0) -> list[str]:
    """Texts of which no two have the same letters."""
    return [
        f"{'a' * (number % 1000)}{'b' * (number // 1000)}c"
        for number in range(start, start + count)
    ]
