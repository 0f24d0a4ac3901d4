"""Tables of texts and of rows as sources: what is a sample, what is said, and contents by ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from dataparams.errors import DataError
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


def test_several_columns_of_texts_are_joined_and_that_is_said(path):
    titles = [None if row == 1 else f"Card {row}" for row in range(40)]
    bodies = [" " if row in (1, 2) else text for row, text in enumerate(TEXTS)]
    write(path, title=titles, body=bodies, category=INTENTS)
    source = open_source(str(path), text_column="title, body")
    first, empty, title = source.read([0, 1, 2])[0], source.left_out[0], source.read([1])[0]
    assert first.text == f"Card 0\n{TEXTS[0]}"
    assert title.text == "Card 2"
    assert (empty.reason, list(empty.names)) == ("empty text", ["train/1"])
    assert source.columns == {"text": "title,body", "label": "category"}
    said = "Note: A text is made of the columns 'title', 'body', in this order"
    assert any(line.startswith(said) for line in understand(source).lines())
    again = open_contents(str(path), text_column=source.columns["text"])(["train/0"])
    assert again.read([0])[0].digest() == first.digest()


def test_a_name_with_a_comma_is_a_name_where_there_is_such_a_column(path):
    write(path, **{"title,body": TEXTS, "title": TEXTS[::-1], "category": INTENTS})
    source = open_source(str(path), text_column="title,body")
    assert source.read([0])[0].text == TEXTS[0]
    with pytest.raises(DataError, match="`text_column` is 'boty', and there is no such column"):
        open_source(str(path), text_column="title,boty")
    with pytest.raises(DataError, match="cannot be both the texts and the labels"):
        open_source(str(path), text_column="title,category", label_column="category")
