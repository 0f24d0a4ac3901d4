"""Image folders and Parquet files, real data among them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from dataparams.batches import load_dataset
from dataparams.errors import DataError
from made_folders import photographs
from made_images import encoded, image_folder, picture, save

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
FASHION = Path("/usr/share/datasets/fashion-mnist")


# --- image folders -------------------------------------------------------------------------------


def test_a_folder_is_split_class_by_class(tmp_path):
    root = image_folder(tmp_path / "my pets!", per_class=10)
    (root / "cat" / ".hidden.png").write_bytes(b"x")
    (root / "cat" / "Thumbs.db").write_bytes(b"x")
    (root / "empty").mkdir()
    save(picture((1, 1, 1)), root / "dog" / "deep" / "er" / "z.PNG")
    dataset = load_dataset(str(root), val_frac=0.2)
    assert dataset.name == "my-pets"
    assert dataset.class_names == ("cat", "dog")
    assert len(dataset.train) == 17
    assert dataset.train.num_instances == 21
    assert torch.bincount(dataset.val.labels).tolist() == [2, 2]
    listed = sorted(dataset.train.ids + dataset.val.ids)
    for split in (dataset.train, dataset.val):
        assert [listed[row] for row in split.index.tolist()] == list(split.ids)
    assert list(dataset.train.ids) == sorted(dataset.train.ids)
    assert "dog/deep/er/z.PNG" in dataset.train.ids + dataset.val.ids
    assert not set(dataset.train.ids) & set(dataset.val.ids)
    for sample, image, label in zip(
        dataset.train.ids, dataset.train.images, dataset.train.labels.tolist(), strict=True
    ):
        assert dataset.class_names[label] == sample.partition("/")[0]
        stored = np.asarray(Image.open(root / sample))
        assert np.array_equal(image.permute(1, 2, 0).numpy(), stored)


def test_the_split_depends_on_the_seed(tmp_path):
    root = str(image_folder(tmp_path / "pets", per_class=10))
    first = load_dataset(root, val_frac=0.3, seed=1)
    assert first.fingerprint == load_dataset(root, val_frac=0.3, seed=1).fingerprint
    assert first.val.ids != load_dataset(root, val_frac=0.3, seed=2).val.ids


@pytest.mark.parametrize(("train", "val"), [("train", "val"), ("Train", "validation")])
def test_train_and_val_folders_are_the_split(tmp_path, train, val):
    image_folder(tmp_path / train, classes=("cat", "dog"))
    image_folder(tmp_path / val, per_class=1, classes=("cat", "emu"))
    image_folder(tmp_path / "test", per_class=2)
    dataset = load_dataset(str(tmp_path))
    assert dataset.class_names == ("cat", "dog", "emu")
    assert len(dataset.train) == 8
    assert dataset.val.ids == (f"{val}/cat/00.png", f"{val}/emu/00.png")
    assert dataset.val.labels.tolist() == [0, 2]
    assert dataset.val.index.tolist() == [8, 9]


def test_a_lone_train_folder_is_split(tmp_path):
    image_folder(tmp_path / "train")
    dataset = load_dataset(str(tmp_path), val_frac=0.25)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.train.ids[0].startswith("train/cat/")
    assert (len(dataset.train), len(dataset.val)) == (6, 2)


def test_splits_without_classes_are_refused_also_beside_another_folder(tmp_path):
    image_folder(tmp_path, classes=("test", "train", "tram"))
    with pytest.raises(DataError, match="none to train on with two or more class folders"):
        load_dataset(str(tmp_path))


def test_an_unreadable_image_keeps_its_index(tmp_path):
    root = image_folder(tmp_path / "train")
    image_folder(tmp_path / "val", per_class=1)
    (root / "cat" / "02.png").write_bytes(b"")
    train = load_dataset(str(tmp_path)).train
    assert train.num_instances == 10
    assert train.index.tolist() == [0, 1, 3, 4, 5, 6, 7]
    (left_out,) = train.unreadable
    assert (left_out.index, left_out.id) == (2, "train/cat/02.png")
    assert "0 bytes" in left_out.reason


def test_folders_that_hold_no_data_set(tmp_path):
    with pytest.raises(DataError, match="no images in class folders; expected <class>/<image>"):
        load_dataset(str(tmp_path))
    image_folder(tmp_path, classes=("cat",))
    with pytest.raises(DataError, match=r"images of one class only \(cat\)"):
        load_dataset(str(tmp_path))
    (tmp_path / "data.txt").write_text("x")
    with pytest.raises(DataError, match="is no table, by its name; expected an image folder"):
        load_dataset(str(tmp_path / "data.txt"))


def test_one_image_per_class_cannot_be_split(tmp_path):
    image_folder(tmp_path, per_class=1)
    with pytest.raises(DataError, match="none can be set aside for validation"):
        load_dataset(str(tmp_path))


def test_links_that_go_in_circles_end(tmp_path):
    root = image_folder(tmp_path / "pets")
    (root / "cat" / "again").symlink_to(root / "cat", target_is_directory=True)
    dataset = load_dataset(str(root))
    assert len(dataset.train) + len(dataset.val) == 8


# --- Parquet -------------------------------------------------------------------------------------


def parquet(path: Path, labels: list, *, images: list | None = None, names=None, **columns) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = images or [
        {"bytes": encoded(picture(i % 256, mode="L")), "path": f"{i}.png"}
        for i in range(len(labels))
    ]
    table = pl.DataFrame({"img": cells, "label": labels, **columns})
    features = {"img": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": names}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})} if names else None
    table.write_parquet(path, metadata=metadata)
    return path


def test_shards_of_a_split_count_on(tmp_path):
    names = ["cat", "dog", "emu"]
    parquet(tmp_path / "data" / "train-00000-of-00002.parquet", [0, 1, 2], names=names)
    parquet(tmp_path / "data" / "train-00001-of-00002.parquet", [1, 1], names=names)
    parquet(tmp_path / "data" / "test-00000-of-00001.parquet", [2, 0], names=names)
    dataset = load_dataset(str(tmp_path))
    assert dataset.class_names == ("cat", "dog", "emu")
    assert dataset.train.ids == tuple(f"train/{row}" for row in range(5))
    assert dataset.train.labels.tolist() == [0, 1, 2, 1, 1]
    assert dataset.train.images[:, 0, 0, 0].tolist() == [0, 1, 2, 0, 1]
    assert dataset.val.ids == ("test/0", "test/1")
    assert dataset.val.labels.tolist() == [2, 0]


def test_folders_named_after_splits(tmp_path):
    parquet(tmp_path / "train" / "0.parquet", [0, 1])
    parquet(tmp_path / "validation" / "0.parquet", [1])
    dataset = load_dataset(str(tmp_path))
    assert (len(dataset.train), dataset.val.ids) == (2, ("validation/0",))


def test_one_file_is_split_and_rows_keep_their_number(tmp_path):
    path = parquet(tmp_path / "pets.parquet", ["dog", "cat"] * 10)
    dataset = load_dataset(str(path), val_frac=0.2)
    assert dataset.name == "pets"
    assert dataset.class_names == ("cat", "dog")
    assert (len(dataset.train), len(dataset.val)) == (16, 4)
    for split in (dataset.train, dataset.val):
        rows = [int(sample.removeprefix("train/")) for sample in split.ids]
        assert split.images[:, 0, 0, 0].tolist() == rows
        assert split.labels.tolist() == [1 - row % 2 for row in rows]


def test_bytes_and_paths_as_images_and_numbers_as_classes(tmp_path):
    save(picture(9, mode="L"), tmp_path / "images" / "a.png")
    cells = ["images/a.png", "images/a.png", "images/b.png", "images/a.png"]
    path = tmp_path / "paths.parquet"
    pl.DataFrame({"file_name": cells, "note": cells, "target": [3, 10, 3, 10]}).write_parquet(path)
    dataset = load_dataset(str(path), val_frac=0.5)
    assert dataset.class_names == ("3", "10")
    assert len(dataset.train) + len(dataset.val) == 3
    assert len(dataset.train.unreadable + dataset.val.unreadable) == 1
    raw = [encoded(picture(i, mode="L")) for i in range(4)]
    path = parquet(tmp_path / "raw.parquet", [0, 1, 0, 1], images=raw)
    assert load_dataset(str(path), val_frac=0.5).train.images.shape == (2, 1, 10, 12)


def test_a_damaged_parquet_file(tmp_path):
    path = tmp_path / "data.parquet"
    path.write_bytes(b"PAR1 no, it is not")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        load_dataset(str(path))


# --- real data -----------------------------------------------------------------------------------


def test_photographs(tmp_path):
    dataset = load_dataset(str(photographs(tmp_path / "photos", each=20)), image_size=32)
    assert dataset.class_names == ("china left", "china right", "flower left", "flower right")
    assert (len(dataset.train), len(dataset.val)) == (72, 8)
    assert dataset.train.images.shape[1:] == (3, 32, 32)
    assert dataset.train.unreadable == ()


@pytest.mark.skipif(not (SHARED / "caltech20").is_dir(), reason="needs ../shared/data/caltech20")
def test_caltech_photographs():
    dataset = load_dataset(str(SHARED / "caltech20"), image_size=32)
    assert len(dataset.class_names) == 20
    assert len(dataset.train) + len(dataset.val) == 1841
    assert dataset.train.images.shape[1:] == (3, 32, 32)
    assert dataset.train.unreadable == ()


@pytest.mark.skipif(not (SHARED / "cifar10").is_dir(), reason="needs ../shared/data/cifar10")
def test_cifar_as_parquet():
    dataset = load_dataset(str(SHARED / "cifar10" / "test-00000-of-00001.parquet"))
    assert dataset.class_names[:2] == ("airplane", "automobile")
    assert dataset.train.images.shape == (9000, 3, 32, 32)
    assert torch.bincount(dataset.val.labels).tolist() == [100] * 10


@pytest.mark.skipif(not FASHION.is_dir(), reason="needs Debian's dataset-fashion-mnist")
def test_fashion_mnist_of_debian(tmp_path):
    dataset = load_dataset("fashion-mnist", data_dir=tmp_path)
    assert dataset.train.images.shape == (60000, 1, 28, 28)
    assert torch.bincount(dataset.val.labels).tolist() == [1000] * 10
    assert dataset.class_names[9] == "Ankle boot"
