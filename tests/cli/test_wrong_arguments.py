"""Wrong arguments: a command names the flag, the function behind it the argument."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import dataparams
from dataparams.analysis import analyze, estimate_noise_rate, write_analysis
from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.writing import clean_run
from dataparams.cli import COMMANDS, main
from dataparams.cli.demo import run_demo
from dataparams.decisions.tables import decisions_text
from dataparams.errors import ArgumentError, DataError, UserError
from dataparams.run.folder import RunFolder
from dataparams.terminal.progress import SilentProgress
from made_folders import dark_and_light

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMAND_LINES = [
    ("audit digits --worst -1", "--worst is -1"),
    ("audit digits --seed -1", "--seed is -1"),
    ("audit digits --rand-fraction 2", "--rand-fraction is 2"),
    ("audit digits --rand-fraction 0.1 --noise silly", "--noise is 'silly'"),
    ("audit digits --features x.npy --encoder resnet18", "--encoder"),
    ("demo --rand-fraction 0", "--rand-fraction is 0"),
    ("train --recipe imagnet", "--recipe is 'imagnet'; expected one of quick"),
    ("train --dataset cifar11", "cifar10"),
    ("train --dataset ./nowhere", "nowhere"),
    ("train --dataset cifar100", "cifar-100-python.tar.gz"),
    ("train -b 1", "--batch-size is 1; expected 2 or above"),
    ("train digits --val-frac 2", "--val-frac is 2"),
    ("train digits --epochs 0", "--epochs is 0"),
    ("train digits --arch resnet19", "--arch is 'resnet19'"),
    ("train digits --restart --resume", "--restart and --resume are both given"),
    ("cache digits --out {out} --quality 0", "--quality is 0"),
    ("cache digits --out {out} --size 0", "--size is 0"),
    ("cache digits --out {out} --workers 5000", "--workers is 5000"),
    ("rank {run} --top 1.4", "--top is 1.4"),
    ("rank {run} --top 0.4 --threshold auto", "--top and --threshold are both given"),
    ("analyze {run} --review-budget 2", "--review-budget is 2"),
    ("analyze {run} --review-budget much", "--review-budget is much"),
    ("analyze {run} --top -1", "--top is -1"),
    ("health {run} --worst -1", "--worst is -1"),
    ("apply {run} --undo --dry-run", "--dry-run is given with --undo"),
    ("health {run} --encoder resnet18", "--encoder is given"),
    ("health digits --data elsewhere", "--data is given"),
    ("health digits --out found.txt", "--out is found.txt"),
    ("figures {run} --class horse", "horse"),
    ("report {run} --pile-limit 0", "--pile-limit is 0"),
    ("review {run} --port 70000", "--port is 70000"),
    ("decisions {run} --limit -1", "--limit is -1"),
    ("decisions {run} --annotator ann", "--annotator is given without --import"),
    ("decisions {run} --import {unsigned}", "give --annotator NAME"),
    ("clean {run} --confidence 2", "--confidence is 2"),
    ("clean {run}", "--allow-empty-class"),
    ("compare {run} {run} --out {out}.txt", "--out is"),
    ("export {run} --to csv --out {out} --form zip", "--form"),
    ("export {run} --to csv --out {out} --include silly", "--include names 'silly'"),
]
FUNCTIONS: list[tuple[Callable[[RunFolder, Path], object], str]] = [
    (lambda _run, _: CleanSettings("silly"), "`strategy` is 'silly'"),  # type: ignore[arg-type]
    (lambda _run, _: CleanSettings(confidence=2), "`confidence` is 2"),
    (lambda run, _: clean_run(run, judged(run)), "give `allow_empty_class=True`"),
    (lambda run, _: decisions_text(run, limit=-1), "`limit` is -1"),
    (
        lambda _run, folder: run_demo(
            out=str(folder), rand_fraction=1, seed=0, display=SilentProgress()
        ),
        "`rand_fraction` is 1",
    ),
    (lambda run, _: dataparams.rank(run, top=5), "`top` is 5"),
    (lambda run, _: dataparams.rank(run, top="x"), "`top` is 'x'"),  # type: ignore[arg-type]
    (lambda run, _: dataparams.analyze(run, review_budget=2), "`review_budget` is 2"),
    (lambda _run, _: dataparams.analyze(None), "`run` is None"),
    (lambda _run, _: dataparams.audit(None), "`dataset` is None"),
    (lambda _run, _: dataparams.audit("digits", seed="x"), "`seed` is 'x'"),  # type: ignore[arg-type]
    (
        lambda _run, _: dataparams.audit("digits", rand_fraction=None),
        "`rand_fraction` is None",
    ),
    (
        lambda _run, _: estimate_noise_rate(np.array([0, 1]), np.full((2, 2), 0.9)),
        "`probabilities` has rows that do not sum to 1",
    ),
]


def judged(run: RunFolder) -> pl.DataFrame:
    """The frame of the analysis that was written."""
    found = run.analysis()
    assert found is not None
    return found[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run on two classes, with an analysis in which all samples of the second are hard."""
    folder = tmp_path_factory.mktemp("wrong")
    dark_and_light(folder / "images")
    words = ["train", str(folder / "images"), "--epochs", "1", "--output-dir", str(folder)]
    assert main(words) == 0
    made = RunFolder(folder / "images" / "run")
    analysis = analyze(made, use_model=False)
    category = pl.when(pl.col("label") == 0).then(pl.lit("easy")).otherwise(pl.lit("hard"))
    frame = analysis.frame.with_columns(category=category, noise_probability=pl.lit(0.1))
    write_analysis(made, replace(analysis, frame=frame))
    return made


@pytest.fixture
def unsigned(tmp_path: Path) -> Path:
    """A file of decisions that does not say who decided."""
    file = tmp_path / "unsigned.csv"
    pl.DataFrame({"index": [0], "action": ["skip"]}).write_csv(file)
    return file


@pytest.mark.parametrize(("line", "complaint"), COMMAND_LINES)
def test_a_command_names_the_flag(
    line: str,
    complaint: str,
    run: RunFolder,
    unsigned: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = line.format(run=run.path, out=tmp_path / "out", unsigned=unsigned).split()
    assert main(words) in (UserError.exit_code, DataError.exit_code)
    told = capsys.readouterr()
    assert complaint in told.err
    assert told.err.startswith("dataparams: ")
    assert not re.search(r"`[a-z_]+(=[^`]*)?`", told.err)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["unsigned.csv"]


def test_a_notice_of_a_command_names_the_flag(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["clean", str(run.path), "--allow-empty-class", "--out", str(tmp_path / "cleaned")]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "--strategy likely, which keeps them, trained better models" in told
    assert "`" not in told


def test_wrong_arguments_of_every_command_are_tried() -> None:
    assert {line.split()[0] for line, _ in COMMAND_LINES} == set(COMMANDS)


@pytest.mark.parametrize(("call", "complaint"), FUNCTIONS, ids=[name for _, name in FUNCTIONS])
def test_a_function_names_the_argument(
    call: Callable[[RunFolder, Path], object], complaint: str, run: RunFolder, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError) as caught:
        call(run, tmp_path / "out")
    assert complaint in str(caught.value)
    assert "--" not in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert not (tmp_path / "out").exists()
