"""Batches that NVIDIA DALI decodes: the crops that the other loader cuts."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from dataparams.batches import StreamedBatches, stream_dataset
from dataparams.batches.dali_batches import DaliBatches
from dataparams.errors import UserError
from made_images import picture, save
from made_streams import slopes

has_dali = importlib.util.find_spec("nvidia") is not None and (
    importlib.util.find_spec("nvidia.dali") is not None
)


@pytest.mark.skipif(has_dali, reason="NVIDIA DALI is installed")
def test_without_dali_the_error_says_what_to_install(tmp_path):
    train = stream_dataset(str(slopes(tmp_path / "pets", 3)), image_size=8).train
    with pytest.raises(UserError, match=r"pip install nvidia-dali-cuda120, or nvidia-dali-cuda130"):
        DaliBatches(train, 2, device="cpu")


@pytest.mark.parametrize("augment", [False, True])
def test_the_same_crops_of_the_same_samples(tmp_path, augment):
    pytest.importorskip("nvidia.dali")
    root = slopes(tmp_path / "pets")
    turned = picture((10, 20, 30), (30, 60))
    turned.paste((250, 240, 230), (0, 0, 30, 20))
    exif = turned.getexif()
    exif[0x0112] = 6
    save(turned, root / "cat" / "turned.jpg", exif=exif, quality=95)
    train = stream_dataset(str(root), image_size=24).train
    named = {"device": "cpu", "augment": augment, "workers": 1, "seed": 3}
    ours = DaliBatches(train, 10, **named)
    with StreamedBatches(train, 10, **named) as theirs:
        assert len(ours) == len(theirs)
        for first, second in zip(ours.epoch(2, 1), theirs.epoch(2, 1), strict=True):
            assert torch.equal(first.positions, second.positions)
            assert torch.equal(first.labels, second.labels)
            difference = (first.images - second.images).abs()
            # One level of brightness is 0.017.
            assert difference.amax((1, 2, 3)).median() < 0.1
            assert difference.mean() < 0.05
    ours.close()


def test_damaged_images_are_left_out_and_noted(tmp_path):
    pytest.importorskip("nvidia.dali")
    root = slopes(tmp_path / "pets")
    (root / "cat" / "003.png").write_bytes(b"")
    (root / "cat" / "004.png").write_bytes((root / "cat" / "005.png").read_bytes()[:120])
    train = stream_dataset(str(root), image_size=24, val_frac=0.05).train
    with DaliBatches(train, 10, device="cpu", workers=1) as batches:
        for number in range(2):
            seen = torch.cat([batch.positions for batch in batches.epoch(number)])
            missing = set(range(len(train))) - set(seen.tolist())
            assert [sample.index for sample in batches.unreadable] == sorted(missing)
    assert {train.ids[index] for index in missing} <= {"cat/003.png", "cat/004.png"}
