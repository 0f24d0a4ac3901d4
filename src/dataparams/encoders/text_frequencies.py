"""What letters a text has beside what its words mean: frequencies of pieces, reduced.

Term frequency times inverse document frequency (Sparck Jones, "A statistical interpretation of term
specificity", 1972) of the groups of two to five letters within words, then the directions in which
texts differ most (Deerwester et al., "Indexing by latent semantic analysis", 1990). Both are fitted
on the texts of a data set, without their labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FORMAT = 1
"""Changes whenever the same texts get other features."""
WIDTH = 256
"""How many directions of texts are kept."""
WEIGHT_OF_FREQUENCIES = 0.7
"""How much they count beside what words mean."""
_FITTED_ON = 50_000
_AT_ONCE = 10_000
_LETTERS = 2_000
_GROUPS = 2, 5
_MOST_GROUPS = 50_000
_LEAST = 1e-9


def text_frequencies(texts: Sequence[str], *, width: int = WIDTH) -> NDArray[np.float32]:
    """The reduced frequencies of the letters of texts, of the first 2,000 letters of each.

    Args:
        texts: n of them. They are fitted on at most 50,000 of these.
        width: How many directions are kept.

    Returns:
        (n, width); all zero where texts have too little in common.

    Example:
        >>> texts = ["card lost", "card stolen", "my cards", "late loan", "a loan", "loans"]
        >>> found = text_frequencies(texts)
        >>> found.shape, bool(found[0] @ found[1] > found[0] @ found[3])
        ((6, 256), True)
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.extmath import randomized_svd

    beginnings = [text[:_LETTERS] for text in texts]
    drawn = np.linspace(0, len(texts) - 1, min(len(texts), _FITTED_ON)).astype(np.int64)
    frequencies = TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=_GROUPS,
        min_df=2,
        max_features=_MOST_GROUPS,
        sublinear_tf=True,
        dtype=np.float32,
    )
    reduced = np.zeros((len(texts), width), dtype=np.float32)
    try:
        fitted = frequencies.fit_transform([beginnings[place] for place in drawn])
    except ValueError:
        # No group of letters is in two texts.
        return reduced
    kept = min(width, fitted.shape[0] - 1, fitted.shape[1] - 1)
    if kept < 1:
        return reduced
    _, _, directions = randomized_svd(fitted, kept, n_iter=3, random_state=0)
    if len(drawn) == len(texts):
        reduced[:, :kept] = fitted @ directions.T
        return reduced
    for start in range(0, len(texts), _AT_ONCE):
        part = frequencies.transform(beginnings[start : start + _AT_ONCE])
        reduced[start : start + part.shape[0], :kept] = part @ directions.T
    return reduced


def joined(
    vectors: NDArray[np.floating], frequencies: NDArray[np.floating], weight: float
) -> NDArray[np.float16]:
    """Vectors and frequencies side by side, each of a text of norm 1, the second times a weight.

    Args:
        vectors: (n, d).
        frequencies: (n, e).
        weight: How much these count.

    Returns:
        (n, d + e).
    """
    parts = _of_norm_one(vectors), weight * _of_norm_one(frequencies)
    return np.concatenate(parts, axis=1).astype(np.float16)


def _of_norm_one(values: NDArray[np.floating]) -> NDArray[np.float32]:
    centered = values.astype(np.float32) - values.mean(axis=0, dtype=np.float32)
    norms = np.linalg.norm(centered, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = centered / np.maximum(norms, _LEAST)
    return scaled
