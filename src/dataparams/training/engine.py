"""Training: one loop, in one process or several, that can stop and go on at any moment."""

from __future__ import annotations

import math
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.tracking import get_available_trackers
from torch import Tensor, nn

from dataparams.batches import StreamedBatches
from dataparams.encoders.models import create_model
from dataparams.errors import DataError, RunError, Stopped, UserError
from dataparams.method.data_parameters import CLAMP, DataParameters
from dataparams.method.learning_rate import instance_learning_rate
from dataparams.run.epoch_record import EpochRecord
from dataparams.run.folder import RunFolder
from dataparams.sources.hub.token import token_file
from dataparams.terminal.progress import ProgressDisplay, SilentProgress
from dataparams.terminal.words import counted
from dataparams.training.batch_normalization import require_enough_samples, running_statistics
from dataparams.training.batching import make_batches
from dataparams.training.config import TrainConfig, require_valid, stored_settings
from dataparams.training.divergence import divergence_text
from dataparams.training.held_out import HeldOutRecorder
from dataparams.training.learning_rate import learning_rate_factor
from dataparams.training.opening import note_failure, open_run
from dataparams.training.optimizer import make_optimizer, set_learning_rate
from dataparams.training.preparation import TrainingData, prepare_data, stays_on_cpu
from dataparams.training.processes import Processes
from dataparams.training.random_states import random_state, set_random_state
from dataparams.training.recorder import SampleRecorder
from dataparams.training.signals import StopSignals
from dataparams.training.starting_weights import (
    StartingWeights,
    small_images_text,
    starting_weights,
    training_time_text,
    with_defaults_of_network,
)
from dataparams.training.tracking import Metrics, TensorBoard, clamp_warning, parameter_metrics

if TYPE_CHECKING:
    from dataparams.batches import AnyDataset, Batch, UnreadableSample
    from dataparams.method.functional import Reduction

# What a process may wish at the end of a step; a signal's number, which is higher, is to stop.
_GO_ON, _CHECKPOINT, _STOP_DIVERGED = 0, 1, 1000
# The temperature of a larger one, and that of its negative, is no float32 above 0.
_LARGEST_LOG = 87.0


def train(
    config: TrainConfig,
    *,
    dataset: AnyDataset | None = None,
    model: nn.Module | None = None,
    display: ProgressDisplay | None = None,
) -> RunFolder:
    """Train once, recording everything in the run folder.

    Args:
        config: What to do.
        dataset: A data set that is open, in place of the one that ``config.dataset`` names.
        model: A network of one's own, in place of the one that ``config.arch`` names.
        display: Where progress is shown; nowhere by default.

    Returns:
        The run folder.

    Raises:
        UserError: If something in the configuration, the data or the run folder is not as needed.
        RunError: If the training diverges: something is no longer a finite number. The epochs that
            were whole before can be used.
        Stopped: On SIGINT or SIGTERM, after the step in progress was finished and written.
    """
    if dataset is not None:
        # Nobody must look for these images where the flag's default points.
        config = replace(config, dataset=f"(in memory) {dataset.name}", data=None)
    require_valid(config)
    if model is None:
        config = with_defaults_of_network(config)
    elif config.is_pretrained:
        raise UserError("--pretrained is given with a network of one's own; expected one of them.")
    display = display or SilentProgress()
    if config.workers is not None:
        torch.set_num_threads(min(config.workers, os.cpu_count() or 1))
    accelerator = _accelerator(config)
    processes = Processes(accelerator)
    with token_file(config.hf_token_file):
        # Before the data: weights that do not fit are told at once.
        start = processes.first_on_each_machine(
            lambda: starting_weights(config, display.line if processes.is_main else None)
        )
        data = processes.first_on_each_machine(
            lambda: prepare_data(
                config,
                dataset,
                display.decoded,
                display.fetched,
                # One process tells it; the others read the same.
                display.line if processes.is_main else None,
            )
        )
    _require_same_data(processes, data)
    run = RunFolder(Path(config.output_dir) / data.dataset.name / config.exp_prefix)
    with StopSignals() as signals:
        training = _Training(
            config, data, accelerator, processes, signals, run, display, model, start
        )
        processes.on_main(lambda: open_run(run, config, data, start))
        try:
            training.go()
        except BaseException as error:
            if processes.is_main:
                note_failure(run, error)
            if isinstance(error, Stopped):
                processes.close()
            raise
        finally:
            training.close()
    processes.close()
    if _trackers(config):
        # Accelerate leaves the process group here, so it comes last.
        accelerator.end_training()
    return run


