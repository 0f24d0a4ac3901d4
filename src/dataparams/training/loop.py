"""The loop of a training: all epochs, step by step, that can stop and go on at any moment."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from dataparams.batches import StreamedBatches
from dataparams.errors import RunError, Stopped
from dataparams.run.epoch_metrics import parameter_metrics, train_metrics
from dataparams.run.held_out_recorder import HeldOutRecorder
from dataparams.run.random_states import random_state, set_random_state
from dataparams.training.announcements import epoch_line, unreadable_text
from dataparams.training.evaluation import evaluate
from dataparams.training.tracking import clamp_warning

if TYPE_CHECKING:
    from collections.abc import Callable

    from accelerate import Accelerator

    from dataparams.batches import Batches, UnreadableSample
    from dataparams.run.epoch_files import EpochFiles
    from dataparams.run.epoch_metrics import Metrics
    from dataparams.run.epoch_record import EpochRecord
    from dataparams.terminal.progress import ProgressDisplay
    from dataparams.training.evaluation import Evaluation
    from dataparams.training.learner import Learner
    from dataparams.training.preparation import TrainingData
    from dataparams.training.processes import Processes
    from dataparams.training.signals import StopSignals

    Report = Callable[[Metrics, EpochRecord], None]

# What a process may wish at the end of a step; a signal's number, which is higher, is to stop.
_GO_ON, _CHECKPOINT, _STOP_DIVERGED = 0, 1, 1000


@dataclass(frozen=True)
class LoopSettings:
    """How long a training is, and what happens at which step.

    Attributes:
        epochs: Number of epochs.
        learning_rate: The network's rate at a point of the training, given the epochs done so far,
            with fractions.
        seed: What dropout depends on.
        print_freq: Steps between two readings of the running loss.
        checkpoint_minutes: Minutes between two checkpoints within an epoch; 0 for none.
        divergence_text: What to say where the training diverges, given the number of the epoch.
        warns_of_clamp: Whether many temperatures at the clamp say that their rate is too high.
    """

    epochs: int
    learning_rate: Callable[[float], float]
    seed: int
    print_freq: int
    checkpoint_minutes: float
    divergence_text: Callable[[int], str]
    warns_of_clamp: bool = True


@dataclass
class Position:
    """What is done of an epoch, by all processes.

    Attributes:
        steps: Number of steps.
        samples: Samples in them.
        seconds: The time they took.
    """

    steps: int = 0
    samples: int = 0
    seconds: float = 0.0


class TrainingLoop:
    """A training in progress: where it is, and what comes next.

    Args:
        learner: What learns.
        batches: Of the samples trained on.
        val_batches: Of the validation samples.
        data: Both, and the truth where it is known.
        files: Writes the run's files, in the main process.
        accelerator: Knows the device.
        processes: Those that train together.
        signals: Those that ask to stop.
        display: Where progress is shown.
        settings: How long, and what happens at which step.
        start_epoch: Number of epochs taken as done already.

    Attributes:
        epoch: Number of epochs done.
        position: What is done of the next one.
    """

    def __init__(
        self,
        learner: Learner,
        batches: Batches,
        val_batches: Batches,
        data: TrainingData,
        files: EpochFiles,
        *,
        accelerator: Accelerator,
        processes: Processes,
        signals: StopSignals,
        display: ProgressDisplay,
        settings: LoopSettings,
        start_epoch: int = 0,
    ) -> None:
        self.epoch, self.position = start_epoch, Position()
        self._learner, self._data, self._files = learner, data, files
        self._batches, self._val_batches = batches, val_batches
        self._accelerator, self._processes, self._signals = accelerator, processes, signals
        self._display, self._settings = display, settings
        self._num_classes = len(data.dataset.class_names)
        self._held_out = HeldOutRecorder(
            len(data.dataset.val), self._num_classes, accelerator.device
        )
        self._unreadable: list[UnreadableSample] = []
        self._written_at = time.monotonic()

    @property
    def steps_per_epoch(self) -> int:
        """Number of steps in an epoch."""
        return len(self._batches)

    def go(self, report: Report | None = None) -> None:
        """Train all epochs that are left.

        Args:
            report: Told each epoch's figures and record, in the main process.

        Raises:
            RunError: If the training diverges.
            Stopped: On a signal, after everything was written.
        """
        while self.epoch < self._settings.epochs:
            self._take_steps()
            rate = self._learner.learning_rate
            self._require_convergence()
            self._learner.synchronize()
            evaluation = self._evaluate()
            self._unreadable = self._unreadable_everywhere()
            self.epoch += 1
            record = self._learner.epoch_record(self.epoch)
            metrics = self._metrics(record, evaluation, rate)
            self._processes.on_main(
                lambda m=metrics, r=record, e=evaluation: self._write(m, r, e, report)  # type: ignore[misc]
            )
            self.position = Position()

    def close(self) -> None:
        """End the processes that read images, if there are any."""
        for batches in (self._batches, self._val_batches):
            if isinstance(batches, StreamedBatches):
                batches.close()

    def _take_steps(self) -> None:
        """Take all steps that are left of the epoch."""
        position = self.position
        if not position.steps:
            # Each epoch begins from its own seed: one resumed at its beginning draws the same.
            self._seed(self.epoch)
        started = time.perf_counter() - position.seconds
        self._learner.model.train()
        for batch in self._batches.epoch(self.epoch, position.steps):
            progress = self.epoch + position.steps / len(self._batches)
            self._learner.learning_rate = self._settings.learning_rate(progress)
            self._learner.step(batch)
            position.steps += 1
            position.samples += batch.global_size
            position.seconds = time.perf_counter() - started
            if position.steps % self._settings.print_freq == 0:
                self._require_convergence()
                self._show()
            self._checkpoint_where_due()
        position.seconds = time.perf_counter() - started

    def _seed(self, *numbers: int) -> None:
        """Seed dropout, differently in every process."""
        seed = self._settings.seed
        for number in numbers:
            seed = seed * 1_000_003 + number
        torch.manual_seed((seed * self._processes.count + self._processes.rank) % 2**63)

    def _show(self) -> None:
        """Show the figures of the moment, over all processes."""
        loss, correct = self._learner.recorder.running_sums()
        if not self._processes.is_main:
            return
        position, per_epoch = self.position, len(self._batches)
        figures = (
            f"epoch {self.epoch + 1}  loss {loss / position.samples:.3f}  "
            f"accuracy {correct / position.samples:.1%}  "
            f"{position.samples / position.seconds:,.0f} samples/s"
        )
        done = self.epoch * per_epoch + position.steps
        self._display.step(done, self._settings.epochs * per_epoch, figures)

    def _require_convergence(self) -> None:
        """Stop all processes where a number of any of them is not finite; waits for the device."""
        if not all(self._processes.gathered(self._learner.is_finite())):
            raise self._diverged()

    def _diverged(self) -> RunError:
        return RunError(self._settings.divergence_text(self.epoch + 1))

    def _evaluate(self) -> Evaluation:
        evaluation = evaluate(
            self._learner.model,
            self._val_batches,
            self._held_out,
            num_classes=self._num_classes,
            accelerator=self._accelerator,
            between_batches=self._checkpoint_where_due,
        )
        if not math.isfinite(evaluation.loss):
            raise self._diverged()
        return evaluation

    def _unreadable_everywhere(self) -> list[UnreadableSample]:
        """What any process found unreadable in a stream so far."""
        both = (self._batches, self._val_batches)
        streams = [batches for batches in both if isinstance(batches, StreamedBatches)]
        if not streams:
            return []
        mine = [sample for stream in streams for sample in stream.unreadable]
        return [sample for one in self._processes.gathered(mine) for sample in one]

    def _metrics(self, record: EpochRecord, evaluation: Evaluation, rate: float) -> Metrics:
        dp = self._learner.data_parameters
        metrics = {
            **train_metrics(record),
            "val_loss": evaluation.loss,
            "val_accuracy": evaluation.accuracy,
            "lr": rate,
            "lr_inst": None if dp is None else dp.lr_inst,
            "lr_class": None if dp is None else dp.lr_class,
            "seconds": self.position.seconds,
            "samples_per_second": self.position.samples / self.position.seconds,
        }
        if dp is not None and record.instance_log_temperature.numel():
            values = record.instance_log_temperature[self._data.train.index]
            metrics |= parameter_metrics(values, self._data.is_corrupted, dp.clamp)
        return metrics

    def _write(
        self,
        metrics: Metrics,
        record: EpochRecord,
        evaluation: Evaluation,
        report: Report | None,
    ) -> None:
        """Write an epoch's files; the checkpoint last, since a resumed run goes on from it."""
        self._write_unreadable()
        val = self._data.dataset.val
        held_out = self._held_out.table(
            val.index.tolist(), list(val.ids), val.labels, epoch=self.epoch
        )
        self._files.write_records(record, metrics, evaluation.table(self.epoch), held_out)
        if report is not None:
            report(metrics, record)
        self._files.write_checkpoints(self._state(), evaluation.accuracy)
        self._written_at = time.monotonic()
        self._display.line(epoch_line(metrics, self._settings.epochs))
        if self._settings.warns_of_clamp:
            self._warn_once_of_clamp(metrics)

    def _warn_once_of_clamp(self, metrics: Metrics) -> None:
        dp = self._learner.data_parameters
        warning = clamp_warning(metrics, None if dp is None else dp.lr_inst)
        if warning and not any(clamp_warning(row, 0.0) for row in self._files.metrics[:-1]):
            self._display.line(warning)

    def _write_unreadable(self) -> None:
        count = self._files.write_unreadable(self._unreadable)
        if count:
            file = self._files.run.path / "unreadable.csv"
            self._display.line(unreadable_text(count, file, is_final=False))

    def _checkpoint_where_due(self) -> None:
        """In the middle of an epoch, write when it is time, and stop where a signal asks for it."""
        wish = self._processes.decide(self._wish)
        if wish == _GO_ON:
            return
        if wish == _STOP_DIVERGED:
            raise self._diverged()
        # A checkpoint that nothing can be learned from would take the place of one that is whole.
        self._require_convergence()
        self._learner.synchronize()
        self._unreadable = self._unreadable_everywhere()
        here = {
            **asdict(self.position),
            "records": self._learner.recorder.partial(),
            "random_states": self._processes.gathered(random_state(self._accelerator.device)),
        }
        self._processes.on_main(lambda: self._write_within_epoch(here))
        self._written_at = time.monotonic()
        if wish != _CHECKPOINT:
            raise Stopped(
                f"{self._files.run.path} stopped after step {self.position.steps} of "
                f"{len(self._batches)} in epoch {self.epoch + 1}. The same training with "
                "`resume=True` goes on from there.",
                wish,
            )

    def _wish(self) -> int:
        """What this process wishes; the time is the main process's alone."""
        if self._learner.has_diverged:
            return _STOP_DIVERGED
        if self._signals.received:
            return self._signals.received
        seconds = 60 * self._settings.checkpoint_minutes
        is_due = self._processes.is_main and time.monotonic() - self._written_at >= seconds
        return _CHECKPOINT if seconds and is_due else _GO_ON

    def _write_within_epoch(self, here: dict[str, Any]) -> None:
        self._write_unreadable()
        self._files.write_checkpoint_within_epoch(self._state() | here)

    def _state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, **self._learner.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a checkpoint, in all processes.

        Args:
            state: As the main process read it: no other machine needs to see the run folder.

        Raises:
            RunError: If it does not fit this training.
        """
        try:
            self._learner.load_state_dict(state)
            self.epoch = state["epoch"]
            self._files.load_state_dict(state)
            if state.get("steps"):
                self._restore_position(state)
        except (KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
            raise RunError(
                f"{self._files.run.path / 'checkpoint' / 'last.pt'} does not fit this run "
                f"({error}). Give `restart=True` to start anew; the records of its epochs are as "
                "they were."
            ) from error

    def _restore_position(self, state: dict[str, Any]) -> None:
        """Go to the middle of an epoch."""
        self.position = Position(state["steps"], state["samples"], state["seconds"])
        if self._processes.is_main:
            self._learner.recorder.restore(state["records"])
        states = state["random_states"]
        if len(states) == self._processes.count:
            set_random_state(states[self._processes.rank], self._accelerator.device)
        else:
            self._seed(self.epoch, self.position.steps)
