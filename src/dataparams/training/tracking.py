"""What a run reports after each epoch: metrics, TensorBoard, and Accelerate's trackers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from accelerate import Accelerator
    from torch import Tensor

    from dataparams.run.epoch_metrics import Metrics
    from dataparams.run.epoch_record import EpochRecord
    from dataparams.run.folder import RunFolder
    from dataparams.training.preparation import TrainingData

_MANY_AT_CLAMP = 0.05


def clamp_warning(metrics: Metrics, learning_rate: float | None) -> str | None:
    """What to tell the user where many temperatures sit at the clamp, else None.

    Example:
        >>> clamp_warning({"inst_share_at_clamp": 0.01}, 0.2) is None
        True
    """
    share = metrics.get("inst_share_at_clamp") or 0.0
    if share <= _MANY_AT_CLAMP:
        return None
    return (
        f"Warning: {share:.0%} of the instance temperatures sit at the clamp, where they rank no "
        f"more. The learning rate {learning_rate:g} is too high for this training: give a lower "
        "`lr_inst_param`."
    )


class Reports:
    """Reports each epoch to TensorBoard, and to Accelerate's trackers where there are some.

    All processes must make one; only the main process's says anything.

    Args:
        run: The run folder.
        epochs_done: Number of epochs done; later entries of an interrupted run are dropped.
        data: What is trained on.
        accelerator: Starts the trackers.
        trackers: Their names, without TensorBoard's.
        settings: All settings of the run, for the trackers to show.
    """

    def __init__(
        self,
        run: RunFolder,
        epochs_done: int,
        data: TrainingData,
        *,
        accelerator: Accelerator,
        trackers: Sequence[str] = (),
        settings: Mapping[str, Any],
    ) -> None:
        self._data, self._accelerator, self._trackers = data, accelerator, tuple(trackers)
        self._board = None
        if accelerator.is_main_process:
            self._board = TensorBoard(run.tensorboard, epochs_done)
        if trackers:
            accelerator.project_configuration.set_directories(str(run.path))
            plain = {
                name: value if isinstance(value, int | float | str | bool) else str(value)
                for name, value in settings.items()
            }
            accelerator.init_trackers("dataparams", config=plain)

    def epoch(self, metrics: Metrics, record: EpochRecord) -> None:
        """Report an epoch, in the main process."""
        if self._board is not None:
            self._board.scalars(metrics)
            if record.instance_log_temperature.numel():
                values = record.instance_log_temperature[self._data.train.index]
                self._board.temperatures(record.epoch, values, self._data.is_corrupted)
            if record.class_log_temperature.numel():
                self._board.class_temperatures(record.epoch, record.class_log_temperature)
        if self._trackers:
            known = {name: value for name, value in metrics.items() if value is not None}
            self._accelerator.log(known, step=record.epoch)

    def close(self) -> None:
        """Write what is not written yet."""
        if self._board is not None:
            self._board.close()


class TensorBoard:
    """Writes TensorBoard's event files.

    Args:
        folder: Where.
        first_epoch: Number of epochs done; later entries of an interrupted run are dropped.
    """

    def __init__(self, folder: Path, first_epoch: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder), purge_step=first_epoch + 1)

    def scalars(self, metrics: Metrics) -> None:
        """Write a row of metrics, at its epoch."""
        for name, value in metrics.items():
            if value is not None and name != "epoch":
                self._writer.add_scalar(_tag(name), value, metrics["epoch"])

    def temperatures(self, epoch: int, values: Tensor, is_corrupted: Tensor | None) -> None:
        """Write the histogram of the log temperatures; separately by truth where it is known."""
        groups = {"all": values}
        if is_corrupted is not None:
            groups["clean"], groups["corrupted"] = values[~is_corrupted], values[is_corrupted]
        for name, group in groups.items():
            if group.numel():
                tag = f"instance_parameters/{name}"
                self._writer.add_histogram(f"{tag}/log", group.numpy(), epoch)
                temperature = np.exp(group.numpy())
                self._writer.add_scalar(f"{tag}/mean", temperature.mean(), epoch)
                self._writer.add_scalar(f"{tag}/lowest", temperature.min(), epoch)
                self._writer.add_scalar(f"{tag}/highest", temperature.max(), epoch)

    def class_temperatures(self, epoch: int, values: Tensor) -> None:
        """Write the histogram of the classes' log temperatures."""
        self._writer.add_histogram("class_parameters/log", values.numpy(), epoch)
        for name, value in (("lowest", values.min()), ("highest", values.max())):
            self._writer.add_scalar(f"class_parameters/{name}", value.exp().item(), epoch)

    def close(self) -> None:
        """Write what is not written yet."""
        self._writer.close()


def _tag(name: str) -> str:
    group, _, rest = name.partition("_")
    return f"{group}/{rest}" if group in ("train", "val", "inst", "lr") and rest else name