def _accelerator(config: TrainConfig) -> Accelerator:
    on_cpu = stays_on_cpu()
    if config.amp == "fp16" and on_cpu:
        raise UserError("--amp fp16 needs a GPU and there is none here; expected no or bf16.")
    available = [str(tracker) for tracker in get_available_trackers()]
    for tracker in config.log_with:
        if tracker not in available:
            raise UserError(
                f"--log-with {tracker} is not installed or not known; expected one of "
                f"{', '.join(available)}. A tracker's package is installed with pip."
            )
    _use_gpu(config.gpu)
    _forget_other_precision(config.amp)
    return Accelerator(
        cpu=on_cpu,
        mixed_precision=config.amp,
        log_with=_trackers(config) or None,
        project_dir=config.output_dir,
    )


def _use_gpu(number: int | None) -> None:
    """Make a GPU the one that everything goes to."""
    if number is None:
        return
    count = torch.cuda.device_count()
    if number >= count:
        there = f"0 ... {count - 1}" if count else "none here"
        raise UserError(f"--gpu is {number}; expected the number of a GPU; there are: {there}.")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError(
            f"--gpu {number} is given in one of several processes, of which each has a GPU of its "
            "own; leave it out."
        )
    torch.cuda.set_device(number)


def _forget_other_precision(amp: str) -> None:
    """Let a second training in one Python process, as in a notebook, choose its own precision."""
    if AcceleratorState._shared_state and AcceleratorState().mixed_precision != amp:
        AcceleratorState._reset_state()


def _trackers(config: TrainConfig) -> list[str]:
    """The trackers beside TensorBoard, which is always on."""
    return [tracker for tracker in config.log_with if tracker != "tensorboard"]


def _require_same_data(processes: Processes, data: TrainingData) -> None:
    """Each machine may have a copy of its own."""
    for rank, fingerprint in enumerate(processes.gathered(data.dataset.fingerprint)):
        if fingerprint != data.dataset.fingerprint:
            raise DataError(
                f"Processes {processes.rank} and {rank} read different data sets under the name "
                f"{data.dataset.name}; expected the same contents on every machine."
            )


@dataclass(frozen=True)
class _Evaluation:
    loss: float
    correct: list[int]
    count: list[int]

    @property
    def accuracy(self) -> float:
        return sum(self.correct) / max(sum(self.count), 1)

    def table(self, epoch: int) -> pl.DataFrame:
        """A row per class, for ``validation.parquet``."""
        columns = {"label": range(len(self.count)), "count": self.count, "correct": self.correct}
        table = pl.DataFrame(columns, schema_overrides=dict.fromkeys(columns, pl.Int64))
        return table.select(pl.lit(epoch, pl.Int64).alias("epoch"), pl.all())


@dataclass
class _Position:
    """What is done of an epoch, by all processes.

    Attributes:
        steps: Number of steps.
        samples: Samples in them.
        seconds: The time they took.
    """

    steps: int = 0
    samples: int = 0
    seconds: float = 0.0


