"""Every target, read by the tool it is for where that is installed."""

from __future__ import annotations

import errno
import json
import os
import re
import zipfile
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import numpy as np
import polars as pl
import pytest
import torch
import torchvision.datasets

from dataparams.batches import load_dataset
from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.writing import made_from
from dataparams.cli import main
from dataparams.export import TARGETS, ExportConfig, export
from dataparams.export.config import Target
from dataparams.export.targets import WITH_FILES, WITH_TRUTH
from dataparams.run.cleaned_samples import CleanedSamples, read_cleaned, write_cleaned
from dataparams.run.epoch_record import EpochRecord
from made_runs import made_run
from made_sources import contents, photo, photo_folder, photo_table

NAMES = ("=cat & \u732b", "dog")


@pytest.fixture
def pets(tmp_path):
    return photo_folder(tmp_path / "pets", per_class=9, classes=NAMES)


@pytest.fixture
def run(tmp_path, pets):
    return made_run(tmp_path / "run", pets)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def write(what, target, out, **options):
    """Export; of a run the samples that it was trained on, unless a test asks for others."""
    if (Path(what) / "run.json").is_file():
        options.setdefault("split", "train")
    return export(ExportConfig(str(what), to=target, out=out, **options))


def epoch_record(epoch, temperatures):
    count = len(temperatures)
    return EpochRecord(
        epoch=epoch,
        class_log_temperature=torch.zeros(0),
        instance_log_temperature=temperatures,
        margin=torch.zeros(count),
        loss=torch.ones(count),
        error_norm=torch.ones(count),
        rival=torch.ones(count, dtype=torch.int32),
        predicted=torch.zeros(count, dtype=torch.int32),
        correct=torch.ones(count, dtype=torch.bool),
    )


def analysis_of(run):
    return run.analysis()[0]


def clean(run, keep=slice(0, 10)):
    """What a cleaning leaves: some samples, every fourth with another label."""
    samples = run.samples()[keep]
    labels = [(1 - label) if row % 4 == 0 else label for row, label in enumerate(samples["label"])]
    cleaned = samples.select("index", "id").with_columns(
        label=pl.Series(labels),
        weight=pl.lit(0.5),
        label_source=pl.lit("reviewed"),
    )
    made = made_from(run, CleanSettings("reviewed"))
    write_cleaned(run.cleaned, CleanedSamples(cleaned, made))
    return dict(zip(cleaned["id"], labels, strict=True))


# --- labels --------------------------------------------------------------------------------------


def exported_labels(out):
    table = pl.read_csv(out / "samples.csv")
    return dict(table.select("id", "label").iter_rows())


def test_given_labels_are_the_default(run, out):
    write(run.path, "csv", out)
    assert exported_labels(out) == dict(analysis_of(run).select("id", "label_name").iter_rows())


def test_suggested_labels_are_taken_where_they_are_sure_enough(run, out, tmp_path):
    frame = analysis_of(run)
    for confidence, column in ((0.95, "label_name"), (0.0, "suggested_name")):
        folder = tmp_path / f"at_{confidence}"
        write(run.path, "csv", folder, labels="suggested", confidence=confidence)
        assert exported_labels(folder) == dict(frame.select("id", column).iter_rows())
    write(run.path, "csv", out, labels="suggested", confidence=0.5)
    is_sure = frame["suggested_confidence"] >= 0.5
    names = [
        row["suggested_name"] if sure else row["label_name"]
        for row, sure in zip(frame.iter_rows(named=True), is_sure, strict=True)
    ]
    assert exported_labels(out) == dict(zip(frame["id"], names, strict=True))
    given = pl.read_csv(out / "samples.csv")["given_label"]
    assert given.to_list() == frame["label_name"].to_list()


