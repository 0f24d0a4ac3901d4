"""Tables that are text: what was written comes back in any dialect; damage is said by row."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataparams.errors import DataError
from dataparams.sources.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.sources.source import Source

ROWS = [
    (f'Where is "card {row}",\nwhich I ordered?', ["lost", "late"][row % 2]) for row in range(30)
]


def written(rows: Sequence[tuple[str, str]], **dialect) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, **{"lineterminator": "\n", **dialect}).writerows([("text", "kind"), *rows])
    return stream.getvalue().encode()


@pytest.fixture
def opened(tmp_path):
    def open_bytes(data: bytes | str, name: str = "cards.csv", **columns) -> Source:
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return open_source(str(path), **{"label_column": "kind", **columns})

    return open_bytes


def refused(opened, data: bytes | str, **columns) -> str:
    with pytest.raises(DataError) as caught:
        opened(data, **columns)
    return str(caught.value)


def texts(source: Source) -> list[str]:
    return [one.text for one in source.read(range(len(source)))]


# --- dialects ------------------------------------------------------------------------------------

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(LETTERS, min_size=1).filter(lambda text: not text.isspace() and text != "text")
DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
    }
)


@given(st.lists(TEXTS, min_size=1, max_size=8), DIALECTS, st.sampled_from([b"", b"\xef\xbb\xbf"]))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_texts_in_any_dialect_come_back(opened, some, dialect, mark):
    if dialect["quoting"] == csv.QUOTE_MINIMAL and any("\r" in text for text in some):
        # Python before 3.13 writes a lone carriage return without quotes.
        dialect = {**dialect, "quoting": csv.QUOTE_ALL}
    rows = [(text, "ab"[place % 2]) for place, text in enumerate(["Where is it?", *some])]
    source = opened(mark + written(rows, **dialect), text_column="text")
    assert texts(source) == [text for text, _ in rows]
    assert source.labels.tolist() == [place % 2 for place in range(len(rows))]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_quotes_after_a_backslash(opened, delimiter):
    rows = [(f'He said "no {row}"{delimiter} twice', kind) for row, (_, kind) in enumerate(ROWS)]
    data = written(
        rows, delimiter=delimiter, doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL
    )
    assert texts(opened(data)) == [text for text, _ in rows]


def test_quotes_that_are_letters(opened):
    rows = "".join(
        f"{chr(34) * (row == 9)}pipe number {row} of 60\t{row % 2}\n" for row in range(60)
    )
    source = opened(f"text\tkind\n{rows}", "pipes.tsv")
    assert texts(source)[9] == '"pipe number 9 of 60'
    assert any("are read as letters" in note for note in source.notes)
    inches = "".join(f'5" pipe number {row},{row % 2}\n' for row in range(60))
    assert texts(opened(f"text,kind\n{inches}"))[7] == '5" pipe number 7'


def test_decimal_commas_dates_and_codes(opened):
    rows = [
        f"1.0{row},5;{row * 3 % 17};{row % 28 + 1}.01.2020;0{row % 5}21;"
        f"{['TRUE', 'false'][row % 3 > 0]};{'NA' if row == 13 else row / 4};"
        f"{'ab'[row * row % 7 % 2]}"
        for row in range(10, 40)
    ]
    names = "size;count;day;zip;is_new;share;kind"
    source = opened("\n".join([names, *rows]))
    first = dict(source.read([0])[0].items())
    assert first == {
        "size": 1010.5,
        "count": 13,
        "day": "2020-01-11",
        "zip": "0021",
        "is_new": False,
        "share": 2.5,
    }
    assert source.read([3])[0].items()[-1] == ("share", None)
    assert source.row_columns == ("size", "count", "day", "zip", "is_new", "share")


def test_commas_within_numbers_stay_where_commas_separate(opened):
    rows = "".join(f'"1,{row:03}",{row / 7},{"ab"[row % 2]}\n' for row in range(30))
    assert opened(f"price,size,kind\n{rows}").read([5])[0].items()[0] == ("price", "1,005")


def test_days_that_may_be_months_are_said(opened):
    rows = "".join(
        f"{row % 12 + 1:02}/{row % 12 + 1:02}/2020,{row / 7},{'ab'[row % 2]}\n" for row in range(30)
    )
    source = opened(f"bought,size,kind\n{rows}")
    assert any("'bought' are read with the day first" in note for note in source.notes)
    assert source.read([4])[0].items()[0] == ("bought", "2020-05-05")


def test_a_row_longer_than_a_block(opened):
    long = "card " * 1_200_000
    rows = [*ROWS, (long, "lost"), *ROWS]
    assert texts(opened(written(rows)))[len(ROWS)] == long


def test_a_line_with_which_excel_names_the_delimiter(opened):
    rows = "".join(f"{row},5;red;{'ab'[row % 2]}\n" for row in range(30))
    data = f"\ufeffsep=;\nsize;color;kind\n{rows}"
    assert opened(data).read([2])[0].items() == [("size", 2.5), ("color", "red")]
    assert "Row 30 " in refused(opened, f"{data}1;2\n")


# --- compression ---------------------------------------------------------------------------------


def archived(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("__MACOSX/._cards.csv", b"\0")
        archive.writestr("cards.csv", data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("cards.csv.gz", gzip.compress),
        ("cards.csv.gz", lambda data: gzip.compress(data[:99]) + gzip.compress(data[99:])),
        ("cards.csv.bz2", lambda data: bz2.compress(data[:99]) + bz2.compress(data[99:])),
        ("cards.csv.xz", lzma.compress),
        ("cards.csv.zst", lambda data: pa.compress(data, codec="zstd", asbytes=True)),
        ("cards.zip", archived),
        ("cards.csv.zip", archived),
        ("cards.csv", gzip.compress),
    ],
)
def test_compressed_files_hold_the_same(opened, name, compress):
    plain = written(ROWS)
    source = opened(compress(plain), name)
    assert source.name == "cards"
    assert texts(source) == texts(opened(plain, "plain.csv"))


def test_damaged_archives(opened, tmp_path):
    data = gzip.compress(written(ROWS))
    assert "Truncated" in refused(opened, data[:-60], name="cards.csv.gz")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", "a")
        archive.writestr("b.csv", "b")
    with pytest.raises(DataError, match=r"archive of 2 files \(a.csv, b.csv\)"):
        open_source(str(tmp_path / "two.zip"))


# --- damage --------------------------------------------------------------------------------------


def test_a_byte_that_is_no_utf8_is_said_by_row_and_column(opened):
    data = written(ROWS) + "Où est ma carte,lost\n".encode("latin-1")
    message = refused(opened, data)
    assert "Column 'text' in row 30 (the first below the names is 0)" in message
    assert "no UTF-8: O\\xf9 est" in message
    assert "iconv" in message


def test_a_name_that_is_no_utf8_is_said(opened):
    data = "größe,kind\n".encode("cp1252") + b"".join(b"%d,a\n%d,b\n" % (n, n) for n in range(9))
    message = refused(opened, data)
    assert "The row of names" in message
    assert "no UTF-8: gr\\xf6\\xdfe" in message
    assert "iconv" in message


@pytest.mark.parametrize(
    ("row", "found"), [("one,lost,more", "has 3 columns"), ("one", "has 1 column,")]
)
def test_a_row_of_another_length_is_said(opened, row, found):
    message = refused(opened, written(ROWS) + f"{row}\n".encode())
    assert "Row 30 (the first below the names is 0) of" in message
    assert found in message
    assert "and the row of names 2" in message


def test_a_quote_that_is_not_closed_is_said(opened):
    message = refused(opened, written(ROWS, quoting=csv.QUOTE_ALL) + b'"Where is it,lost\n' * 3)
    assert "A quote in it may be closed nowhere" in message


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        ("text,kind\n", "has no rows"),
        ("text,kind\n".encode("utf-16"), "has no rows"),
        (b"%PDF-1.7 ...", "is PDF"),
        (bytes(range(256)), "is no text"),
        (b"text\nWhere is it?\n", "has one column, called 'text'"),
    ],
)
def test_what_is_no_table(opened, data, found):
    assert found in refused(opened, data)


@pytest.mark.parametrize(
    "data",
    [
        "".join(f"Where is card {row},{['lost', 'late'][row % 2]}\n" for row in range(40)),
        "".join(f"3,Where is card {row}\n1,Where is it {row}\n" for row in range(20)),
        "".join(f"{row / 7},{row},{row % 2}\n" for row in range(40)),
    ],
)
def test_a_first_row_that_is_data_is_refused(opened, data):
    message = refused(opened, data, label_column=None)
    assert "seems to be data" in message
    assert "add that row" in message


def test_names_that_come_again_are_said(opened):
    data = written(ROWS)
    assert "Row 30 (the first below the names is 0)" in refused(opened, data + data)


def test_columns_that_are_called_by_numbers(opened):
    rows = "".join(f"{row / 7},{row / 3},{row / 2},{'ab'[row % 2]}\n" for row in range(40))
    assert opened(f"0,1,2,kind\n{rows}").row_columns == ("0", "1", "2")


def test_names_that_are_missing(opened):
    rows = "".join(f"{row},{row / 3},{'ab'[row % 2]},\n" for row in range(40))
    source = opened(f",size,kind,\n{rows}")
    assert source.row_columns == ("size",)


# --- size ----------------------------------------------------------------------------------------


def test_numbers_that_do_not_fit_into_memory_are_refused(opened, monkeypatch):
    monkeypatch.setattr("dataparams.sources.free_memory.free_memory", lambda: 1000)
    monkeypatch.setattr("dataparams.sources.free_memory.ROOM", 0)
    rows = "".join(f"{row / 7},{'ab'[row % 2]}\n" for row in range(400))
    message = refused(opened, f"size,kind\n{rows}")
    assert "takes more than" in message
    assert "1.0 kB are free" in message
