"""The files that a training writes: after each epoch, and within one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.batches import UnreadableSample
    from dataparams.run.epoch_metrics import Metrics
    from dataparams.run.epoch_record import EpochRecord
    from dataparams.run.folder import RunFolder


class EpochFiles:
    """Writes a run's files, and keeps what all epochs have come to.

    Args:
        run: The run folder.
        save_every: Keep the checkpoint of every n-th epoch too, beside the last and the best; 0
            for none.

    Attributes:
        metrics: A row per epoch.
        best: The highest validation accuracy; -1 before the first epoch.
    """

    def __init__(self, run: RunFolder, save_every: int = 0) -> None:
        self.run = run
        self.metrics: list[Metrics] = []
        self.best = -1.0
        self._save_every = save_every
        self._validation: list[pl.DataFrame] = []
        self._last_is_whole = True

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        return {"best": self.best, "metrics": self.metrics}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.best, self.metrics = state["best"], list(state["metrics"])
        table = self.run.validation()
        if table is not None:
            self._validation = [table.filter(pl.col("epoch") <= state["epoch"]).cast(pl.Int64)]
        self._last_is_whole = not state.get("steps")

    def write_records(
        self,
        record: EpochRecord,
        metrics: Metrics,
        validation: pl.DataFrame | None = None,
        held_out: pl.DataFrame | None = None,
    ) -> None:
        """Write what the analysis reads of an epoch.

        Args:
            record: Of the training samples.
            metrics: Of the epoch.
            validation: A row per class; None where no validation sample was looked at.
            held_out: A row per validation sample; None likewise.
        """
        self.run.write_epoch_record(record)
        self.metrics.append(metrics)
        self.run.write_metrics(self.metrics)
        if validation is not None:
            self._validation.append(validation)
            self.run.write_validation(pl.concat(self._validation))
        if held_out is not None:
            self.run.write_held_out(held_out)

    def write_checkpoints(self, state: dict[str, Any], accuracy: float | None) -> None:
        """Write the checkpoints of an epoch: the best, those to keep, and at the end the last.

        Args:
            state: What to go on from, with ``epoch``; what this object holds is added.
            accuracy: On the validation samples; None where there is none, and no best.
        """
        is_best = accuracy is not None and accuracy > self.best
        self.best = max(self.best if accuracy is None else accuracy, self.best)
        state = state | self.state_dict()
        if is_best:
            self.run.write_checkpoint("best", state)
        if self._save_every and state["epoch"] % self._save_every == 0:
            self.run.write_checkpoint(f"epoch_{state['epoch']}", state)
        self.run.write_checkpoint("last", state)
        self.run.forget_last_epoch()
        self._last_is_whole = True
        self.run.update_description(epoch=state["epoch"])

    def write_checkpoint_within_epoch(self, state: dict[str, Any]) -> None:
        """Write the last checkpoint alone; that of the epoch before is kept beside it."""
        if self._last_is_whole:
            self.run.keep_last_epoch()
            self._last_is_whole = False
        self.run.write_checkpoint("last", state | self.state_dict())

    def write_unreadable(self, unreadable: Sequence[UnreadableSample]) -> int:
        """List images that could not be read, with those of earlier epochs.

        Returns:
            How many there are by now; 0 where none is new.
        """
        known = {sample.index: sample for sample in self.run.unreadable()}
        new = [sample for sample in unreadable if sample.index not in known]
        if not new:
            return 0
        known |= {sample.index: sample for sample in new}
        self.run.write_unreadable(tuple(known[index] for index in sorted(known)))
        counts = {**self.run.description()["counts"], "unreadable": len(known)}
        self.run.update_description(counts=counts)
        return len(known)
