"""``dataparams demo``: the whole flow on images that come with the installation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tyro

from dataparams.errors import ArgumentError, DataError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl
    from numpy.typing import NDArray

    from dataparams.analysis import Analysis
    from dataparams.run.folder import RunFolder
    from dataparams.terminal.progress import ProgressDisplay

_TEST_SHARE = 0.2
_EVEN = 0.5


@dataclass(frozen=True)
class DemoConfig:
    """Audit scikit-learn's digits with some labels swapped, and see what finding them is worth."""

    out: str = "weights_CL/digits/demo"
    """The run folder."""
    rand_fraction: float = 0.2
    """Share of the samples whose labels are swapped, above 0 and below 1."""
    seed: int = 0
    """Seed of all random numbers."""


@dataclass(frozen=True)
class DemoResult:
    """How many wrong labels the demo found, and what correcting them is worth.

    Attributes:
        precision: Share of the labels called wrong that are wrong.
        recall: Share of the wrong labels that are called wrong.
        before: Test accuracy of a classifier trained on all labels as given.
        after: The same, trained on the corrected labels.
        clean: The same, trained on the true labels.
    """

    precision: float
    recall: float
    before: float
    after: float
    clean: float


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(DemoConfig, args=words, prog=f"{program} demo")
    from dataparams.terminal.progress import progress_display

    with progress_display("demo") as display:
        run_demo(
            out=config.out,
            rand_fraction=config.rand_fraction,
            seed=config.seed,
            display=display,
        )
    return 0


def run_demo(*, out: str, rand_fraction: float, seed: int, display: ProgressDisplay) -> DemoResult:
    """Swap labels of scikit-learn's digits, audit them, and measure what correcting them is worth.

    The true labels are used for these figures only.

    Args:
        out: The run folder.
        rand_fraction: Share of the samples whose labels are swapped, above 0 and below 1.
        seed: Seed of all random numbers.
        display: Where progress and results are shown.

    Returns:
        The figures that are shown.

    Raises:
        ArgumentError: If ``rand_fraction`` or ``seed`` is out of its range.
    """
    if not 0 < rand_fraction < 1:
        raise ArgumentError(
            f"`rand_fraction` is {rand_fraction}; expected a share above 0 and below 1."
        )
    from dataparams.analysis import analyze, write_analysis
    from dataparams.analysis.verdict_text import verdict_text
    from dataparams.figures import report_map
    from dataparams.report import write_report
    from dataparams.training.audit import audit
    from dataparams.training.audit_config import AuditConfig, require_valid

    config = AuditConfig("digits", out=out, rand_fraction=rand_fraction, seed=seed)
    require_valid(config)
    started = time.perf_counter()
    display.line(
        f"The labels of {rand_fraction:.0%} of scikit-learn's digits are swapped; an audit is to "
        "find them."
    )
    run = audit(config, display=display).run
    analysis = analyze(run)
    write_analysis(run, analysis)
    index = write_report(analysis, run.report, embed=report_map(analysis))
    result = _figures(run, analysis, seed)
    display.line("\n" + verdict_text(analysis, 5))
    seconds = time.perf_counter() - started
    display.line(_summary(result, analysis, run, index, seconds))
    return result


def _figures(run: RunFolder, analysis: Analysis, seed: int) -> DemoResult:
    from dataparams.run.error_detection import precision_and_recall

    frame = analysis.frame
    is_corrupted = frame["is_corrupted"].to_numpy()
    if not is_corrupted.any():
        raise ArgumentError("`rand_fraction` changes no label; expected a larger share.")
    is_called = (frame["noise_probability"] > _EVEN).to_numpy()
    precision, recall = precision_and_recall(is_called, is_corrupted)
    return DemoResult(precision, recall, *_accuracies(run, frame, analysis.class_names, seed))


def _accuracies(
    run: RunFolder, frame: pl.DataFrame, class_names: tuple[str, ...], seed: int
) -> tuple[float, float, float]:
    """Accuracies on a test split, trained on the given, the corrected and the true labels."""
    import numpy as np

    from dataparams.cleaning.selection import CleanSettings, clean
    from dataparams.run.features import features_of_run
    from dataparams.training.head_accuracy import head_accuracy
    from dataparams.training.heads import ScaledFeatures

    features = features_of_run(run)
    if features is None:
        raise DataError("The features of the digits are gone from the cache; start the demo again.")
    scaled = ScaledFeatures(features[:])
    cleaned = clean(run.samples(), frame, class_names, CleanSettings("relabel"))
    corrected = cleaned["new_label"].fill_null(-1).to_numpy().astype(np.int64)
    true = frame["true_label"].to_numpy().astype(np.int64)
    given = frame["label"].to_numpy().astype(np.int64)
    is_test = np.random.default_rng(seed).random(len(frame)) < _TEST_SHARE

    def accuracy(labels: NDArray[np.int64]) -> float:
        rows = np.flatnonzero(~is_test & (labels >= 0))
        test = np.flatnonzero(is_test)
        return head_accuracy(scaled, labels, true, len(class_names), rows, test, seed=seed)

    return accuracy(given), accuracy(corrected), accuracy(true)


def _summary(
    result: DemoResult, analysis: Analysis, run: RunFolder, index: Path, seconds: float
) -> str:
    wrong = analysis.frame["is_corrupted"].sum()
    return f"""\
In truth {wrong} of {len(analysis.frame)} labels are wrong
  precision (called wrong, and are wrong)    {result.precision:6.1%}
  recall (wrong, and are called wrong)       {result.recall:6.1%}

What correcting them is worth (accuracy on a held-out fifth)
  trained on all labels as given             {result.before:6.1%}
  trained on corrected labels                {result.after:6.1%}
  trained on the true labels                 {result.clean:6.1%}

{seconds:.0f} seconds. Look next at:
  the report                                 {index}
  dataparams review {run.path}
  dataparams audit PATH_OF_YOUR_PHOTOS"""
