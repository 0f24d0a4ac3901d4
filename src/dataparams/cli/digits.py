"""The main job from end to end, on real images that come with the installation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis import analyze, write_analysis
from dataparams.analysis.verdict_text import verdict_text
from dataparams.cleaning.selection import CleanSettings, clean
from dataparams.errors import UserError
from dataparams.figures import embed
from dataparams.report import write_report
from dataparams.run.detection import precision_and_recall
from dataparams.run.features import features_of_run
from dataparams.training.audit import audit
from dataparams.training.audit_config import AuditConfig
from dataparams.training.head_accuracy import head_accuracy
from dataparams.training.heads import ScaledFeatures

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl
    from numpy.typing import NDArray

    from dataparams.analysis import Analysis
    from dataparams.run.folder import RunFolder
    from dataparams.terminal.progress import ProgressDisplay

_TEST_SHARE = 0.2
_DOUBTED = 0.5


@dataclass(frozen=True)
class DemoResult:
    """What the demo found.

    Attributes:
        precision: Share of the labels called wrong that are.
        recall: Share of the wrong labels that are called so.
        before: Accuracy of a classifier trained on all labels as given.
        after: Accuracy trained on corrected labels.
        clean: Accuracy trained on labels without a fault.
    """

    precision: float
    recall: float
    before: float
    after: float
    clean: float


def run_demo(*, out: str, rand_fraction: float, seed: int, display: ProgressDisplay) -> DemoResult:
    """Swap labels of scikit-learn's digits, audit them, and see what correcting them is worth.

    The truth serves for the figures alone.

    Args:
        out: The run folder.
        rand_fraction: Share of the samples whose labels are swapped, above 0 and below 1.
        seed: What everything random depends on.
        display: Where progress and results are shown.

    Returns:
        The figures that are printed as well.

    Raises:
        UserError: If an argument is out of its range.
    """
    if not 0 < rand_fraction < 1:
        raise UserError(f"--rand-fraction is {rand_fraction}; expected a share between 0 and 1.")
    started = time.perf_counter()
    display.line(
        f"The labels of {rand_fraction:.0%} of scikit-learn's digits are swapped; an audit is to "
        "find them."
    )
    config = AuditConfig("digits", out=out, rand_fraction=rand_fraction, seed=seed)
    run = audit(config, display=display).run
    analysis = analyze(run)
    write_analysis(run, analysis)
    index = write_report(analysis, run.report, embed=embed)
    result = _figures(run, analysis, seed)
    display.line("\n" + verdict_text(analysis, 5))
    seconds = time.perf_counter() - started
    display.line(_summary(result, analysis, run, index, seconds))
    return result


def _figures(run: RunFolder, analysis: Analysis, seed: int) -> DemoResult:
    frame = analysis.frame
    is_corrupted = frame["is_corrupted"].to_numpy()
    if not is_corrupted.any():
        raise UserError("--rand-fraction changes no label; expected a larger share.")
    is_called = (frame["noise_probability"] > _DOUBTED).to_numpy()
    precision, recall = precision_and_recall(is_called, is_corrupted)
    return DemoResult(precision, recall, *_worth(run, frame, analysis.class_names, seed))


def _worth(
    run: RunFolder, frame: pl.DataFrame, class_names: tuple[str, ...], seed: int
) -> tuple[float, float, float]:
    """Accuracies on a fifth of the samples: trained on given, corrected and true labels."""
    features = features_of_run(run)
    if features is None:
        raise UserError("The features of the digits are gone from the cache; start the demo again.")
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
  of those called wrong are so (precision)   {result.precision:6.1%}
  of the wrong ones are called so (recall)   {result.recall:6.1%}

What correcting them is worth (accuracy on a fifth that is not trained on)
  trained on all labels as they are          {result.before:6.1%}
  trained on corrected labels                {result.after:6.1%}
  limit: trained on labels without a fault   {result.clean:6.1%}

{seconds:.0f} seconds. Look next at:
  the report                                 {index}
  dataparams review {run.path}
  dataparams audit PATH_OF_YOUR_PHOTOS"""