def test_cleaned_labels_are_the_default_where_there_are_some(run, out, tmp_path, capsys):
    cleaned = clean(run)
    assert main(["export", str(run.path), "--to", "csv", str(out), "--split", "train"]) == 0
    assert exported_labels(out) == {sample: NAMES[label] for sample, label in cleaned.items()}
    table = pl.read_csv(out / "samples.csv")
    assert set(table["weight"]) == {0.5}
    assert set(table["label_source"]) == {"reviewed"}
    discarded = len(run.samples()) - 10
    assert f"discards {discarded} samples" in capsys.readouterr().out
    write(run.path, "csv", tmp_path / "given", labels="given")
    assert len(exported_labels(tmp_path / "given")) == len(run.samples())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"index": pl.col("index") + 500}, "10 of its samples, such as"),
        ({"id": pl.lit("dog/99.jpg")}, "such as 'dog/99.jpg', are not the run's"),
        ({"label": pl.lit(7)}, "cleaned.parquet is damaged"),
        ({"weight": pl.lit("0.5")}, "cleaned.parquet is damaged"),
        ({"index": pl.lit(0)}, "names a sample twice"),
    ],
)
def test_cleaned_labels_that_do_not_fit_are_refused(run, out, capsys, change, complaint):
    clean(run)
    cleaned = read_cleaned(run.cleaned)
    spoiled = cleaned.samples.with_columns(**change)
    write_cleaned(run.cleaned, CleanedSamples(spoiled, cleaned.made))
    assert main(["export", str(run.path), "--to", "csv", str(out)]) == 4
    assert complaint in capsys.readouterr().err
    assert main(["export", str(run.path), "--to", "csv", str(out), "--labels", "given"]) == 0


def test_cleaned_labels_of_other_data_are_refused(run, out, capsys):
    clean(run)
    cleaned = read_cleaned(run.cleaned)
    words = ["export", str(run.path), "--to", "csv", str(out)]
    for change, complaint in (
        ({"fingerprint": "another"}, "the fingerprints differ"),
        ({"given_class_names": ["cat", "dog"]}, "the classes differ"),
    ):
        write_cleaned(run.cleaned, CleanedSamples(cleaned.samples, {**cleaned.made, **change}))
        assert main(words) == 4
        assert complaint in capsys.readouterr().err
    for damaged in (b"PAR1", b""):
        run.cleaned.write_bytes(damaged)
        assert main(words) == 4
    assert "cleaned.parquet cannot be read" in capsys.readouterr().err
    assert not out.exists()
    # Of images of another size the fingerprint says nothing.
    resized = {"fingerprint": "another", "source": {**cleaned.made["source"], "image_size": 64}}
    write_cleaned(run.cleaned, CleanedSamples(cleaned.samples, {**cleaned.made, **resized}))
    assert main(words) == 0


def test_labels_that_there_are_not_say_what_to_do(tmp_path, pets, run, out, capsys):
    bare = made_run(tmp_path / "bare", pets, has_analysis=False)
    for what, labels, code in (
        (bare.path, "suggested", 4),
        (run.path, "cleaned", 4),
        (pets, "suggested", 2),
    ):
        assert main(["export", str(what), "--to", "csv", str(out), "--labels", labels]) == code
    errors = capsys.readouterr().err
    assert f"dataparams analyze {bare.path}" in errors
    assert "There is no file" in errors
    assert main(["export", str(run.path), "--to", "csv", str(out), "--confidence", "5"]) == 2
    assert not out.exists()


# --- all targets ---------------------------------------------------------------------------------


def test_the_flag_names_every_target():
    assert tuple(TARGETS) == get_args(Target)


@pytest.mark.parametrize("target", TARGETS)
def test_a_second_call_changes_nothing_and_another_file_is_an_error(run, out, capsys, target):
    words = ["export", str(run.path), "--to", target, str(out)]
    assert main(words) == 0
    made = contents(out)
    assert main(words) == 0
    assert "(0 files written" in capsys.readouterr().out.splitlines()[-1]
    assert contents(out) == made
    name = max(made, key=lambda name: (name.endswith((".json", ".csv")), name))
    (out / name).write_bytes(b"mine")
    assert main(words) == 4
    assert str(out / name) in capsys.readouterr().err
    assert (out / name).read_bytes() == b"mine"
    assert main([*words, "--overwrite"]) == 0
    assert contents(out) == made


@pytest.mark.parametrize("target", sorted(set(TARGETS) - {"cleanlab"}))
def test_targets_take_a_data_set_without_a_run(pets, out, target):
    assert "Exported 18 samples of 2 classes" in write(pets, target, out)


