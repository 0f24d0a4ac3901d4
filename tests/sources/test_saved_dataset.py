"""Folders of ``save_to_disk`` as sources: images, texts and rows, one split or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import datasets
import pytest

from dataparams.contents.images import EncodedImage
from dataparams.errors import ArgumentError, DataError
from dataparams.sources.opening import open_contents, open_source, whole_name
from dataparams.sources.saved_dataset import open_saved_contents, open_saved_dataset
from made_tables import photo

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [f"Where is the card number {row} that I ordered?" for row in range(40)]
CLASSES = datasets.ClassLabel(names=["lost", "late", "never"])


def texts(count: int = 40) -> datasets.Dataset:
    table = {"text": TEXTS[:count], "label": [row % 2 for row in range(count)]}
    features = datasets.Features({"text": datasets.Value("string"), "label": CLASSES})
    return datasets.Dataset.from_dict(table, features=features)


def photos(count: int) -> datasets.Dataset:
    table = {
        "image": [{"bytes": photo(row), "path": None} for row in range(count)],
        "label": [row % 2 for row in range(count)],
    }
    features = datasets.Features({"image": datasets.Image(), "label": CLASSES})
    return datasets.Dataset.from_dict(table, features=features)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Three splits of texts."""
    place = tmp_path / "my cards"
    splits = {"test": texts(6), "train": texts(), "validation": texts(10)}
    datasets.DatasetDict(splits).save_to_disk(place)
    return place


def test_one_table_with_its_declared_classes(tmp_path):
    texts().save_to_disk(tmp_path / "cards")
    source = open_source(str(tmp_path / "cards"))
    assert (source.kind, source.name) == ("data set saved by the library datasets", "cards")
    assert source.place == whole_name(str(tmp_path / "cards"))
    assert source.class_names == ("lost", "late", "never")
    assert source.columns == {"text": "text", "label": "label"}
    assert [one.text for one in source.read([39, 0])] == [TEXTS[39], TEXTS[0]]
    assert (source.ids[7], source.train_rows) == ("train/7", None)
    found, missing = open_contents(str(tmp_path / "cards"))(["train/7", "train/40"]).read([0, 1])
    assert found.text == TEXTS[7]
    assert str(missing) == "the source has no row of this id"


def test_rows_that_were_chosen_and_shuffled_are_those_that_were_saved(tmp_path):
    chosen = texts().shuffle(seed=1).select(range(20)).with_format("numpy", columns=["label"])
    chosen.save_to_disk(tmp_path / "cards", num_shards=3)
    source = open_source(str(tmp_path / "cards"))
    kept = chosen.with_format(None)
    assert [one.text for one in source.read(range(20))] == kept["text"][:]
    assert source.labels.tolist() == kept["label"][:]


def test_splits_are_told_apart_and_what_is_not_used_is_counted(saved):
    source = open_source(str(saved))
    assert (source.name, source.split_names) == ("my-cards", ("train", "validation"))
    assert (len(source), source.train_rows) == (50, 40)
    (left,) = source.left_out
    assert left.reason == "row of the split 'test', beside 'train' and 'validation'"
    assert left.count == 6
    everything = open_saved_dataset(saved, all_splits=True)
    assert (len(everything), everything.left_out) == (56, ())
    assert everything.ids[55] == "test/5"
    contents = open_saved_contents(saved, all_splits=True)(["test/5", "train/39"])
    assert [one.text for one in contents.read([0, 1])] == [TEXTS[5], TEXTS[39]]


def test_images_are_read_as_they_are_stored(tmp_path):
    photos(8).save_to_disk(tmp_path / "pets")
    source = open_source(str(tmp_path / "pets"), is_streamed=True)
    assert source.contents.kind == "image"
    assert source.read([7, 0]) == [EncodedImage(photo(7)), EncodedImage(photo(0))]
    assert source.contents.sizes().tolist() == [len(photo(row)) for row in range(8)]


def test_columns_that_the_user_names_are_taken(saved):
    source = open_source(str(saved), row_columns=("*",), label_column="label")
    assert source.contents.kind == "row"
    with pytest.raises(ArgumentError, match="give one"):
        open_source(str(saved), row_columns=("*",), text_column="text")


def test_what_is_damaged_or_empty_is_said(saved, tmp_path):
    next((saved / "train").glob("*.arrow")).write_bytes(b"no arrow")
    with pytest.raises(DataError, match=r"my cards was saved by the library .* cannot be read"):
        open_source(str(saved))
    texts(0).save_to_disk(tmp_path / "empty")
    with pytest.raises(DataError, match="without rows"):
        open_source(str(tmp_path / "empty"))
    datasets.DatasetDict(train=texts(), test=texts(0)).save_to_disk(tmp_path / "half")
    assert len(open_source(str(tmp_path / "half"))) == 40
    datasets.DatasetDict({"a": texts(), "b": texts()}).save_to_disk(tmp_path / "unnamed")
    with pytest.raises(DataError, match="has the splits 'a', 'b'"):
        open_source(str(tmp_path / "unnamed"))
