"""Copies of pictures are found, whatever was done to them; pictures of the same kind are none."""

from __future__ import annotations

import numpy as np
import pytest

from dataparams.health.perceptual_hash import thumbnail
from dataparams.health.picture_likeness import PicturesAlike
from made_copies import CHANGES, made_picture

COUNT = 24


def pictures_alike(pictures, near=None, features=None):
    thumbnails = np.stack([thumbnail(np.asarray(one)) for one in pictures])
    sizes = np.array([one.size for one in pictures])
    return PicturesAlike(thumbnails, sizes, features, near)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_copies_are_found_by_their_neighbors(change):
    pictures = [made_picture(seed) for seed in range(COUNT)]
    pictures += [change(one) for one in pictures[: COUNT // 2]]
    # The nearest of a copy is the picture itself, and others are as good as any.
    count = len(pictures)
    near = (np.arange(count)[:, None] + [COUNT, 5, 11]) % count
    near[COUNT:, 0] = np.arange(COUNT // 2)
    found = pictures_alike(pictures, near).pairs().tolist()
    assert found == [[place, place + COUNT] for place in range(COUNT // 2)]


@pytest.mark.parametrize("change", [one for one in CHANGES if one.__name__ != "cropped"])
def test_all_but_crops_are_found_without_features(change):
    pictures = [made_picture(seed) for seed in range(COUNT)]
    pictures += [change(one) for one in pictures[: COUNT // 2]]
    found = pictures_alike(pictures).pairs().tolist()
    assert found == [[place, place + COUNT] for place in range(COUNT // 2)]


def test_where_all_pictures_are_alike_that_makes_no_copies():
    rng = np.random.default_rng(0)
    base = np.asarray(made_picture(0), dtype=float)
    pictures = np.stack([base + 12 * np.asarray(made_picture(seed)) / 255 for seed in range(40)])
    pictures += rng.normal(0, 2, pictures.shape)
    thumbnails = np.stack([thumbnail(one.clip(0, 255).astype(np.uint8)) for one in pictures])
    near = np.stack([rng.permutation(40)[:6] for _ in range(40)])
    sizes = np.full((40, 2), 160)
    alike = PicturesAlike(thumbnails, sizes, near=near)
    assert not len(alike.pairs())
    # The very same is the same nevertheless.
    thumbnails[7] = thumbnails[3]
    assert PicturesAlike(thumbnails, sizes, near=near).pairs().tolist() == [[3, 7]]


def test_features_that_say_otherwise_leave_only_what_is_all_but_the_same():
    rng = np.random.default_rng(0)
    first = thumbnail(np.asarray(made_picture(1)))
    noise = rng.normal(0, 0.17 * first.std(), (32, 32))
    other = (first + noise).clip(0, 255).astype(np.uint8)
    thumbnails, sizes = np.stack([first, other, first]), np.full((3, 2), 160)
    assert len(PicturesAlike(thumbnails, sizes).pairs()) == 3
    unlike = PicturesAlike(thumbnails, sizes, np.eye(3))
    assert unlike.pairs().tolist() == [[0, 2]]


def test_pictures_of_one_color_are_not_laid_over_each_other():
    thumbnails = np.stack([np.full((32, 32), value, np.uint8) for value in (0, 0, 255)])
    assert not len(PicturesAlike(thumbnails, np.full((3, 2), 160)).pairs())