@pytest.mark.parametrize("target", sorted(set(TARGETS) - {"csv", "jsonl", "cleanlab"}))
def test_targets_leave_out_what_is_unreadable(tmp_path, out, target):
    cells = [photo(0), b"no image", photo(1), photo(2)]
    table = photo_table(tmp_path / "pets.parquet", cells, [0, 1, 0, 1])
    word = write(table, target, out)
    assert "Exported 3 samples" in word
    assert "Left out as unreadable: 1" in word
    assert (out / "left_out.csv").read_text().startswith("id,reason\ntrain/1,")


def test_flags_that_say_nothing_to_a_target_are_refused(run, out, capsys):
    words = ["export", str(run.path), str(out), "--to"]
    assert main([*words, "csv", "--form", "zip"]) == 2
    assert main([*words, "parquet", "--link"]) == 2
    assert main([*words, "cleanlab-studio", "--link", "--form", "zip"]) == 2
    assert "image-folder" in capsys.readouterr().err
    assert not out.exists()


# --- the truth of labels that were made wrong on purpose -----------------------------------------


@pytest.fixture
def noisy(run):
    """The run, as after ``--rand-fraction``: the truth is known of its samples."""
    truth = {"true_label": 1 - pl.col("label"), "is_corrupted": pl.col("index") % 5 == 0}
    frame, made = run.analysis()
    run.write_samples(run.samples().with_columns(**truth))
    run.write_analysis(frame.with_columns(**truth), made)
    return run


def bytes_in(file):
    """The bytes of a file, and of what is packed in it."""
    yield file.name.encode()
    yield file.read_bytes()
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield archive.read(name)


def tells_truth(out):
    """Whether the truth is in any file, by the names of its columns."""
    pieces = (piece for file in out.rglob("*") if file.is_file() for piece in bytes_in(file))
    return any(
        re.search(rb"true.?label|corrupt|(?<!ground_)truth", piece, re.IGNORECASE)
        for piece in pieces
    )


@pytest.mark.parametrize("has_analysis", [True, False])
@pytest.mark.parametrize("labels", ["given", "suggested", "cleaned"])
@pytest.mark.parametrize("target", TARGETS)
def test_nobody_is_told_the_truth_who_does_not_ask(noisy, out, target, labels, has_analysis):
    if labels == "cleaned":
        clean(noisy)
    if not has_analysis:
        if labels == "suggested" or target == "cleanlab":
            pytest.skip("there is nothing to export")
        (noisy.path / "analysis.parquet").unlink()
    write(noisy.path, target, out, labels=labels)
    assert any(out.iterdir())
    assert not tells_truth(out)


@pytest.mark.parametrize("target", sorted(WITH_TRUTH))
def test_a_table_has_the_truth_where_it_is_asked_for(noisy, out, target):
    words = ["--to", target, str(out), "--with-truth", "--split", "train"]
    assert main(["export", str(noisy.path), *words]) == 0
    tables = (file for file in out.iterdir() if file.name != "changes.csv")
    (file,) = (file for file in tables if file.suffix in (".csv", ".jsonl", ".parquet"))
    read = {".csv": pl.read_csv, ".jsonl": pl.read_ndjson, ".parquet": pl.read_parquet}
    table = read[file.suffix](file)
    samples = noisy.samples()
    assert table["is_corrupted"].to_list() == samples["is_corrupted"].to_list()
    true = samples["true_label"].to_list()
    assert table["true_label"].to_list() in (true, [NAMES[label] for label in true])


@pytest.mark.parametrize("target", sorted(set(TARGETS) - WITH_TRUTH))
def test_the_truth_is_refused_where_it_does_not_belong(noisy, out, target, capsys):
    assert main(["export", str(noisy.path), "--to", target, str(out), "--with-truth"]) == 2
    assert "--with-truth is for plain tables (csv, jsonl, parquet)" in capsys.readouterr().err
    assert not out.exists()


