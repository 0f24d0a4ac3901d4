"""Tables as people have them by mistake are read as they were meant, or refused with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dataparams.errors import DataError
from dataparams.sources.opening import open_source
from made_spreadsheets import write_spreadsheet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

COUNT = 40
TEXTS = [f"Where is the card {row} that I ordered?" for row in range(COUNT)]
LABELS = [("lost", "late")[row % 2] for row in range(COUNT)]


def lines(texts: Iterable[object] = TEXTS, labels: Iterable[object] = LABELS) -> str:
    return "".join(f"{text},{label}\n" for text, label in zip(texts, labels, strict=True))


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> str:
        (tmp_path / "cards.csv").write_bytes(text.encode())
        return str(tmp_path / "cards.csv")

    return write


def spaced() -> str:
    return "".join(f'{label}, "no, not {row}"\n' for row, label in enumerate(LABELS))


def twice() -> str:
    return "".join(f"a {row},b,{label}\n" for row, label in enumerate(LABELS))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("text,label\n", "has no rows below the names of its columns; expected one per sample"),
        (f"text,label\n{lines(texts=[''] * COUNT)}", "holds nothing; expected texts"),
        (f"text,label\n{lines(texts=range(COUNT))}", "holds whole numbers; expected texts"),
        (f"text,label\n{lines(texts=['Hello'] * COUNT)}", "the same text in all 40 labeled rows"),
        (f"text,label\n{lines(labels=['2020-01-01', '2020-01-02'] * 20)}", "holds dates or times"),
        (f"text,label\n{lines(labels=[0.5, 1.5] * 20)}", r"not whole, such as 0.5.*regression"),
        (f"My cards,\ntext,label\n{lines()}", "names the first of 2 columns alone .'My cards'."),
        (f"label, text\n{spaced()}", "right after the ',': no space"),
        (f"text,text,label\n{twice()}", "2 columns called 'text'"),
    ],
)
def test_what_is_refused_says_why(written, text, found):
    with pytest.raises(DataError, match=found):
        open_source(written(text), text_column="text", label_column="label")


def test_a_quote_that_is_closed_nowhere_is_a_letter_where_there_are_no_others(written):
    source = open_source(written(f'text,label\n"never closed,lost\n{lines()}'))
    assert len(source) == COUNT + 1
    assert source.read([0])[0].text == '"never closed'
    assert "are read as letters" in source.notes[0]


def test_a_quote_that_takes_the_next_row_into_its_value_is_told(written):
    rows = "".join(f'"{text}","{label}"\n' for text, label in zip(TEXTS, LABELS, strict=True))
    source = open_source(written(f'text,label\n{rows}"never closed, lost\n{rows}'))
    assert len(source) == 2 * COUNT
    assert f"Row {COUNT} (the first is 0) has several lines and an odd number" in source.notes[0]
    whole = open_source(written(f'text,label\n{rows}"several\nlines of 5 "" screens """,lost\n'))
    assert whole.notes == ()


def test_values_of_any_letters_come_back_as_they_are(written):
    texts = ["<b>Hi</b> &amp; <script>alert(1)</script>", "a\0b", '5" wide', "x" * 1_000_000]
    source = open_source(written(f"text,label\n{lines(texts + TEXTS[4:])}"), text_column="text")
    assert [one.text for one in source.read(range(4))] == texts


def test_names_of_any_letters_are_found_and_named(written):
    table = f'" my ""texts"" 🙂 ",label\n{lines()}'
    for given in (' my "texts" 🙂 ', 'my "texts" 🙂'):
        source = open_source(written(table), text_column=given)
        assert source.columns["text"] == 'my "texts" 🙂'
    with pytest.raises(DataError, match="Did you mean 'my \"texts\" 🙂'"):
        open_source(written(table), text_column="my texts")


def test_an_index_without_a_name_is_no_part_of_rows_and_texts(written):
    rows = "".join(f"{7 * row % COUNT},{row / 7:.3f},{LABELS[row]}\n" for row in range(COUNT))
    source = open_source(written(f",size,label\n{rows}"))
    assert source.row_columns == ("size",)
    assert "'unnamed 0' numbers or names the rows: it is left out" in source.notes[0]
    rows = "".join(f"{row},{TEXTS[row]},{LABELS[row]}\n" for row in range(COUNT))
    assert open_source(written(f",text,label\n{rows}")).columns["text"] == "text"


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["True", "False"], ("false", "true")),
        (["0.0", "1.0"], ("0", "1")),
        (["1", "-1"], ("-1", "1")),
    ],
)
def test_labels_of_other_kinds_are_classes(written, labels, classes):
    source = open_source(written(f"text,label\n{lines(labels=labels * (COUNT // 2))}"))
    assert source.class_names == classes


# --- spreadsheets --------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path: Path):
    pytest.importorskip("fastexcel", reason="needs fastexcel: pip install 'dataparams[xlsx]'")

    def write(*rows, **others) -> str:
        return str(write_spreadsheet(tmp_path / "cards.xlsx", {"cards": rows, **others}))

    return write


ROWS = list(zip(TEXTS, LABELS, strict=True))


def test_the_first_sheet_is_read_and_others_are_named(book):
    source = open_source(book(("text", "label"), *ROWS, notes=[("by me",)]))
    assert [one.text for one in source.read(range(COUNT))] == TEXTS
    told = "Of 2 sheets the first is read, 'cards'; 'notes' is not: move the one that is meant"
    assert source.notes == (f"{told} to the front.",)


def test_blank_rows_within_are_counted_and_those_below_are_none(book):
    blank = (None, None)
    source = open_source(book(("text", "label"), *ROWS[:9], blank, *ROWS[9:], blank, blank))
    assert len(source) == COUNT
    assert [(one.reason, one.count) for one in source.left_out] == [("no label", 1)]


@pytest.mark.parametrize(
    ("rows", "others", "found"),
    [
        ([], {"data": ROWS}, "first sheet of .* is empty.*'data' is not: move"),
        ([("text", "label")], {}, "no rows"),
        ([("Cards, by me", None), ("text", "label"), *ROWS], {}, "as a title does"),
    ],
)
def test_sheets_that_are_no_tables(book, rows, others, found):
    with pytest.raises(DataError, match=found):
        open_source(book(*rows, **others))


def test_a_spreadsheet_larger_than_memory_is_refused_with_the_way_out(book, monkeypatch):
    monkeypatch.setattr("dataparams.sources.spreadsheets.free_memory", lambda: 1000)
    with pytest.raises(DataError, match=r"1\.0 kB are free\. Save it as CSV or Parquet"):
        open_source(book(("text", "label"), *ROWS))


def test_what_is_no_spreadsheet_is_told(book, tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK no archive")
    with pytest.raises(DataError, match=r"cannot be read as a spreadsheet.*Save it as CSV"):
        open_source(str(tmp_path / "a.xlsx"))
