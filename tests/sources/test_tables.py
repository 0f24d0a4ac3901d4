"""Parquet files as sources: which files and rows, and contents that are those of the rows."""

from __future__ import annotations

import os
import pickle
import sys
from typing import TYPE_CHECKING, Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import EncodedImage, PixelImage
from dataparams.errors import DataError
from dataparams.sources.columns import WantedColumns
from dataparams.sources.tables import open_table_contents, open_tables
from forked_processes import process_context
from made_images import picture, save
from made_tables import images, photo, write_table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _library_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "library")


def left_out(source) -> dict[str, tuple[list[str], int]]:
    return {each.reason: (list(each.names), each.count) for each in source.left_out}


def stored(contents) -> list[bytes | str]:
    return [
        str(each) if isinstance(each, UnreadableContentError) else bytes(each.encoded())
        for each in contents
    ]


def pets(count: int) -> list[str]:
    return [["cat", "dog"][row % 2] for row in range(count)]


# --- files and splits ----------------------------------------------------------------------------


def test_one_file(tmp_path):
    path = write_table(tmp_path / "my pets!.parquet", label=["dog", "cat"] * 3)
    source = open_tables(path)
    assert (source.kind, source.place, source.name) == ("Parquet file", str(path), "my-pets")
    assert source.class_names == ("cat", "dog")
    assert list(source.ids) == [f"train/{row}" for row in range(6)]
    assert source.labels.tolist() == [1, 0] * 3
    assert (source.train_rows, source.split_names) == (None, ("train",))
    assert source.columns == {"image": "image", "label": "label"}
    assert (source.left_out, source.notes) == ((), ())
    assert stored(source.read([5, 0])) == [photo(5), photo(0)]


def test_shards_of_two_splits_count_on(tmp_path):
    names = ["cat", "dog", "emu"]
    for number, labels in enumerate(([0, 1, 2], [], [1, 1])):
        write_table(
            tmp_path / "data" / f"train-0000{number}-of-00003.parquet",
            image=images(len(labels), 10 * number),
            label=pa.array(labels, pa.int64()),
            names=names,
        )
    write_table(tmp_path / "data" / "test-0.parquet", label=[2, 0], names=names)
    source = open_tables(tmp_path)
    assert source.kind == "folder of Parquet files"
    assert source.class_names == ("cat", "dog", "emu")
    assert list(source.ids) == [*(f"train/{row}" for row in range(5)), "test/0", "test/1"]
    assert source.labels.tolist() == [0, 1, 2, 1, 1, 2, 0]
    assert (source.train_rows, source.split_names) == (5, ("train", "test"))
    assert stored(source.read([4, 5, 0])) == [photo(21), photo(0), photo(0)]


@pytest.mark.parametrize(
    ("train", "val"),
    [("train_set", "valid"), ("trainset", "tests"), ("Training", "hold-out"), ("train/0", "dev/0")],
)
def test_spellings_of_splits(tmp_path, train, val):
    write_table(tmp_path / f"{train}.parquet", label=pets(4))
    write_table(tmp_path / f"{val}.parquet", label=pets(2))
    source = open_tables(tmp_path)
    assert (len(source), source.train_rows) == (6, 4)


def test_files_beside_the_splits_are_left_out_and_counted(tmp_path):
    for name, count in (("train", 4), ("val", 2), ("test", 6), ("extra", 3), ("more/old", 5)):
        write_table(tmp_path / f"{name}.parquet", label=pets(count))
    (tmp_path / "notes.csv").write_text("a,b\n")
    source = open_tables(tmp_path)
    assert (len(source), source.split_names) == (6, ("train", "val"))
    assert left_out(source) == {
        "row of the split 'test', beside 'train' and 'val'": (["test.parquet"], 6),
        "row of a file whose name tells of no split, beside those that do": (
            ["extra.parquet", "more/old.parquet"],
            8,
        ),
        "table of another kind, beside Parquet": (["notes.csv"], 1),
    }


