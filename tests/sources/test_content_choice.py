"""Whether a table holds images, texts or rows, and which columns are a row's; else a question."""

from __future__ import annotations

import datetime as dt
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from dataparams.errors import ArgumentError, DataError
from dataparams.sources.opening import open_contents, open_source
from dataparams.sources.understanding import understand
from made_tables import photo

if TYPE_CHECKING:
    from dataparams.sources.source import Source

COUNT = 60
TEXTS = [f"Where is the card number {row} that I ordered?" for row in range(COUNT)]
KINDS = [["late", "lost", "gone"][row * row % 7 % 3] for row in range(COUNT)]
SIZES = np.random.default_rng(0).normal(size=COUNT).round(3).tolist()
COLORS = [["red", "blue"][row // 5 % 2] for row in range(COUNT)]


@pytest.fixture
def opened(tmp_path):
    def open_columns(
        text_column=None, label_column=None, image_column=None, row_columns=(), **columns
    ) -> Source:
        path = tmp_path / "table.parquet"
        pl.DataFrame(columns).write_parquet(path)
        return open_source(
            str(path),
            image_column=image_column,
            text_column=text_column,
            label_column=label_column,
            row_columns=row_columns,
        )

    return open_columns


def refused(opened, **columns) -> str:
    with pytest.raises(DataError) as caught:
        opened(**columns)
    return str(caught.value)


def notes(source: Source) -> str:
    return " ".join(source.notes)


# --- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["text", "Sentence", "review", "comment", "question", "tweet"])
def test_a_column_that_is_called_so_is_the_text_and_others_are_said(opened, name):
    source = opened(label=KINDS, size=SIZES, **{name: TEXTS})
    assert source.columns == {"text": name, "label": "label"}
    assert "'size' is not looked at" in notes(source)
    assert "`row_columns=NAMES`" in notes(source)
    assert opened(label=KINDS, id=list(range(COUNT)), **{name: TEXTS}).notes == ()


def test_long_distinct_strings_alone_are_texts_whatever_their_name(opened):
    assert opened(kunde=TEXTS, label=KINDS).columns["text"] == "kunde"
    names = [f"Anna{row}" for row in range(COUNT)]
    assert opened(vorname=names, label=KINDS).columns["text"] == "vorname"


def test_of_several_the_surest_name_is_taken(opened):
    titles = [f"On the card number {row}" for row in range(COUNT)]
    source = opened(title=titles, text=TEXTS, label=KINDS)
    assert source.columns["text"] == "text"
    assert "'title' is not looked at" in notes(source)


def test_beside_other_columns_long_strings_are_asked_about(opened):
    names = [f"Braund, Mr. Owen Harris {row}" for row in range(COUNT)]
    message = refused(opened, passenger=names, age=SIZES, label=KINDS)
    assert "texts, or rows of the table? It is not clear: 'passenger' could be texts" in message
    assert "`text_column=NAME` for texts, or `row_columns=NAMES` (`*` for all)" in message
    assert opened(passenger=names, age=SIZES, label=KINDS, text_column="passenger").columns == {
        "text": "passenger",
        "label": "label",
    }
    rows = opened(passenger=names, age=SIZES, label=KINDS, row_columns=["*"])
    assert rows.row_columns == ("passenger", "age")
    both = refused(opened, premise=TEXTS, hypothesis=names, label=KINDS)
    assert "'premise', 'hypothesis' could all be the texts" in both


def test_a_column_of_few_words_is_none_of_texts_though_it_is_called_title(opened):
    source = opened(title=COLORS, size=SIZES, label=KINDS)
    assert source.row_columns == ("title", "size")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (list(range(COUNT)), "holds whole numbers; expected texts"),
        (SIZES, "holds numbers; expected texts"),
        ([dt.date(2020, 1, 1)] * COUNT, "holds dates or times; expected texts"),
        ([None] * COUNT, "holds nothing; expected texts"),
        (["", "  ", None] * (COUNT // 3), "has no text in any of the 60 labeled rows"),
    ],
)
def test_what_is_no_text_is_refused(opened, values, found):
    message = refused(opened, note=values, label=KINDS, text_column="note")
    assert "'note'" in message
    assert found in message


def test_empty_texts_are_left_out_and_counted(opened):
    some = ["", " \n", None, *TEXTS[3:]]
    source = opened(text=some, label=KINDS)
    (left_out,) = source.left_out
    assert (left_out.reason, left_out.count) == ("empty text", 3)
    assert list(left_out.names) == ["train/0", "train/1", "train/2"]
    assert source.ids[0] == "train/3"
    assert source.read([0])[0].text == TEXTS[3]


def test_images_come_first_and_texts_named_like_images_stay_texts(opened):
    cells = [{"bytes": photo(row), "path": None} for row in range(COUNT)]
    assert opened(image=cells, text=TEXTS, label=KINDS).columns["image"] == "image"
    assert opened(content=TEXTS, label=KINDS).columns == {"text": "content", "label": "label"}
    chosen = opened(image=cells, text=TEXTS, label=KINDS, text_column="text")
    assert chosen.contents.kind == "text"


# --- rows ----------------------------------------------------------------------------------------


def test_values_of_all_kinds_belong_to_a_row_and_structures_do_not(opened):
    days = [dt.date(2020, 1, 1 + row % 28) for row in range(COUNT)]
    sizes = [None, *SIZES[1:]]
    source = opened(
        size=sizes, color=COLORS, day=days, is_new=[True, False] * 30, box=[[1, 2]] * COUNT,
        kind=KINDS, label_column="kind",
    )  # fmt: skip
    assert source.row_columns == ("size", "color", "day", "is_new")
    assert source.read([0])[0].items() == [
        ("size", None), ("color", "red"), ("day", "2020-01-01"), ("is_new", True),
    ]  # fmt: skip
    assert "No part of a row is 'box' (lists)." in notes(source)


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("copied", KINDS, "is a copy of the label"),
        ("code", [KINDS.index(kind) for kind in KINDS], "is another name of the label"),
        ("is_sorted", None, "is sorted by class"),
        ("taken", None, "is sorted by class"),
        (
            "group",
            [f"{kind[:3]}{row % 2}" for row, kind in enumerate(KINDS)],
            "belongs to one class",
        ),
        ("true_label", None, "has the names of the classes"),
        ("number", list(range(7, COUNT + 7)), "numbers the rows"),
        ("Unnamed: 0", [row * 3 % 61 for row in range(COUNT)], "numbers or names the rows"),
        ("patient_id", [row * 3 % 61 for row in range(COUNT)], "names each row"),
        ("ticket", [f"A-{row * 7}" for row in range(COUNT)], "names each row"),
        ("blank", pl.Series([None] * COUNT, dtype=pl.Float64), "is empty"),
    ],
)
def test_what_gives_the_label_away_is_said_and_left_out(opened, name, values, reason):
    if name in ("is_sorted", "taken"):
        order = np.argsort(KINDS, kind="stable")
        values = (3 * np.argsort(order) + 5).tolist()
    if name == "taken":
        values = [
            datetime(2020, 1, 1, tzinfo=timezone.utc) + timedelta(hours=one) for one in values
        ]
    if name == "true_label":
        name, values = "class_name", [KINDS[0], "gone", *KINDS[2:]]
    columns = {"size": SIZES, name: values, "label": KINDS}
    source = opened(**columns)
    assert source.row_columns == ("size",)
    assert f"The column {name!r} {reason}" in notes(source)
    assert "`row_columns=NAMES` (`*` for all)" in notes(source)
    if name != "blank":
        assert opened(**columns, row_columns=["*"]).row_columns == ("size", name)
        kept = opened(**columns, row_columns=[name])
        assert kept.row_columns == (name,)
        assert "left out of the rows" not in notes(kept)


