"""Tables larger than memory: their texts are mapped from a file that is gone with the program."""

from __future__ import annotations

import shutil
import tempfile
from types import SimpleNamespace

import polars as pl
import pyarrow as pa
import pytest

from dataparams.errors import DataError
from dataparams.sources import kept_pieces, row_groups
from dataparams.sources.kept_pieces import folder_of_large_files, keep_pieces
from dataparams.sources.opening import open_source

COUNT = 400


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Everything is large here, and large files go to a folder of the test."""
    place = tmp_path / "large"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setattr(kept_pieces, "MOST_IN_MEMORY", 100)
    monkeypatch.setattr(row_groups, "BYTES_READ_WHOLE", 100)
    return place


def table() -> pl.DataFrame:
    texts = [f'Is card {row} "here",\nor is it not?' for row in range(COUNT)]
    labels = pl.Series(["yes", "no"] * (COUNT // 2)).cast(pl.Categorical)
    return pl.DataFrame({"text": texts, "size": range(COUNT), "label": labels})


@pytest.mark.parametrize("name", ["cards.csv", "cards.parquet", "cards.jsonl", "cards.json"])
def test_what_is_mapped_is_what_was_written(name, tmp_path, folder):
    path = tmp_path / name
    {
        "csv": table().write_csv,
        "parquet": table().write_parquet,
        "jsonl": table().write_ndjson,
        "json": table().write_json,
    }[path.suffix[1:]](path)
    source = open_source(str(path))
    assert [one.text for one in source.read(range(COUNT))] == table()["text"].to_list()
    assert source.class_names == ("no", "yes")
    assert source.labels.tolist() == [1, 0] * (COUNT // 2)
    rows = open_source(str(path), row_columns=("size",))
    assert rows.read([COUNT - 1])[0].items() == [("size", COUNT - 1)]
    assert list(folder.iterdir()) == []  # the files have no name


def test_pieces_are_kept_in_order_and_missing_values_stay_missing():
    pieces = [pa.record_batch([[f"text {row}", None]], ["text"]) for row in range(50)]
    kept = keep_pieces(iter(pieces), "a.csv")
    assert [one.to_pylist() for one in kept] == [one.to_pylist() for one in pieces]
    assert keep_pieces([], "a.csv") == ()


def test_a_disk_without_room_is_told_with_what_to_do(monkeypatch, folder):
    pieces = [pa.record_batch([["a long text" * 10]], ["text"])] * 3
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(DataError, match=rf"a\.csv is large.*{folder} is nearly full.*TMPDIR"):
        keep_pieces(pieces, "a.csv")
    monkeypatch.setenv("TMPDIR", str(folder / "none"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "none"))
    with pytest.raises(DataError, match=r"cannot be written to.*TMPDIR"):
        keep_pieces(pieces, "a.csv")


def test_what_a_piece_raises_is_raised():
    def pieces():
        yield pa.record_batch([["a long text" * 10]], ["text"])
        raise DataError("row 1 is damaged")

    with pytest.raises(DataError, match="row 1 is damaged"):
        keep_pieces(pieces(), "a.csv")


def test_a_folder_that_somebody_named_is_taken(folder):
    assert folder_of_large_files() == str(folder)
