"""Which column of a table is the label, and which the image; where it is not clear, a question."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from dataparams.cli import main
from dataparams.errors import DataError
from dataparams.sources.columns import WantedColumns
from dataparams.sources.tables import open_tables
from made_tables import STORED, images, photo, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.sources.source import Source

BREEDS = ["pug", "beagle"] * 4
AGES = [1, 2, 3, 1, 2, 3, 1, 2]


@pytest.fixture
def opened(tmp_path):
    def open_columns(*, image_column=None, label_column=None, **columns) -> Source:
        path = write_table(tmp_path / "pets.parquet", **columns)
        return open_tables(path, WantedColumns(image=image_column, label=label_column))

    return open_columns


def refused(opened, **columns) -> str:
    with pytest.raises(DataError) as caught:
        opened(**columns)
    return str(caught.value)


# --- labels --------------------------------------------------------------------------------------


def test_a_number_beside_a_text_is_not_taken_in_silence(opened):
    message = refused(opened, breed=BREEDS, age=AGES)
    assert "Which column holds the labels? It is not clear: 'breed', 'age' could all be" in message
    assert "`label_column=NAME`" in message
    assert "image (images), breed (text, 2 values), age (whole numbers, 3 values)" in message
    chosen = opened(breed=BREEDS, age=AGES, label_column="breed")
    assert chosen.class_names == ("beagle", "pug")
    assert chosen.columns == {"image": "image", "label": "breed"}
    assert chosen.notes == ()


@pytest.mark.parametrize(
    ("values", "class_names"),
    [
        ([True, False] * 4, ("false", "true")),
        ([2.0, 1.0] * 4, ("1", "2")),
        (["b", "a"] * 4, ("a", "b")),
        ([10, 9] * 4, ("9", "10")),
        (pa.array([10, 9] * 4, pa.uint8()), ("9", "10")),
        (pa.array(["b", "a"] * 4).dictionary_encode(), ("a", "b")),
        (pa.array([b"b", b"a"] * 4), ("a", "b")),
        (pa.array(["b", "a"] * 4, pa.string_view()), ("a", "b")),
    ],
)
def test_a_column_called_label_wins_whatever_its_type(opened, values, class_names):
    source = opened(label=values, patient=AGES, breed=BREEDS)
    assert source.columns["label"] == "label"
    assert source.class_names == class_names
    assert source.labels[:2].tolist() == [1, 0]


@pytest.mark.parametrize(
    "name", ["labels", "class", "category", "target", "y", "Label", " LABEL_", "Class Name", "cls"]
)
def test_usual_names_win_however_they_are_written(opened, name):
    source = opened(**{"age": AGES, name: BREEDS, "weight": [0.5] * 8})
    assert source.columns["label"] == name


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.5, 1.0] * 4, "numbers that are not whole, such as 0.5"),
        ([[1, 0]] * 8, "it holds lists"),
        ([{"a": 1}] * 8, "it holds structs"),
        ([dt.date(2020, 1, 1)] * 8, "it holds dates or times"),
        ([float("inf"), 1.0] * 4, "not whole, such as inf"),
        (pa.array([b"\xff\xfe", b"a"] * 4), "values that are no labels"),
        (pa.array([2**63, 1] * 4, pa.uint64()), "values that are no labels"),
    ],
)
def test_a_column_called_label_that_can_be_none_is_refused(opened, values, message):
    told = refused(opened, label=values, breed=BREEDS)
    assert "'label' cannot be the labels" in told
    assert message in told
    assert "`label_column=NAME`" in told


def test_one_column_that_can_be_the_label_is_taken(opened):
    weights = [0.5, 1.5, 2.5, 3.5] * 2
    days = [dt.date(2020, 1, day) for day in range(1, 9)]
    names = [f"sample {row}" for row in range(8)]
    source = opened(breed=BREEDS, weight=weights, taken=days, title=names, camera=["a"] * 8)
    assert source.columns["label"] == "breed"
    assert opened(breed=pa.array(BREEDS).dictionary_encode()).class_names == ("beagle", "pug")
    assert opened(is_cat=[True, False] * 4).class_names == ("false", "true")


@pytest.mark.parametrize(
    "columns",
    [
        {"weight": [0.5, 1.5] * 4},
        {"position": list(range(8))},
        {"position": list(range(1, 9))},
        {"number": [5, 3, 8, 1, 9, 2, 7, 4]},
        {"id": AGES},
        {"index": AGES},
        {"Unnamed: 0": AGES},
        {"patient_id": AGES},
        {"patientId": AGES},
        {"title": [f"sample {row}" for row in range(8)]},
        {"camera": ["a"] * 8},
        {"breed": BREEDS, "is_male": [True, False] * 4},
        {"breed": BREEDS, "patient_id": AGES},
        {"breed": BREEDS, "age": [float(age) for age in AGES]},
    ],
)
def test_otherwise_it_is_asked(opened, columns):
    message = refused(opened, **columns)
    assert "Which column holds the labels? It is not clear" in message
    for name in columns:
        assert f"{name} (" in message


@pytest.mark.parametrize("name", [None, "key", "label"])
def test_an_index_of_pandas_is_never_the_label(tmp_path, name):
    cells = [{"bytes": photo(row), "path": None} for row in range(8)]
    frame = pd.DataFrame({"image": cells}, index=pd.Index(AGES, name=name))
    frame.to_parquet(tmp_path / "pets.parquet")
    with pytest.raises(DataError, match="Which column holds the labels"):
        open_tables(tmp_path / "pets.parquet")
    frame["breed"] = BREEDS
    frame.to_parquet(tmp_path / "pets.parquet")
    assert open_tables(tmp_path / "pets.parquet").columns["label"] == "breed"


def test_categories_of_pandas_and_polars_are_labels(tmp_path):
    cells = [{"bytes": photo(row), "path": None} for row in range(8)]
    path = tmp_path / "pets.parquet"
    pd.DataFrame({"image": cells, "breed": pd.Categorical(BREEDS)}).to_parquet(path)
    assert open_tables(path).class_names == ("beagle", "pug")
    kind = pl.Enum(["pug", "beagle"])
    pl.DataFrame({"image": cells, "breed": pl.Series(BREEDS, dtype=kind)}).write_parquet(path)
    assert open_tables(path).class_names == ("beagle", "pug")


def test_declared_classes_are_found_wherever_they_are_written(tmp_path):
    cells = [{"bytes": photo(row), "path": None} for row in range(4)]
    features = {"kind": {"_type": "ClassLabel", "names": ["emu", "cat", "dog"]}}
    about = {"huggingface": json.dumps({"info": {"features": features}})}
    frame = pl.DataFrame({"image": cells, "kind": [2, 1, 2, 1]})
    frame.write_parquet(tmp_path / "polars.parquet", metadata=about)
    parquet.write_table(frame.to_arrow().replace_schema_metadata(about), tmp_path / "arrow.parquet")
    for file in tmp_path.iterdir():
        source = open_tables(file)
        assert source.class_names == ("emu", "cat", "dog")
        assert source.labels.tolist() == [2, 1, 2, 1]


def test_a_column_that_tells_of_splits_is_no_label_and_is_said(opened):
    source = opened(breed=BREEDS, split=["train"] * 6 + ["test"] * 2)
    assert source.columns["label"] == "breed"
    (note,) = source.notes
    assert "'split' tells of splits" in note


# --- two columns of labels -----------------------------------------------------------------------


def test_a_text_that_names_the_same_classes_gives_numbers_their_names(opened):
    labels = [2, 0, 1, 2, 0, 1, 2, 0]
    names = [["cat", "dog", "emu"][label] for label in labels]
    source = opened(label=labels, label_name=names)
    assert source.class_names == ("cat", "dog", "emu")
    assert source.labels.tolist() == labels
    assert source.notes == ()
    assert opened(class_id=labels, category_name=names).class_names == ("cat", "dog", "emu")
    assert opened(label=names, label_id=labels).class_names == ("cat", "dog", "emu")


def test_of_two_labels_the_first_by_name_wins_and_the_other_is_said(opened):
    fine, coarse = [0, 1, 2, 3] * 2, [0, 0, 1, 1] * 2
    source = opened(coarse_label=coarse, fine_label=fine)
    assert source.columns["label"] == "fine_label"
    (note,) = source.notes
    assert "'coarse_label' (2 values) was passed over" in note
    assert "`label_column=coarse_label`" in note
    source = opened(target=fine, label=coarse)
    assert source.columns["label"] == "label"
    assert "'target' (4 values)" in source.notes[0]
    assert opened(target=fine, label=coarse, label_column="target").notes == ()


# --- what the user names -------------------------------------------------------------------------


def test_a_column_that_is_not_there_is_said_with_the_nearest(opened):
    message = refused(opened, breed=BREEDS, age=AGES, label_column="bread")
    assert "`label_column` is 'bread', and there is no such column" in message
    assert "Did you mean 'breed'? The columns are: image, breed, age." in message
    message = refused(opened, breed=BREEDS, image_column="Image")
    assert (
        "`image_column` is 'Image', and there is no such column. Did you mean 'image'?" in message
    )


def test_named_columns_that_cannot_be_it(opened):
    assert "whole numbers" in refused(opened, breed=BREEDS, age=AGES, image_column="age")
    message = refused(opened, breed=BREEDS, label_column="image")
    assert "cannot be both" in message
    assert "structs" in refused(opened, a=[{"b": 1}] * 8, breed=BREEDS, label_column="a")


def test_two_columns_of_one_name_are_refused(tmp_path):
    table = pa.table([images(8), pa.array(AGES), pa.array(BREEDS)], names=["image", *["label"] * 2])
    parquet.write_table(table, tmp_path / "pets.parquet")
    with pytest.raises(DataError, match="2 columns called 'label'"):
        open_tables(tmp_path / "pets.parquet")


# --- images --------------------------------------------------------------------------------------


def written(path: Path, **columns) -> Path:
    parquet.write_table(pa.table({**columns, "label": BREEDS}), path)
    return path


def test_the_column_of_images(tmp_path):
    path, raw = tmp_path / "pets.parquet", pa.array([photo(row) for row in range(8)])
    files = [f"{row}.PNG" for row in range(8)]

    def chosen(**columns) -> str:
        return open_tables(written(path, **columns)).columns["image"]

    assert chosen(scan=images(8)) == "scan"
    assert chosen(scan=raw, file_name=files) == "scan"
    assert chosen(mask=images(8), image=images(8)) == "image"
    assert chosen(thumbnail=raw, Image=files) == "Image"
    assert chosen(note=files, file_name=files) == "file_name"
    assert chosen(taken_as=files, note=["none"] * 8) == "taken_as"
    assert chosen(large=raw.cast(pa.large_binary())) == "large"


def test_several_columns_of_images_are_asked_for(tmp_path):
    path = written(tmp_path / "pets.parquet", left=images(8), right=images(8, 100))
    with pytest.raises(DataError) as caught:
        open_tables(path)
    message = str(caught.value)
    assert "Which column holds the images? It is not clear: 'left', 'right' could all be" in message
    assert "Give `image_column=NAME`" in message
    assert "left (images), right (images), label (text, 2 values)" in message
    assert open_tables(path, WantedColumns(image="right")).columns["image"] == "right"
    source = open_tables(written(path, mask=images(8), image=images(8)))
    assert "'mask' can be taken instead by `image_column`" in source.notes[0]


def test_a_command_asks_for_its_flag_and_names_it_in_its_lines(tmp_path, capsys):
    words = ["export", str(tmp_path / "pets.parquet"), "--to", "csv", str(tmp_path / "out")]
    written(tmp_path / "pets.parquet", left=images(8), right=images(8, 100))
    assert main(words) == 3
    assert "Give --image-column NAME." in capsys.readouterr().err
    written(tmp_path / "pets.parquet", mask=images(8), image=images(8))
    assert main(words) == 0
    assert "'mask' can be taken instead by --image-column." in capsys.readouterr().out


def test_the_images_are_not_read_to_list_the_columns(tmp_path):
    """What was never touched cannot fail: the images are overwritten here."""
    path = write_table(tmp_path / "pets.parquet", breed=BREEDS, age=AGES)
    about = parquet.read_metadata(path).row_group(0).column(0)
    data = bytearray(path.read_bytes())
    start = about.dictionary_page_offset or about.data_page_offset
    data[start : start + about.total_compressed_size] = b"\xff" * about.total_compressed_size
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"image \(images\), breed \(text, 2 values\)"):
        open_tables(path)


def test_a_table_without_images_says_so(tmp_path):
    path = tmp_path / "pets.parquet"
    parquet.write_table(pa.table({"label": BREEDS, "box": [[0, 1]] * 8}), path)
    with pytest.raises(DataError, match="no column has values that can be images"):
        open_tables(path)


def test_of_many_columns_the_first_are_listed(tmp_path):
    columns = {f"pixel{number}": [0, 1] * 4 for number in range(40)}
    path = tmp_path / "digits.parquet"
    parquet.write_table(pa.table({"breed": BREEDS, **columns}), path)
    with pytest.raises(DataError, match=r"pixel18 \(whole numbers, 2 values\), and 21 more\."):
        open_tables(path)


def test_structs_that_hold_only_paths(tmp_path):
    cells = pa.array([{"bytes": None, "path": "a.png"}] * 8, STORED)
    source = open_tables(written(tmp_path / "pets.parquet", photo=cells))
    assert source.read([0])[0].file == str(tmp_path / "a.png")
