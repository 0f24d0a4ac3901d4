"""Writes the epochs of a recorded loop, and what it goes on from."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dataparams.errors import RunError
from dataparams.method.data_parameters import DataParameters
from dataparams.recording.agreement import on_first
from dataparams.run.epoch_files import EpochFiles
from dataparams.run.epoch_metrics import parameter_metrics, train_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from dataparams.recording.plain_loss import PlainLoss
    from dataparams.recording.validation import ValidatedEpoch
    from dataparams.run.epoch_metrics import Metrics
    from dataparams.run.epoch_record import EpochRecord
    from dataparams.run.folder import RunFolder


class EpochWriter:
    """Writes what an epoch leaves, in the first process.

    Args:
        run: The run folder.
        criterion: The loss, whose state is kept.

    Attributes:
        epoch: Number of whole epochs so far.
    """

    def __init__(self, run: RunFolder, criterion: DataParameters | PlainLoss) -> None:
        self._run, self._criterion = run, criterion
        self._files = EpochFiles(run)
        self.epoch = 0
        self._started = time.perf_counter()

    def start_epoch(self) -> None:
        """Begin to take the time."""
        self._started = time.perf_counter()

    def write(
        self,
        record: EpochRecord,
        *,
        samples: int,
        validated: ValidatedEpoch | None,
        rates: Sequence[float | Tensor],
        further: Mapping[str, float],
        states: dict[str, Any] | None,
    ) -> None:
        """Write an epoch's files; all processes must call it.

        Args:
            record: Of the training samples.
            samples: How many all processes took.
            validated: What was found of the validation samples.
            rates: The model's learning rates in the last step.
            further: Figures of the user's own.
            states: What else the loop goes on from; None where others keep it.
        """
        self.epoch = record.epoch
        row = self._metrics(record, samples, validated, rates)
        row |= {name: float(value) for name, value in further.items()}
        on_first(lambda: self._write(record, row, validated, states))

    def state_dict(self) -> dict[str, Any]:
        """What a loop goes on from after a whole epoch, beside the states of its objects."""
        return {
            "epoch": self.epoch,
            "data_parameters": self._criterion.state_dict(),
            **self._files.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` gave.

        Raises:
            RunError: If it does not fit.
        """
        try:
            self._criterion.load_state_dict(state["data_parameters"])
            self._files.load_state_dict(dict(state))
            self.epoch = state["epoch"]
        except (KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
            raise RunError(
                f"The state to go on from does not fit {self._run.path} ({error}). Give "
                "`restart=True` to start anew."
            ) from error

    def _metrics(
        self,
        record: EpochRecord,
        samples: int,
        validated: ValidatedEpoch | None,
        rates: Sequence[float | Tensor],
    ) -> Metrics:
        seconds = time.perf_counter() - self._started
        dp = self._criterion if isinstance(self._criterion, DataParameters) else None
        row: Metrics = {
            **train_metrics(record),
            "val_loss": None if validated is None else validated.loss,
            "val_accuracy": None if validated is None else validated.accuracy,
            "lr": max(map(float, rates), default=None),
            "lr_inst": None if dp is None else dp.lr_inst,
            "lr_class": None if dp is None else dp.lr_class,
            "seconds": seconds,
            "samples_per_second": samples / seconds,
        }
        if dp is not None and dp.learns_instances:
            row |= parameter_metrics(record.instance_log_temperature, None, dp.clamp)
        return row

    def _write(
        self,
        record: EpochRecord,
        row: Metrics,
        validated: ValidatedEpoch | None,
        states: dict[str, Any] | None,
    ) -> None:
        """The checkpoint goes last, since the loop goes on from it."""
        if validated is None:
            self._files.write_records(record, row)
        else:
            self._files.write_records(record, row, validated.counts, validated.held_out)
        if states is None:
            self._run.update_description(epoch=self.epoch)
        else:
            accuracy = None if validated is None else validated.accuracy
            self._files.write_checkpoints(self.state_dict() | states, accuracy)
