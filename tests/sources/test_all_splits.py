"""A source with all its splits: folders, files, and a column that tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.contents.texts import Text
from dataparams.errors import ArgumentError
from dataparams.sources.opening import open_contents, open_source
from dataparams.sources.splits import (
    chosen_splits,
    comes_split,
    names_of_splits,
    numbers_of_splits,
    rows_of_splits,
    split_rows,
)
from dataparams.sources.understanding import understand
from made_sources import photo_folder

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.sources.source import Source


def split_of_each(source: Source) -> dict[str, str]:
    names = names_of_splits(source)
    return {
        name: names[number]
        for name, number in zip(source.ids, numbers_of_splits(source).tolist(), strict=True)
    }


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    for split in ("Training", "val", "test", "test_tube", "backup"):
        photo_folder(tmp_path / "pets" / split, per_class=3)
    photo_folder(tmp_path / "pets" / "holdout", per_class=3, classes=("emu", "gnu"))
    return tmp_path / "pets"


def table(path: Path, splits: list[str | None], name: str = "split") -> Path:
    count = len(splits)
    frame = pl.DataFrame(
        {
            "text": [f"what is the number {number} of all these words" for number in range(count)],
            "label": ["a", "b"] * (count // 2),
            name: splits,
        },
        schema_overrides={name: pl.String},
    )
    frame.write_csv(path)
    return path


def test_all_folders_of_splits_are_read_where_all_are_wanted(pets: Path) -> None:
    source = open_source(str(pets), all_splits=True)
    assert names_of_splits(source) == ("train", "val", "test", "test_tube")
    assert all(
        sample.startswith(f"{split}/" if split != "train" else "Training/")
        for sample, split in split_of_each(source).items()
    )
    assert {one.reason for one in source.left_out} == {
        "in backup, which is not named like a split",
        "in holdout, which has none of the class folders of Training",
    }
    assert "test (6)" in understand(source).split


def test_a_sample_has_the_same_number_whether_all_splits_are_read_or_two(pets: Path) -> None:
    two, every = open_source(str(pets)), open_source(str(pets), all_splits=True)
    assert list(every.ids)[: len(two)] == list(two.ids)
    trained, validated = split_rows(every, 0.1, seed=0)
    assert (len(trained), len(validated)) == (6, 6)
    assert [rows.tolist() for rows in split_rows(two, 0.1, seed=0)] == [
        trained.tolist(),
        validated.tolist(),
    ]


def test_splits_are_chosen_by_any_name_that_means_them(pets: Path) -> None:
    source = open_source(str(pets), all_splits=True)
    ids = list(source.ids.take(rows_of_splits(source, "training,VALIDATION")))
    assert {sample.split("/")[0] for sample in ids} == {"Training", "val"}
    with pytest.raises(ArgumentError, match="are of: train, val, test, test_tube"):
        rows_of_splits(source, "dusk")


def test_a_name_that_could_be_two_splits_is_asked_about() -> None:
    assert chosen_splits(["train", "dev", "validation"], "dev", "here") == ["dev"]
    with pytest.raises(ArgumentError, match="names 'val'"):
        chosen_splits(["train", "dev", "validation"], "val", "here")


def test_shards_of_all_splits_are_read(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        for shard in range(2):
            name = f"{split}-0000{shard}-of-00002.csv"
            file = table(tmp_path / name, [None] * 4)
            pl.read_csv(file).drop("split").write_csv(file)
    source = open_source(str(tmp_path), all_splits=True)
    assert names_of_splits(source) == ("train", "validation", "test")
    assert len(source) == 24
    assert all(sample.startswith(f"{split}/") for sample, split in split_of_each(source).items())
    (content,) = open_contents(str(tmp_path), all_splits=True)(["test/5"]).read([0])
    assert isinstance(content, Text)
    assert content.text == source.read([len(source) - 3])[0].text


def test_a_further_split_without_labels_or_of_other_columns_is_left_out(tmp_path: Path) -> None:
    for split in ("train", "val", "test", "dev"):
        file = table(tmp_path / f"{split}.csv", [None] * 4)
        frame = pl.read_csv(file).select(["text"] if split == "test" else ["text", "label"])
        if split == "dev":
            frame = frame.rename({"text": "words", "label": "tag"})
        frame.write_csv(file)
    source = open_source(str(tmp_path), all_splits=True)
    assert names_of_splits(source) == ("train", "val")
    assert {one.reason for one in source.left_out} == {
        "the split 'test', which has no column 'label'",
        "the split 'dev', which has other columns",
    }


@pytest.mark.parametrize("name", ["split", "Subset", "fold"])
def test_a_column_tells_of_the_split_of_each_row(tmp_path: Path, name: str) -> None:
    file = table(tmp_path / "words.csv", ["train", "test", "valid", "train", None, "train"], name)
    source = open_source(str(file), all_splits=True)
    # A row keeps its number and its id: both count the rows of the file.
    assert list(split_of_each(source).items()) == [
        ("train/0", "train"),
        ("train/1", "test"),
        ("train/2", "valid"),
        ("train/3", "train"),
        ("train/4", "train"),
        ("train/5", "train"),
    ]
    assert [rows.tolist() for rows in split_rows(source, 0.1, seed=0)] == [[0, 3, 4, 5], [2]]
    assert source.columns["split"] == name
    assert not any("not looked at" in note for note in source.notes)
    plain = open_source(str(file))
    assert not comes_split(plain)
    assert any("not looked at" in note for note in plain.notes)
    assert plain.fingerprint() == source.fingerprint()


@pytest.mark.parametrize(
    "splits", [["train"] * 4, ["val", "test"] * 2, ["train", "dusk"] * 2], ids=str
)
def test_a_column_that_tells_of_no_split_to_train_on_is_none(
    tmp_path: Path, splits: list[str | None]
) -> None:
    source = open_source(str(table(tmp_path / "words.csv", splits)), all_splits=True)
    assert not comes_split(source)