class _Training:
    """A run in progress: what changes from step to step, and how."""

    def __init__(
        self,
        config: TrainConfig,
        data: TrainingData,
        accelerator: Accelerator,
        processes: Processes,
        signals: StopSignals,
        run: RunFolder,
        display: ProgressDisplay,
        model: nn.Module | None,
        start: StartingWeights | None,
    ) -> None:
        self.config, self.data, self.run = config, data, run
        self.accelerator, self.display = accelerator, display
        self.processes, self.signals = processes, signals
        self.device: torch.device = accelerator.device
        torch.manual_seed(config.seed)
        channels, side, _ = data.train.image_shape
        if model is None:
            model = create_model(
                config.arch,
                len(data.dataset.class_names),
                channels,
                side,
                backbone=None if start is None else start.backbone,
            )
        self.channels_last = self.device.type in ("cpu", "cuda")
        if self.channels_last:
            model = model.to(memory_format=torch.channels_last)
        if self.device.type == "cuda" and processes.count > 1:
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        require_enough_samples(model, config, len(data.train), processes.count)
        # Compiled, a network has other names for its layers.
        optimizer = make_optimizer(model, config)
        if config.compile:
            model = torch.compile(model)  # type: ignore[assignment]
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        self.dp = _data_parameters(config, data)
        if self.dp is not None:
            self.dp.to(self.device)
        self.batches, self.val_batches = make_batches(
            config,
            data.train,
            data.dataset.val,
            data.dataset.train,
            device=self.device,
            rank=processes.rank,
            world_size=processes.count,
            channels_last=self.channels_last,
            network_input=None if start is None else start.network_input,
        )
        self.unreadable: list[UnreadableSample] = []
        self.weights = None if data.weights is None else data.weights.to(self.device)
        self.recorder = SampleRecorder(data.train.num_instances, self.device)
        self.held_out = HeldOutRecorder(
            len(data.dataset.val), len(data.dataset.class_names), self.device
        )
        self.rows: list[Metrics] = []
        self.validation: list[pl.DataFrame] = []
        self.epoch = config.start_epoch
        self.position = _Position()
        self.best = -1.0
        self.written_at = time.monotonic()
        self.last_is_whole = True
        self.has_diverged = False

    def go(self) -> None:
        """Train all epochs that are left."""
        if self.config.resume:
            self._restore()
        board = None
        if self.processes.is_main:
            self._announce()
            board = TensorBoard(self.run.tensorboard, self.epoch)
        if _trackers(self.config):
            self.accelerator.project_configuration.set_directories(str(self.run.path))
            plain = {
                name: value if isinstance(value, int | float | str | bool) else str(value)
                for name, value in stored_settings(self.config).items()
            }
            self.accelerator.init_trackers("dataparams", config=plain)
        while self.epoch < self.config.epochs:
            metrics, record = self._epoch()
            self.processes.on_main(lambda m=metrics, r=record: self._write(m, r, board))  # type: ignore[misc]
            self.position = _Position()
        if board is not None:
            board.close()
            self.run.update_description(status="finished", epoch=self.epoch)

    def close(self) -> None:
        """End the processes that read images, if there are any."""
        for batches in (self.batches, self.val_batches):
            if isinstance(batches, StreamedBatches):
                batches.close()

    def _epoch(self) -> tuple[Metrics, EpochRecord]:
        self._train()
        learning_rate = max(group["lr"] for group in self.optimizer.param_groups)
        self._require_convergence()
        if self.dp is not None:
            self.dp.synchronize()
        evaluation = self._evaluate()
        if not math.isfinite(evaluation.loss):
            raise self._diverged()
        records = self.recorder.finish()
        self.unreadable = self._unreadable_everywhere()
        self.epoch += 1
        dp, empty = self.dp, torch.empty(0)
        record = EpochRecord(
            epoch=self.epoch,
            class_log_temperature=empty if dp is None else dp.class_log.cpu().clone(),
            instance_log_temperature=empty if dp is None else dp.inst_log.cpu().clone(),
            **vars(records),
        )
        self.validation.append(evaluation.table(self.epoch))
        present = records.predicted >= 0
        metrics: Metrics = {
            "epoch": self.epoch,
            "train_loss": float(records.loss[present].mean()),
            "train_accuracy": float(records.correct[present].float().mean()),
            "val_loss": evaluation.loss,
            "val_accuracy": evaluation.accuracy,
            "lr": learning_rate,
            "lr_inst": self.dp.lr_inst if self.dp is not None else None,
            "lr_class": self.dp.lr_class if self.dp is not None else None,
            "seconds": self.position.seconds,
            "samples_per_second": self.position.samples / self.position.seconds,
        }
        if record.instance_log_temperature.numel():
            metrics |= parameter_metrics(
                record.instance_log_temperature[self.data.train.index],
                self._is_corrupted(),
                None if self.config.skip_clamp_data_param else CLAMP,
            )
        return metrics, record

    def _unreadable_everywhere(self) -> list[UnreadableSample]:
        """What any process found unreadable in a stream so far."""
        if not isinstance(self.batches, StreamedBatches):
            return []
        assert isinstance(self.val_batches, StreamedBatches)  # noqa: S101
        mine = [*self.batches.unreadable, *self.val_batches.unreadable]
        return [sample for one in self.processes.gathered(mine) for sample in one]

    def _train(self) -> None:
        """Take all steps that are left of the epoch."""
        position = self.position
        if not position.steps:
            # Each epoch begins from its own seed: one resumed at its beginning draws the same.
            self._seed(self.epoch)
        started = time.perf_counter() - position.seconds
        self.model.train()
        for batch in self.batches.epoch(self.epoch, position.steps):
            self._set_learning_rate(self.epoch + position.steps / len(self.batches))
            self._step(batch)
            position.steps += 1
            position.samples += batch.global_size
            position.seconds = time.perf_counter() - started
            if position.steps % self.config.print_freq == 0:
                self._require_convergence()
                self._show()
            self._checkpoint_where_due()
        position.seconds = time.perf_counter() - started

    def _seed(self, *numbers: int) -> None:
        """Seed dropout, differently in every process."""
        seed = self.config.seed
        for number in numbers:
            seed = seed * 1_000_003 + number
        torch.manual_seed((seed * self.processes.count + self.processes.rank) % 2**63)

    def _step(self, batch: Batch) -> None:
        images = batch.images
        if not len(images):
            if self.processes.count == 1:
                return
            # The other processes wait for this one's gradient, which is zero.
            images = images.new_zeros(1, *images.shape[1:])
        with running_statistics(self.model, is_needed=len(images) == 1):
            logits = self.model(images)[: len(batch.index)]
        self.recorder.record(logits, batch.labels, batch.index)
        # A sum over this process's share, scaled so that the average over the processes, which
        # DDP and the data parameters take, is the mean over the global batch.
        share = self.processes.count / batch.global_size
        loss = self._loss(logits, batch)
        if self.weights is not None:
            loss = (loss * self.weights[batch.index]).sum()
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss * share)
        if self.dp is not None:
            # Where a gradient scaler is in use, it looks for overflows now: both steps are skipped.
            self.accelerator.unscale_gradients()
            self._step_data_parameters(self.dp, logits, batch)
        self.optimizer.step()

    def _loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """The sum over a batch; the loss of each sample where these have weights."""
        reduction: Reduction = "sum" if self.weights is None else "none"
        if self.dp is not None:
            try:
                return self.dp(logits, batch.labels, batch.index, reduction=reduction)  # type: ignore[no-any-return]
            except ValueError:
                if not self._fits(logits, batch):
                    raise
                # The processes stop together, so this one goes on until all know.
                self.has_diverged = True
        return nn.functional.cross_entropy(logits.float(), batch.labels, reduction=reduction)

    def _step_data_parameters(self, dp: DataParameters, logits: Tensor, batch: Batch) -> None:
        capacity = -(-batch.global_size // self.processes.count)
        try:
            dp.step(self.accelerator.scaler, capacity=capacity)
        except ValueError:
            if not self._fits(logits, batch):
                raise
            self.has_diverged = True
            # What was complained of is forgotten; the other processes wait for this one's share.
            dp.step(self.accelerator.scaler, capacity=capacity)

    def _fits(self, logits: Tensor, batch: Batch) -> bool:
        """Whether data parameters, which are given a batch, can complain of its values alone."""
        count, classes = len(batch.index), len(self.data.dataset.class_names)
        is_class = (batch.labels >= 0) & (batch.labels < classes)
        is_instance = (batch.index >= 0) & (batch.index < self.data.train.num_instances)
        return logits.shape == (count, classes) and bool((is_class & is_instance).all())

    def _require_convergence(self) -> None:
        """Stop all processes where a number of any of them is not finite; waits for the device."""
        learned = () if self.dp is None else (self.dp.inst_log, self.dp.class_log)
        is_finite = all(bool((values.abs() < _LARGEST_LOG).all()) for values in learned)
        is_fine = is_finite and self.recorder.is_finite() and not self.has_diverged
        if not all(self.processes.gathered(is_fine)):
            raise self._diverged()

    def _diverged(self) -> RunError:
        return RunError(divergence_text(self.config, self.run, self.epoch + 1))

    def _set_learning_rate(self, progress: float) -> None:
        config = self.config
        factor = learning_rate_factor(
            progress,
            epochs=config.epochs,
            schedule=config.schedule,
            milestones=config.milestones,
            lr_drop_epoch_step=config.lr_drop_epoch_step,
        )
        set_learning_rate(self.optimizer.param_groups, config.lr * factor)

    @torch.no_grad()
    def _evaluate(self) -> _Evaluation:
        self.model.eval()
        self.held_out.clear()
        loss_sum = torch.zeros(1, device=self.device)
        correct, count = torch.zeros(2, len(self.data.dataset.class_names), device=self.device)
        for batch in self.val_batches.epoch(0):
            self._checkpoint_where_due()
            if not len(batch.index):
                continue
            logits = self.model(batch.images).float()
            self.held_out.record(logits, batch.labels, batch.positions)
            loss_sum += nn.functional.cross_entropy(logits, batch.labels, reduction="sum")
            is_correct = (logits.argmax(dim=1) == batch.labels).float()
            correct.index_add_(0, batch.labels, is_correct)
            count.index_add_(0, batch.labels, torch.ones_like(is_correct))
        self.held_out.gather()
        sums = self.accelerator.reduce(torch.stack((correct, count)), "sum").long().tolist()
        loss = float(self.accelerator.reduce(loss_sum, "sum")) / max(sum(sums[1]), 1)
        return _Evaluation(loss, *sums)

    def _checkpoint_where_due(self) -> None:
        """In the middle of an epoch, write when it is time, and stop where a signal asks for it."""
        wish = self.processes.decide(self._wish)
        if wish == _GO_ON:
            return
        if wish == _STOP_DIVERGED:
            raise self._diverged()
        # A checkpoint that nothing can be learned from would take the place of one that is whole.
        self._require_convergence()
        if self.dp is not None:
            self.dp.synchronize()
        self.unreadable = self._unreadable_everywhere()
        here = {
            "records": self.recorder.partial(),
            "random_states": self.processes.gathered(random_state(self.device)),
        }
        self.processes.on_main(lambda: self._write_within_epoch(here))
        self.written_at = time.monotonic()
        if wish != _CHECKPOINT:
            raise Stopped(
                f"{self.run.path} stopped after step {self.position.steps} of "
                f"{len(self.batches)} in epoch {self.epoch + 1}. The same command with --resume "
                "goes on from there.",
                wish,
            )

    def _wish(self) -> int:
        """What this process wishes; the time is the main process's alone."""
        if self.has_diverged:
            return _STOP_DIVERGED
        if self.signals.received:
            return self.signals.received
        seconds = 60 * self.config.checkpoint_minutes
        is_due = self.processes.is_main and time.monotonic() - self.written_at >= seconds
        return _CHECKPOINT if seconds and is_due else _GO_ON

    def _write_within_epoch(self, here: dict[str, Any]) -> None:
        self._write_unreadable()
        if self.last_is_whole:
            self.run.keep_last_epoch()
            self.last_is_whole = False
        self.run.write_checkpoint("last", self._state() | asdict(self.position) | here)

    def _write(self, metrics: Metrics, record: EpochRecord, board: TensorBoard | None) -> None:
        """Write an epoch's files; the checkpoint last, since --resume goes on from it."""
        self._write_unreadable()
        self.run.write_epoch_record(record)
        self.rows.append(metrics)
        self.run.write_metrics(self.rows)
        self.run.write_validation(pl.concat(self.validation))
        val = self.data.dataset.val
        self.run.write_held_out(
            self.held_out.table(val.index.tolist(), list(val.ids), val.labels, epoch=self.epoch)
        )
        if board is not None:
            self._report(metrics, record, board)
        state = self._state()
        accuracy = float(metrics["val_accuracy"] or 0.0)
        if accuracy > self.best:
            self.best = state["best"] = accuracy
            self.run.write_checkpoint("best", state)
        if self.config.save_every and self.epoch % self.config.save_every == 0:
            self.run.write_checkpoint(f"epoch_{self.epoch}", state)
        self.run.write_checkpoint("last", state)
        self.run.forget_last_epoch()
        self.last_is_whole, self.written_at = True, time.monotonic()
        self.run.update_description(epoch=self.epoch)
        self.display.line(_epoch_line(metrics, self.config.epochs))
        # Temperatures that begin beyond the clamp sit at its bound whatever the rate.
        if not CLAMP[0] < self.config.init_inst_param < CLAMP[1]:
            return
        warning = clamp_warning(metrics, self.dp.lr_inst if self.dp is not None else None)
        if warning and not any(clamp_warning(row, 0.0) for row in self.rows[:-1]):
            self.display.line(warning)

    def _write_unreadable(self) -> None:
        """List the images that a stream could not read, with those of earlier epochs."""
        known = {sample.index: sample for sample in self.run.unreadable()}
        new = [sample for sample in self.unreadable if sample.index not in known]
        if not new:
            return
        known |= {sample.index: sample for sample in new}
        self.run.write_unreadable(tuple(known[index] for index in sorted(known)))
        counts = {**self.run.description()["counts"], "unreadable": len(known)}
        self.run.update_description(counts=counts)
        verb, them = ("is", "it") if len(known) == 1 else ("are", "them")
        self.display.line(
            f"{counted(len(known), 'image')} could not be read so far and {verb} left out; "
            f"{self.run.path / 'unreadable.csv'} lists {them}."
        )

    def _report(self, metrics: Metrics, record: EpochRecord, board: TensorBoard) -> None:
        board.scalars(metrics)
        if record.instance_log_temperature.numel():
            values = record.instance_log_temperature[self.data.train.index]
            board.temperatures(self.epoch, values, self._is_corrupted())
        if record.class_log_temperature.numel():
            board.class_temperatures(self.epoch, record.class_log_temperature)
        if _trackers(self.config):
            known = {name: value for name, value in metrics.items() if value is not None}
            self.accelerator.log(known, step=self.epoch)

    def _is_corrupted(self) -> Tensor | None:
        """The truth of the samples trained on."""
        if self.data.truth is None:
            return None
        everywhere = torch.zeros(self.data.train.num_instances, dtype=torch.bool)
        everywhere[self.data.dataset.train.index] = self.data.truth.is_corrupted
        return everywhere[self.data.train.index]

    def _state(self) -> dict[str, Any]:
        scaler = self.accelerator.scaler
        return {
            "epoch": self.epoch,
            "best": self.best,
            "model": self._bare_model().state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "data_parameters": self.dp.state_dict() if self.dp is not None else {},
            "scaler": scaler.state_dict() if scaler is not None else {},
            "metrics": self.rows,
        }

    def _bare_model(self) -> nn.Module:
        bare: nn.Module = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        return bare

    def _restore(self) -> None:
        """Go back to the last checkpoint; where there is none yet, there is nothing to restore.

        The main process reads it for all: no other machine needs to see the run folder.
        """
        state = self.processes.on_main(lambda: self.run.checkpoint("last"))
        if state is None:
            return
        try:
            self._bare_model().load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.dp is not None:
                self.dp.load_state_dict(state["data_parameters"])
            if self.accelerator.scaler is not None:
                self.accelerator.scaler.load_state_dict(state["scaler"])
            self.epoch, self.best, self.rows = state["epoch"], state["best"], list(state["metrics"])
            self._restore_validation()
            if state.get("steps"):
                self._restore_position(state)
        except (KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
            raise RunError(
                f"{self.run.path / 'checkpoint' / 'last.pt'} does not fit this run ({error}). "
                "Give --restart to start anew; the records of its epochs are as they were."
            ) from error

    def _restore_position(self, state: dict[str, Any]) -> None:
        """Go to the middle of an epoch."""
        self.position = _Position(state["steps"], state["samples"], state["seconds"])
        self.last_is_whole = False
        if self.processes.is_main:
            self.recorder.restore(state["records"])
        states = state["random_states"]
        if len(states) == self.processes.count:
            set_random_state(states[self.processes.rank], self.device)
        else:
            self._seed(self.epoch, self.position.steps)

    def _restore_validation(self) -> None:
        table = self.run.validation()
        if table is not None:
            done = table.filter(pl.col("epoch") <= self.epoch).cast(pl.Int64)
            self.validation = [done]

    def _announce(self) -> None:
        counts = f"{len(self.data.train)} samples of {len(self.data.dataset.class_names)} classes"
        if len(self.data.train) < len(self.data.dataset.train):
            counts = f"{len(self.data.train)} of {len(self.data.dataset.train)} samples"
        unreadable = self.data.unreadable
        if unreadable:
            of_val = len(self.data.dataset.val.unreadable)
            those = f" ({of_val} of them of the validation samples)" if of_val else ""
            verb, them = ("is", "it") if len(unreadable) == 1 else ("are", "them")
            self.display.line(
                f"{counted(len(unreadable), 'image')} could not be read and {verb} left out"
                f"{those}; {self.run.path / 'unreadable.csv'} lists {them}."
            )
        if self.data.notice is not None:
            self.display.line(self.data.notice)
        if self.config.is_pretrained:
            for text in (small_images_text(self.data.dataset), self._training_time_text()):
                if text is not None:
                    self.display.line(text)
        rate = f", lr_inst {self.dp.lr_inst:.3g}" if self.dp and self.dp.lr_inst else ""
        self.display.line(
            f"{self.run.path}: {counts}, {self.config.arch} on {self.device}, "
            f"epochs {self.epoch + 1} to {self.config.epochs}{rate}"
        )
        if self.position.steps:
            steps = f"{self.position.steps} of {len(self.batches)}"
            self.display.line(f"Going on after step {steps} in epoch {self.epoch + 1}.")

    def _training_time_text(self) -> str | None:
        if self.device.type != "cpu" or self.processes.count > 1:
            return None
        left = (self.config.epochs - self.epoch) * len(self.data.train)
        return training_time_text(self.model, self.data.train.image_shape, left)

    def _show(self) -> None:
        """Show the figures of the moment, over all processes."""
        loss, correct = self.recorder.running_sums()
        if not self.processes.is_main:
            return
        position, per_epoch = self.position, len(self.batches)
        figures = (
            f"epoch {self.epoch + 1}  loss {loss / position.samples:.3f}  "
            f"accuracy {correct / position.samples:.1%}  "
            f"{position.samples / position.seconds:,.0f} samples/s"
        )
        done = self.epoch * per_epoch + position.steps
        self.display.step(done, self.config.epochs * per_epoch, figures)


def _data_parameters(config: TrainConfig, data: TrainingData) -> DataParameters | None:
    if not (config.learn_inst_parameters or config.learn_class_parameters):
        return None
    rate = config.lr_inst_param
    if rate == "auto":
        size = min(config.batch_size, len(data.train))
        rate = instance_learning_rate(config.epochs, size, config.momentum)
    return DataParameters(
        data.train.num_instances,
        len(data.dataset.class_names),
        lr_inst=rate if config.learn_inst_parameters else None,
        lr_class=config.lr_class_param if config.learn_class_parameters else None,
        init_inst=config.init_inst_param,
        init_class=config.init_class_param,
        wd_inst=config.wd_inst_param,
        wd_class=config.wd_class_param,
        momentum=config.momentum,
        clamp=None if config.skip_clamp_data_param else CLAMP,
    )


def _epoch_line(metrics: Metrics, epochs: int) -> str:
    width = len(str(epochs))
    line = (
        f"epoch {metrics['epoch']:>{width}}/{epochs}  "
        f"train loss {metrics['train_loss']:.3f} accuracy {metrics['train_accuracy']:.1%}  "
        f"val loss {metrics['val_loss']:.3f} accuracy {metrics['val_accuracy']:.1%}  "
        f"{metrics['samples_per_second']:,.0f} samples/s"
    )
    if metrics.get("auroc") is not None:
        line += f"  AUROC {metrics['auroc']:.3f}"
    return line
