"""Encoders that tests make for themselves: of texts, without a network."""

from __future__ import annotations

import threading
import time

import numpy as np
from made_contents import ListedContents, Text

from dataparams.contents.content import UnreadableContentError


class LetterEncoder:
    """Counts the letters of texts, and how often it was asked."""

    name = "letters"
    width = 26
    batch_size = 4

    def __init__(self, key="letters-1", threads=1, seconds=0.0):
        self.key = key
        self.threads = threads
        self.prepared = 0
        self.encoded = []
        self._seconds = seconds
        self._lock = threading.Lock()

    def prepare(self, content):
        if not isinstance(content, Text):
            raise UnreadableContentError("it is no text")
        if not content.text:
            raise UnreadableContentError("the text is empty")
        with self._lock:
            self.prepared += 1
        return np.frombuffer(content.text.lower().encode(), np.uint8)

    def encode(self, prepared):
        assert 0 < len(prepared) <= self.batch_size
        time.sleep(self._seconds)
        with self._lock:
            self.encoded += [bytes(one).decode() for one in prepared]
        return np.stack([letters_of(bytes(one).decode()) for one in prepared])


def letters_of(text):
    counts = np.bincount(np.frombuffer(text.lower().encode(), np.uint8), minlength=256)
    return counts[ord("a") : ord("z") + 1].astype(np.float16)


def texts(*several):
    return ListedContents(Text(text) for text in several)


def numbered_texts(count, start=0):
    """Texts of which no two have the same letters."""
    return [
        f"{'a' * (number % 1000)}{'b' * (number // 1000)}c"
        for number in range(start, start + count)
    ]
