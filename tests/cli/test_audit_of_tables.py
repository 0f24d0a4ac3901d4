"""``dataparams audit`` of texts, rows of tables, and features with labels alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_digits, load_wine

from dataparams.cli import main
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

TOPICS = {
    "cards": ["card", "arrive", "delivery", "plastic", "mail", "new"],
    "loans": ["loan", "owe", "interest", "repay", "borrow", "debt"],
    "exchange": ["currency", "exchange", "euro", "dollar", "rate", "convert"],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with a cache in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATAPARAMS_CACHE", str(tmp_path / "cache"))
    return tmp_path


def written_texts(file: Path, count: int = 60) -> Path:
    """Sentences on three topics, every twentieth with the label of another."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        topic = list(TOPICS)[number % 3]
        words = rng.choice(TOPICS[topic], 3, replace=False)
        given = list(TOPICS)[(number + 1) % 3] if number % 20 == 7 else topic
        rows.append((f"Question {number} about {' and '.join(words)}, please?", given))
    pl.DataFrame(rows, schema=["text", "topic"], orient="row").write_csv(file)
    return file


def written_wine(file: Path) -> Path:
    """The wines of scikit-learn, with a gap and a column of names; five labels are wrong."""
    data = load_wine()
    table = pl.DataFrame(data.data, schema=[f"c{number}" for number in range(13)])
    labels = data.target.copy()
    labels[[3, 70, 100, 150, 160]] = (labels[[3, 70, 100, 150, 160]] + 1) % 3
    names = np.array(["barolo", "grignolino", "barbera"])[labels]
    color = ["red" if row % 2 else "dark" for row in range(len(table))]
    c0 = [None if row == 5 else value for row, value in enumerate(table["c0"])]
    table.with_columns(c0=pl.Series(c0), color=pl.Series(color), kind=pl.Series(names)).write_csv(
        file
    )
    return file


def test_wrong_labels_of_texts_are_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written_texts(folder / "questions.csv")
    words = ["audit", str(file), "--text-column", "text", "--label-column", "topic"]
    assert main([*words, "--out", "run", "--worst", "3"]) == 0
    said = capsys.readouterr().out
    assert "text from 'text', label from 'topic'" in said
    assert "wordllama" in said
    run = RunFolder(folder / "run")
    suspicion = pl.read_parquet(folder / "run/analysis.parquet").sort("suspicion", descending=True)
    assert set(suspicion["index"][:3]) == {7, 27, 47}
    assert run.content_kind() == "text"
    assert run.description()["source"]["text_column"] == "text"
    assert (folder / "run/report/index.html").is_file()


def test_a_second_audit_of_texts_computes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["audit", str(written_texts(folder / "questions.csv")), "--out", "run"]
    assert main(words) == 0
    capsys.readouterr()
    fail = "dataparams.encoders.text_frequencies.text_frequencies"
    monkeypatch.setattr(fail, lambda *_, **__: pytest.fail("computed again"))
    assert main(words) == 0
    assert "it is opened again" in capsys.readouterr().out


def test_features_of_texts_and_rows_are_found_again_by_the_run(folder: Path) -> None:
    from dataparams.run.features import features_of_run

    for name, file in (
        ("texts", written_texts(folder / "questions.csv")),
        ("rows", written_wine(folder / "wine.csv")),
    ):
        label = ["--label-column", "kind"] if name == "rows" else []
        assert main(["audit", str(file), "--out", name, *label]) == 0
        run = RunFolder(folder / name)
        features = features_of_run(run)
        assert features is not None
        assert len(features) == len(run.samples())
        assert np.isfinite(features[:5]).all()


def test_wrong_labels_of_rows_are_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written_wine(folder / "wine.csv")
    assert main(["audit", str(file), "--label-column", "kind", "--out", "run"]) == 0
    said = capsys.readouterr().out
    assert "for categories: color" in said
    suspicion = pl.read_parquet(folder / "run/analysis.parquet").sort("suspicion", descending=True)
    assert len(set(suspicion["index"][:5]) & {3, 70, 100, 150, 160}) >= 4
    description = RunFolder(folder / "run").description()
    assert description["source"]["content"] == "row"
    assert description["source"]["row_columns"][-1] == "color"
    assert description["audit"]["columns"]["color"] == "category"
    assert (folder / "run/report/index.html").is_file()


