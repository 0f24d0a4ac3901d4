"""Exports of texts, of rows of tables, and of samples of which nothing is kept."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.writing import clean_run
from dataparams.cli import main
from dataparams.contents.images import EncodedImage
from dataparams.decisions.importing import import_decisions
from dataparams.export import TARGETS, ExportConfig, export
from dataparams.export.content_columns import names_beside
from dataparams.export.targets import FOR_IMAGES, SHOWING
from dataparams.sources.opening import open_source
from made_kept_runs import NAMES, kept_run
from made_runs import made_run
from made_sources import contents, photo_folder

TEXTS = (
    "Where is my card?",
    "",
    "  two blanks,\ta tab;\r\nand 'lines' \"in quotes\"\n",
    "\r",
    "a\0b",
    "أين بطاقتي الجديدة؟",
    "\u202egnp.exe",
    "👩‍👩‍👧 \ufeff",
    "</script><script>alert(1)</script>",
    "https://example.org/not-fetched",
    "null",
    "word " * 200_000,
)
ROWS = pl.DataFrame(
    {
        "carat": [0.25, None, 2.0, float("inf")],
        "count": [1, 2, None, -(2**62)],
        "cut": ["Ideal", "", None, "=SUM(A1)"],
        "is_new": [True, False, None, True],
        "nothing": pl.Series([None] * 4, dtype=pl.String),
        "label": ["a", "b", "c", "d"],
        "id": [7, 8, 9, 10],
        "index": [0.5, 1.5, 2.5, 3.5],
        "category": ["w", "x", "y", "z"],
        "data_label": [1, 2, 3, 4],
        "split": ["p", "q", "r", "s"],
    }
)
RENAMED = {
    "label": "data_data_label",
    "id": "data_id",
    "index": "data_index",
    "category": "data_category",
}
TABLES = ("csv", "jsonl", "parquet", "hf-dataset")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def texts(tmp_path):
    return kept_run(tmp_path / "texts", TEXTS)


@pytest.fixture
def rows(tmp_path):
    return kept_run(tmp_path / "rows", ROWS)


def write(run, target, out, **options):
    """Export a run; gives what the user is told, the summary last."""
    told: list[str] = []
    config = ExportConfig(str(run.path), to=target, out=out, **options)
    told.append(export(config, on_notice=told.append))
    return " ".join(told)


def read(target, out):
    """A table as programs read it; labels as the table has them."""
    if target == "csv":
        return pl.read_csv(out / "samples.csv", infer_schema_length=None)
    if target == "jsonl":
        return pl.read_ndjson(out / "samples.jsonl", infer_schema_length=None)
    if target == "parquet":
        return pl.read_parquet(out / "train.parquet")
    datasets = pytest.importorskip("datasets")
    return datasets.load_from_disk(str(out)).to_polars()


# --- tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TABLES)
def test_tables_have_every_text_as_it_is(texts, out, target):
    write(texts, target, out)
    table = read(target, out)
    assert table["text"].to_list() == list(TEXTS)
    assert table["id"].to_list() == texts.samples()["id"].to_list()
    assert {"index", "label", "category", "suspicion"} <= set(table.columns)


@pytest.mark.parametrize("target", TABLES)
def test_tables_have_the_columns_of_rows_beside_ours(rows, out, target):
    told = write(rows, target, out)
    table = read(target, out)
    assert table["id"].to_list() == rows.samples()["id"].to_list()
    for name in ROWS.columns:
        found = table[RENAMED.get(name, name)].to_list()
        wanted = ROWS[name].to_list()
        if target == "jsonl":  # which has no word for infinity
            wanted = [None if value == float("inf") else value for value in wanted]
        assert found == wanted, name
    for name, other in RENAMED.items():
        assert f"'{name}' is exported as '{other}'" in told


def test_a_column_that_is_named_like_ours_gives_way():
    assert names_beside(["a", "b"], ["id"]) == ["a", "b"]
    names = names_beside(["id", "data_id", "data_data_id", "label"], ["id", "label"])
    assert names == ["data_data_data_id", "data_id", "data_data_id", "data_label"]


def test_what_no_plain_type_holds_becomes_text(tmp_path, out):
    held = pl.DataFrame(
        {
            "when": pl.Series([1, 2]).cast(pl.Date),
            "large": pl.Series([1, 2**64 - 1], dtype=pl.UInt64),
            "price": pl.Series(["1.10", "2.20"]).cast(pl.Decimal(10, 2)),
        }
    )
    write(kept_run(tmp_path / "run", held), "parquet", out)
    table = read("parquet", out)
    assert table["when"].to_list() == ["1970-01-02", "1970-01-03"]
    assert table["large"].to_list() == ["1", str(2**64 - 1)]
    assert table["price"].to_list() == ["1.10", "2.20"]


def test_datasets_knows_the_classes_of_texts(texts, out):
    datasets = pytest.importorskip("datasets")
    write(texts, "hf-dataset", out)
    found = datasets.load_from_disk(str(out))
    assert found.features["text"] == datasets.Value("string")
    for name in ("label", "suggested_label"):
        assert found.features[name] == datasets.ClassLabel(names=list(NAMES))
    assert found.column_names[:4] == ["text", "index", "id", "label"]


def test_a_column_of_a_row_is_no_class_though_it_is_called_so(tmp_path, out):
    datasets = pytest.importorskip("datasets")
    run = kept_run(
        tmp_path / "run", pl.DataFrame({"true_label": [5, 6], "given_label": ["a", "b"]})
    )
    write(run, "hf-dataset", out)
    found = datasets.load_from_disk(str(out))
    assert found.features["true_label"] == datasets.Value("int64")
    assert found["given_label"][:] == ["a", "b"]


def test_a_text_that_is_missing_is_left_out_and_listed(tmp_path, out):
    run = kept_run(tmp_path / "run", ["one", None, "three"])
    for target in (*TABLES, "label-studio"):
        word = write(run, target, out / target)
        assert "Left out as unreadable: 1 (1 x there is no text)" in word
        assert (
            out / target / "left_out.csv"
        ).read_text() == "id,reason\ntrain/1,there is no text\n"
    assert read("csv", out / "csv")["text"].to_list() == ["one", "three"]


def test_nothing_is_written_where_no_text_is_left(tmp_path, out, capsys):
    run = kept_run(tmp_path / "run", [None, None])
    for target in (*TABLES, "label-studio"):
        assert main(["export", str(run.path), "--to", target, str(out / target)]) == 3
        assert "None of 2 texts can be read. The first, train/0" in capsys.readouterr().err
        assert not (out / target).exists() or not any((out / target).iterdir())


@pytest.mark.parametrize("cell", ["=1+1", "\uff1dSUM(A1)", "-2+3", "\t=1"])
def test_a_text_that_a_spreadsheet_would_run_is_told_and_kept(tmp_path, out, cell):
    assert "formula" not in write(kept_run(tmp_path / "fine", ["a=b", "b"]), "csv", out)
    run = kept_run(tmp_path / "run", ["one", cell + " and so on" * 50])
    told = write(run, "csv", tmp_path / "again")
    assert "begins like a formula" in told
    assert "..." in told
    assert read("csv", tmp_path / "again")["text"][1].startswith(cell)


def test_a_column_whose_name_a_spreadsheet_would_run_is_told(tmp_path, out):
    run = kept_run(tmp_path / "run", pl.DataFrame({"=CMD()": [1, 2]}))
    assert "'=CMD()' begins like a formula" in write(run, "csv", out)


# --- what is for images --------------------------------------------------------------------------


@pytest.mark.parametrize("target", sorted(FOR_IMAGES))
def test_a_target_of_images_says_what_to_use_instead(texts, rows, out, capsys, target):
    for run, kind in ((texts, "texts"), (rows, "rows")):
        assert main(["export", str(run.path), "--to", target, str(out)]) == 2
        error = capsys.readouterr().err
        assert f"--to {target} is for images, and the samples of {run.path} are {kind}" in error
        assert "csv, jsonl, parquet, hf-dataset, label-studio" in error
    assert not out.exists()


@pytest.mark.parametrize("target", TARGETS)
def test_samples_of_which_nothing_is_kept_go_into_tables_alone(tmp_path, out, capsys, target):
    run = kept_run(tmp_path / "run", 6)
    code = main(["export", str(run.path), "--to", target, str(out)])
    if target in SHOWING:
        assert code == 2
        error = capsys.readouterr().err
        assert "keeps nothing of its samples to show" in error
        assert "Expected one of csv, jsonl, parquet, hf-dataset, cleanlab." in error
        return
    assert code == 0
    assert "Exported 6 samples of 2 classes" in capsys.readouterr().out
    if target in TABLES:
        table = read(target, out)
        assert len(table) == 6
        assert not {"image", "text"} & set(table.columns)


def test_tables_of_images_open_no_picture(tmp_path, out, monkeypatch):
    pets = photo_folder(tmp_path / "pets", per_class=4)
    run = made_run(tmp_path / "run", pets)

    def refuse(*_):
        raise AssertionError

    for name in ("encoded", "loaded", "views", "digest", "size"):
        monkeypatch.setattr(EncodedImage, name, refuse)
    for target in ("csv", "jsonl", "cleanlab"):
        write(run, target, out / f"run-{target}")
    assert main(["export", str(pets), "--to", "csv", str(out / "data")]) == 0
    shutil.rmtree(pets)
    for target in ("csv", "jsonl", "cleanlab"):
        write(run, target, out / f"gone-{target}")


# --- all targets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("target", sorted(set(TARGETS) - FOR_IMAGES))
def test_a_second_call_changes_nothing(texts, rows, out, capsys, target):
    for run in (texts, rows):
        words = ["export", str(run.path), "--to", target, str(out / run.path.name)]
        assert main(words) == 0
        made = contents(out / run.path.name)
        assert main(words) == 0
        assert "(0 files written" in capsys.readouterr().out.splitlines()[-1]
        assert contents(out / run.path.name) == made


def test_a_run_folder_that_was_moved_is_exported_from_where_it_is(
    texts, tmp_path, out, monkeypatch
):
    moved = tmp_path / "elsewhere" / "run"
    moved.parent.mkdir()
    texts.path.rename(moved)
    # A file of that name beside the caller is another one.
    monkeypatch.chdir(moved)
    export(ExportConfig(".", to="csv", out=out))
    assert read("csv", out)["text"].to_list() == list(TEXTS)


def test_suggested_labels_and_some_categories_go_with_their_texts(texts, out):
    write(texts, "parquet", out, labels="suggested", confidence=0.0, include="hard")
    table = read("parquet", out)
    assert table["text"].to_list() == list(TEXTS[1::3])
    assert table["given_label"].to_list() == [row % 2 for row in range(1, len(TEXTS), 3)]
    assert table["label"].to_list() == [1 - row % 2 for row in range(1, len(TEXTS), 3)]


# --- Label Studio --------------------------------------------------------------------------------


def tasks_of(out):
    def refuse(word):
        raise AssertionError(word)

    words = (out / "tasks.json").read_text(encoding="utf-8")
    return json.loads(words, parse_constant=refuse)


def test_label_studio_gets_texts_as_texts(texts, out):
    told = write(texts, "label-studio", out)
    view = ET.fromstring((out / "label_config.xml").read_text(encoding="utf-8"))  # noqa: S314
    shown = view.find("Text")
    # Otherwise a text that looks like a URL might be fetched.
    assert (shown.get("value"), shown.get("valueType")) == ("$text", "text")
    assert view.find("Choices").get("toName") == shown.get("name")
    tasks = tasks_of(out)
    assert [task["data"]["text"] for task in tasks] == list(TEXTS)
    predictions = [task["predictions"] for task in tasks]
    assert [bool(some) for some in predictions] == [row % 3 == 1 for row in range(len(TEXTS))]
    for (prediction,) in filter(None, predictions):
        (result,) = prediction["result"]
        assert (result["to_name"], result["from_name"]) == ("text", "label")
    assert "LOCAL_FILES" not in told
    assert not (out / "images").exists()


def test_label_studio_gets_rows_as_names_and_values(rows, out):
    write(rows, "label-studio", out)
    view = ET.fromstring((out / "label_config.xml").read_text(encoding="utf-8"))  # noqa: S314
    assert view.find("Table").get("value") == "$row"
    shown = [task["data"]["row"] for task in tasks_of(out)]
    assert list(shown[0]) == ROWS.columns
    assert shown[1]["carat"] is None
    assert shown[3]["carat"] == "inf"
    assert [row["label"] for row in shown] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("is_minimal", [False, True])
def test_what_people_choose_in_label_studio_comes_back(texts, rows, out, tmp_path, is_minimal):
    for run in (texts, rows):
        write(run, "label-studio", out / run.path.name)
        tasks = tasks_of(out / run.path.name)
        answers = [_answered(task, number, is_minimal) for number, task in enumerate(tasks)]
        file = tmp_path / f"{run.path.name}.json"
        file.write_text(json.dumps(answers), encoding="utf-8")
        done = import_decisions(run, file)
        assert done.added == len(tasks)
        settings = CleanSettings("reviewed", allow_empty_class=True)
        clean_run(run, run.analysis()[0], settings)
        write(run, "jsonl", out / f"{run.path.name}-cleaned")
        table = read("jsonl", out / f"{run.path.name}-cleaned")
        assert set(table["label"]) == {NAMES[1]}


def _answered(task, number, is_minimal):
    chosen = {"annotator": "ann", "updated_at": "2026-01-01T00:00:00Z"}
    if is_minimal:
        return {"id": number, **task["data"], "label": NAMES[1], **chosen}
    result = [{"from_name": "label", "type": "choices", "value": {"choices": [NAMES[1]]}}]
    annotation = {"completed_by": {"email": "ann"}, "result": result, **chosen}
    return {"id": number, "data": task["data"], "annotations": [annotation]}


def test_label_studios_own_checks_pass(texts, rows, out):
    interface = pytest.importorskip("label_studio_sdk.label_interface")
    for run in (texts, rows):
        write(run, "label-studio", out / run.path.name)
        config = (out / run.path.name / "label_config.xml").read_text(encoding="utf-8")
        view = interface.LabelInterface(config)
        view.validate()
        for task in tasks_of(out / run.path.name):
            assert view.validate_task({"data": task["data"]})
            assert all(view.validate_prediction(found) for found in task["predictions"])


def test_nobody_is_told_a_truth_that_was_not_asked_for(texts, out):
    truth = {"true_label": pl.lit(0), "is_corrupted": pl.col("label") == 1}
    frame, made = texts.analysis()
    texts.write_samples(pl.read_parquet(texts.path / "samples.parquet").with_columns(**truth))
    texts.write_analysis(frame.with_columns(**truth), made)
    for target in sorted(set(TARGETS) - FOR_IMAGES):
        write(texts, target, out / target)
        for file in filter(lambda file: file.is_file(), (out / target).rglob("*")):
            assert not re.search(rb"true.?label|corrupt", file.read_bytes(), re.IGNORECASE)
    write(texts, "csv", out / "asked", with_truth=True)
    assert {"true_label", "is_corrupted"} <= set(read("csv", out / "asked").columns)


# --- back again ----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["csv", "jsonl", "parquet"])
def test_exported_texts_open_as_a_source_with_the_same_texts(tmp_path, out, target):
    # A text of nothing is no sample, and CSV with a NUL is refused as no text.
    told = [text for text in TEXTS if text.strip() and "\0" not in text]
    run = kept_run(tmp_path / "run", [*told, *(f"sentence {number}" for number in range(20))])
    write(run, target, out)
    opened = open_source(str(out))
    assert (opened.contents.kind, opened.class_names) == ("text", NAMES)
    assert [text.text for text in opened.read(range(len(told)))] == told
    assert opened.labels.tolist() == run.samples()["label"].to_list()


@pytest.mark.parametrize("target", ["csv", "jsonl", "parquet"])
def test_exported_rows_open_as_a_source_with_the_same_rows(tmp_path, out, target):
    count = 40
    held = pl.DataFrame(
        {
            "carat": [0.25 * (row % 7) for row in range(count)],
            "cut": [("Ideal", "Good, or so", None)[row % 3] for row in range(count)],
            "grade": [row % 5 for row in range(count)],
        }
    )
    run = kept_run(tmp_path / "run", held)
    write(run, target, out, analysis=False)
    opened = open_source(str(out))
    assert (opened.contents.kind, opened.class_names) == ("row", NAMES)
    rows = [dict(row.items()) for row in opened.read(range(count))]
    assert rows == held.to_dicts()
    assert opened.labels.tolist() == run.samples()["label"].to_list()


def test_whoever_exports_rows_is_told_that_the_analysis_tells_of_the_label(rows, out, capsys):
    words = ["export", str(rows.path), "--to", "csv"]
    assert main([*words, str(out / "all")]) == 0
    assert "leave them out: --no-analysis" in capsys.readouterr().out
    assert main([*words, str(out / "plain"), "--no-analysis", "--labels", "suggested"]) == 0
    assert "--no-analysis" not in capsys.readouterr().out
    table = pl.read_csv(out / "plain" / "samples.csv")
    ours = ["index", "id", "label"]
    # Without a column of the analysis called so, that of the data keeps its name.
    held = [RENAMED.get(name, name) for name in ROWS.columns]
    assert table.columns == [*ours, *(name.replace("data_cat", "cat") for name in held)]


def test_whoever_needs_the_analysis_cannot_leave_it_out(texts, out, capsys):
    assert main(["export", str(texts.path), "--to", "cleanlab", str(out), "--no-analysis"]) == 2
    assert "--no-analysis leaves out" in capsys.readouterr().err


def test_whoever_writes_nul_into_csv_is_told(texts, out):
    told = write(texts, "csv", out)
    assert "NUL is in 1 sample of samples.csv" in told
    assert '`to="jsonl"`' in told


# --- data sets -----------------------------------------------------------------------------------


def test_a_table_is_exported_as_it_is_understood_or_as_one_says(tmp_path, out, capsys):
    count = 30
    held = pl.DataFrame(
        {
            "number": range(count),
            "carat": [0.5 * (row % 7) for row in range(count)],
            "cut": ["good", "bad"] * (count // 2),
        }
    )
    held.write_csv(tmp_path / "stones.csv")
    words = ["export", str(tmp_path / "stones.csv"), "--label-column", "cut", "--to", "csv"]
    assert main([*words, str(out / "understood")]) == 0
    assert "--row-columns NAMES" in capsys.readouterr().out
    table = pl.read_csv(out / "understood" / "samples.csv")
    assert table.columns[:4] == ["index", "id", "label", "carat"]
    assert "number" not in table.columns
    assert main([*words, str(out / "all"), "--row-columns", "*"]) == 0
    table = pl.read_csv(out / "all" / "samples.csv").sort("index")
    assert table["number"].to_list() == held["number"].to_list()
    assert table["label"].to_list() == held["cut"].to_list()
    assert main([*words[:-1], "image-folder", str(out / "images")]) == 2


def test_a_file_of_texts_is_exported_by_its_columns(tmp_path, out):
    texts = [f"what is asked about in number {row}" for row in range(30)]
    given = pl.DataFrame({"label": texts, "cut": ["good", "bad"] * 15, "other": texts[::-1]})
    given.write_csv(tmp_path / "texts.csv")
    words = ["export", str(tmp_path / "texts.csv"), "--to", "jsonl", str(out)]
    assert main([*words, "--text-column", "label", "--label-column", "cut"]) == 0
    # Samples to train on stand before those to validate on.
    table = read("jsonl", out).sort("index")
    assert table["text"].to_list() == texts
    assert table["label"].to_list() == given["cut"].to_list()


def test_where_the_texts_of_a_run_are_now_can_be_said(tmp_path, out, capsys):
    texts = [f"what is asked about in number {row}" for row in range(12)]
    file, moved = tmp_path / "texts.csv", tmp_path / "moved.csv"
    run = kept_run(tmp_path / "run", texts)
    pl.DataFrame({"said": texts, "kind": list(NAMES) * 6}).write_csv(file)
    description = run.description()
    run.write_description(
        {
            **description,
            "source": {
                "name": str(file),
                "content": "text",
                "text_column": "said",
                "label_column": "kind",
            },
        }
    )
    (run.path / "contents.parquet").unlink()
    words = ["export", str(run.path), "--to", "csv"]
    assert main([*words, str(out / "there")]) == 0
    assert read("csv", out / "there")["text"].to_list() == texts
    file.rename(moved)
    assert main([*words, str(out / "gone")]) == 3
    assert "--data PATH" in capsys.readouterr().err
    assert main([*words, str(out / "moved"), "--data", str(moved)]) == 0
    assert read("csv", out / "moved")["text"].to_list() == texts
    moved.write_text(moved.read_text().replace("number 3", "number 33"))
    assert main([*words, str(out / "changed"), "--data", str(moved)]) == 4
    assert "1 sample in" in capsys.readouterr().err


# --- images of a loop of one's own ---------------------------------------------------------------


@pytest.fixture
def photos(tmp_path):
    folder = photo_folder(tmp_path / "photos", per_class=3)
    return sorted(str(file) for file in folder.rglob("*.*"))


def image_run(folder, kept, source):
    """A run whose ``contents.parquet`` holds paths, or small pictures."""
    run = kept_run(folder, len(kept))
    description = run.description()
    told = {**description["source"], "content": "image", **source}
    run.write_description({**description, "source": told})
    run.write_kept_contents(kept)
    ids = dict(enumerate(kept["id"]))
    run.write_samples(run.samples().with_columns(pl.col("index").replace_strict(ids).alias("id")))
    return run


def test_photographs_of_a_recording_keep_their_names(tmp_path, photos, out):
    names = [path.rpartition("/")[2] for path in photos]
    ids = [f"{number}/{name}" for number, name in enumerate(names)]
    folders = {"whole": str(tmp_path / "photos"), "from_run": "../photos"}
    kept = pl.DataFrame({"id": ids, "path": photos})
    run = image_run(tmp_path / "run", kept, {"folders": folders})
    assert "small pictures" not in write(run, "image-folder", out / "folder")
    found = [file.name for file in (out / "folder").rglob("*/*.*")]
    assert sorted(found) == sorted(name.replace("/", "_") for name in ids)
    write(run, "parquet", out / "parquet")
    told = read("parquet", out / "parquet")["image"].struct.field("path")
    assert told.to_list() == [name.replace("/", "_") for name in ids]


def test_small_pictures_are_not_handed_on_as_the_images(tmp_path, photos, out):
    pictures = [Path(path).read_bytes() for path in photos]
    ids = [f"train/{number}" for number in range(len(photos))]
    kept = pl.DataFrame({"id": ids, "picture": pictures})
    run = image_run(tmp_path / "run", kept, {})
    for target in ("image-folder", "parquet", "label-studio"):
        assert "small pictures that the run keeps" in write(run, target, out / target)
    assert "small pictures" not in write(run, "csv", out / "csv")
    assert all(file.suffix for file in (out / "image-folder").rglob("train_*"))