def test_a_truth_that_nobody_knows_is_said(run, pets, out, capsys):
    for what, complaint in ((run.path, "knows no truth"), (pets, "needs the run folder")):
        assert main(["export", str(what), "--to", "csv", str(out), "--with-truth"]) == 2
        assert complaint in capsys.readouterr().err


# --- each by itself ------------------------------------------------------------------------------


def test_tables_have_every_column(run, out, tmp_path):
    write(run.path, "csv", out)
    write(run.path, "jsonl", tmp_path / "lines")
    table = pl.read_csv(out / "samples.csv", infer_schema_length=None)
    lines = (tmp_path / "lines" / "samples.jsonl").read_text().splitlines()
    frame = analysis_of(run)
    assert table["index"].to_list() == frame["index"].to_list()
    assert table["label"].to_list() == frame["label_name"].to_list()
    assert set(frame.columns) - {"label_name", "suggested_name", "split"} <= set(table.columns)
    for line, row in zip(lines, table.iter_rows(named=True), strict=True):
        assert json.loads(line) == row


@pytest.mark.parametrize("target", ["csv", "cleanlab"])
def test_names_stay_as_they_are_and_whoever_opens_a_spreadsheet_is_told(
    tmp_path, out, capsys, target
):
    run = made_run(tmp_path / "run", photo_folder(tmp_path / "pets"))
    words = ["export", str(run.path), "--to", target]
    assert main([*words, str(out)]) == 0
    assert "formula" not in capsys.readouterr().out
    hostile = pl.lit("=HYPERLINK(1).jpg")
    is_last = pl.col("index") == pl.col("index").max()
    renamed = pl.when(is_last).then(hostile).otherwise("id").alias("id")
    run.write_samples(run.samples().with_columns(renamed))
    assert main([*words, str(tmp_path / "again")]) == 0
    assert "'=HYPERLINK(1).jpg' begins like a formula" in capsys.readouterr().out
    (file,) = set((tmp_path / "again").glob("*.csv")) - {tmp_path / "again/changes.csv"}
    assert "=HYPERLINK(1).jpg" in pl.read_csv(file)["id"]


