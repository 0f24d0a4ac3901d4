"""Perceptual hashes: 64 bits that stay nearly the same where a picture is compressed or resized.

The hash of a picture has a bit for each of the 64 lowest frequencies of its 32 x 32 gray values:
whether it is above zero (a variant of pHash: Zauner, "Implementation and benchmarking of perceptual
image hash functions", 2010, section 3.1, which compares with the median). Neither brightness nor
contrast counts. A mirrored picture has the same frequencies, with those that are odd from left to
right negated: its hash follows from the hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 32
"""Pixels of a side of the thumbnails that hashes are made of."""
_FREQUENCIES = 8
_AT_ONCE = 4096


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture in 32 x 32 gray values, whatever its aspect ratio.

    Args:
        pixels: (height, width, 3) or (height, width), uint8; at least one pixel.

    Returns:
        (32, 32), uint8.

    Example:
        >>> thumbnail(np.full((40, 60, 3), 51, np.uint8))[0, :3]
        array([51, 51, 51], dtype=uint8)
    """
    from PIL import Image

    gray = Image.fromarray(np.ascontiguousarray(pixels)).convert("L")
    # Overlapping averages: what is finer than a pixel here does not come back as a pattern.
    return np.asarray(gray.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def perceptual_hashes(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The hashes of pictures.

    Args:
        thumbnails: (n, 32, 32), from :func:`thumbnail`.

    Returns:
        (n,).

    Example:
        >>> ramp = np.add.outer(np.arange(32), 3 * np.arange(32)).astype(np.uint8)
        >>> one, brighter = perceptual_hashes(np.stack([ramp, ramp + 40]))
        >>> bool(one == brighter)
        True
    """
    from scipy.fft import dctn

    hashes = np.empty(len(thumbnails), dtype=np.uint64)
    weights = np.uint64(1) << np.arange(_FREQUENCIES**2, dtype=np.uint64)
    for start in range(0, len(thumbnails), _AT_ONCE):
        gray = thumbnails[start : start + _AT_ONCE].astype(np.float32)
        # The mean is in frequency (0, 0) alone; as 0 it hides no rounding of the others.
        gray -= gray.mean(axis=(1, 2), keepdims=True)
        spectrum = dctn(gray, axes=(1, 2), norm="ortho")[:, :_FREQUENCIES, :_FREQUENCIES]
        bits = spectrum.reshape(len(gray), -1) > _ROUNDING
        hashes[start : start + len(gray)] = (bits * weights).sum(axis=1, dtype=np.uint64)
    return hashes


def mirrored_hashes(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The hashes of the same pictures with left and right exchanged.

    Args:
        hashes: (n,), from :func:`perceptual_hashes`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> pictures = rng.integers(0, 256, (5, 32, 32), dtype=np.uint8)
        >>> mirrored = perceptual_hashes(pictures[:, :, ::-1])
        >>> bool((mirrored_hashes(perceptual_hashes(pictures)) == mirrored).all())
        True
    """
    mirrored: NDArray[np.uint64] = hashes ^ _ODD_FROM_LEFT_TO_RIGHT
    return mirrored


def hash_distances(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """How many of the 64 bits differ, (n,).

    Example:
        >>> hash_distances(np.array([0b1100], np.uint64), np.array([0b0101], np.uint64))
        array([2], dtype=uint8)
    """
    # np.bitwise_count is of NumPy 2.
    differing = np.atleast_1d(one ^ other).view(np.uint8).reshape(-1, 8)
    counts: NDArray[np.uint8] = _BITS[differing].sum(axis=1, dtype=np.uint8)
    return counts


def alike_by_hash(
    hashes: NDArray[np.uint64], *, compared: int = 4, most_bits: int = 10
) -> NDArray[np.int64]:
    """Pairs of pictures whose hashes, or whose hash and mirrored hash, differ in few bits.

    Not all are compared with all: hashes are sorted four times, by each quarter of the bits first
    (Manku et al., "Detecting near-duplicates for web crawling", 2007), and each is compared with
    the next few. What differs in 3 bits agrees in a whole quarter.

    Args:
        hashes: (n,).
        compared: With how many of the next each is compared.
        most_bits: In how many bits a pair may differ.

    Returns:
        (m, 2), places in ascending order, no pair twice.

    Example:
        >>> alike_by_hash(np.array([7, 1 << 60, 6, 1 << 40], np.uint64), most_bits=1)
        array([[0, 2]])
    """
    count = len(hashes)
    both = np.concatenate([hashes, mirrored_hashes(hashes)])
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for quarter in range(4):
        turned = _turned(both, 16 * quarter)
        order = np.argsort(turned, kind="stable")
        for step in range(1, compared + 1):
            one, other = order[:-step], order[step:]
            # Two mirrored hashes say what the two hashes say.
            differs = (one % count != other % count) & ((one < count) | (other < count))
            near = differs & (hash_distances(both[one], both[other]) <= most_bits)
            pairs.append(np.stack([one[near] % count, other[near] % count], axis=1))
    found = np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)
    return found.astype(np.int64, copy=False)


def _turned(values: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    if bits == 0:
        return values
    turned: NDArray[np.uint64] = (values << np.uint64(bits)) | (values >> np.uint64(64 - bits))
    return turned


_ROUNDING = 0.01
_BITS = np.array([byte.bit_count() for byte in range(256)], dtype=np.uint8)
_ODD_FROM_LEFT_TO_RIGHT = np.uint64(
    sum(1 << place for place in range(_FREQUENCIES**2) if place % _FREQUENCIES % 2)
)