def test_errors_are_planted_among_rows_and_texts(folder: Path) -> None:
    main(["audit", str(written_texts(folder / "q.csv")), "--out", "run"])
    assert len(pl.read_parquet(folder / "run/planted.parquet")) > 50


@pytest.mark.parametrize("kind", ["csv", "npy"])
def test_features_and_labels_alone_are_judged(
    folder: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    data = load_digits()
    np.save(folder / "X.npy", data.data.astype(np.float32))
    if kind == "csv":
        pl.DataFrame({"label": data.target}).write_csv(folder / "y.csv")
    else:
        np.save(folder / "y.npy", data.target)
    words = ["audit", "--features", "X.npy", "--labels", f"y.{kind}", "--out", "run"]
    assert main([*words, "--rand-fraction", "0.2"]) == 0
    assert "1,797 samples of 10 classes" in capsys.readouterr().out
    analysis = pl.read_parquet(folder / "run/analysis.parquet")
    worst = analysis.sort("suspicion", descending=True)[:300]
    assert worst["is_corrupted"].mean() > 0.95
    description = json.loads((folder / "run/run.json").read_text())
    assert description["source"]["content"] is None
    assert (folder / "run/report/index.html").is_file()


def test_rows_without_a_label_keep_the_others_in_step_with_their_features(folder: Path) -> None:
    from dataparams.run.features import features_of_run

    data = load_digits()
    np.save(folder / "X.npy", data.data.astype(np.float32))
    labels = [None if row < 10 else int(label) for row, label in enumerate(data.target)]
    pl.DataFrame({"label": labels}).write_csv(folder / "y.csv")
    assert main(["audit", "--features", "X.npy", "--labels", "y.csv", "--out", "run"]) == 0
    analysis = pl.read_parquet(folder / "run/analysis.parquet")
    assert len(analysis) == 1787
    assert (analysis["noise_probability"] > 0.5).mean() < 0.05
    features = features_of_run(RunFolder(folder / "run"))
    assert features is not None
    np.testing.assert_array_equal(features[:1][0], data.data[10])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["audit"], "expected the place of the data"),
        (["audit", "--labels", "y.csv"], "--features"),
        (["audit", "q.csv", "--labels", "y.csv", "--features", "X.npy"], "--labels"),
        (["audit", "wine.csv", "--label-column", "kind", "--encoder", "resnet18"], "columns need"),
        (["audit", "q.csv", "--weights", "w.pth"], "--encoder FOLDER"),
        (["audit", "q.csv", "--text-column", "words"], "words"),
        (["audit", "q.csv", "--recipe", "scratch"], "texts"),
        (["audit", "q.csv", "--recipe", "finetune", "--text-column", "text"], "--recipe heads"),
        (["audit", "wine.csv", "--recipe", "finetune", "--label-column", "kind"], "rows"),
        (["audit", "--recipe", "scratch"], "PATH"),
    ],
)
def test_what_does_not_go_together_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    written_texts(folder / "q.csv")
    written_wine(folder / "wine.csv")
    assert main(words) != 0
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error


def test_long_and_empty_texts_are_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written_texts(folder / "q.csv")
    table = pl.read_csv(file)
    texts = table["text"].to_list()
    texts[4], texts[5] = "card " * 10_000, "   "
    table.with_columns(text=pl.Series(texts)).write_csv(file)
    assert main(["audit", str(file), "--out", "run"]) == 0
    said = capsys.readouterr().out
    assert "longer than 20,000 letters" in said
    assert "train/4" in said


def test_of_two_rows_nothing_can_be_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pl.DataFrame({"size": [1.5, 2.5], "grade": ["p", "q"]}).write_csv(folder / "two.csv")
    assert main(["audit", "two.csv", "--label-column", "grade", "--out", "run"]) == 0
    said = capsys.readouterr().out
    assert "How many of the 2 labels are wrong cannot be told." in said
    assert "size=1.5" in said
    assert RunFolder(folder / "run").planted() is None