def test_json_has_no_number_that_json_does_not_know(run, out):
    frame, made = run.analysis()
    odd = pl.Series([float("nan"), float("inf"), *[1.0] * (len(frame) - 2)])
    run.write_analysis(frame.with_columns(mean_loss=odd), made)
    for target in ("jsonl", "label-studio", "fiftyone", "coco"):
        write(run.path, target, out / target)

    def refuse(word):
        raise AssertionError(word)

    for line in (out / "jsonl" / "samples.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)
    for file in out.rglob("*.json"):
        json.loads(file.read_text(encoding="utf-8"), parse_constant=refuse)


def test_torchvision_reads_an_image_folder_with_corrected_labels(run, pets, out):
    write(run.path, "image-folder", out, labels="suggested", confidence=0.0)
    found = torchvision.datasets.ImageFolder(str(out))
    frame = analysis_of(run)
    wanted = {
        (row["suggested_name"], (pets / row["id"]).read_bytes())
        for row in frame.iter_rows(named=True)
    }
    assert {(found.classes[label], Path(f).read_bytes()) for f, label in found.samples} == wanted


@pytest.mark.skipif(not hasattr(os, "link"), reason="needs hard links")
def test_links_share_the_file_and_are_never_written_through(run, pets, out):
    write(run.path, "image-folder", out, link=True)
    before = contents(pets)
    for row in analysis_of(run).iter_rows(named=True):
        assert (out / row["id"]).samefile(pets / row["id"])
    linked = out / analysis_of(run)["id"][0]
    linked.unlink()
    linked.write_bytes(b"mine")
    write(run.path, "image-folder", out, link=True, overwrite=True)
    assert contents(pets) == before


def test_images_are_copied_where_no_link_can_be_made(run, pets, out, capsys, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    words = ["export", str(run.path), "--to", "image-folder", str(out), "--link"]
    assert main([*words, "--split", "train"]) == 0
    assert f"{len(run.samples())} images were copied" in capsys.readouterr().out
    for sample in run.samples()["id"]:
        assert (out / sample).read_bytes() == (pets / sample).read_bytes()


def test_parquet_is_a_data_set_that_can_be_trained_on(run, pets, out):
    clean(run)
    write(run.path, "parquet", out)
    table = pl.read_parquet(out / "train.parquet")
    for row in table.iter_rows(named=True):
        assert row["image"]["bytes"] == (pets / row["id"]).read_bytes()
        assert row["image"]["path"] == Path(row["id"]).name
    loaded = load_dataset(str(out), val_frac=0.2)
    assert loaded.class_names == NAMES
    labels = dict(zip(loaded.train.ids, loaded.train.labels.tolist(), strict=True))
    for sample, label in labels.items():
        assert table["label"][int(sample.split("/")[1])] == label


def test_parquet_keeps_the_splits_of_a_data_set(tmp_path, out):
    for split, start in (("train", 0), ("test", 50)):
        cells = [photo(start + row) for row in range(4)]
        photo_table(tmp_path / "pets" / f"{split}.parquet", cells, [0, 1, 0, 1])
    write(tmp_path / "pets", "parquet", out)
    again, first = load_dataset(str(out)), load_dataset(str(tmp_path / "pets"))
    assert again.fingerprint == first.fingerprint
    for split in ("train", "val"):
        assert getattr(again, split).images.equal(getattr(first, split).images)
        assert getattr(again, split).labels.equal(getattr(first, split).labels)


def test_datasets_loads_from_disk_with_the_original_bytes(run, pets, out):
    datasets = pytest.importorskip("datasets")
    write(run.path, "hf-dataset", out)
    found = datasets.load_from_disk(str(out))
    assert found.features["image"] == datasets.Image()
    for name in ("label", "suggested_label"):
        assert found.features[name] == datasets.ClassLabel(names=list(NAMES))
    frame = analysis_of(run)
    assert found["id"][:] == frame["id"].to_list()
    assert found["label"][:] == frame["label"].to_list()
    assert found["category"][:] == frame["category"].to_list()
    assert found[0]["image"].size == (12, 12)
    raw = found.cast_column("image", datasets.Image(decode=False))
    for row in raw:
        assert row["image"]["bytes"] == (pets / row["id"]).read_bytes()
    assert len(found.filter(lambda row: row["category"] == "hard", load_from_cache_file=False))


def test_datasets_loads_both_splits_of_a_data_set(pets, out):
    datasets = pytest.importorskip("datasets")
    write(pets, "hf-dataset", out)
    found = datasets.load_from_disk(str(out))
    assert {name: len(split) for name, split in found.items()} == {"train": 16, "val": 2}
    assert found["val"].features["label"].names == list(NAMES)


# Of pandas, about what cleanlab does.
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_cleanlab_columns_are_those_of_datalab(tmp_path, out):
    pytest.importorskip("cleanlab.datalab")
    pandas = pytest.importorskip("pandas")
    from cleanlab import Datalab

    run = made_run(tmp_path / "run", photo_folder(tmp_path / "pets", per_class=20))
    frame = analysis_of(run)
    given = frame["label_name"].to_list()
    lab = Datalab({"label": given, "id": frame["id"].to_list()}, label_name="label", verbosity=0)
    agrees = np.where(np.arange(len(frame)) % 8 == 0, 0.1, 0.8)
    of_first = np.where(frame["label"] == 0, agrees, 1 - agrees)
    chances = np.stack([of_first, 1 - of_first], axis=1)
    lab.find_issues(pred_probs=chances, issue_types={"label": {}})
    theirs = lab.get_issues("label")
    write(run.path, "cleanlab", out)
    ours = pandas.read_csv(out / "label_issues.csv")
    assert set(theirs.columns) <= set(ours.columns)
    for name in theirs.columns:
        assert ours[name].dtype.kind == theirs[name].dtype.kind, name
    assert ours["given_label"].tolist() == theirs["given_label"].tolist()
    assert ours["is_label_issue"].sum() == round(frame["noise_probability"].sum())
    assert ours["label_score"].between(0, 1).all()
    worst = ours.sort_values("label_score")["index"].tolist()
    assert worst == frame.sort("suspicion", descending=True)["index"].to_list()


def test_cleanlab_needs_an_analysis(pets, out, capsys):
    assert main(["export", str(pets), "--to", "cleanlab", str(out)]) == 4
    assert "dataparams analyze" in capsys.readouterr().err


def test_coco_names_every_image_once_with_its_category(run, out):
    write(run.path, "coco", out)
    told = json.loads((out / "annotations.json").read_text())
    categories = {entry["id"]: entry["name"] for entry in told["categories"]}
    assert list(categories.items()) == [(1, NAMES[0]), (2, NAMES[1])]
    images = {entry["id"]: entry for entry in told["images"]}
    frame = analysis_of(run)
    assert [entry["sample_id"] for entry in images.values()] == frame["id"].to_list()
    assert len({entry["id"] for entry in told["annotations"]}) == len(frame)
    for entry, known in zip(told["annotations"], frame.iter_rows(named=True), strict=True):
        image = images[entry["image_id"]]
        assert (out / image["file_name"]).is_file()
        assert (image["width"], image["height"]) == (12, 12)
        assert categories[entry["category_id"]] == known["label_name"]
        assert entry["bbox"] == [0, 0, 12, 12]
        assert entry["attributes"]["category"] == known["category"]


def test_pycocotools_reads_coco(run, out):
    coco = pytest.importorskip("pycocotools.coco")
    write(run.path, "coco", out)
    assert len(coco.COCO(str(out / "annotations.json")).getImgIds()) == len(analysis_of(run))


# --- Label Studio's tasks ------------------------------------------------------------------------


def test_label_studio_tasks_carry_a_likely_suggestion_and_its_score(run, pets, out):
    write(run.path, "label-studio", out)
    tasks = json.loads((out / "tasks.json").read_text(encoding="utf-8"))
    view = ET.fromstring((out / "label_config.xml").read_text(encoding="utf-8"))  # noqa: S314
    choices = view.find("Choices")
    assert [choice.get("value") for choice in choices] == list(NAMES)
    predicted = 0
    for task, known in zip(tasks, analysis_of(run).iter_rows(named=True), strict=True):
        is_other = known["suggested_label"] != known["label"]
        is_claimed = is_other and known["suggested_confidence"] >= 0.5
        assert len(task["predictions"]) == is_claimed
        for prediction in task["predictions"]:
            predicted += 1
            (result,) = prediction["result"]
            assert result["from_name"] == choices.get("name")
            assert result["to_name"] == view.find("Image").get("name") == choices.get("toName")
            assert result["type"] == "choices"
            assert result["value"] == {"choices": [known["suggested_name"]]}
            assert prediction["score"] == pytest.approx(known["suggested_confidence"])
        assert task["data"]["given_label"] == known["label_name"]
        assert (task["data"]["sample_index"], task["data"]["sample_id"]) == (
            known["index"],
            known["id"],
        )
        prefix, _, path = task["data"]["image"].partition("?d=")
        assert prefix == "/data/local-files/"
        from urllib.parse import unquote

        assert (out / unquote(path)).read_bytes() == (pets / known["id"]).read_bytes()
    assert 0 < predicted < len(tasks)


def test_label_studio_shows_cleaned_labels_where_these_are_exported(run, out):
    cleaned = clean(run)
    write(run.path, "label-studio", out)
    tasks = json.loads((out / "tasks.json").read_text(encoding="utf-8"))
    given = {task["data"]["sample_id"]: task["data"]["given_label"] for task in tasks}
    shown = {
        task["data"]["sample_id"]: prediction["result"][0]["value"]["choices"]
        for task in tasks
        for prediction in task["predictions"]
    }
    assert shown
    assert shown == {
        sample: [NAMES[label]] for sample, label in cleaned.items() if NAMES[label] != given[sample]
    }


def test_label_studios_own_checks_pass(run, out):
    interface = pytest.importorskip("label_studio_sdk.label_interface")
    write(run.path, "label-studio", out)
    view = interface.LabelInterface((out / "label_config.xml").read_text(encoding="utf-8"))
    view.validate()
    for task in json.loads((out / "tasks.json").read_text(encoding="utf-8")):
        assert view.validate_task({"data": task["data"]})
        assert all(view.validate_prediction(found) for found in task["predictions"])


def test_a_class_that_xml_cannot_name_is_refused(tmp_path, out, capsys):
    cells = [photo(number) for number in range(4)]
    table = photo_table(tmp_path / "p.parquet", cells, [0, 1, 0, 1], names=("a\x01", "b"))
    assert main(["export", str(table), "--to", "label-studio", str(out)]) == 2
    assert "Rename the class" in capsys.readouterr().err


# --- FiftyOne ------------------------------------------------------------------------------------


def test_fiftyone_finds_labels_and_fields_beside_the_original_bytes(run, pets, out):
    write(run.path, "fiftyone", out)
    dataset = json.loads((out / "metadata.json").read_text(encoding="utf-8"))
    samples = json.loads((out / "samples.json").read_text(encoding="utf-8"))["samples"]
    frame = analysis_of(run)
    for sample, known in zip(samples, frame.iter_rows(named=True), strict=True):
        assert (out / sample["filepath"]).read_bytes() == (pets / known["id"]).read_bytes()
        assert sample["ground_truth"] == {"_cls": "Classification", "label": known["label_name"]}
        if known["suggested_label"] == known["label"]:
            assert sample["suggested"] is None
        else:
            assert sample["suggested"]["label"] == known["suggested_name"]
            confidence = sample["suggested"]["confidence"]
            assert confidence == pytest.approx(known["suggested_confidence"])
        assert sample["category"] == known["category"]
        assert sample["sample_id"] == known["id"]
    # Its importer takes files that name a version for documents of its database.
    assert "version" not in dataset
    assert dataset["info"]["classes"] == list(NAMES)
    # A field is of one type, and FiftyOne keeps these names for itself.
    for name in samples[0]:
        assert len({type(sample[name]) for sample in samples} - {type(None)}) <= 1, name
    assert not {"id", "_id", "metadata"} & set(samples[0])


def test_fiftyone_shows_the_map_of_trajectories(run, out):
    frame = analysis_of(run)
    is_hard = torch.from_numpy((frame["category"] == "hard").to_numpy())
    for epoch in (1, 2, 3):
        temperatures = torch.where(is_hard, 0.2, -0.2) * epoch + torch.linspace(0, 0.1, len(frame))
        run.write_epoch_record(epoch_record(epoch, temperatures))
    write(run.path, "fiftyone", out, include="hard,easy")
    samples = json.loads((out / "samples.json").read_text())["samples"]
    points = np.array([sample["tsne"] for sample in samples])
    assert points.shape == (len(samples), 2)
    of_hard = np.array([sample["category"] == "hard" for sample in samples])
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (of_hard[distances.argmin(axis=1)] == of_hard).all()


def test_the_importer_of_fiftyone_reads_it(run, out):
    importers = pytest.importorskip("fiftyone.utils.data.importers")
    write(run.path, "fiftyone", out)
    importer = importers.FiftyOneDatasetImporter(str(out))
    assert importer._is_legacy_format_data()
    with importer._to_legacy_importer() as samples:
        names = [sample["ground_truth"].label for sample in samples]
    assert names == analysis_of(run)["label_name"].to_list()


def test_fiftyone_opens_it(run, out):
    fiftyone = pytest.importorskip("fiftyone")
    if "FIFTYONE_DATABASE_URI" not in os.environ:
        pytest.skip("needs FIFTYONE_DATABASE_URI, a MongoDB for FiftyOne")
    write(run.path, "fiftyone", out)
    found = fiftyone.Dataset.from_dir(str(out), dataset_type=fiftyone.types.FiftyOneDataset)
    assert len(found) == len(analysis_of(run))
    assert found.count_values("ground_truth.label").keys() == set(NAMES)
    assert found.default_classes == list(NAMES)
    found.delete()


def test_targets_with_files_are_those_that_write_the_images(pets, tmp_path):
    images = set(contents(pets).values())
    for target in sorted(set(TARGETS) - {"cleanlab"}):
        write(pets, target, tmp_path / target)
        has_files = images <= set(contents(tmp_path / target).values())
        assert has_files == (target in WITH_FILES), target
