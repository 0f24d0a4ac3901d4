"""Ranking the samples of a run by temperature, from the run folder alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from dataparams.analysis.analyze import findings_of_run
from dataparams.analysis.cautions import cautions
from dataparams.analysis.held_out_evidence import held_out_evidence
from dataparams.analysis.trajectories import trained_samples
from dataparams.analysis.validation import validation_counts
from dataparams.errors import ArgumentError, RunError, require_share
from dataparams.run.error_detection import DetectionFigures, detection_figures, precision_and_recall
from dataparams.run.folder import RunFolder
from dataparams.run.table_checks import require_range
from dataparams.sources.split_names import ALL_SPLITS, require_split_words
from dataparams.sources.splits import chosen_splits

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.analysis.findings import Findings
    from dataparams.analysis.noise_rate import NoiseEstimate

_OF_HEADS = (
    "These are temperatures of an audit's heads, which memorize labels quickly: they describe the "
    "samples, but do not rank them. `dataparams analyze` ranks them by heads that were trained "
    "without them."
)
_OF_EVIDENCE = (
    "Predictions judged these labels, and no temperatures were learned: what ranks them are the "
    "odds by this evidence that a label is wrong."
)


@dataclass(frozen=True, eq=False)
class Ranking:
    """The samples of a run, the most suspicious first.

    Attributes:
        epoch: After which epoch.
        is_best_epoch: Whether that is where validation accuracy peaked, where no epoch was given.
        table: ``index``, ``id``, ``label``, ``label_name``, ``value`` (the temperature, or the
            odds of a wrong label where predictions judged it), ``is_selected`` and ``split``, in
            the order of falling values.
        estimate: The estimated noise rate of the run, where as many were to be selected.
        warnings: Sentences to be read first: where the model learned nothing, no ranking counts.
        figures: How well the values detect, where the truth is known.
        precision: Share of the selected samples that are corrupted, where the truth is known.
        recall: Share of the corrupted samples that are selected, where the truth is known.
    """

    epoch: int
    is_best_epoch: bool
    table: pl.DataFrame
    estimate: NoiseEstimate | None
    warnings: tuple[str, ...]
    figures: DetectionFigures | None
    precision: float | None
    recall: float | None


def rank(
    run: RunFolder | Path | str,
    *,
    epoch: int | None = None,
    top: float | None = None,
    threshold: Literal["auto"] | None = None,
    split: str = ALL_SPLITS,
) -> Ranking:
    """Sort the samples by instance parameter, highest temperature first.

    Args:
        run: The run folder, or its path.
        epoch: After which epoch; None takes the one at which validation accuracy peaked, or the
            last one where there are no validation samples.
        top: Share of the samples to select, 0 ... 1.
        threshold: ``"auto"`` selects as many as labels are estimated to be wrong, by the estimate
            of :func:`dataparams.analyze`; of one split as many as are estimated for it alone,
            where that can be told.
        split: Which splits are ranked: ``"all"``, or names with commas between. A training ranks
            the samples that it trained on.

    Returns:
        The ranking; everything is selected where neither ``top`` nor ``threshold`` is given.

    Raises:
        ArgumentError: If ``top`` is not a share, or is given with ``threshold``; or if there is no
            such split.
        RunError: If the run has not come that far or has no instance parameters.
    """
    if threshold not in (None, "auto"):
        raise ArgumentError(f'`threshold` is {threshold!r}; expected "auto" or None.')
    if top is not None and threshold is not None:
        raise ArgumentError("`top` and `threshold` are both given; expected one of them.")
    if top is not None:
        require_share("top", top)
    run = run if isinstance(run, RunFolder) else RunFolder(run)
    chosen = best_epoch(run) if epoch is None else epoch
    samples = _of_splits(trained_samples(run), split, run)
    log_temperature = _log_temperature(run, chosen, samples)
    of_audit = _OF_HEADS
    if log_temperature is None:
        log_temperature, of_audit = _log_odds(run, samples), _OF_EVIDENCE
    estimate, warnings = None, _warnings(run, chosen)
    is_selected = np.ones(len(samples), dtype=bool)
    order = np.argsort(-log_temperature, kind="stable")
    if threshold is not None:
        findings = findings_of_run(run)
        estimate, warnings = _estimate(findings, samples), findings.warnings
        top = estimate.rate
    if run.is_audit():
        warnings = (of_audit, *warnings)
    if top is not None:
        is_selected[order[round(top * len(samples)) :]] = False
    figures, precision, recall = None, None, None
    if "is_corrupted" in samples.columns:
        is_corrupted = samples["is_corrupted"].to_numpy()
        figures = detection_figures(log_temperature, is_corrupted)
        precision, recall = precision_and_recall(is_selected, is_corrupted)
    names = run.class_names()
    require_range(samples, "label", len(names), run.path / "samples.parquet")
    table = samples.select(
        "index",
        "id",
        "label",
        pl.Series("label_name", [names[label] for label in samples["label"]], dtype=pl.String),
        pl.Series("value", np.exp(log_temperature)),
        pl.Series("is_selected", is_selected),
        "split",
    )[order]
    is_best = epoch is None and _has_accuracies(run.metrics())
    return Ranking(chosen, is_best, table, estimate, warnings, figures, precision, recall)


def _of_splits(samples: pl.DataFrame, split: str, run: RunFolder) -> pl.DataFrame:
    """The samples of some splits."""
    require_split_words(split)
    if split == ALL_SPLITS:
        return samples
    names = samples["split"].unique(maintain_order=True).to_list()
    chosen = chosen_splits(names, split, str(run.path))
    return samples.filter(pl.col("split").is_in(chosen))


def _estimate(findings: Findings, samples: pl.DataFrame) -> NoiseEstimate:
    """How many labels are wrong: of one split alone, where that can be told; else of all."""
    names = samples["split"].unique().to_list()
    own = [one.noise for one in findings.splits if [one.name] == names]
    return own[0] if own and own[0].is_known else findings.noise


def _log_temperature(
    run: RunFolder, epoch: int, samples: pl.DataFrame
) -> NDArray[np.floating] | None:
    """The log temperatures of samples after an epoch, (n,); None where none were learned."""
    values = run.epoch_record(epoch).instance_log_temperature
    if not values.numel():
        return None
    index = samples["index"].to_numpy()
    if index.max() >= len(values):
        raise RunError(f"{run.path} is damaged: samples.parquet has more samples than epoch files.")
    found: NDArray[np.floating] = values.numpy()[index]
    return found


def _log_odds(run: RunFolder, samples: pl.DataFrame) -> NDArray[np.float64]:
    """Log odds that labels are wrong, up to scale, where predictions judged them."""
    found = held_out_evidence(run, samples)
    if found is None:
        raise _nothing_to_rank_by(run)
    evidence = np.clip(found.evidence, 1e-12, 1 - 1e-12)
    odds: NDArray[np.float64] = np.log1p(-evidence) - np.log(evidence)
    return odds


def _nothing_to_rank_by(run: RunFolder) -> RunError:
    is_recorded = "recording" in run.description()
    with_them = 'learn="instance"' if is_recorded else "learn_inst_parameters=True"
    return RunError(
        f"{run.path} has no instance parameters to rank by; it was trained without them. "
        f"Train with `{with_them}`, or see what `dataparams analyze` makes of its margins."
    )


def _warnings(run: RunFolder, epoch: int) -> tuple[str, ...]:
    """What the validation samples say of the model after an epoch."""
    validation = validation_counts(run, np.array([epoch]), len(run.class_names()))
    if validation is None:
        return ()
    return cautions(validation.of_classes(np.array([0])), epoch)


def best_epoch(run: RunFolder) -> int:
    """The epoch at which validation accuracy peaked, the first of several; else the last one.

    Raises:
        RunError: If no epoch is finished.
    """
    metrics = run.metrics()
    if not len(metrics):
        raise RunError(f"{run.path} has not finished an epoch yet.")
    if not _has_accuracies(metrics):
        return int(metrics["epoch"][-1])
    return int(metrics["epoch"][metrics["val_accuracy"].arg_max()])  # type: ignore[index]


def _has_accuracies(metrics: pl.DataFrame) -> bool:
    return metrics["val_accuracy"].null_count() < len(metrics)
