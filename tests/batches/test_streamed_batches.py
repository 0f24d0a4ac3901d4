"""Streamed batches: what is in them, whoever reads them."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import RandomResizedCrop

from dataparams.batches import DeviceBatches, StreamedBatches, StreamedImages, stream_dataset
from dataparams.batches.crops import draw, is_mirrored, middle_region, random_region
from dataparams.batches.streamed_batches import MEAN, STD
from dataparams.contents.pixmap import to_pixmap, view_pixmap
from dataparams.contents.regions import Region
from dataparams.errors import DataError
from made_images import random_images as in_memory
from made_streams import slopes


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return slopes(tmp_path_factory.mktemp("stream") / "pets")


@pytest.fixture(scope="module")
def train(folder) -> StreamedImages:
    return stream_dataset(str(folder), image_size=24).train


def stream(samples: StreamedImages, size: int = 10, *, workers: int = 0, **arguments):
    return StreamedBatches(samples, size, device="cpu", workers=workers, **arguments)


def pixels_of(batch) -> torch.Tensor:
    """Bytes again, (b, size, size, 3)."""
    values = batch.images.permute(0, 2, 3, 1) * STD + MEAN
    return (255 * values).round()


def assert_same(first, second) -> None:
    assert len(first) == len(second)
    for ours, theirs in zip(first, second, strict=True):
        for name in ("images", "labels", "index", "positions"):
            assert torch.equal(getattr(ours, name), getattr(theirs, name)), name
        assert ours.global_size == theirs.global_size


# --- crops ---------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(width=st.integers(1, 900), height=st.integers(1, 900), index=st.integers(0, 2**40))
def test_random_regions_lie_within_and_have_the_area_and_shape_promised(width, height, index):
    part = random_region(width, height, draw(1, 2, index))
    assert part.width >= 1
    assert part.height >= 1
    assert 0 <= part.left <= width - part.width
    assert 0 <= part.top <= height - part.height
    if min(width, height) > 100 and max(width, height) < 1.3 * min(width, height):
        assert 0.07 < part.width * part.height / (width * height) <= 1
        assert 0.73 < part.width / part.height < 1.37


def test_random_regions_are_distributed_as_torchvisions():
    torch.manual_seed(0)
    image = torch.empty(3, 375, 500)
    theirs = np.array(
        [RandomResizedCrop.get_params(image, (0.08, 1.0), (3 / 4, 4 / 3)) for _ in range(3000)]
    )
    ours = np.array([random_region(500, 375, draw(0, 0, index)) for index in range(3000)])
    ours = ours[:, [1, 0, 3, 2]]
    spread = theirs.std(axis=0)
    assert (abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 0.1 * spread).all()
    assert (abs(ours.std(axis=0) / spread - 1) < 0.06).all()


@pytest.mark.parametrize(("width", "height"), [(2000, 20), (20, 2000)])
def test_where_no_shape_fits_it_is_torchvisions_middle(width, height):
    top, left, h, w = RandomResizedCrop.get_params(
        torch.empty(3, height, width), (0.9, 1.0), (3 / 4, 4 / 3)
    )
    drawn = np.ones(41)
    assert random_region(width, height, drawn) == Region(left, top, w, h)


def test_a_mirror_image_in_half_of_the_cases():
    mirrored = [is_mirrored(draw(0, 0, index)) for index in range(2000)]
    assert 900 < sum(mirrored) < 1100


def test_kept_pixels_are_read_as_every_library_reads_them(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    (tmp_path / "a.ppm").write_bytes(to_pixmap(pixels))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.ppm")), pixels)
    assert np.array_equal(view_pixmap(memoryview(to_pixmap(pixels))), pixels)
    assert view_pixmap(to_pixmap(pixels)[:-1]) is None
    assert view_pixmap(b"P6\n# made by hand\n1 1\n255\nabc") is None


# --- contents ------------------------------------------------------------------------------------


@pytest.mark.parametrize("augment", [False, True])
def test_each_image_is_the_region_of_its_own_sample(folder, train, augment):
    seen = []
    for batch in stream(train, augment=augment, seed=5).epoch(3):
        assert torch.equal(batch.labels, train.labels[batch.positions])
        assert torch.equal(batch.index, train.index[batch.positions])
        for pixels, position in zip(pixels_of(batch), batch.positions.tolist(), strict=True):
            image = Image.open(folder / train.ids[position])
            drawn = draw(5, 3, int(train.index[position]))
            choose = partial(random_region, drawn=drawn) if augment else middle_region
            left, top, width, height = choose(*image.size)
            box = (left, top, left + width, top + height)
            expected = np.asarray(image.resize((24, 24), Image.Resampling.BILINEAR, box=box))
            if augment and is_mirrored(drawn):
                expected = expected[:, ::-1]
            assert abs(pixels.numpy() - expected).max() <= 4
            seen.append(position)
    assert sorted(seen) == list(range(len(train)))


def test_a_batch_that_is_kept_never_changes(train):
    batches = stream(train, 5, augment=True, channels_last=True)
    kept = [(batch.images[:, 1:], batch.images.clone()) for batch in batches.epoch(0)]
    for _ in batches.epoch(1):
        pass
    for view, copy in kept:
        assert torch.equal(view, copy[:, 1:])


def test_the_order_is_that_of_images_in_memory(train):
    data = in_memory(len(train))
    resident = DeviceBatches(data, 10, device="cpu", mean=MEAN, std=STD, seed=4)
    for ours, theirs in zip(stream(train, seed=4).epoch(2), resident.epoch(2), strict=True):
        assert torch.equal(ours.positions, theirs.positions)
        assert ours.global_size == theirs.global_size


def test_evaluation_goes_through_the_samples_in_their_order(train):
    seen = [batch.positions for batch in stream(train, shuffle=False).epoch(0)]
    assert torch.equal(torch.cat(seen), torch.arange(len(train)))


def test_a_start_skips_batches_and_changes_none(train):
    batches = stream(train, augment=True)
    whole = list(batches.epoch(1))
    for start in range(len(batches) + 1):
        assert_same(list(batches.epoch(1, start)), whole[start:])


def test_channels_last_changes_nothing_but_the_memory(train):
    plain = list(stream(train, augment=True).epoch(0))
    last = list(stream(train, augment=True, channels_last=True).epoch(0))
    assert_same(plain, last)
    assert plain[0].images.is_contiguous()
    assert last[0].images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("world_size", [2, 3])
def test_processes_together_do_what_one_does(train, world_size):
    whole = list(stream(train, augment=True).epoch(1))
    for rank in range(world_size):
        shares = stream(train, augment=True, rank=rank, world_size=world_size).epoch(1)
        for batch, share in zip(whole, shares, strict=True):
            assert share.global_size == batch.global_size
            for name in ("images", "labels", "index", "positions"):
                assert torch.equal(getattr(share, name), getattr(batch, name)[rank::world_size])


def test_the_number_of_readers_changes_no_bit(train):
    torch.manual_seed(9)
    state = torch.get_rng_state()
    for workers in (1, 3):
        with stream(train, 7, augment=True, workers=workers) as batches:
            for number in (4, 0):
                assert_same(
                    list(batches.epoch(number)), list(stream(train, 7, augment=True).epoch(number))
                )
    assert torch.equal(torch.get_rng_state(), state)


def test_readers_that_are_spawned_read_the_same(train):
    with stream(train, augment=True, workers=1, start_method="spawn") as batches:
        assert_same(list(batches.epoch(0)), list(stream(train, augment=True).epoch(0)))


def test_an_abandoned_epoch_does_not_spoil_the_next(train):
    with stream(train, 3, augment=True, workers=2) as batches:
        abandoned = batches.epoch(0)
        next(abandoned)
        assert_same(list(batches.epoch(1)), list(stream(train, 3, augment=True).epoch(1)))
        with pytest.raises(RuntimeError, match="only one can be under way"):
            next(abandoned)


# --- damage --------------------------------------------------------------------------------------


def damaged_folder(root: Path) -> Path:
    slopes(root)
    (root / "cat" / "003.png").write_bytes(b"")
    (root / "cat" / "007.png").write_bytes((root / "cat" / "008.png").read_bytes()[:60])
    (root / "dog" / "025.png").write_bytes(b"<html>not found</html>")
    return root


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_images_are_left_out_and_noted(tmp_path, workers):
    root = damaged_folder(tmp_path / "pets")
    train = stream_dataset(str(root), image_size=24, val_frac=0.05).train
    broken = {i for i, name in enumerate(train.ids) if name.endswith(("003.png", "007.png"))}
    broken |= {i for i, name in enumerate(train.ids) if name.endswith("025.png")}
    with stream(train, workers=workers) as batches:
        for number in range(2):
            seen = torch.cat([batch.positions for batch in batches.epoch(number)]).tolist()
            assert sorted({*range(len(train))} - {*seen}) == sorted(broken)
        found = {sample.index: sample.id for sample in batches.unreadable}
        assert found == {int(train.index[i]): train.ids[i] for i in broken}
        reasons = {Path(sample.id).stem: sample.reason for sample in batches.unreadable}
    assert "0 bytes" in reasons["003"]
    assert sum(batch.global_size for batch in batches.epoch(0)) == len(train)


def test_mostly_unreadable_images_are_an_error(tmp_path):
    root = slopes(tmp_path / "pets")
    train = stream_dataset(str(root), image_size=24).train
    for file in sorted(root.rglob("*.png"))[5:]:
        file.unlink()
    with pytest.raises(DataError, match=r"cannot be read: \d+ x the file is missing"):
        list(stream(train).epoch(0))


# --- processes -----------------------------------------------------------------------------------


class Readers:
    """The processes begun since; others may have their reasons."""

    def __init__(self) -> None:
        self._before = set(psutil.Process().children(recursive=True))

    def __call__(self) -> list[psutil.Process]:
        there = set(psutil.Process().children(recursive=True)) - self._before
        return [process for process in there if process.status() != "zombie"]

    def require_gone(self) -> None:
        deadline = time.monotonic() + 20
        while self() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not self()


def test_no_reader_outlives_an_error(train):
    readers = Readers()

    def fail() -> None:
        with stream(train, 3, workers=2) as batches:
            for _ in batches.epoch(0):
                assert len(readers()) == 2
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    readers.require_gone()


def test_a_reader_that_is_killed_is_said(train):
    readers = Readers()
    with stream(train, 2, workers=1) as batches:
        epoch = batches.epoch(0)
        next(epoch)
        os.kill(readers()[0].pid, signal.SIGKILL)
        with pytest.raises(DataError, match=r"ended unexpectedly.*fewer `workers`"):
            list(epoch)
    readers.require_gone()


def anonymous_memory(process: psutil.Process) -> int:
    """Bytes that are the process's own; pages of files, and shared ones, are not."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory_does_not_grow_over_epochs(train):
    readers, few = Readers(), train.select(torch.arange(24))
    with stream(few, 8, augment=True, workers=1) as batches:
        sizes = []
        for number in range(40):
            for _ in batches.epoch(number):
                pass
            sizes.append([anonymous_memory(process) for process in (psutil.Process(), *readers())])
    grown = np.array(sizes[-1]) - np.array(sizes[9])
    assert (grown < 2 * 2**20).all(), grown
