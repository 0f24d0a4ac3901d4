"""The noise estimate of a run is one number, wherever it is asked for."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from dataparams.analysis import (
    analyze,
    current_analysis,
    load_analysis,
    noise_of_run,
    rank,
    write_analysis,
)
from dataparams.analysis.summary_text import summary_text
from dataparams.cli import main
from dataparams.report import write_report
from dataparams.run.folder import RunFolder
from made_reports import first_two
from made_trainings import digits_of, trained

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.analysis.noise_rate import NoiseEstimate
    from dataparams.batches import ImageDataset

RATE = r"(\d+\.\d%), between (\d+\.\d%) and (\d+\.\d%)"


@pytest.fixture(scope="module")
def dataset() -> ImageDataset:
    return digits_of(range(6), [70] * 6)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, dataset: ImageDataset) -> RunFolder:
    """Six digits, 20 % of the labels swapped."""
    folder = tmp_path_factory.mktemp("runs")
    return trained(folder, dataset, epochs=10, rand_fraction=0.2)


@pytest.fixture
def copy(run: RunFolder, tmp_path: Path) -> RunFolder:
    shutil.copytree(run.path, tmp_path / "copy")
    return RunFolder(tmp_path / "copy")


def in_words(estimate: NoiseEstimate) -> tuple[str, ...]:
    return tuple(f"{value:.1%}" for value in (estimate.rate, estimate.low, estimate.high))


def test_everybody_who_asks_gets_the_same_number(copy: RunFolder, dataset: ImageDataset) -> None:
    expected = noise_of_run(copy)
    truth = copy.samples()["is_corrupted"].mean()
    assert expected.low <= truth <= expected.high
    assert expected.rate == pytest.approx(truth, abs=0.03)
    for use_model in (True, False):
        analysis = analyze(copy, dataset=dataset, use_model=use_model)
        assert analysis.noise == expected
        write_analysis(copy, analysis)
        written = load_analysis(copy)
        assert written is not None
        assert written.findings == analysis.findings
        assert current_analysis(copy).noise == expected
        mean = analysis.frame["noise_probability"].mean()
        assert mean == pytest.approx(expected.rate, abs=1e-3)
        by_class = (analysis.classes["count"] * analysis.classes["noise_rate"]).sum()
        assert by_class / len(analysis.frame) == pytest.approx(mean, abs=1e-6)
    ranking = rank(copy, threshold="auto")
    assert ranking.estimate == expected
    assert ranking.table["is_selected"].sum() == round(expected.rate * len(ranking.table))
    assert rank(copy, top=0.1).estimate is None


def test_a_budget_for_review_does_not_change_it(run: RunFolder, dataset: ImageDataset) -> None:
    assert analyze(run, use_model=False, review_budget=0).noise == noise_of_run(run)


def test_terminal_and_report_say_the_same(
    copy: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = in_words(noise_of_run(copy))
    assert main(["analyze", str(copy.path), "--no-model"]) == 0
    assert re.search(RATE, capsys.readouterr().out).groups() == expected
    assert main(["rank", str(copy.path), "--threshold", "auto"]) == 0
    assert re.search(RATE, capsys.readouterr().out).groups() == expected
    assert re.search(RATE, summary_text(load_analysis(copy))).groups() == expected
    pictureless = replace(load_analysis(copy), contents=None)
    page = write_report(pictureless, tmp_path / "report", embed=first_two)
    text = re.sub(r"<[^>]*>", "", page.read_text(encoding="utf-8")).replace("&nbsp;", " ")
    found = re.search(r"(\S+%)\s*of the labels are probably wrong, between (\S+%) and (\S+%)", text)
    assert found.groups() == expected


def test_an_analysis_of_an_earlier_version_is_made_anew(copy: RunFolder) -> None:
    analysis = analyze(copy, use_model=False, review_budget=0.02)
    old = {"epochs": list(analysis.epochs), "review_budget": 0.02, "use_model": False}
    changed = analysis.frame.with_columns(noise_probability=pl.lit(0.9, pl.Float32))
    for made in (old, {**old, "noise": 0.9}, {**old, "noise": {"rate": 0.9}, "warnings": []}):
        copy.write_analysis(changed, made)
        notices: list[str] = []
        again = current_analysis(copy, on_notice=notices.append)
        assert notices == [
            "The last analysis is of an earlier version; analyzing again in the same way."
        ]
        assert again.noise == noise_of_run(copy)
        assert again.frame.equals(analysis.frame)
        assert (again.review_budget, again.use_model) == (0.02, False)
        assert current_analysis(copy, on_notice=notices.append).noise == again.noise
        assert len(notices) == 1


def test_an_analysis_that_knows_nothing_is_not_taken_for_an_earlier_one(tmp_path: Path) -> None:
    # Nine of each class at most: too small to judge, so nothing is known.
    run = trained(tmp_path, digits_of(range(4), [10] * 4), epochs=6)
    write_analysis(run, analyze(run, use_model=False))
    notices: list[str] = []
    analysis = current_analysis(run, on_notice=notices.append)
    assert notices == []
    assert not analysis.noise.is_known
    assert set(analysis.classes["unjudged"]) == {"too small to judge"}
    assert set(analysis.frame["category"]) == {"review"}
    assert "not known" in summary_text(analysis)


def test_a_run_of_a_thousand_classes_prints_twenty_and_names_the_file(
    copy: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"=kind {number}" for number in range(1200)]
    copy.update_description(class_names=names)
    assert main(["analyze", str(copy.path), "--no-model"]) == 0
    out = capsys.readouterr().out
    table = out.partition("The 20 of 1200 classes")[2].partition("\n\n")[0]
    assert len(re.findall(r"^ +=kind", table, re.MULTILINE)) == 20
    assert out.count("\n") < 80
    file = copy.analysis_classes
    assert str(file) in out
    listed = pl.read_csv(file)
    assert len(listed) == 1200
    rates = listed["noise_rate"].to_numpy()
    shown = [int(number) for number in re.findall(r"^ +=kind (\d+)", table, re.MULTILINE)]
    assert rates[shown].min() >= np.delete(rates, shown).max()
    assert not any(name.startswith("=") for name in listed["label_name"])
