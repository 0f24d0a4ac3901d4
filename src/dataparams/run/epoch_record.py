"""``epoch_<N>.pth.tar``: what is recorded of every sample after an epoch.

Log temperatures are called so. In files of the first implementation and of our first version their
keys are ``inst_parameters`` and ``class_parameters``; new files have them under these keys too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dataparams.errors import RunError
from dataparams.run.nearest_paths import nearest_checkpoints
from dataparams.run.safe_files import read_tensors
from dataparams.run.stored_arrays import STAND_INS, StoredArray

if TYPE_CHECKING:
    from pathlib import Path

_OLD_KEYS = {
    "class_log_temperature": "class_parameters",
    "instance_log_temperature": "inst_parameters",
}
_FIRST_IMPLEMENTATION = frozenset({"epoch", "inst_parameters", "class_parameters"})
_OURS_ALONE = frozenset({"margin", "loss", "error_norm", "rival", "predicted", "correct"})


@dataclass(frozen=True, eq=False)
class EpochRecord:
    """What is recorded of every sample after one epoch; the contents of ``epoch_<N>.pth.tar``.

    Attributes:
        epoch: Number of finished epochs, 1 or above.
        class_log_temperature: Log temperature of each class, (C,), float32; (0,) where not learned.
        instance_log_temperature: Log temperature of each instance, (N,), float32; (0,) where not
            learned.
        margin: Logit of the given label minus the highest other one when the sample was trained
            on, (N,), float32; NaN for samples that took no part.
        loss: Cross-entropy without temperature at that moment, (N,), float32; NaN likewise.
        error_norm: Distance between the predicted probabilities and the given label's one-hot
            vector, (N,), float32; NaN likewise.
        rival: The class of the highest logit among those other than the given label, (N,), int32;
            -1 likewise.
        predicted: Predicted class, (N,), int32; -1 likewise.
        correct: Whether that is the given label, (N,), bool; False likewise.
    """

    epoch: int
    class_log_temperature: Tensor
    instance_log_temperature: Tensor
    margin: Tensor
    loss: Tensor
    error_norm: Tensor
    rival: Tensor
    predicted: Tensor
    correct: Tensor


def read_epoch_record(file: Path) -> EpochRecord:
    """Read an ``epoch_<N>.pth.tar`` from anywhere, the first implementation's too.

    The first implementation numbers its files from 0: its ``epoch_80.pth.tar`` is the state after
    81 epochs, as the file itself says. Its data parameters are in the log domain, as ours are
    (it takes their ``exp`` in the loss; github.com/apple/ml-data-parameters, ``utils.py``).

    Args:
        file: The file.

    Returns:
        The record. From the first implementation it has the data parameters alone; everything else
        is as for samples that took no part.

    Raises:
        RunError: If it does not exist (the message names the nearest ones that do) or is damaged.
    """
    if not file.is_file():
        raise RunError(f"There is no checkpoint {file}.{nearest_checkpoints(file)}")
    with torch.serialization.safe_globals([*STAND_INS]):
        contents = read_tensors(file)
    if contents.keys() >= _FIRST_IMPLEMENTATION and not contents.keys() & _OURS_ALONE:
        return _record_of_first_implementation(file, contents)
    return record_of_contents(file, contents)


def contents_of_record(record: EpochRecord) -> dict[str, Any]:
    """What an epoch file holds: the record's fields, and log temperatures by their old keys too.

    Programs that were written for files of the first implementation find them there. The same
    tensors stand under both keys, which ``torch.save`` stores once.
    """
    fields = vars(record)
    return fields | {old: fields[new] for new, old in _OLD_KEYS.items()}


def record_of_contents(file: Path, contents: dict[str, Any]) -> EpochRecord:
    """The record in what an epoch file holds, by its keys or those of older files.

    Raises:
        RunError: If something is missing or of another kind; ``file`` is named.
    """
    contents = {new: contents[old] for new, old in _OLD_KEYS.items() if old in contents} | contents
    missing = [name for name in EpochRecord.__annotations__ if name not in contents]
    if missing:
        raise RunError(f"{file} is not the record of an epoch: it lacks {', '.join(missing)}.")
    record = EpochRecord(**{name: contents[name] for name in EpochRecord.__annotations__})
    tensors = [value for name, value in vars(record).items() if name != "epoch"]
    if not isinstance(record.epoch, int) or not all(
        isinstance(value, torch.Tensor) and value.ndim == 1 for value in tensors
    ):
        raise RunError(f"{file} is damaged: expected an epoch and one-dimensional tensors.")
    return record


def _record_of_first_implementation(file: Path, contents: dict[str, Any]) -> EpochRecord:
    instances = _data_parameters(file, contents, "inst_parameters")
    count = len(instances)
    unknown = torch.full((count,), math.nan)
    no_class = torch.full((count,), -1, dtype=torch.int32)
    return record_of_contents(
        file,
        {
            "epoch": contents["epoch"],
            "class_log_temperature": _learned(_data_parameters(file, contents, "class_parameters")),
            "instance_log_temperature": _learned(instances),
            **dict.fromkeys(("margin", "loss", "error_norm"), unknown),
            **dict.fromkeys(("rival", "predicted"), no_class),
            "correct": torch.zeros(count, dtype=torch.bool),
        },
    )


def _data_parameters(file: Path, contents: dict[str, Any], name: str) -> Tensor:
    value = contents[name]
    try:
        values = value.tensor() if isinstance(value, StoredArray) else value
    except ValueError as error:
        raise RunError(f"{file} is damaged: {name} is {error}.") from error
    if not isinstance(values, torch.Tensor) or values.ndim != 1 or not values.is_floating_point():
        raise RunError(
            f"{file} is damaged: expected {name}, a one-dimensional array of float32 or float64."
        )
    return values.detach().float()


def _learned(values: Tensor) -> Tensor:
    """The values, (0,) where all are alike: the first implementation did not learn them then."""
    return values if bool((values != values[:1]).any()) else values[:0]
