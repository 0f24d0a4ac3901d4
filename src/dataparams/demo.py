"""The main job from end to end, on real images that come with the installation."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis import noise_of_run
from dataparams.batches import load_dataset
from dataparams.detection import DetectionFigures, detection_figures, precision_and_recall
from dataparams.errors import UserError
from dataparams.training import TrainConfig, train

if TYPE_CHECKING:
    from dataparams.progress import ProgressDisplay
    from dataparams.runs import RunFolder

_VAL_FRAC = 0.2
_PREFIX = "demo"


@dataclass(frozen=True)
class DemoResult:
    """What the demo found.

    Attributes:
        figures: How well the data parameters detect the swapped labels.
        precision: Share of the samples left out whose label is wrong.
        recall: Share of the wrong labels that are left out.
        before: Validation accuracy trained on all labels, without data parameters.
        after: Validation accuracy trained on what is kept.
        clean: Validation accuracy trained on perfectly clean labels.
    """

    figures: DetectionFigures
    precision: float
    recall: float
    before: float
    after: float
    clean: float


def run_demo(
    *,
    output_dir: str,
    rand_fraction: float,
    epochs: int,
    seed: int,
    display: ProgressDisplay,
) -> DemoResult:
    """Swap labels of scikit-learn's digits, find them, retrain without them, and compare.

    Earlier runs of the demo are replaced. How many samples to leave out is estimated from the data
    parameters; the truth serves for the figures alone.

    Args:
        output_dir: Where run folders lie.
        rand_fraction: Share of the samples whose labels are swapped, above 0 and below 1.
        epochs: Number of epochs of each training.
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
    dataset = load_dataset("digits", val_frac=_VAL_FRAC, seed=seed)
    config = TrainConfig(
        output_dir=output_dir,
        restart=True,
        val_frac=_VAL_FRAC,
        epochs=epochs,
        seed=seed,
        rand_fraction=rand_fraction,
        learn_inst_parameters=False,
    )
    display.line(
        f"{len(dataset.train)} digits to train on, {len(dataset.val)} to test on; the labels of "
        f"{rand_fraction:.0%} of the training samples are swapped. Four trainings of "
        f"{epochs} epochs follow."
    )
    before = _train(config, "before", display)
    learned = _train(replace(config, learn_inst_parameters=True), "learned", display)
    samples = learned.samples()
    log_temperature = learned.epoch_record(epochs).inst_parameters.numpy()[samples["index"]]
    estimate = noise_of_run(learned)
    kept = replace(
        config,
        dataset_subset_ckpt=str(learned.epoch_file(epochs)),
        subset_frac=max(1 - estimate.rate, 0.01),
    )
    after = _train(kept, "after", display)
    clean = _train(replace(config, rand_fraction=0.0), "clean", display)
    is_corrupted = samples["is_corrupted"].to_numpy()
    figures = detection_figures(log_temperature, is_corrupted)
    if figures is None:
        raise UserError(
            f"--rand-fraction {rand_fraction} changes no label; expected a larger share."
        )
    is_left_out = log_temperature >= np.quantile(log_temperature, 1 - estimate.rate)
    precision, recall = precision_and_recall(is_left_out, is_corrupted)
    accuracies = [_last_accuracy(run) for run in (before, after, clean)]
    result = DemoResult(figures, precision, recall, *accuracies)
    seconds = time.perf_counter() - started
    display.line(_summary(result, estimate.rate, int(is_left_out.sum()), learned, seconds))
    return result


def _train(config: TrainConfig, name: str, display: ProgressDisplay) -> RunFolder:
    return train(
        replace(config, exp_prefix=f"{_PREFIX}/{name}"),
        display=_Named(display, name, config.epochs),
    )


def _last_accuracy(run: RunFolder) -> float:
    return float(run.metrics()["val_accuracy"][-1])


class _Named:
    """Shows the training's bar, and of its lines the last epoch's."""

    def __init__(self, display: ProgressDisplay, name: str, epochs: int) -> None:
        self._display, self._name, self._epochs = display, name, epochs

    def fetched(self, what: str, done: int, total: int) -> None:
        self._display.fetched(what, done, total)

    def decoded(self, done: int, total: int) -> None:
        self._display.decoded(done, total)

    def step(self, done: int, total: int, figures: str) -> None:
        self._display.step(done, total, f"{self._name:<8} {figures}")

    def line(self, text: str) -> None:
        if text.startswith((f"epoch {self._epochs}/", "Warning")):
            self._display.line(f"  {self._name:<8} {text}")


def _summary(
    result: DemoResult, noise_rate: float, left_out: int, learned: RunFolder, seconds: float
) -> str:
    return f"""
Finding the wrong labels ({result.figures.noise_rate:.1%} of the labels are wrong in truth)
  noise rate, estimated without the truth  {noise_rate:6.1%}
  samples left out                         {left_out:6d}
  of them wrong (precision)                {result.precision:6.1%}
  share of all wrong labels (recall)       {result.recall:6.1%}
  recall at the noise rate                 {result.figures.recall_at_noise_rate:6.1%}
  AUROC                                    {result.figures.auroc:6.4f}

What it is worth (validation accuracy, clean labels)
  before: trained on all labels            {result.before:6.1%}
  after:  trained on what was kept         {result.after:6.1%}
  limit:  trained on perfectly clean ones  {result.clean:6.1%}

{seconds:.0f} seconds. The run folder is {learned.path}. Look next at:
  dataparams report {learned.path}
  dataparams rank {learned.path} --threshold auto --out ranked.csv
  tensorboard --logdir {learned.path.parent}
  dataparams train PATH_OF_YOUR_IMAGES"""
