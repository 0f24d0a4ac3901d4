"""How alike texts are: the same but for case, white space and punctuation, or a few letters.

Paraphrases are not looked for. What differs in its digits is not alike, however long it is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST_LIKENESS = 0.92
"""From which on two texts are near duplicates."""
_SPACE = re.compile(r"\s+")
# Signs that carry no meaning of their own; those of money, of numbers and of tags do.
_APOSTROPHE = re.compile("['`\u00b4\u2018\u2019]")
_DASH = "[-\u2010-\u2014]+"
_PUNCTUATION = re.compile(
    rf"(?<!\S){_DASH}(?!\d)|(?<=\w){_DASH}|"
    '[.,;:!?"()\\[\\]{}_|\u00a1\u00ab\u00bb\u00bf\u2026\u201c-\u201e]'
)
_DIGITS = re.compile(r"\d+")
_LETTERS = 3
_FEWEST_LETTERS = 8
_COMPARED = 3
_MOST_LETTERS = 4000


def spaced_alike(text: str) -> str:
    r"""A text in small letters, with one space wherever there is white space.

    Example:
        >>> spaced_alike(" Where is  my\ncard? ")
        'where is my card?'
    """
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def without_punctuation(spaced: str) -> str:
    """What :func:`spaced_alike` gives, without punctuation; as it is where hardly a word is left.

    Example:
        >>> without_punctuation("can't i top-up, now?!"), without_punctuation("c++ or c#?")
        ('cant i top up now', 'c++ or c#')
        >>> without_punctuation("why?!")
        'why?!'
    """
    bare = _SPACE.sub(" ", _PUNCTUATION.sub(" ", _APOSTROPHE.sub("", spaced))).strip()
    return bare if len(bare) >= _FEWEST_LETTERS else spaced


def likeness(one: str, other: str) -> float:
    """The share of pieces of three letters that two texts have in common, 0 ... 1.

    Jaccard's index of the pieces, each counted as often as it occurs; 0 where digits differ. Of
    long texts the first 4,000 letters count.

    Args:
        one: As :func:`without_punctuation` gives it.
        other: Likewise.

    Example:
        >>> one, other = "i lost my card in london", "i lost my cards in london"
        >>> round(likeness(one, other), 2)
        0.81
        >>> likeness("transfer of 100 pounds", "transfer of 200 pounds")
        0.0
    """
    if _digits(one) != _digits(other):
        return 0.0
    a, b = _pieces(one), _pieces(other)
    if not len(a) or not len(b):
        return float(one == other)
    both = np.concatenate([a, b])
    values, places = np.unique(both, return_inverse=True)
    counts = [
        np.bincount(part, minlength=len(values)) for part in (places[: len(a)], places[len(a) :])
    ]
    return float(np.minimum(*counts).sum() / np.maximum(*counts).sum())


def likeness_of_pairs(texts: Sequence[str], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """The likeness of the texts of some pairs, (m,); 0 where their lengths alone rule it out.

    Args:
        texts: As :func:`without_punctuation` gives them, n of them.
        pairs: Places among them, (m, 2).
    """
    found = np.zeros(len(pairs))
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))[pairs]
    shortest, longest = lengths.min(axis=1), np.maximum(lengths.max(axis=1), 1)
    for row in np.flatnonzero(shortest / longest >= LEAST_LIKENESS):
        found[row] = likeness(texts[pairs[row, 0]], texts[pairs[row, 1]])
    return found


def neighbors_in_order(texts: Sequence[str]) -> NDArray[np.int64]:
    """Pairs of texts that begin, or end, alike: each with the next three in alphabetical order.

    Returns:
        (m, 2), places.
    """
    if len(texts) < 2:
        return np.empty((0, 2), dtype=np.int64)
    found = []
    for words in (texts, [text[::-1] for text in texts]):
        order = np.array(sorted(range(len(words)), key=words.__getitem__), dtype=np.int64)
        found += [
            np.stack([order[:-step], order[step:]], axis=1)
            for step in range(1, min(_COMPARED, len(order) - 1) + 1)
        ]
    return np.concatenate(found)


@lru_cache(maxsize=4096)
def _pieces(text: str) -> NDArray[np.int64]:
    """Its pieces of three letters, as numbers."""
    letters = np.frombuffer(f" {text[:_MOST_LETTERS]} ".encode("utf-32-le", "replace"), np.uint32)
    codes = letters.astype(np.int64)
    whole = codes[: len(codes) - _LETTERS + 1].copy()
    for step in range(1, _LETTERS):
        whole = (whole << 21) ^ codes[step : len(codes) - _LETTERS + 1 + step]
    pieces: NDArray[np.int64] = whole
    return pieces


@lru_cache(maxsize=4096)
def _digits(text: str) -> tuple[str, ...]:
    return tuple(_DIGITS.findall(text))