def test_what_separates_classes_well_is_no_leak(opened):
    widths = [10 * ["late", "lost", "gone"].index(kind) + row % 9 for row, kind in enumerate(KINDS)]
    precise = [width + row / 1000 for row, width in enumerate(widths)]
    source = opened(width=widths, precise=precise, label=KINDS)
    assert source.row_columns == ("width", "precise")
    assert source.notes == ()


def test_rows_need_columns_and_labels_are_none_of_them(opened):
    assert "no column has values" in refused(opened, label=KINDS, id=list(range(COUNT)))
    columns = {"size": SIZES, "label": KINDS, "row_columns": ["size", "label"]}
    assert "both of a row and its label" in refused(opened, **columns, label_column="label")
    message = refused(opened, size=SIZES, label=KINDS, row_columns=["sizes"])
    assert "Did you mean 'size'?" in message
    with pytest.raises(ArgumentError, match="`text_column` and `row_columns` are given"):
        opened(text=TEXTS, label=KINDS, row_columns=["*"], text_column="text")


def test_contents_of_rows_keep_their_digests_when_other_rows_change(tmp_path):
    def digest(last: str) -> str:
        path = tmp_path / "table.csv"
        rows = "".join(f"{row},{row / 4},{'ab'[row % 3 % 2]}\n" for row in range(0, 90, 3))
        path.write_text(f"count,size,kind\n{rows}{last}\n")
        (content,) = open_contents(str(path), row_columns=["count", "size"])(["train/5"]).read([0])
        return content.digest()

    expected = digest("3,4,a")
    assert digest("3.5,4,a") == expected
    assert digest("none at all,4.25,a") == expected
    assert digest("3,four,b") == expected


def test_the_columns_of_wide_rows_are_shown_in_part(opened):
    many = {f"pixel {number}": SIZES[number:] + SIZES[:number] for number in range(30)}
    lines = understand(opened(**many, label=KINDS)).lines()
    assert any("'pixel 19' and 10 more; label from 'label'" in line for line in lines)
