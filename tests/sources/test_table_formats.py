"""JSON lines, spreadsheets, folders of tables and data of the hub hold texts and rows as well."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import datasets
import polars as pl
import pytest

from dataparams.errors import DataError, MissingPackageError
from dataparams.sources.hub import opening
from dataparams.sources.hub.opening import open_hub, open_hub_contents
from dataparams.sources.hub.tables import HubSplits
from dataparams.sources.opening import open_contents, open_source
from dataparams.sources.understanding import understand
from made_images import picture, save
from made_spreadsheets import write_spreadsheet

COUNT = 40
TEXTS = [f"Where is the card number {row} that I ordered?" for row in range(COUNT)]
KINDS = ["late", "lost"] * (COUNT // 2)
SIZES = [row / 8 for row in range(COUNT)]
SHARED = Path(__file__).parents[3] / "shared" / "data"


def lines(count: int = COUNT) -> str:
    rows = zip(TEXTS[:count], KINDS, strict=False)
    return "".join(json.dumps({"text": text, "kind": kind}) + "\n" for text, kind in rows)


def table(path: Path, start: int = 0, stop: int = COUNT, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    every = {"text": TEXTS, "kind": KINDS, **columns}
    pl.DataFrame(every)[start:stop].write_csv(path)
    return path


# --- JSON lines ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cards.jsonl", "cards.ndjson", "cards.jsonl.gz"])
def test_json_lines(tmp_path, name):
    data = lines().encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    source = open_source(str(tmp_path / name), label_column="kind")
    assert (source.kind, source.name) == ("JSON lines file", "cards")
    assert source.columns == {"text": "text", "label": "kind"}
    assert source.read([3])[0].text == TEXTS[3]


def test_a_list_of_objects_in_a_json_file(tmp_path):
    rows = ",".join(lines().splitlines())
    path = tmp_path / "cards.json"
    for data in (f" [{rows}]", lines()):
        path.write_text(data)
        source = open_source(str(path), label_column="kind")
        assert source.columns == {"text": "text", "label": "kind"}
        assert source.read([39])[0].text == TEXTS[39]
    for data, found in (("[1, 2]", "cannot be read"), ("", "is empty"), ("[]", "is empty")):
        path.write_text(data)
        with pytest.raises(DataError, match=found):
            open_source(str(path))


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("{no\n", "in row 40"),
        ('{"text": 5, "kind": "late"}\n', "changed from string to number in row 40"),
    ],
)
def test_json_lines_that_are_damaged(tmp_path, more, found):
    (tmp_path / "cards.jsonl").write_text(lines() + more)
    with pytest.raises(DataError, match=found):
        open_source(str(tmp_path / "cards.jsonl"), label_column="kind")


def test_several_labels_in_json_lines(tmp_path):
    rows = [{"text": text, "kind": [kind]} for text, kind in zip(TEXTS, KINDS, strict=True)]
    (tmp_path / "cards.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match="several labels in a cell"):
        open_source(str(tmp_path / "cards.jsonl"), label_column="kind")


# --- spreadsheets --------------------------------------------------------------------------------


def test_a_spreadsheet(tmp_path):
    pytest.importorskip("fastexcel", reason="needs fastexcel: pip install 'dataparams[xlsx]'")
    rows = [("size", "kind"), *zip(SIZES, KINDS, strict=True)]
    path = write_spreadsheet(tmp_path / "cards.xlsx", {"cards": rows})
    source = open_source(str(path), label_column="kind")
    assert (source.kind, source.row_columns) == ("spreadsheet file", ("size",))
    assert source.read([3])[0].items() == [("size", SIZES[3])]
    path.write_bytes(b"no")
    with pytest.raises(DataError, match="cannot be read as a spreadsheet"):
        open_source(str(path))


def test_a_spreadsheet_without_the_package_that_reads_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    (tmp_path / "cards.xlsx").write_bytes(b"no")
    with pytest.raises(MissingPackageError, match=r'pip install "dataparams\[xlsx\]"'):
        open_source(str(tmp_path / "cards.xlsx"))


# --- folders -------------------------------------------------------------------------------------


def test_files_of_a_folder_are_its_splits(tmp_path):
    table(tmp_path / "train.csv", 0, 30)
    table(tmp_path / "test.csv", 30)
    table(tmp_path / "notes.csv", 0, 5)
    (tmp_path / "more.jsonl").write_text(lines())
    (tmp_path / "LICENSE").write_text("free")
    source = open_source(str(tmp_path), label_column="kind")
    assert source.kind == "folder of CSV files"
    assert (source.train_rows, source.split_names) == (30, ("train", "test"))
    assert source.ids[30] == "test/0"
    assert source.read([35])[0].text == TEXTS[35]
    told = {one.reason: (list(one.names), one.count) for one in source.left_out}
    assert told == {
        "row of a file whose name tells of no split, beside those that do": (["notes.csv"], 5),
        "table of another kind, beside CSV": (["more.jsonl"], 1),
    }
    found = open_contents(str(tmp_path), text_column="text")(["test/5", "train/30"]).read([0, 1])
    assert found[0].text == TEXTS[35]
    assert str(found[1]) == "the source has no row of this id"


def test_a_split_whose_labels_are_kept_back_is_left_out(tmp_path):
    table(tmp_path / "train.csv", 0, 30)
    pl.DataFrame({"text": TEXTS[30:]}).write_csv(tmp_path / "test.csv")
    for label in ("kind", None):
        source = open_source(str(tmp_path), label_column=label)
        assert (len(source), source.train_rows) == (30, None)
        (left_out,) = source.left_out
        assert left_out.reason == "the split 'test', which has no column 'kind'"
        assert left_out.count == 10


def test_types_are_those_of_all_files(tmp_path):
    codes = [f"{row}" for row in range(35)] + ["A1", "A2", "A3", "A4", "A5"]
    table(tmp_path / "train.csv", 0, 30, code=codes, share=SIZES)
    table(tmp_path / "test.csv", 30, code=codes, share=SIZES)
    source = open_source(str(tmp_path), label_column="kind", row_columns=["code", "share"])
    assert source.read([2])[0].items() == [("code", "2"), ("share", 0.25)]
    assert source.read([36])[0].items() == [("code", "A2"), ("share", 4.5)]


def test_a_folder_of_images_with_a_table_beside_them_stays_one(tmp_path):
    for kind in ("cat", "dog"):
        for number in range(3):
            save(picture(number), tmp_path / kind / f"{number}.png")
    table(tmp_path / "labels.csv")
    assert open_source(str(tmp_path)).kind == "image folder"


def test_paths_of_images_in_a_text_file(tmp_path):
    for number in range(4):
        save(picture(number), tmp_path / "images" / f"{number}.png")
    rows = "".join(f"images/{number}.png,{['cat', 'dog'][number % 2]}\n" for number in range(4))
    (tmp_path / "pets.csv").write_text(f"file,label\n{rows}")
    source = open_source(str(tmp_path / "pets.csv"))
    assert source.columns == {"image": "file", "label": "label"}
    assert source.read([2])[0].file == str(tmp_path / "images" / "2.png")
    contents = open_contents(str(tmp_path / "pets.csv"), image_column="file")(["train/2"])
    assert contents.read([0])[0].digest() == source.read([2])[0].digest()


# --- the hub -------------------------------------------------------------------------------------


def test_texts_and_rows_of_the_hub(monkeypatch):
    kinds = datasets.ClassLabel(names=["lost", "late"])
    numbers = [["lost", "late"].index(kind) for kind in KINDS]

    def serve(**columns):
        features = datasets.Features(
            {
                name: kinds if name == "label" else datasets.Value(kind)
                for name, (kind, _) in columns.items()
            }
        )
        values = {name: values for name, (_, values) in columns.items()}
        loaded = datasets.Dataset.from_dict(values, features=features)
        monkeypatch.setattr(
            opening, "open_hub_splits", lambda name, **_: HubSplits({"train": loaded}, {})
        )

    serve(text=("string", TEXTS), label=("int64", numbers))
    source = open_hub("owner/cards")
    assert source.columns == {"text": "text", "label": "label"}
    assert source.class_names == ("lost", "late")
    assert source.read([5])[0].text == TEXTS[5]
    assert open_hub_contents("owner/cards")(["train/5"]).read([0])[0].text == TEXTS[5]
    serve(size=("float32", SIZES), label=("int64", numbers))
    source = open_hub("owner/cards")
    assert source.row_columns == ("size",)
    assert source.read([4])[0].items() == [("size", 0.5)]


# --- real data -----------------------------------------------------------------------------------

needs_shared = pytest.mark.skipif(
    not (SHARED / "banking77").is_dir(), reason="needs ../shared/data/banking77 and tables"
)


@needs_shared
def test_banking77():
    source = open_source(str(SHARED / "banking77"))
    assert (len(source), source.train_rows, len(source.class_names)) == (13083, 10003, 77)
    assert source.columns == {"text": "text", "label": "category"}
    assert source.left_out == ()


@needs_shared
def test_diamonds_and_penguins():
    diamonds = open_source(str(SHARED / "tables" / "diamonds.csv"), label_column="cut")
    assert (len(diamonds), len(diamonds.class_names)) == (53940, 5)
    assert diamonds.read([0])[0].items()[:3] == [
        ("carat", 0.23),
        ("color", "E"),
        ("clarity", "SI2"),
    ]
    penguins = open_source(str(SHARED / "tables" / "penguins.csv"), label_column="species")
    assert penguins.row_columns[:2] == ("island", "bill_length_mm")
    assert dict(penguins.read([3])[0].items())["bill_length_mm"] is None
    assert understand(penguins).lines()[1].startswith("Columns: rows from 'island'")
