"""Training on the samples with the lowest instance parameters of an earlier run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from dataparams.errors import RunError, UserError
from dataparams.run.epoch_record import read_epoch_record
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from dataparams.batches import Split
    from dataparams.run.epoch_record import EpochRecord


def record_with_instances(file: Path) -> EpochRecord:
    """The record of an epoch that a subset is chosen by.

    Args:
        file: An ``epoch_<N>.pth.tar``.

    Raises:
        UserError: If it has no instance parameters.
        RunError: If it is missing or damaged.
    """
    record = read_epoch_record(file)
    if not record.instance_log_temperature.numel():
        raise UserError(
            f"{file} has no instance parameters; expected the checkpoint of a run that learned "
            "them."
        )
    if not record.instance_log_temperature.isfinite().all():
        raise RunError(f"{file} is damaged: it has instance parameters that are no finite numbers.")
    return record


def subset_of_lowest(
    train: Split, samples: pl.DataFrame, record: EpochRecord, file: Path, share: float
) -> Split:
    """The share of the samples whose instance parameters are lowest; they keep their index.

    Args:
        train: The training split.
        samples: Its rows of ``samples.parquet``.
        record: With the instance parameters.
        file: Where the record is from.
        share: How many to keep, above 0, up to 1.

    Raises:
        UserError: If the record is of other samples, or of other labels.
    """
    values = record.instance_log_temperature
    # The first implementation, and older runs, number the samples of the training split alone.
    missing = torch.tensor([sample.index for sample in train.unreadable], dtype=torch.int64)
    of_split = torch.cat((train.index, missing)).sort().values
    if len(values) == train.num_instances:
        values = values[train.index]
    elif len(values) == len(of_split):
        values = values[torch.searchsorted(of_split, train.index)]
    else:
        raise UserError(
            f"{file} has {len(values)} instance parameters, but the data set has "
            f"{train.num_instances} samples, {len(of_split)} of them to train on; expected a run "
            "on the same data set."
        )
    _require_same_labels(samples, file)
    order = values.argsort(stable=True)
    kept = order[: max(1, round(share * len(train)))]
    return train.select(kept.sort().values)


def _require_same_labels(samples: pl.DataFrame, file: Path) -> None:
    """A selection makes sense only where the checkpoint's run saw the same labels."""
    theirs = _samples_of_its_run(file)
    if theirs is None:
        return
    if theirs["id"].to_list() != samples["id"].to_list():
        raise UserError(f"{file} is of a run on other samples; expected the same data set.")
    different = int((theirs["label"] != samples["label"]).sum())
    if different:
        raise UserError(
            f"{file} is of a run in which {different} of {len(samples)} samples had another label; "
            "expected the same `rand_fraction`, `noise` and `seed` as in that run."
        )


def unchecked_labels_text(file: Path, *, are_made_wrong: bool) -> str | None:
    """What to say where a checkpoint alone is there, such as the first implementation's.

    Args:
        file: The checkpoint.
        are_made_wrong: Whether labels are made wrong at random.
    """
    if _samples_of_its_run(file) is not None:
        return None
    notice = (
        f"{file} does not say which samples and labels its run saw: its values are taken in the "
        "order of this data set."
    )
    if are_made_wrong:
        notice += (
            " Where that run made labels wrong too, it chose other samples than `rand_fraction` "
            "does here, and the selection means nothing."
        )
    return notice


def _samples_of_its_run(file: Path) -> pl.DataFrame | None:
    try:
        return RunFolder(file.parent).samples()
    except RunError:
        return None
