"""Batches made on the device, compared with a plain loop over images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.batches import Augmentation, DeviceBatches, LabeledImages, channel_statistics
from made_images import random_images as samples

MEAN, STD = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.3])
BOTH = Augmentation(crop_padding=3, mirror=True)


def batches(data: LabeledImages, batch_size: int = 40, **arguments) -> DeviceBatches:
    return DeviceBatches(data, batch_size, device="cpu", mean=MEAN, std=STD, **arguments)


def epoch(data: LabeledImages, number: int = 0, **arguments) -> torch.Tensor:
    return torch.cat([batch.images for batch in batches(data, **arguments).epoch(number)])


def possible_crops(image: torch.Tensor, padding: int) -> torch.Tensor:
    """All crops of one padded image, each also mirrored, normalized in float64."""
    height, width = image.shape[1:]
    pads = ((0, 0), (padding, padding), (padding, padding))
    padded = torch.from_numpy(np.pad(image.numpy(), pads, mode="reflect"))
    crops = [
        padded[:, top : top + height, left : left + width]
        for top in range(2 * padding + 1)
        for left in range(2 * padding + 1)
    ]
    crops += [crop.flip(2) for crop in crops]
    scaled = torch.stack(crops).double() / 255
    return (scaled - MEAN.view(1, 3, 1, 1)) / STD.view(1, 3, 1, 1)


@pytest.mark.parametrize("channels_last", [False, True])
def test_each_image_is_a_mirrored_crop_of_its_own_sample(channels_last):
    data = samples(60)
    found = []
    for batch in batches(data, augmentation=BOTH, channels_last=channels_last).epoch(0):
        memory_format = torch.channels_last if channels_last else torch.contiguous_format
        assert batch.images.is_contiguous(memory_format=memory_format)
        assert batch.images.dtype == torch.float32
        for image, position in zip(batch.images, batch.positions.tolist(), strict=True):
            distance = (possible_crops(data.images[position], 3) - image).abs().amax((1, 2, 3))
            assert float(distance.min()) < 1e-5
            found.append(int(distance.argmin()))
    assert any(number < 49 for number in found)
    assert any(number >= 49 for number in found)
    assert len({number % 49 for number in found}) > 25


def test_channels_last_changes_nothing_but_the_memory():
    data = samples(50)
    plain = epoch(data, augmentation=BOTH)
    assert torch.equal(plain, epoch(data, augmentation=BOTH, channels_last=True))


def test_without_shuffling_and_augmentation_images_come_as_they_are():
    data = samples(45)
    images = epoch(data, shuffle=False)
    expected = (data.images.double() / 255 - MEAN.view(3, 1, 1)) / STD.view(3, 1, 1)
    assert torch.allclose(images.double(), expected, atol=1e-5)


def test_labels_and_index_belong_to_the_positions():
    data = samples(90)
    seen = []
    for batch in batches(data).epoch(3):
        assert torch.equal(batch.labels, data.labels[batch.positions])
        assert torch.equal(batch.index, 2 * batch.positions)
        assert batch.global_size == len(batch.labels)
        seen += batch.positions.tolist()
    assert sorted(seen) == list(range(90))
    assert seen != list(range(90))


@pytest.mark.parametrize("world_size", [2, 3])
def test_processes_together_do_what_one_does(world_size):
    data = samples(101)
    ranks = [
        list(batches(data, augmentation=BOTH, rank=r, world_size=world_size).epoch(1))
        for r in range(world_size)
    ]
    whole = list(batches(data, augmentation=BOTH).epoch(1))
    for step, batch in enumerate(whole):
        for rank in range(world_size):
            share = ranks[rank][step]
            assert share.global_size == batch.global_size == len(batch.labels)
            for name in ("images", "labels", "index", "positions"):
                assert torch.equal(getattr(share, name), getattr(batch, name)[rank::world_size])
    assert all(len(rank) == len(whole) for rank in ranks)


def test_a_share_can_be_empty():
    (batch,) = batches(samples(2), augmentation=BOTH, rank=2, world_size=3).epoch(0)
    assert batch.images.shape == (0, 3, 9, 7)
    assert batch.global_size == 2


def test_an_epoch_depends_on_seed_and_number_alone():
    data = samples(64)
    first = epoch(data, 4, seed=1, augmentation=BOTH)
    torch.manual_seed(123)
    state = torch.get_rng_state()
    assert torch.equal(first, epoch(data, 4, seed=1, augmentation=BOTH))
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first, epoch(data, 5, seed=1, augmentation=BOTH))
    assert not torch.equal(first, epoch(data, 4, seed=2, augmentation=BOTH))


def test_what_one_process_draws_does_not_depend_on_earlier_epochs():
    loader = batches(samples(64), augmentation=BOTH)
    direct = torch.cat([batch.images for batch in loader.epoch(7)])
    for _ in loader.epoch(0):
        pass
    assert torch.equal(direct, torch.cat([batch.images for batch in loader.epoch(7)]))


@pytest.mark.parametrize("start", [0, 2, 4])
def test_an_epoch_can_begin_at_any_batch(start):
    data = batches(samples(140), augmentation=BOTH, rank=1, world_size=3)
    whole, rest = list(data.epoch(5)), list(data.epoch(5, start))
    assert len(data) == len(whole) == 4
    assert len(rest) == 4 - start
    for one, other in zip(whole[start:], rest, strict=True):
        assert one.global_size == other.global_size
        for name in ("images", "labels", "index", "positions"):
            assert torch.equal(getattr(one, name), getattr(other, name))


@settings(max_examples=60, deadline=None)
@given(count=st.integers(0, 200), batch_size=st.integers(1, 130))
def test_a_small_last_batch_joins_the_one_before(count, batch_size):
    data = samples(count, height=1, width=1)
    loader = batches(data, batch_size)
    sizes = [batch.global_size for batch in loader.epoch(0)]
    assert len(loader) == len(sizes)
    assert sum(sizes) == count
    assert all(size == batch_size for size in sizes[:-1])
    limit = min(32, batch_size // 2)
    if len(sizes) > 1:
        # One sample alone is joined too, whatever the size of a batch.
        assert limit <= sizes[-1] < batch_size + max(limit, 2)


def test_channel_statistics_are_those_of_numpy():
    images = samples(50).images
    mean, std = channel_statistics(images)
    expected = images.numpy().astype(np.float64) / 255
    assert np.allclose(mean.numpy(), expected.mean(axis=(0, 2, 3)), atol=1e-7)
    assert np.allclose(std.numpy(), expected.std(axis=(0, 2, 3)), atol=1e-7)


def test_channel_statistics_need_bytes():
    with pytest.raises(ValueError, match=r"expected \(n, channels, height, width\), torch.uint8"):
        channel_statistics(torch.zeros(2, 1, 2, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"rank": 2, "world_size": 2}, "rank is 2 of world_size 2"),
        ({"augmentation": Augmentation(crop_padding=7)}, r"crop_padding is 7; expected 0 \.\.\. 6"),
        ({"mean": torch.zeros(1)}, r"mean has shape \(1,\); expected \(3,\)"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    given_arguments = {"batch_size": 8, "mean": MEAN, "std": STD, **arguments}
    with pytest.raises(ValueError, match=message):
        DeviceBatches(samples(10), device="cpu", **given_arguments)