def test_pictures_beside_parquet_are_counted_unless_rows_name_them(tmp_path):
    write_table(tmp_path / "stored/train.parquet", label=pets(4))
    for number in range(4):
        save(picture(number, mode="L"), tmp_path / f"stored/cat/{number}.png")
    assert left_out(open_tables(tmp_path / "stored")) == {
        "image file beside Parquet, which is read in its place": (
            [f"cat/{number}.png" for number in range(4)],
            4,
        )
    }
    paths = [f"cat/{number}.png" for number in range(4)]
    write_table(tmp_path / "named/train.parquet", label=pets(4), image=paths)
    for path in paths:
        save(picture(0, mode="L"), tmp_path / "named" / path)
    assert left_out(open_tables(tmp_path / "named")) == {}


def test_a_lone_training_file_leaves_others_out_as_well(tmp_path):
    write_table(tmp_path / "train.parquet", label=pets(4))
    write_table(tmp_path / "extra.pq", label=pets(3))
    source = open_tables(tmp_path)
    assert (len(source), source.train_rows) == (4, None)
    assert [each.count for each in source.left_out] == [3]


def test_files_without_words_of_splits_go_together(tmp_path):
    write_table(tmp_path / "a.parquet", label=pets(4))
    write_table(tmp_path / "b.parq", label=pets(2), image=images(2, 50))
    source = open_tables(tmp_path)
    assert list(source.ids)[-1] == "train/5"
    assert stored(source.read([5])) == [photo(51)]


def test_files_of_splits_without_a_training_split_go_together_and_it_is_said(tmp_path):
    write_table(tmp_path / "val.parquet", label=pets(4))
    write_table(tmp_path / "test.parquet", label=pets(2))
    source = open_tables(tmp_path)
    assert (len(source), source.train_rows) == (6, None)
    assert "all 2 files are taken as one split, those of 'test' and 'val'" in source.notes[0]
    assert open_tables(tmp_path / "val.parquet").notes == ()


def test_a_test_split_without_labels_is_left_out(tmp_path):
    names = ["cat", "dog"]
    write_table(tmp_path / "train.parquet", label=[0, 1, 0, 1], names=names)
    write_table(tmp_path / "test.parquet", label=[-1, -1], names=names)
    source = open_tables(tmp_path)
    assert (len(source), source.train_rows, source.split_names) == (4, None, ("train",))
    assert left_out(source) == {"the split 'test', which has no labels": (["test"], 2)}
    assert stored(source.contents.read([3])) == [photo(3)]


def test_rows_without_labels_keep_the_numbers_of_the_others(tmp_path):
    write_table(tmp_path / "train.parquet", label=["cat", "", "dog", None, "cat"])
    write_table(tmp_path / "val.parquet", label=[" ", "dog", "cat"], image=images(3, 100))
    source = open_tables(tmp_path)
    assert list(source.ids) == ["train/0", "train/2", "train/4", "val/1", "val/2"]
    assert source.train_rows == 3
    expected = [photo(row) for row in (0, 2, 4, 101, 102)]
    assert stored(source.read(range(5))) == expected
    assert source.contents.sizes().tolist() == [len(data) for data in expected]
    assert sum(each.count for each in source.left_out) == 3


# --- shards that differ --------------------------------------------------------------------------


def test_shards_that_differ_only_in_order_width_and_categories(tmp_path):
    shards = [
        {"label": pa.array([1, 0], pa.int8()), "text": ["b", "a"]},
        {"text": pa.array(["b", "a"]).dictionary_encode(), "label": pa.array([0, 1], pa.int64())},
        {"text": pa.array(["b", "a"], pa.large_string()), "label": pa.array([1.0, 0.0])},
        {"label": pa.array([0, 1], pa.uint16()), "text": pa.array(["b", "a"]), "more": [1, 2]},
    ]
    for number, columns in enumerate(shards):
        write_table(tmp_path / f"{number}.parquet", **columns)
    assert open_tables(tmp_path, WantedColumns(label="label")).labels.tolist() == [
        1,
        0,
        0,
        1,
        1,
        0,
        0,
        1,
    ]
    assert open_tables(tmp_path, WantedColumns(label="text")).labels.tolist() == [1, 0] * 4


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"category": ["a", "b"]}, "has no column 'label', which 0.parquet has; its columns are"),
        ({"label": [0, 1]}, "has whole numbers in its column 'label'; in 0.parquet it holds text"),
        (
            {"image": [photo(0), photo(1)], "label": ["a", "b"]},
            "has bytes in its column 'image'; in 0.parquet it holds structs",
        ),
    ],
)
def test_a_shard_that_differs_is_named(tmp_path, columns, message):
    write_table(tmp_path / "0.parquet", label=["a", "b"])
    write_table(tmp_path / "1.parquet", **columns)
    with pytest.raises(DataError, match=rf"1\.parquet {message}"):
        open_tables(tmp_path)


