"""Data sets called by name: built in, on the hub, or nowhere."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from dataparams.batches import load_dataset
from dataparams.errors import DataError, UserError
from dataparams.sources.split_names import choose_splits
from made_images import encoded, image_folder, picture

if TYPE_CHECKING:
    from pathlib import Path


def test_digits_and_the_ways_to_write_a_name():
    digits = load_dataset("Digits")
    assert digits.train.images.dtype == torch.uint8
    assert int(digits.train.images.max()) == 255
    assert len(digits.train) + len(digits.val) == 1797
    assert torch.bincount(digits.val.labels).tolist() == [18] * 4 + [18, 18, 18, 18, 17, 18]
    assert load_dataset("digits", image_size=16).train.images.shape[2:] == (16, 16)


def write_idx(path: Path, values: np.ndarray) -> None:
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    data = header + values.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def write_mnist(folder: Path, suffix: str = ".gz") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for word, count in (("train", 20), ("t10k", 10)):
        images = np.arange(count * 28 * 28, dtype=np.uint32).astype(np.uint8)
        write_idx(folder / f"{word}-images-idx3-ubyte{suffix}", images.reshape(count, 28, 28))
        labels = (np.arange(count) % 10).astype(np.uint8)
        write_idx(folder / f"{word}-labels-idx1-ubyte{suffix}", labels)


@pytest.mark.parametrize(
    ("name", "folder", "suffix"),
    [
        ("mnist", "", ".gz"),
        ("MNIST", "MNIST/raw", ""),
        ("fashionmnist", "fashion-mnist", ".gz"),
        ("Fashion_MNIST", "FashionMNIST/raw", ""),
    ],
)
def test_idx_files_are_found_where_people_keep_them(tmp_path, name, folder, suffix):
    write_mnist(tmp_path / folder, suffix)
    seen = []
    dataset = load_dataset(name, data_dir=tmp_path, on_progress=lambda *done: seen.append(done))
    assert dataset.train.images.shape == (20, 1, 28, 28)
    assert dataset.train.images[1].flatten().tolist()[:3] == [16, 17, 18]
    assert dataset.val.ids[3] == "test/3"
    assert dataset.val.labels.tolist() == list(range(10))
    assert seen == [(30, 30)]


def test_a_damaged_idx_file(tmp_path):
    write_mnist(tmp_path)
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz is damaged"):
        load_dataset("mnist", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("cifar10", "cifar-10-python.tar.gz"),
        ("cifar100", "cifar-100-python.tar.gz"),
        ("mnist", "train-images-idx3-ubyte.gz"),
    ],
)
def test_without_network_the_missing_files_are_named(tmp_path, no_network, capsys, name, file):
    folder = tmp_path / "data"
    with pytest.raises(DataError) as caught:
        load_dataset(name, data_dir=folder)
    for part in (f"{name} was not found", file, str(folder), "no network here", "`data_dir`"):
        assert part in str(caught.value)
    assert not folder.exists()
    assert capsys.readouterr().out == ""


def test_a_name_of_nothing_says_what_was_tried(no_network):
    with pytest.raises(DataError) as caught:
        load_dataset("cifra10")
    message = str(caught.value)
    assert "Did you mean 'cifar10'?" in message
    assert "no such file or folder" in message
    assert "Hugging Face hub" in message
    with pytest.raises(DataError, match="nor can it be a name on the Hugging Face hub"):
        load_dataset("no/such/folder")


@pytest.fixture
def hub(monkeypatch):
    """Stand in for the hub with tables made here, in the library's own types."""
    datasets = pytest.importorskip("datasets")
    from dataparams.sources.hub import opening as module
    from dataparams.sources.hub.tables import HubSplits

    def serve(labels_by_split: dict[str, list[int]], **features):
        kinds = datasets.Features(
            {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}
        )
        tables = {
            split: datasets.Dataset.from_dict(
                {
                    "image": [
                        {"bytes": encoded(picture(row, mode="L")), "path": None}
                        for row in range(len(labels))
                    ],
                    "label": labels,
                },
                features=kinds,
            )
            for split, labels in labels_by_split.items()
        }
        chosen = {split: tables[split] for split in choose_splits(list(tables)) if split}
        splits = HubSplits(chosen, {})
        monkeypatch.setattr(module, "open_hub_splits", lambda name, **_: splits)

    return serve


def test_a_hub_data_set_with_its_own_split(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hub({"train": [1, 0, 1], "validation": [0, 1], "test": [-1, -1]})
    dataset = load_dataset("owner/pets")
    assert dataset.name == "owner-pets"
    assert dataset.class_names == ("cat", "dog")
    assert dataset.train.labels.tolist() == [1, 0, 1]
    assert dataset.train.images[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert dataset.val.ids == ("validation/0", "validation/1")


def test_a_hub_data_set_with_one_split(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hub({"train": [0, 1] * 4})
    dataset = load_dataset("pets", val_frac=0.25)
    assert (len(dataset.train), len(dataset.val)) == (6, 2)
    hub({"train": [0, 1] * 4, "test": [-1, -1]})
    dataset = load_dataset("pets", val_frac=0.25)
    assert (len(dataset.train), len(dataset.val)) == (6, 2)


def test_paths_go_before_the_hub_and_known_names_before_paths(tmp_path, monkeypatch, no_network):
    monkeypatch.chdir(tmp_path)
    image_folder(tmp_path / "owner" / "pets")
    image_folder(tmp_path / "digits")
    assert load_dataset("owner/pets").class_names == ("cat", "dog")
    assert len(load_dataset("digits").class_names) == 10
    assert load_dataset("./digits").class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"val_frac": 0.0}, r"`val_frac` is 0\.0; expected a share above 0 and below 1"),
        ({"val_frac": 1.5}, r"`val_frac` is 1\.5"),
        ({"image_size": 0}, r"`image_size` is 0; expected a number of pixels, 1 \.\.\. 1024"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        load_dataset("digits", **arguments)


def test_importing_is_cheap():
    heavy = {"torchvision", "datasets", "sklearn", "PIL", "polars", "huggingface_hub"}
    code = f"import sys, dataparams.batches; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
