"""Loading data sets: real files of many kinds, and messages where something is wrong."""

from __future__ import annotations

import gzip
import io
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from dataparams.data import decoding, load_dataset
from dataparams.errors import DataError, UserError

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
FASHION = Path("/usr/share/datasets/fashion-mnist")


def picture(color, size=(12, 10), mode="RGB") -> Image.Image:
    return Image.new(mode, size, color)


def save(image: Image.Image, path: Path, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def decode(*sources, image_size=None):
    return decoding.decode_images([list(sources)], len(sources), image_size=image_size)


def image_folder(root: Path, per_class: int = 4, classes=("cat", "dog")) -> Path:
    for number, name in enumerate(classes):
        for i in range(per_class):
            save(picture((100 * number, 10 * i, 0)), root / name / f"{i:02}.png")
    return root


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)


# --- decoding ------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    upright = np.zeros((6, 4, 3), dtype=np.uint8)
    upright[0, 0], upright[0, 3], upright[5, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = Image.fromarray(upright)
    if orientation in undo:
        stored = stored.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    images = decode(encoded(stored, exif=exif)).images
    assert np.array_equal(images[0].permute(1, 2, 0).numpy(), upright)


def test_transparency_is_laid_on_white():
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    half = Image.new("RGBA", (2, 1), (0, 0, 0, 128))
    key = Image.new("RGB", (2, 1), (0, 0, 255))
    gray_alpha = Image.new("LA", (2, 1), (0, 0))
    images = decode(
        encoded(palette, transparency=0),
        encoded(palette, transparency=b"\x00\xff"),
        encoded(half),
        encoded(key, transparency=(0, 0, 255)),
        encoded(gray_alpha),
    ).images
    for row in (0, 1):
        assert images[row, :, 0, 0].tolist() == [255, 255, 255]
        assert images[row, :, 0, 1].tolist() == [0, 0, 255]
    assert images[2, :, 0, 0].tolist() == [127, 127, 127]
    assert images[3, :, 0, 0].tolist() == images[4, :, 0, 0].tolist() == [255, 255, 255]


def test_cmyk_and_palette_become_rgb():
    cmyk = encoded(picture((255, 0, 0, 0), mode="CMYK"), "JPEG", quality=95)
    palette = encoded(picture((0, 255, 255)).convert("P", palette=Image.Palette.ADAPTIVE))
    images = decode(cmyk, palette).images.int()
    expected = torch.tensor([0, 255, 255]).view(1, 3, 1, 1)
    assert int((images - expected).abs().max()) <= 3


def test_sixteen_bit_gray_becomes_eight_bit():
    values = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    for kind in ("PNG", "TIFF"):
        images = decode(encoded(Image.fromarray(values), kind)).images
        assert images.shape == (1, 1, 1, 4)
        assert images.flatten().tolist() == [0, 1, 128, 255]


def test_gray_stays_one_channel_until_a_color_appears():
    gray = [encoded(picture(i, mode="L")) for i in range(5)]
    bits = encoded(picture(1, mode="1"))
    assert decode(*gray, bits).images.shape == (6, 1, 10, 12)
    images = decode(*gray, encoded(picture((9, 8, 7)))).images
    assert images.shape == (6, 3, 10, 12)
    assert images[3].unique().tolist() == [3]
    assert images[5, :, 0, 0].tolist() == [9, 8, 7]


def test_small_images_of_one_size_keep_it_and_others_become_64():
    same = [encoded(picture((1, 2, 3), (96, 20)))] * 3
    assert decode(*same).images.shape == (3, 3, 20, 96)
    odd = encoded(picture((1, 2, 3), (20, 96)))
    assert decode(*same, odd).images.shape == (4, 3, 64, 64)
    large = encoded(picture((1, 2, 3), (97, 97)))
    assert decode(large, large).images.shape == (2, 3, 64, 64)
    assert decode(*same, large).images[3].flatten(1).unique(dim=1).flatten().tolist() == [1, 2, 3]


def test_a_late_odd_size_gives_what_an_early_one_gives():
    generator = np.random.default_rng(0)
    small = [
        encoded(Image.fromarray(generator.integers(0, 256, (30, 40, 3), dtype=np.uint8)))
        for _ in range(3)
    ]
    odd = encoded(picture(7, (50, 70), "L"))
    late, early = decode(*small, odd).images, decode(odd, *small).images
    assert torch.equal(late[:3], early[1:])
    assert torch.equal(late[3], early[0])


def test_the_middle_is_cropped_and_the_shorter_side_resized():
    wide = np.zeros((100, 300, 3), dtype=np.uint8)
    wide[:, 100:200] = 200
    images = decode(encoded(Image.fromarray(wide)), image_size=50).images
    assert images.shape == (1, 3, 50, 50)
    assert images[..., 1:-1].unique().tolist() == [200]


def test_a_large_jpeg_is_like_its_plain_resize():
    generator = np.random.default_rng(0)
    coarse = Image.fromarray(generator.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    photo = coarse.resize((1200, 1200), Image.Resampling.BICUBIC)
    fast = decode(encoded(photo, "JPEG", quality=95), image_size=32).images[0]
    plain = photo.resize((32, 32), Image.Resampling.BILINEAR)
    difference = np.abs(fast.permute(1, 2, 0).numpy().astype(int) - np.asarray(plain).astype(int))
    assert difference.mean() < 6


def test_damaged_images_are_left_out_with_their_reason(tmp_path, monkeypatch):
    good = encoded(picture((1, 2, 3), (80, 80)))
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    truncated = encoded(Image.fromarray(noise), "JPEG")[:2000]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6000)
    bomb = encoded(picture(0, (200, 200), "L"))
    sources = [good, b"", good, truncated, b"not an image", good, None, bomb, good]
    sources += [tmp_path / "missing.png", good, good]
    decoded = decode(*sources)
    assert decoded.rows.tolist() == [0, 2, 5, 8, 10, 11]
    assert decoded.images.shape == (6, 3, 80, 80)
    assert sorted(decoded.reasons) == [1, 3, 4, 6, 7, 9]
    assert decoded.reasons[1] == "the image is empty (0 bytes)"
    assert "truncated" in decoded.reasons[3]
    assert decoded.reasons[4] == "not an image of a known format"
    assert decoded.reasons[6] == "there is no image"
    assert "decompression bomb" in decoded.reasons[7]
    assert decoded.reasons[9] == "the file is missing"


def test_a_warning_of_pillow_does_not_leak(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert len(decode(encoded(picture(0, (12, 12), "L"))).images) == 1


def test_mostly_unreadable_is_an_error():
    good = encoded(picture(0, mode="L"))
    assert len(decode(good, b"x").images) == 1
    with pytest.raises(DataError, match=r"2 of 3 images cannot be read.*not an image.*0 bytes"):
        decode(good, b"x", b"")
    with pytest.raises(DataError, match=r"2 of 2 images cannot be read"):
        decode(b"x", b"x")


def test_too_little_memory_is_said_before_it_is_used(monkeypatch):
    monkeypatch.setattr(decoding, "_available_memory", lambda: 1_000_000)
    with pytest.raises(DataError, match=r"100 images of 224 x 224 .* 0\.0 GB.*--image-size"):
        decoding.decode_images([[encoded(picture((0, 0, 0)))]], 100, image_size=224)


def test_progress_reaches_the_total():
    seen = []
    decoding.decode_images(
        [[encoded(picture(0, mode="L"))] * 100, [encoded(picture(0, mode="L"))] * 30],
        130,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(64, 130), (100, 130), (130, 130)]


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
    assert len(dataset.train) == dataset.train.num_instances == 17
    assert torch.bincount(dataset.val.labels).tolist() == [2, 2]
    assert dataset.train.index.tolist() == list(range(17))
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
    assert dataset.val.index.tolist() == [0, 1]


def test_a_lone_train_folder_is_split(tmp_path):
    image_folder(tmp_path / "train")
    dataset = load_dataset(str(tmp_path), val_frac=0.25)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.train.ids[0].startswith("train/cat/")
    assert (len(dataset.train), len(dataset.val)) == (6, 2)


def test_classes_named_train_and_test_are_classes(tmp_path):
    image_folder(tmp_path, classes=("test", "train", "tram"))
    assert load_dataset(str(tmp_path)).class_names == ("test", "train", "tram")


def test_an_unreadable_image_keeps_its_index(tmp_path):
    root = image_folder(tmp_path / "train")
    image_folder(tmp_path / "val", per_class=1)
    (root / "cat" / "02.png").write_bytes(b"")
    train = load_dataset(str(tmp_path)).train
    assert train.num_instances == 8
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
    with pytest.raises(DataError, match="is a file, but not a Parquet file"):
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


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([0, None, 1], None, r"label of train/1 is missing \(null\)"),
        ([0, 1, -1], None, "label of train/2 is -1; expected a class number"),
        ([-1, -1, -1], ["a", "b"], "All 3 labels of the split 'train' are -1: .*unlabeled"),
        ([0, 1, 2], ["a", "b"], r"label of train/2 is 2; expected 0 \.\.\. 1"),
        (["a", "b", "c"], ["a", "b"], "label of train/2 is 'c', which is none of the 2"),
        ([4, 4, 4], None, r"only 1 class \(4\)"),
        ([0.5, 1.0, 2.0], None, r"Which column holds the labels\? No column can be it"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path, labels, names, message):
    path = parquet(tmp_path / "data.parquet", labels, names=names)
    with pytest.raises(DataError, match=message):
        load_dataset(str(path))


def test_a_usual_name_decides_between_columns_of_labels(tmp_path):
    path = parquet(tmp_path / "data.parquet", [0, 1, 0, 1], width=[1, 2, 3, 4])
    assert load_dataset(str(path)).class_names == ("0", "1")
    table = pl.read_parquet(path).rename({"label": "height"})
    table.write_parquet(path)
    with pytest.raises(DataError, match="Height, width could all be it"):
        load_dataset(str(path))


def test_a_damaged_parquet_file(tmp_path):
    path = tmp_path / "data.parquet"
    path.write_bytes(b"PAR1 no, it is not")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        load_dataset(str(path))


# --- known names, the hub, and names of nothing --------------------------------------------------


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
    for part in (f"{name} was not found", file, str(folder), "no network here", "--data-dir"):
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
    from dataparams.data import hub as module

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
        monkeypatch.setattr(module, "_ask_hub", lambda name: None)
        monkeypatch.setattr(datasets, "load_dataset", lambda name: datasets.DatasetDict(tables))

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
    hub({"train": [0, 1], "test": [-1, -1]})
    with pytest.raises(DataError, match="unlabeled test split"):
        load_dataset("pets")


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
        ({"val_frac": 0.0}, r"--val-frac is 0\.0; expected a share above 0 and below 1"),
        ({"val_frac": 1.5}, r"--val-frac is 1\.5"),
        ({"image_size": 0}, r"--image-size is 0; expected a number of pixels, 1 \.\.\. 1024"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        load_dataset("digits", **arguments)


def test_importing_is_cheap():
    heavy = {"torchvision", "datasets", "sklearn", "PIL", "polars", "huggingface_hub"}
    code = f"import sys, dataparams.data; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- real data -----------------------------------------------------------------------------------


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