def test_a_shard_that_declares_other_classes_is_named(tmp_path):
    write_table(tmp_path / "0.parquet", label=[0, 1], names=["cat", "dog"])
    write_table(tmp_path / "1.parquet", label=[0, 1], names=["dog", "cat"])
    with pytest.raises(DataError, match=r"1\.parquet declares other classes for its column"):
        open_tables(tmp_path)


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_damaged_shard_is_named(tmp_path, share):
    write_table(tmp_path / "train-0.parquet", label=pets(4))
    path = write_table(tmp_path / "train-1.parquet", label=pets(4))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DataError, match=r"train-1\.parquet cannot be read as Parquet"):
        open_tables(tmp_path)


def test_a_split_without_rows_is_said(tmp_path):
    empty = pa.array([], pa.string())
    write_table(tmp_path / "train.parquet", label=pets(4))
    write_table(tmp_path / "val.parquet", label=empty, image=images(0))
    source = open_tables(tmp_path)
    assert (len(source), source.train_rows) == (4, None)
    assert [each.reason for each in source.left_out] == ["the split 'val', which has no rows"]
    write_table(tmp_path / "train.parquet", label=empty, image=images(0))
    with pytest.raises(DataError, match="'train' has no rows"):
        open_tables(tmp_path)


# --- what is no Parquet --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("pets.arrow", "holds an Arrow table, which is not read"),
        ("pets.xls", "holds a spreadsheet of an old format, which is not read"),
        ("pets.txt", "is no table"),
    ],
)
def test_other_kinds_of_tables(tmp_path, name, found):
    (tmp_path / name).write_text("a,b\n1,2\n")
    with pytest.raises(DataError) as caught:
        open_tables(tmp_path / name)
    assert found in str(caught.value)
    assert "expected an image folder (<class>/<image>), or a table: .csv" in str(caught.value)


def test_parquet_under_another_name_is_read(tmp_path):
    path = write_table(tmp_path / "pets.data", label=pets(4))
    assert len(open_tables(path)) == 4


