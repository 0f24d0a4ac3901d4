"""Tables of texts and of rows as sources: what is a sample, what is said, and contents by ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from dataparams.sources.opening import open_contents, open_source
from dataparams.sources.understanding import understand

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [f"Where is the card number {row} that I ordered?" for row in range(40)]
INTENTS = ["arrival", "lost"] * 20
SIZES = [0.5 + row / 7 for row in range(40)]
COLORS = ["red", "green", "blue", "red", "blue"] * 8


def write(path: Path, **columns: Any) -> Path:
    """A table in a file of the kind that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pl.DataFrame(columns)
    if path.suffix == ".csv":
        table.write_csv(path)
    else:
        table.write_parquet(path)
    return path


@pytest.fixture(params=["pets.csv", "pets.parquet"])
def path(request, tmp_path) -> Path:
    return tmp_path / request.param


def test_texts_are_found_and_read_again_by_their_ids(path):
    write(path, text=TEXTS, category=INTENTS)
    source = open_source(str(path))
    assert source.contents.kind == "text"
    assert source.columns == {"text": "text", "label": "category"}
    assert source.row_columns == ()
    assert source.class_names == ("arrival", "lost")
    assert [one.text for one in source.read([39, 0])] == [TEXTS[39], TEXTS[0]]
    contents = open_contents(str(path), text_column="text")(["train/7", "train/40"])
    assert contents.kind == "text"
    found, missing = contents.read([0, 1])
    assert found.digest() == source.read([7])[0].digest()
    assert str(missing) == "the source has no row of this id"
    assert "Columns: text from 'text', label from 'category'." in understand(source).lines()


def test_without_texts_a_sample_is_a_row(path):
    write(path, size=SIZES, color=COLORS, kind=INTENTS)
    source = open_source(str(path), label_column="kind")
    assert source.contents.kind == "row"
    assert source.columns == {"label": "kind"}
    assert source.row_columns == ("size", "color")
    assert source.read([1])[0].items() == [("size", SIZES[1]), ("color", "green")]
    contents = open_contents(str(path), row_columns=source.row_columns)(["train/1"])
    assert contents.kind == "row"
    assert contents.read([0])[0].digest() == source.read([1])[0].digest()
    lines = understand(source).lines()
    assert "Columns: rows from 'size', 'color'; label from 'kind'." in lines
