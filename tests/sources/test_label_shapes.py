"""Labels that are more than one class are refused by what they are."""

from __future__ import annotations

import polars as pl
import pytest

from dataparams.errors import DataError
from dataparams.sources.opening import open_source
from made_tables import photo

COUNT = 120
TEXTS = [f"Where is the card number {row} that I ordered?" for row in range(COUNT)]


def repeated(*values):
    return [values[row % len(values)] for row in range(COUNT)]


def opened(tmp_path, labels, *, is_text=False):
    path = tmp_path / ("table.csv" if is_text else "table.parquet")
    table = pl.DataFrame({"text": TEXTS, "tag": labels}, strict=False)
    if is_text:
        table.write_csv(path)
    else:
        table.write_parquet(path)
    return open_source(str(path), label_column="tag")


@pytest.mark.parametrize("is_text", [False, True])
@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (repeated("a;b", "b;c", "a", "c;a"), "several labels in a cell, such as 'a;b'"),
        (repeated("a|b", "b|c", "a", "c|a"), "several labels in a cell, such as 'a|b'"),
        (repeated("a, b", "b, c", "c, a"), "several labels in a cell, such as 'a, b'"),
        (
            repeated("scab/rust", "scab", "rust", "rot/rust", "rot"),
            "several labels in a cell, such as",
        ),
        (repeated("a+b", "b", "a", "b+a"), "several labels in a cell, such as 'a+b'"),
        (repeated("0 1 0 1", "1 1 0 0"), "lists of numbers, boxes or masks"),
        (repeated("12.5 30 44 80", "1, 2, 3, 4"), "lists of numbers, boxes or masks"),
        (repeated('["a", "b"]', '["b"]'), "several labels in a cell, such as"),
        (repeated("['a', 'b']", "[]"), "several labels in a cell, such as"),
        (repeated("[1, 2, 30, 40]", "[3, 4, 50, 60]"), "lists of numbers, boxes or masks"),
        (repeated('{"bbox": [1, 2, 3, 4]}'), "lists of numbers, boxes or masks"),
        ([17 * row for row in range(COUNT)], "120 different numbers in 120 rows"),
        ([0.17 * row for row in range(COUNT)], "to be predicted (regression)"),
        (TEXTS, "120 different texts in 120 rows"),
    ],
)
def test_labels_that_are_no_classes(tmp_path, labels, found, is_text):
    with pytest.raises(DataError) as caught:
        opened(tmp_path, labels, is_text=is_text)
    message = str(caught.value)
    assert "The column 'tag' cannot be the labels: it holds" in message
    assert found in message
    assert "Expected one class for each sample" in message


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (repeated(["a", "b"], ["b"]), "lists, of several labels in a cell"),
        (repeated([[1, 2, 3, 4]], [[5, 6, 7, 8]]), "lists, of boxes or masks"),
        (repeated([0.5, 1.5, 2.5, 3.5]), "lists, of boxes or masks"),
        (repeated({"x": 1, "y": 2}), "structs"),
    ],
)
def test_structures_that_are_no_classes(tmp_path, labels, found):
    with pytest.raises(DataError, match=found):
        opened(tmp_path, labels)


def test_masks_of_images_are_no_classes(tmp_path):
    cells = repeated({"bytes": photo(0), "path": None})
    pl.DataFrame({"image": cells, "mask": cells}).write_parquet(tmp_path / "table.parquet")
    with pytest.raises(DataError, match="structs that are images, such as masks"):
        open_source(str(tmp_path / "table.parquet"), label_column="mask")


def test_paths_of_masks_are_no_classes(tmp_path):
    masks = [f"masks/{row}.PNG" for row in range(COUNT)]
    table = pl.DataFrame({"image": repeated({"bytes": photo(0), "path": None}), "mask": masks})
    table.write_parquet(tmp_path / "table.parquet")
    with pytest.raises(DataError, match="names of image files, masks as it seems"):
        open_source(str(tmp_path / "table.parquet"), label_column="mask")


@pytest.mark.parametrize(
    "labels",
    [
        repeated("Sports, indoors", "News; local", "Science", "Food|drink"),
        repeated("Sports, indoors", "Sports, outdoors", "News, local"),
        repeated("(none)", "(some)"),
        repeated("a;b", "c"),
        repeated("young/male", "young/female", "old/male", "old/female"),
        repeated("C++", "C", "C#", "Go"),
        repeated("TCP/IP", "UDP", "HTTP/2"),
        repeated("1-2", "3-4", "10 20"),
        [row % 50 for row in range(COUNT)],
        [1000 + row % 20 for row in range(COUNT)],
        list(range(1, COUNT + 1)),
    ],
)
@pytest.mark.parametrize("is_text", [False, True])
def test_classes_with_such_names_are_classes(tmp_path, labels, is_text):
    assert len(opened(tmp_path, labels, is_text=is_text)) == COUNT


def test_numbers_with_few_values_are_classes_and_rows_without_one_are_counted(tmp_path):
    source = opened(tmp_path, repeated("3", "", "5"), is_text=True)
    assert source.class_names == ("3", "5")
    (left_out,) = source.left_out
    assert (left_out.reason, left_out.count) == ("no label", COUNT // 3)
    stars = opened(tmp_path, repeated(1.0, 5.0, 4.0))
    assert stars.class_names == ("1", "4", "5")


def test_a_class_of_one_sample_is_a_class(tmp_path):
    labels = [f"intent {row % 77}" for row in range(COUNT - 1)] + ["intent 76"]
    source = opened(tmp_path, ["alone", *labels[1:]])
    assert len(source.class_names) == 78
    assert source.labels.bincount().min() == 1