def test_a_path_that_is_gone_and_a_folder_without_tables(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        open_tables(tmp_path / "none.parquet")
    with pytest.raises(DataError, match="holds no tables"):
        open_tables(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs names of any bytes, and named pipes")
def test_names_that_are_not_utf8_and_pipes(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    path = write_table(tmp_path / "train.parquet", label=pets(4))
    path = path.rename(folder / os.fsdecode(b"tr\xe9s.parquet"))
    source = open_tables(path)
    assert stored(source.read([3])) == [photo(3)]
    assert stored(open_tables(path, mapped=True).read([3])) == [photo(3)]
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError) as caught:
        open_tables(path)
    str(caught.value).encode()
    os.mkfifo(folder / "more.parquet")
    path.unlink()
    with pytest.raises(DataError, match="holds no tables"):
        open_tables(folder)


# --- contents ------------------------------------------------------------------------------------


@pytest.fixture
def groups(tmp_path) -> Path:
    """Two splits in files of several row groups, their images all different."""
    write_table(tmp_path / "train-0.parquet", label=pets(25), row_group_size=10)
    write_table(tmp_path / "train-1.parquet", label=pets(1), image=images(1, 25))
    write_table(
        tmp_path / "train-2.parquet", label=pets(14), image=images(14, 26), row_group_size=4
    )
    write_table(tmp_path / "val.parquet", label=pets(9), image=images(9, 40), row_group_size=4)
    return tmp_path


@pytest.mark.parametrize("mapped", [False, True])
def test_rows_in_any_order_are_those_of_the_files(groups, mapped):
    source = open_tables(groups, mapped=mapped)
    order = np.random.default_rng(0).permutation(49).tolist()
    assert stored(source.read(order)) == [photo(row) for row in order]
    assert stored(source.read([3, 48, 3])) == [photo(3), photo(48), photo(3)]
    assert source.read([]) == []
    assert source.contents.sizes().tolist() == [len(photo(row)) for row in range(49)]
    swept: dict[int, Any] = {}
    for found in source.contents.sweep(order):
        swept.update(zip(found.places, stored(found.contents), strict=True))
    assert [swept[place] for place in range(49)] == [photo(row) for row in order]


def test_a_source_is_the_same_mapped_or_not(groups):
    assert open_tables(groups).fingerprint() == open_tables(groups, mapped=True).fingerprint()


def test_only_the_needed_row_groups_are_read(tmp_path):
    """What was never touched cannot fail: the other row groups are overwritten here."""
    path = write_table(tmp_path / "pets.parquet", label=pets(30), row_group_size=10)
    metadata = parquet.read_metadata(path)
    data = bytearray(path.read_bytes())
    for number in (0, 2):
        column = metadata.row_group(number).column(0)
        start = column.dictionary_page_offset or column.data_page_offset
        data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(data)
    found = open_tables(path).read([19, 3, 10, 25])
    assert stored([found[0], found[2]]) == [photo(19), photo(10)]
    for damaged in (found[1], found[3]):
        assert isinstance(damaged, UnreadableContentError)
        assert "damaged" in str(damaged)


def test_a_file_that_goes_away_after_opening(tmp_path):
    path = write_table(tmp_path / "pets.parquet", label=pets(4))
    source = open_tables(path)
    path.unlink()
    (found,) = source.read([2])
    assert isinstance(found, UnreadableContentError)
    assert source.contents.sizes().tolist() == [-1] * 4
    write_table(tmp_path / "pets.parquet", label=pets(2))
    assert "fewer rows" in str(source.read([2])[0])


@pytest.mark.parametrize("mapped", [False, True])
def test_cells_of_bytes_paths_and_nothing(tmp_path, mapped):
    save(picture(9, mode="L"), tmp_path / "images" / "a.png")
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    cells = [
        {"bytes": photo(0), "path": "images/a.png"},
        {"bytes": None, "path": "images/a.png"},
        {"bytes": None, "path": None},
        None,
    ]
    path = tmp_path / "pets.parquet"
    write_table(path, label=pets(4), image=pa.array(cells, kind))
    source = open_tables(path, mapped=mapped)
    found = source.read(range(4))
    assert found[0] == EncodedImage(photo(0))
    assert found[1] == EncodedImage(None, str(tmp_path / "images" / "a.png"))
    assert [str(each) for each in found[2:]] == ["there is no image"] * 2
    assert source.contents.sizes().tolist() == [len(photo(0)), -1, -1, -1]
    write_table(path, label=pets(3), image=["images/a.png", None, "/b.png"])
    found = open_tables(path, mapped=mapped).read(range(3))
    assert [getattr(each, "file", None) for each in found] == [
        str(tmp_path / "images" / "a.png"),
        None,
        "/b.png",
    ]


@pytest.mark.parametrize("mapped", [False, True])
def test_images_as_lists_of_numbers(tmp_path, mapped):
    pixels = np.arange(4 * 16, dtype=np.uint8).reshape(4, 4, 4)
    path = tmp_path / "pets.parquet"
    for cells in (pixels.tolist(), pixels.reshape(4, 16).tolist()):
        write_table(path, image=cells, label=pets(4))
        source = open_tables(path, mapped=mapped)
        found = source.read(range(4))
        assert all(isinstance(each, PixelImage) for each in found)
        assert np.array_equal(np.stack([each.array for each in found]), pixels)
        assert source.contents.sizes().tolist() == [16 * 8] * 4
    columns = {"features": pixels.tolist(), "label": pets(4)}
    parquet.write_table(pa.table(columns), path)
    with pytest.raises(DataError, match="Which columns hold what is labeled"):
        open_tables(path)
    source = open_tables(path, WantedColumns(image="features"), mapped=mapped)
    assert np.array_equal(source.read([2])[0].array, pixels[2])


def test_numbers_in_one_row_are_squares_in_gray_or_color(tmp_path):
    rows = np.arange(16, dtype=np.uint8)
    planes = np.broadcast_arrays(rows[:, None] + 10 * rows, np.uint8(90), rows[:, None] * 9)
    image = np.stack(planes, axis=2).astype(np.uint8)
    by_planes = image.transpose(2, 0, 1).ravel()
    cells = [image.ravel().tolist(), by_planes.tolist(), [1, 2, 3, 4, 5], None]
    path = write_table(tmp_path / "pets.parquet", image=cells, label=pets(4))
    by_pixel, by_plane, neither, nothing = open_tables(path).read(range(4))
    assert np.array_equal(by_pixel.array, image)
    assert np.array_equal(by_plane.array, image)
    assert "5 numbers in one row" in str(neither)
    assert str(nothing) == "there is no image"
    cells = [[[1, 2], [3]], [[1, 2], [None, 3]], [[1, 2], [3, 4]]]
    path = write_table(tmp_path / "pets.parquet", image=cells, label=pets(3))
    ragged, missing, whole = open_tables(path).read(range(3))
    assert isinstance(ragged, UnreadableContentError)
    assert isinstance(missing, UnreadableContentError)
    assert whole.array.tolist() == [[1, 2], [3, 4]]


def test_lists_in_other_ranges_and_orders(tmp_path):
    planes = np.arange(3 * 4 * 5, dtype=np.float64).reshape(3, 4, 5)
    cells = [planes.tolist(), (planes / 59).tolist(), (planes - 1).tolist(), (planes * 9).tolist()]
    path = write_table(tmp_path / "pets.parquet", image=cells, label=pets(4))
    whole, share, negative, large = open_tables(path).read(range(4))
    assert np.array_equal(whole.array, planes.transpose(1, 2, 0))
    assert np.array_equal(share.array, np.rint(planes / 59 * 255).transpose(1, 2, 0))
    assert isinstance(negative, UnreadableContentError)
    assert isinstance(large, UnreadableContentError)


def read_rows(contents, rows, queue) -> None:
    queue.put(stored(contents.read(rows)))


@pytest.mark.parametrize("mapped", [False, True])
def test_contents_are_read_the_same_in_another_process(groups, mapped):
    contents = open_tables(groups, mapped=mapped).contents
    again = pickle.loads(pickle.dumps(contents))  # noqa: S301
    rows = [44, 0, 27]
    assert stored(again.read(rows)) == stored(contents.read(rows))
    context = process_context()
    queue = context.SimpleQueue()
    process = context.Process(target=read_rows, args=(contents, rows, queue))
    process.start()
    assert queue.get() == [photo(row) for row in rows]
    process.join()


# --- contents by id ------------------------------------------------------------------------------


def test_contents_of_ids(groups):
    ids = ["val/8", "train/26", "train/0", "train/26"]
    contents = open_table_contents(groups, WantedColumns(image="image"))(ids)
    assert len(contents) == 4
    assert stored(contents.read([0, 1, 2, 3])) == [photo(row) for row in (48, 26, 0, 26)]
    assert stored(contents.read([1])) == [photo(26)]
    assert contents.sizes().tolist() == [len(photo(row)) for row in (48, 26, 0, 26)]


def test_ids_that_a_table_does_not_have(groups):
    ids = [
        *("train/40", "train/-1", "train/01", "train/+1", "train/1.0", "train/ 1", "train/\u0661"),
        *("train/1\n", "train/", "train", "1", "/1", "", "val/9", "test/0", "train/0/1"),
        *(f"train/{10**15}", "train/" + "9" * 5000, "cat/a.png", "train/\ud800", "\ntrain/1"),
    ]
    contents = open_table_contents(groups)([*ids, "train/3"])
    found = contents.read(range(len(ids) + 1))
    assert {str(each) for each in found[:-1]} == {"the source has no row of this id"}
    assert stored(found[-1:]) == [photo(3)]
    swept = [place for found in contents.sweep(range(len(ids) + 1)) for place in found.places]
    assert sorted(swept) == list(range(len(ids) + 1))


def test_contents_of_ids_need_no_labels(tmp_path):
    path = tmp_path / "pets.parquet"
    parquet.write_table(pa.table({"image": images(3)}), path)
    assert stored(open_table_contents(path)(["train/1"]).read([0])) == [photo(1)]
