"""Perceptual hashes hardly change where a picture hardly does, and pairs are found by them."""

from __future__ import annotations

import numpy as np
import pytest

from dataparams.health.perceptual_hash import (
    alike_by_hash,
    hash_distances,
    mirrored_hashes,
    perceptual_hashes,
    thumbnail,
)
from made_copies import darkened, halved, made_picture, mirrored, recompressed


def hashes_of(*pictures):
    return perceptual_hashes(np.stack([thumbnail(np.asarray(one)) for one in pictures]))


@pytest.mark.parametrize("change", [recompressed, halved, darkened])
def test_what_hardly_changes_a_picture_hardly_changes_its_hash(change):
    for seed in range(10):
        picture = made_picture(seed)
        one, other = hashes_of(picture, change(picture))
        assert hash_distances(one[None], other[None])[0] <= 3


def test_pictures_that_differ_have_hashes_that_do():
    hashes = hashes_of(*map(made_picture, range(30)))
    one, other = np.triu_indices(30, 1)
    assert hash_distances(hashes[one], hashes[other]).min() > 10


def test_the_hash_of_the_mirrored_picture_follows_from_the_hash():
    pictures = list(map(made_picture, range(10)))
    expected = hashes_of(*map(mirrored, pictures))
    assert hash_distances(mirrored_hashes(hashes_of(*pictures)), expected).max() <= 1


def test_pairs_that_differ_in_few_bits_are_found_among_many():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, 5000, dtype=np.uint64)
    for place in range(100):
        flipped = np.bitwise_or.reduce(np.uint64(1) << rng.choice(64, 3, False).astype(np.uint64))
        hashes[place + 1000] = hashes[place] ^ flipped
    hashes[200] = mirrored_hashes(hashes[300:301])[0]
    found = {tuple(pair) for pair in alike_by_hash(hashes).tolist()}
    assert found == {(place, place + 1000) for place in range(100)} | {(200, 300)}


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_pictures_are_no_pair(count):
    assert alike_by_hash(np.zeros(count, np.uint64)).shape == (0, 2)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 500, 3), (500, 2), (32, 32, 3)])
def test_a_picture_of_any_shape_has_a_thumbnail(shape):
    assert thumbnail(np.zeros(shape, np.uint8)).shape == (32, 32)
