"""Original pictures, read for a few samples by their ids."""

from __future__ import annotations

import io
import os
import sys

import numpy as np
import polars as pl
import pytest
from PIL import Image

from dataparams.batches import load_dataset
from dataparams.errors import DataError
from made_contents import OpenedPictures
from made_images import encoded, image_folder, picture, save


@pytest.fixture
def pets(tmp_path):
    return image_folder(tmp_path / "pets")


def read(path, *ids, **options):
    return OpenedPictures(str(path), **options).read(ids)


def corners(width: int, height: int) -> Image.Image:
    """A red, a green and a blue corner on black, so that turning and cropping show."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    side = max(1, min(width, height) // 4)
    pixels[:side, :side, 0] = pixels[:side, -side:, 1] = pixels[-side:, :side, 2] = 255
    return Image.fromarray(pixels)


# --- image folders -------------------------------------------------------------------------------


def test_pictures_are_those_that_training_loads(pets):
    dataset = load_dataset(str(pets), val_frac=0.25)
    for split in (dataset.train, dataset.val):
        pictures = read(pets, *split.ids)
        assert np.array_equal(np.stack(pictures), split.images.permute(0, 2, 3, 1).numpy())
        assert all(p.dtype == np.uint8 and p.flags.writeable for p in pictures)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1600, 1200), (480, 640)),
        ((300, 2001), (640, 96)),
        ((640, 33), (33, 640)),
        ((20, 10), (10, 20)),
        ((5000, 1), (1, 640)),
    ],
)
def test_the_longer_side_is_limited_and_the_aspect_kept(pets, kind, size, expected):
    save(corners(*size), pets / "cat" / "a.jpg", format=kind, quality=95)
    (found,) = read(pets, "cat/a.jpg")
    assert found.shape == (*expected, 3)
    if min(size) > 1:
        wanted = np.asarray(corners(*size).resize(expected[::-1], Image.Resampling.LANCZOS))
        assert np.abs(found.astype(int) - wanted).mean() < 4


def test_the_limit_is_the_callers(pets):
    save(corners(90, 60), pets / "cat" / "a.png")
    assert read(pets, "cat/a.png", longest_side=30)[0].shape == (20, 30, 3)
    assert read("digits", "digits/0", longest_side=4)[0].shape == (4, 4, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_picture_is_turned_upright_and_not_cropped(pets, kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = corners(800, 2000).transpose(Image.Transpose.ROTATE_90)
    save(stored, pets / "cat" / "a.jpg", format=kind, exif=exif)
    (found,) = read(pets, "cat/a.jpg")
    assert found.shape == (640, 256, 3)
    marks = [found[5, 5], found[5, -5], found[-5, 5], found[-5, -5]]
    assert (np.array(marks) > 128).tolist() == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
        [False, False, False],
    ]


@pytest.mark.parametrize(
    ("image", "kind", "color"),
    [
        (picture(77, mode="L"), "PNG", (77, 77, 77)),
        (picture(1, mode="1"), "PNG", (255, 255, 255)),
        (picture((255, 0, 0, 0), mode="CMYK"), "JPEG", (0, 255, 255)),
        (picture((0, 255, 255)).convert("P"), "PNG", (0, 255, 255)),
        (picture((0, 0, 0, 0), mode="RGBA"), "PNG", (255, 255, 255)),
        (picture((0, 0), mode="LA"), "PNG", (255, 255, 255)),
        (Image.fromarray(np.full((10, 12), 257 * 200, dtype=np.uint16)), "PNG", (200, 200, 200)),
    ],
)
def test_every_kind_of_image_becomes_rgb(pets, image, kind, color):
    save(image, pets / "cat" / "a.png", format=kind)
    (found,) = read(pets, "cat/a.png")
    assert found.shape == (10, 12, 3)
    assert np.abs(found.astype(int) - color).max() <= 3


def test_what_cannot_be_read_is_none_and_the_rest_is_there(pets, monkeypatch):
    whole = encoded(corners(400, 400), "JPEG")
    (pets / "cat" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (pets / "cat" / "text.png").write_text("no image")
    (pets / "cat" / "empty.png").write_bytes(b"")
    (pets / "cat" / "folder.png").mkdir()
    save(picture(0, (300, 300), "L"), pets / "cat" / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40_000)
    names = ("cut.jpg", "text.png", "empty.png", "folder.png", "bomb.png", "gone.png")
    found = read(pets, "dog/00.png", *(f"cat/{name}" for name in names), "dog/00.png")
    assert found[1:-1] == [None] * len(names)
    assert np.array_equal(found[0], np.asarray(Image.open(pets / "dog" / "00.png")))
    assert np.array_equal(found[0], found[-1])
    assert found[0] is not found[-1]


def test_a_picture_that_pillow_only_warns_of_is_read(pets, monkeypatch):
    save(picture(5, (300, 300), "L"), pets / "cat" / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60_000)
    assert read(pets, "cat/large.png")[0].shape == (300, 300, 3)


def test_ids_do_not_lead_out_of_the_folder(pets):
    save(picture((1, 2, 3)), pets.parent / "secret.png")
    save(picture((1, 2, 3)), pets.parent / "other" / "secret.png")
    save(picture((1, 2, 3)), pets / "cat" / ".hidden.png")
    save(picture((1, 2, 3)), pets / ".hidden" / "a.png")
    save(picture((1, 2, 3)), pets / "top.png")
    save(picture((1, 2, 3)), pets / "cat" / "a.txt", format="PNG")
    hostile = [
        *("../secret.png", "cat/../../secret.png", "../other/secret.png", "cat/../cat/00.png"),
        *(str(pets.parent / "secret.png"), str(pets / "cat" / "00.png"), "//cat/00.png"),
        *("./cat/00.png", "cat//00.png", "cat/00.png/", "cat/./00.png", "~/cat/00.png"),
        *("cat/.hidden.png", ".hidden/a.png", "top.png", "cat/a.txt", "cat", "", "/", ".", ".."),
        *("cat/00.png\0", "cat/\0.png", "cat/\ud800.png", f"cat/{'x' * 5000}.png", "train/0"),
    ]
    assert read(pets, *hostile) == [None] * len(hostile)


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and named pipes")
def test_links_are_followed_and_pipes_are_not_waited_for(pets):
    save(picture((1, 2, 3)), pets.parent / "elsewhere" / "a.png")
    (pets / "cat" / "deep").symlink_to(pets.parent / "elsewhere", target_is_directory=True)
    (pets / "cat" / "broken.png").symlink_to(pets / "nowhere.png")
    dataset = load_dataset(str(pets))
    assert "cat/deep/a.png" in dataset.train.ids + dataset.val.ids
    os.mkfifo(pets / "cat" / "pipe.png")
    found = read(pets, "cat/deep/a.png", "cat/pipe.png", "cat/broken.png")
    assert found[0].shape == (10, 12, 3)
    assert found[1:] == [None, None]


def test_folders_of_splits(tmp_path):
    image_folder(tmp_path / "train")
    image_folder(tmp_path / "val", per_class=1)
    dataset = load_dataset(str(tmp_path))
    found = read(tmp_path, *dataset.train.ids, *dataset.val.ids)
    assert all(p is not None for p in found)


# --- Parquet -------------------------------------------------------------------------------------


def noise(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    return encoded(Image.fromarray(pixels))


def write(path, start: int, count: int, *, row_group_size=None, cell=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = range(start, start + count)
    cells = [(cell or (lambda data: {"bytes": data, "path": None}))(noise(row)) for row in rows]
    table = pl.DataFrame({"image": cells, "label": [row % 2 for row in rows]})
    table.write_parquet(path, row_group_size=row_group_size)
    return path


def assert_same_as_loaded(path, **options):
    dataset = load_dataset(str(path), **options)
    pictures = OpenedPictures(str(path))
    for split in (dataset.train, dataset.val):
        order = np.random.default_rng(0).permutation(len(split))
        found = pictures.read([split.ids[row] for row in order])
        expected = split.images.permute(0, 2, 3, 1).numpy()[order]
        assert np.array_equal(np.stack(found), expected)


def test_rows_of_several_files_and_row_groups(tmp_path):
    write(tmp_path / "train-00000-of-00003.parquet", 0, 25, row_group_size=10)
    write(tmp_path / "train-00001-of-00003.parquet", 25, 1)
    write(tmp_path / "train-00002-of-00003.parquet", 26, 14, row_group_size=7)
    write(tmp_path / "test-00000-of-00001.parquet", 40, 6, row_group_size=4)
    write(tmp_path / "extra" / "other.parquet", 50, 3)
    assert_same_as_loaded(tmp_path)


def test_rows_that_are_divided_by_the_share(tmp_path):
    for start in (0, 10, 20):
        write(tmp_path / f"part{start}.parquet", start, 10, row_group_size=4)
    assert_same_as_loaded(tmp_path, val_frac=0.3, seed=5)
    assert_same_as_loaded(write(tmp_path / "one.parquet", 0, 600), val_frac=0.3)


def test_cells_of_bytes_and_of_paths(tmp_path):
    path = write(tmp_path / "bytes.parquet", 0, 6, cell=bytes)
    assert_same_as_loaded(path, val_frac=0.5)
    save(picture((9, 8, 7)), tmp_path / "deep" / "images" / "a.png")
    cells = ["images/a.png", "images/gone.png", None, "images/a.png"]
    table = pl.DataFrame({"file_name": cells, "label": [0, 1, 0, 1]})
    table.write_parquet(tmp_path / "deep" / "paths.parquet")
    found = read(tmp_path / "deep" / "paths.parquet", *(f"train/{row}" for row in range(4)))
    assert [p is None for p in found] == [False, True, True, False]
    assert found[3][0, 0].tolist() == [9, 8, 7]


def test_rows_that_a_table_does_not_have(tmp_path):
    path = write(tmp_path / "pets.parquet", 0, 4)
    ids = [
        *("train/4", "train/-1", "train/01", "train/+1", "train/1.0", "train/ 1", "train/\u0661"),
        *("train/1\n", "train/", "train", "1", "/1", "", "val/0", "test/0", "train/0/1"),
        *(f"train/{10**15}", "train/" + "9" * 5000, "cat/a.png", str(path)),
    ]
    found = read(path, *ids, "train/3", "train/0", "train/3")
    assert found[:-3] == [None] * len(ids)
    assert np.array_equal(found[-3], np.asarray(Image.open(io.BytesIO(noise(3)))))
    assert np.array_equal(found[-3], found[-1])


def test_only_the_needed_row_groups_are_read(tmp_path):
    """What was never touched cannot fail: the other row groups are overwritten here."""
    from pyarrow import parquet

    path = write(tmp_path / "pets.parquet", 0, 30, row_group_size=10)
    metadata = parquet.read_metadata(path)
    data = bytearray(path.read_bytes())
    for number in (0, 2):
        column = metadata.row_group(number).column(0)
        start = column.dictionary_page_offset or column.data_page_offset
        data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(data)
    found = read(path, "train/19", "train/3", "train/10", "train/25")
    assert [p is None for p in found] == [False, True, False, True]


def test_a_damaged_image_in_a_table(tmp_path):
    cells = [noise(0), b"no image", b"", None]
    table = pl.DataFrame({"image": cells, "label": [0, 1, 0, 1]})
    table.write_parquet(tmp_path / "pets.parquet")
    found = read(tmp_path / "pets.parquet", *(f"train/{row}" for row in range(4)))
    assert [p is None for p in found] == [False, True, True, True]


def test_a_table_that_goes_away_after_opening(tmp_path):
    path = write(tmp_path / "pets.parquet", 0, 4)
    pictures = OpenedPictures(str(path))
    path.unlink()
    assert pictures.read(["train/0"]) == [None]


# --- known names, the hub, and sources that are gone ---------------------------------------------


def test_digits():
    dataset = load_dataset("digits", val_frac=0.2, seed=3)
    pictures = OpenedPictures("Digits")
    for split in (dataset.train, dataset.val):
        found = np.stack(pictures.read(split.ids))
        assert found.shape[1:] == (8, 8, 3)
        assert np.array_equal(found, split.images.permute(0, 2, 3, 1).expand(-1, -1, -1, 3).numpy())
    assert pictures.read(["digits/1797", "train/0", "", "digits/00"]) == [None] * 4


def test_pictures_of_the_hub_keep_their_size(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    from dataparams.sources.hub import opening as hub
    from dataparams.sources.hub.tables import HubSplits

    kinds = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}
    )
    tables = {
        split: datasets.Dataset.from_dict(
            {
                "image": [
                    {"bytes": encoded(picture(row + start, (200, 150), "L")), "path": None}
                    for row in range(4)
                ],
                "label": [0, 1, 0, 1],
            },
            features=kinds,
        )
        for split, start in (("train", 0), ("validation", 50))
    }
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hub, "open_hub_splits", lambda name, **_: HubSplits(tables, {}))
    found = read("owner/pets", "train/3", "validation/1", "train/0", "test/0", "train/4")
    assert [None if p is None else int(p[0, 0, 0]) for p in found] == [3, 51, 0, None, None]
    assert found[0].shape == (150, 200, 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        lambda path: path.mkdir(),
        lambda path: (path / "cat").mkdir(parents=True),
        lambda path: path.write_text("no data set"),
        lambda path: write(path / "a.parquet", 0, 4) and (path / "a.parquet").write_text("PAR1"),
    ],
)
def test_a_source_that_is_gone_is_refused_at_once_as_in_loading(tmp_path, no_network, make):
    path = tmp_path / "pets"
    make(path)
    with pytest.raises(DataError) as loading:
        load_dataset(str(path))
    with pytest.raises(DataError) as opening:
        OpenedPictures(str(path))
    assert str(opening.value) == str(loading.value)


def test_a_folder_that_moved_may_look_like_a_name_of_the_hub(tmp_path, monkeypatch, no_network):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no such file or folder"):
        OpenedPictures("data/pets")


def test_a_damaged_second_file(tmp_path):
    write(tmp_path / "a.parquet", 0, 4)
    (tmp_path / "b.parquet").write_bytes(b"PAR1 no, it is not")
    with pytest.raises(DataError, match=r"b\.parquet cannot be read as Parquet"):
        OpenedPictures(str(tmp_path))
