"""From decisions to a cleaned selection, to a run on exactly that, to a comparison."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.analysis.comparison import compare
from dataparams.cleaning.selection import CleanSettings, clean, kept
from dataparams.cleaning.summary import summary_text
from dataparams.cleaning.writing import clean_run
from dataparams.cli import main
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.errors import RunError, UserError
from dataparams.run.cleaned_samples import CleanedSamples, read_cleaned, write_cleaned
from dataparams.run.folder import RunFolder
from dataparams.run.spreadsheet_cells import guarded, unguarded
from dataparams.terminal.progress import SilentProgress
from dataparams.training import config_from_clean, train
from made_folders import dark_and_light
from made_runs import made_run
from made_sources import photo_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Forty photographs of two classes, some labels swapped; trained and analyzed."""
    folder = tmp_path_factory.mktemp("loop")
    dark_and_light(folder / "images")
    flags = ["--dataset", str(folder / "images"), "--output-dir", str(folder / "runs")]
    flags += ["--epochs", "3", "-b", "8", "--rand-fraction", "0.4", "--learn-inst-parameters"]
    assert main(["train", *flags]) == 0
    run = RunFolder(folder / "runs" / "images" / "run")
    assert main(["analyze", str(run.path), "--no-model"]) == 0
    return run


@pytest.fixture
def run(first: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy that a test may change."""
    shutil.copytree(first.path, tmp_path / "runs" / "images" / "run")
    return RunFolder(tmp_path / "runs" / "images" / "run")


class Interrupting(SilentProgress):
    """Interrupts a training after its second epoch."""

    def line(self, text: str) -> None:
        if text.startswith("epoch 2/"):
            raise KeyboardInterrupt


def _written(file: Path, samples: pl.DataFrame, made: dict[str, Any]) -> Path:
    write_cleaned(file, CleanedSamples(samples, made))
    return file


ROWS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["easy", "hard", "review", None]),
        st.floats(0, 1),
        st.integers(0, 2),
        st.floats(0, 1),
        st.sampled_from([None, "keep", "relabel", "discard", "skip", "disputed"]),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=12,
)
SETTINGS = st.builds(
    CleanSettings,
    strategy=st.sampled_from(["easy", "likely", "relabel", "reviewed"]),
    confidence=st.floats(0, 1),
    undecided=st.sampled_from(["drop", "keep", "likely", "relabel"]),
    soft=st.booleans(),
    allow_empty_class=st.just(value=True),
)


def _expected(row, how):
    """What becomes of a sample, in the words of the help text."""
    label, category, noise, suggested, sure, action, chosen = row
    if how.strategy == "reviewed" and action in ("keep", "relabel"):
        return (label if action == "keep" else chosen), 1.0, "reviewed"
    if how.strategy == "reviewed" and action in ("discard", "disputed"):
        return None
    if category == "easy":
        return label, 1 - noise, "given"
    own = {"easy": "drop", "likely": "likely", "relabel": "relabel"}
    others = own.get(how.strategy, how.undecided)
    if others == "keep" and category is not None:
        return label, 1 - noise, "given"
    if others == "relabel" and category is not None and sure >= how.confidence:
        is_given = suggested == label
        return suggested, (1 - noise if is_given else sure), ("given" if is_given else "suggested")
    if others in ("likely", "relabel") and category is not None and noise < 0.5:
        return label, 1 - noise, "given"
    return None


@given(ROWS, SETTINGS)
@settings(deadline=None, max_examples=80)
def test_every_sample_gets_what_the_strategy_says(rows, how) -> None:
    numbers = [3 * number + 1 for number in range(len(rows))]
    samples = pl.DataFrame(
        {"index": numbers, "id": list(map(str, numbers)), "label": [row[0] for row in rows]}
    )
    names = ["category", "noise_probability", "suggested_label", "suggested_confidence"]
    judged = pl.DataFrame(
        [(number, *row[1:5]) for number, row in zip(numbers, rows, strict=True)],
        schema={"index": pl.Int64, "category": pl.String, "noise_probability": pl.Float64}
        | {"suggested_label": pl.Int64, "suggested_confidence": pl.Float64},
        orient="row",
    ).filter(pl.col("category").is_not_null())
    assert judged.columns[1:] == names
    decided = [
        (number, row[5] if row[5] != "disputed" else None, _chosen(row), row[5] == "disputed")
        for number, row in zip(numbers, rows, strict=True)
        if row[5] is not None
    ]
    schema = {"index": pl.Int64, "action": pl.String, "label": pl.Int64, "is_disputed": pl.Boolean}
    agreed = pl.DataFrame(decided, schema=schema, orient="row")
    expected = [_expected(row, how) for row in rows]
    if not any(expected):
        with pytest.raises(UserError, match="No sample would be kept"):
            clean(samples, judged, ["a", "b", "c"], how, agreed)
        return
    table = kept(clean(samples, judged, ["a", "b", "c"], how, agreed))
    wanted = {n: outcome for n, outcome in zip(numbers, expected, strict=True) if outcome}
    assert table["index"].to_list() == list(wanted)
    for index, _, label, weight, source, split in table.rows():
        assert split == "train"
        assert (label, source) == (wanted[index][0], wanted[index][2])
        assert weight == pytest.approx(wanted[index][1] if how.soft else 1.0)


def _chosen(row):
    return {"keep": row[0], "relabel": row[6]}.get(row[5])


def test_a_class_is_not_emptied_without_a_word() -> None:
    samples = pl.DataFrame({"index": range(5), "id": list("abcde"), "label": [0, 0, 1, 1, 2]})
    judged = pl.DataFrame(
        {
            "index": range(5),
            "category": ["easy", "easy", "easy", "hard", "easy"],
            "noise_probability": 0.1,
            "suggested_label": 0,
            "suggested_confidence": 0.5,
        }
    )
    with pytest.raises(UserError, match=r"1 class would.*dog \(1 of 2\).*`allow_empty_class=True`"):
        clean(samples, judged, ["cat", "dog", "emu"])
    allowed = CleanSettings(allow_empty_class=True)
    assert len(kept(clean(samples, judged, ["cat", "dog", "emu"], allowed))) == 4
    strange = pl.DataFrame(
        {"index": [9], "action": ["discard"], "label": [None], "is_disputed": [False]}
    )
    with pytest.raises(RunError, match=r"1 sample that the run does not have, such as index 9"):
        clean(samples, judged, ["cat", "dog", "emu"], CleanSettings("reviewed"), strange)


def test_the_whole_loop(run: RunFolder, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    samples = run.samples()
    truth = dict(samples.select("index", "true_label").iter_rows())
    left_out = samples["index"][3]
    store = DecisionStore(run.review)
    decisions = [
        Decision(index, "keep" if truth[index] == label else "relabel", truth[index])
        for index, label in samples.select("index", "label").iter_rows()
        if index != left_out
    ]
    store.record("r", "ann", [*decisions, Decision(left_out, "discard")])
    store.close()
    assert main(["clean", str(run.path), "--strategy", "reviewed"]) == 0
    assert "0 of the 35 kept are (0.0%)" in capsys.readouterr().out
    assert main(["clean", str(run.path), "--allow-empty-class"]) == 4
    assert "--overwrite to replace it" in capsys.readouterr().err
    assert main(["train", "--from-clean", str(run.cleaned), "--output-dir", str(tmp_path)]) == 0
    again = RunFolder(tmp_path / "images" / "run-cleaned")
    description, before = again.description(), run.description()
    assert description["fingerprint"] == before["fingerprint"]
    assert description["config"]["epochs"] == 3
    expected = samples.filter(pl.col("index") != left_out)
    trained = again.samples()
    assert trained["index"].to_list() == expected["index"].to_list()
    assert trained["label"].to_list() == expected["true_label"].to_list()
    assert not trained["is_corrupted"].any()
    assert int((again.epoch_record(3).predicted >= 0).sum()) == 35
    assert main(["analyze", str(again.path), "--no-model"]) == 0
    out = tmp_path / "compared.json"
    capsys.readouterr()
    assert main(["compare", str(run.path), str(again.path), "--out", str(out)]) == 0
    assert "Wrote" in capsys.readouterr().out
    assert (run.figures / "comparison.png").read_bytes().startswith(b"\x89PNG")
    runs = json.loads(out.read_text())["runs"]
    assert [row["samples"] for row in runs] == [36, 35]
    assert runs[0]["noise"] == pytest.approx(samples["is_corrupted"].mean())
    assert runs[1]["noise"] == 0
    assert runs[0]["best_accuracy"] == run.metrics()["val_accuracy"].max()
    per_class = [row["accuracy"] for row in runs[1]["classes"]]
    assert sum(per_class) / 2 == pytest.approx(runs[1]["best_accuracy"])
    assert main(["compare", str(run.path), str(again.path), "--out", str(out)]) == 4
    assert main(["compare", str(run.path)]) == 2
    assert main(["compare", str(run.path), str(run.path)]) == 2


def test_each_class_is_counted_and_resuming_keeps_the_counts(
    first: RunFolder, run: RunFolder
) -> None:
    table = first.validation()
    assert table is not None
    per_epoch = table.group_by("epoch", maintain_order=True).agg(pl.col("count", "correct").sum())
    assert per_epoch["count"].to_list() == [4, 4, 4]
    accuracy = per_epoch["correct"] / per_epoch["count"]
    assert accuracy.to_list() == pytest.approx(first.metrics()["val_accuracy"].to_list())
    assert main(["clean", str(run.path), "--strategy", "relabel", "--confidence", "0"]) == 0
    config = replace(config_from_clean(run.cleaned), output_dir=str(run.path.parents[1]))
    whole = train(replace(config, exp_prefix="whole")).validation()
    broken = replace(config, exp_prefix="broken")
    with pytest.raises(KeyboardInterrupt):
        train(broken, display=Interrupting())
    resumed = train(replace(broken, resume=True)).validation()
    assert whole is not None
    assert resumed is not None
    assert resumed.equals(whole)


def test_a_sample_of_no_weight_has_no_influence(run: RunFolder, tmp_path: Path) -> None:
    assert main(["clean", str(run.path), "--strategy", "relabel", "--confidence", "0"]) == 0
    cleaned = read_cleaned(run.cleaned)
    mute = pl.int_range(pl.len()) % 3 == 0
    weighted = cleaned.samples.with_columns(weight=pl.when(mute).then(0.0).otherwise(0.5))
    other = weighted.with_columns(label=pl.when(mute).then(1 - pl.col("label")).otherwise("label"))
    models = []
    for name, samples in (("one", weighted), ("two", other), ("plain", cleaned.samples)):
        file = _written(tmp_path / f"{name}.parquet", samples, cleaned.made)
        trained = train(
            replace(config_from_clean(str(file)), learn_inst_parameters=False, epochs=1)
        )
        models.append((trained.checkpoint("last") or {})["model"])
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])
    assert not all(torch.equal(models[0][name], models[2][name]) for name in models[0])


def test_what_does_not_fit_is_refused(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clean", str(run.path), "--strategy", "relabel", "--confidence", "0"]) == 0
    file = str(run.cleaned)
    cleaned = read_cleaned(run.cleaned)
    out = ["--output-dir", str(tmp_path)]
    assert main(["train", "--from-clean", file, *out, "--rand-fraction", "0.2"]) == 2
    assert "expected the same" in capsys.readouterr().err
    assert main(["train", "--from-clean", file, *out, "--dataset-subset-ckpt", file]) == 2
    dark_and_light(tmp_path / "other")
    next((tmp_path / "other" / "dark").iterdir()).unlink()
    assert main(["train", "--from-clean", file, *out, "--dataset", str(tmp_path / "other")]) == 2
    assert "another data set" in capsys.readouterr().err
    renamed = cleaned.samples.with_columns(id=pl.lit("nobody.png"))
    wrong = _written(tmp_path / "wrong.parquet", renamed, cleaned.made)
    assert main(["train", "--from-clean", str(wrong), *out]) == 2
    assert "are not in the data set, such as nobody.png" in capsys.readouterr().err
    assert main(["train", "--from-clean", str(tmp_path / "nowhere")]) == 4
    restart = ["--restart", "--exp-prefix", "run", "--output-dir", str(run.path.parents[1])]
    assert main(["train", "--from-clean", file, *restart]) == 4
    assert "--restart would remove" in capsys.readouterr().err
    assert main(["train", "--from-clean", file, *out, "--epochs", "1"]) == 0
    fewer = _written(run.cleaned, cleaned.samples[1:], cleaned.made)
    assert main(["train", "--from-clean", str(fewer), *out, "--epochs", "1", "--resume"]) == 4
    assert "is not what" in capsys.readouterr().err
    assert main(["clean", str(run.path), "--strategy", "reviewed"]) == 4
    assert main(["clean", str(run.path), "--confidence", "2"]) == 2
    assert main(["clean", str(run.path), "--out", str(run.path / "run.json")]) == 4
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"weight": pl.lit(2.0)}, "weight has values outside"),
        ({"weight": pl.lit(0.0)}, "all weights are 0"),
        ({"label": pl.lit(7)}, "label runs from 7"),
        ({"label_source": pl.lit("rumour")}, "label_source has 'rumour'"),
        ({"index": pl.lit(3)}, "names a sample twice"),
        ({"id": pl.lit(3)}, "id is not one of text"),
    ],
)
def test_a_damaged_selection_is_an_error(
    tmp_path: Path, change: dict[str, pl.Expr], complaint: str
) -> None:
    samples = pl.DataFrame({"index": [1, 2], "id": ["a", "b"], "label": [0, 1], "weight": 1.0})
    samples = samples.with_columns(label_source=pl.lit("given"))
    made: dict[str, Any] = {
        "class_names": ["x", "y"],
        "fingerprint": "f",
        "source": {},
        "config": {},
    }
    file = _written(tmp_path / "c.parquet", samples.with_columns(**change), made)
    with pytest.raises(RunError, match=complaint):
        read_cleaned(file)
    _written(file, samples, {"strategy": "easy"})
    with pytest.raises(RunError, match="does not say how it was made"):
        read_cleaned(file)
    for name, value in (("epochs", "many"), ("epochs", 0), ("lr", None), ("milestones", 3)):
        source = {"name": "digits", "data_dir": "data"}
        _written(file, samples, {**made, "source": source, "config": {name: value}})
        with pytest.raises(RunError, match="configuration cannot be used"):
            config_from_clean(file)


def test_restarting_removes_no_persons_work(run: RunFolder, tmp_path: Path) -> None:
    assert main(["clean", str(run.path), "--strategy", "relabel", "--confidence", "0"]) == 0
    cleaned = read_cleaned(run.cleaned)
    _written(run.cleaned, cleaned.samples, {**cleaned.made, "strategy": "reviewed"})
    with pytest.raises(RunError, match="decisions that people made"):
        run.clear()
    _written(run.cleaned, cleaned.samples, cleaned.made)
    run.clear()
    assert not run.cleaned.exists()


def test_runs_on_other_validation_samples_are_not_compared(run: RunFolder, tmp_path: Path) -> None:
    other = RunFolder(tmp_path / "other")
    shutil.copytree(run.path, other.path)
    assert len(compare([run, other]).runs) == 2
    other.update_description(fingerprint="another size")
    (other.path / "validation.parquet").unlink()
    assert compare([run, other]).classes["1"].null_count() == 2
    other.update_description(validation_fingerprint="other samples")
    with pytest.raises(RunError, match=r"validated on different samples"):
        compare([run, other])


@given(st.text(alphabet="'=+-@\t\r\n\uff1dab,;\"", max_size=6))
def test_no_cell_is_a_formula_and_nothing_is_lost(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"))
    assert unguarded(guarded(text)) == text


def test_a_ranking_keeps_names_and_tells_whoever_opens_a_spreadsheet(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["rank", str(run.path), "--out"]
    assert main([*words, str(tmp_path / "plain.csv")]) == 0
    assert "formula" not in capsys.readouterr().out
    run.update_description(class_names=["+1", "-1"])
    assert main([*words, str(tmp_path / "signs.csv")]) == 0
    assert "begins like a formula; names are kept" in capsys.readouterr().out
    table = pl.read_csv(tmp_path / "signs.csv", schema_overrides={"label_name": pl.String})
    assert set(table["label_name"]) == {"+1", "-1"}


def test_what_spreadsheets_do_to_a_file_is_understood_or_told(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = run.samples()["index"][0]
    file = tmp_path / "in.csv"
    text = f"Index;Action;Annotator\r\n{index};Discard;Zo\u00eb\r\n;;\r\n"
    words = ["decisions", str(run.path), "--import", str(file)]
    for encoding in ("cp1252", "utf-16"):
        file.write_bytes(text.encode(encoding))
        assert main(words) == 3
        assert "save it as 'CSV UTF-8'" in capsys.readouterr().err
    assert not run.review.exists()
    file.write_bytes(text.encode("utf-8-sig"))
    assert main(words) == 0
    in_force = DecisionStore(run.review, read_only=True).in_force()
    assert in_force.select("annotator", "action").rows() == [("Zo\u00eb", "discard")]


def test_decisions_go_out_and_come_back(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "=HYPERLINK(1)"
    run.write_samples(
        run.samples().with_columns(
            id=pl.when(pl.col("index") == pl.col("index").min())
            .then(pl.lit(hostile))
            .otherwise("id")
        )
    )
    indices, labels = (run.samples()[name].to_list() for name in ("index", "label"))
    decided = [
        Decision(indices[0], "keep", labels[0]),
        Decision(indices[1], "relabel", 1 - labels[1]),
        Decision(indices[2], "discard"),
        Decision(indices[3], "skip"),
    ]
    store = DecisionStore(run.review)
    store.record("r", "@ann", decided)
    store.record("s", "bob", [Decision(indices[0], "discard")])
    before = store.in_force().select("index", "annotator", "action", "label")
    out = tmp_path / "out.csv"
    assert main(["decisions", str(run.path), "--out", str(out)]) == 0
    assert "1 sample is disputed" in capsys.readouterr().out
    assert main(["decisions", str(run.path), "--out", str(out)]) == 4
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0]["id"] == f"'{hostile}"
    assert rows[0]["annotator"] == "'@ann"
    assert main(["decisions", str(run.path), "--import", str(out)]) == 0
    assert "Imported 0 decisions; 5 were there already" in capsys.readouterr().out
    run.review.rename(tmp_path / "elsewhere.sqlite")
    assert main(["decisions", str(run.path), "--import", str(out)]) == 0
    capsys.readouterr()
    again = DecisionStore(run.review, read_only=True).in_force()
    assert again.select("index", "annotator", "action", "label").equals(before)
    history = tmp_path / "history.csv"
    assert main(["decisions", str(run.path), "--history", "--out", str(history)]) == 0
    assert len(history.read_text().splitlines()) == 6


def test_a_file_with_any_wrong_line_changes_nothing(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (index, name, label), (second, *_) = run.samples().select("index", "id", "label").rows()[:2]
    other = ["light", "dark"][label]
    file = tmp_path / "in.csv"
    lines = [
        "index;id;action;new label name;label;annotator",
        f"{index};{name};relabel;;{other};ann",
        f"{index};{name};discard;;;ann",
        f"{second};{name};discard;;;ann",
        f"{second};;keep;;7;ann",
        f"{second};;burn;;;ann",
        f"{second};;relabel;;;ann",
        f"{second};;skip;;dark;ann",
        "9999;;skip;;;ann",
        "-1;;skip;;;ann",
        ";nobody.png;skip;;;ann",
        ";;skip;;;ann",
        f"{second};;skip;;;",
    ]
    file.write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    assert main(["decisions", str(run.path), "--import", str(file)]) == 3
    error = capsys.readouterr().err
    assert "11 problems" in error
    assert [line.split(":")[0].strip() for line in error.splitlines()[1:]] == [
        f"line {number}" for number in range(3, 14)
    ]
    assert not run.review.exists()
    file.write_text("\n".join([lines[0], lines[1], lines[-1]]), encoding="utf-8")
    assert main(["decisions", str(run.path), "--import", str(file), "--annotator", "eve"]) == 0
    file.write_text("\n".join([lines[0], lines[2]]), encoding="utf-8")
    assert main(["decisions", str(run.path), "--import", str(file)]) == 3
    assert "line 2: ann decided differently about index" in capsys.readouterr().err
    assert main(["decisions", str(run.path), "--import", str(file), "--overwrite"]) == 0
    in_force = DecisionStore(run.review, read_only=True).in_force()
    assert in_force.select("annotator", "action").rows() == [("ann", "discard"), ("eve", "skip")]
    for contents in (b"\xff\xfe", b"", b"index,action\n", b'index,action\n1,"skip', b"a,b\n1,2\n"):
        file.write_bytes(contents)
        assert main(["decisions", str(run.path), "--import", str(file)]) == 3
    assert "Traceback" not in capsys.readouterr().err


def _with_many_classes(folder: Path, name: str) -> RunFolder:
    """A run on 25 classes, of which the first is the one that loses nothing."""
    names = [f"kind-{number:02}" for number in range(25)]
    source = folder / "photos"
    if not source.exists():
        photo_folder(source, per_class=4, classes=names)
    run = made_run(folder / name, source)
    frame, made = run.analysis() or (pl.DataFrame(), {})
    easy = pl.when(pl.col("label") == 0).then(pl.lit("easy")).otherwise("category")
    run.write_analysis(frame.with_columns(category=easy), made)
    return run


def test_classes_that_fill_no_screen_go_to_a_file_that_is_named(tmp_path: Path) -> None:
    run = _with_many_classes(tmp_path, "run")
    judged, _ = run.analysis() or (pl.DataFrame(), {})
    how = CleanSettings(allow_empty_class=True)
    cleaned = clean_run(run, judged, how)
    file = run.path / "cleaned_classes.csv"
    text = summary_text(cleaned, run.class_names(), how, run.cleaned)
    assert f"The 20 of 25 classes that lose most samples ({file} has all):" in text
    assert sum(line.startswith("  kind-") for line in text.splitlines()) == 20
    assert "kind-00" not in text
    table = pl.read_csv(file)
    assert table["label_name"].to_list() == list(run.class_names())
    assert table["given"].sum() == len(run.samples())
    assert table["total"].sum() == len(read_cleaned(run.cleaned).samples)
    clean_run(run, judged, how)
    file.write_bytes(b"mine")
    before = run.cleaned.read_bytes()
    with pytest.raises(RunError, match="the file for the table of classes, was not written by"):
        clean_run(run, judged, how)
    assert (file.read_bytes(), run.cleaned.read_bytes()) == (b"mine", before)
    clean_run(run, judged, how, out=tmp_path / "other.parquet")
    assert pl.read_csv(tmp_path / "other_classes.csv").equals(table)


def test_classes_of_a_comparison_that_fill_no_screen_go_to_a_file_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [_with_many_classes(tmp_path, name) for name in ("one", "two")]
    for number, run in enumerate(runs):
        run.write_metrics([{"epoch": 1, "val_accuracy": 0.5, "seconds": 1.0}])
        counts = {"epoch": [1] * 25, "label": list(range(25)), "count": [4] * 25}
        correct = [number * (label % 5) for label in range(25)]
        run.write_validation(pl.DataFrame({**counts, "correct": correct}))
    words = ["compare", *(str(run.path) for run in runs)]
    assert main(words) == 0
    file = runs[0].figures / "comparison_classes.csv"
    text = capsys.readouterr().out
    assert f"the 20 classes that differ most, at the best epoch ({file} has all):" in text
    assert sum(line.startswith("  kind-") for line in text.splitlines()) == 20
    table = pl.read_csv(file)
    assert table["accuracy of two"].to_list() == [label % 5 / 4 for label in range(25)]
    assert main(words) == 0
    out = tmp_path / "compared.csv"
    assert main([*words, "--out", str(out)]) == 0
    assert f"({out} has all)" in capsys.readouterr().out.splitlines()[-22 - 2]


@pytest.mark.parametrize("strategy", ["easy", "likely"])
def test_what_clean_made_by_itself_is_replaced_and_nothing_else(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], strategy: str
) -> None:
    words = ["clean", str(run.path), "--allow-empty-class", "--strategy"]
    for out in ([], ["--out", str(tmp_path / "elsewhere.parquet")]):
        assert main([*words, "easy", *out]) == 0
        assert main([*words, strategy, *out]) == 0
        file = tmp_path / "elsewhere.parquet" if out else run.cleaned
        cleaned = read_cleaned(file)
        assert cleaned.made["strategy"] == strategy
        by_people = cleaned.samples.with_columns(label_source=pl.lit("reviewed"))
        for contents, made in (
            (cleaned.samples, {**cleaned.made, "strategy": "reviewed"}),
            (by_people, cleaned.made),
        ):
            _written(file, contents, made)
            held = file.read_bytes()
            assert main([*words, strategy, *out]) == 4
            assert "holds decisions of annotators, or was not written by" in capsys.readouterr().err
            assert file.read_bytes() == held
        file.write_bytes(b"somebody's own")
        assert main([*words, strategy, *out]) == 4
        assert file.read_bytes() == b"somebody's own"
        assert main([*words, strategy, *out, "--overwrite"]) == 0
        assert read_cleaned(file).made["strategy"] == strategy
