"""Training: one loop, in one process or several, that can stop and go on at any moment."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.tracking import get_available_trackers
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn

from dataparams.data import Augmentation, DeviceBatches, channel_statistics
from dataparams.errors import RunError, UserError
from dataparams.models import create_model
from dataparams.parameters import CLAMP, DataParameters, Reduction
from dataparams.progress import ProgressDisplay, SilentProgress
from dataparams.runs import EpochRecord, RunFolder
from dataparams.training.config import TrainConfig, require_valid
from dataparams.training.learning_rate import instance_learning_rate, learning_rate_factor
from dataparams.training.opening import note_failure, open_run
from dataparams.training.preparation import TrainingData, prepare_data, stays_on_cpu
from dataparams.training.recorder import SampleRecorder
from dataparams.training.tracking import Metrics, TensorBoard, clamp_warning, parameter_metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataparams.data import Batch, ImageDataset

_VALIDATION_BATCH = 1000


def train(
    config: TrainConfig,
    *,
    dataset: ImageDataset | None = None,
    model: nn.Module | None = None,
    display: ProgressDisplay | None = None,
) -> RunFolder:
    """Train once, recording everything in the run folder.

    Args:
        config: What to do.
        dataset: A data set in memory, in place of the one that ``config.dataset`` names.
        model: A network of one's own, in place of the one that ``config.arch`` names.
        display: Where progress is shown; nowhere by default.

    Returns:
        The run folder.

    Raises:
        UserError: If something in the configuration, the data or the run folder is not as needed.
    """
    if dataset is not None:
        # Nobody must look for these images where the flag's default points.
        config = replace(config, dataset=f"(in memory) {dataset.name}")
    require_valid(config)
    display = display or SilentProgress()
    if config.workers is not None:
        torch.set_num_threads(config.workers)
    accelerator = _accelerator(config)
    with accelerator.main_process_first():
        data = prepare_data(config, dataset, display.decoded)
    run = RunFolder(Path(config.output_dir) / data.dataset.name / config.exp_prefix)
    training = _Training(config, data, accelerator, run, display, model)
    _on_main(accelerator, lambda: open_run(run, config, data))
    try:
        training.go()
    except BaseException as error:
        if accelerator.is_main_process:
            note_failure(run, error)
        raise
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
    _forget_other_precision(config.amp)
    return Accelerator(
        cpu=on_cpu,
        mixed_precision=config.amp,
        log_with=_trackers(config) or None,
        project_dir=config.output_dir,
    )


def _forget_other_precision(amp: str) -> None:
    """Let a second training in one Python process, as in a notebook, choose its own precision."""
    if AcceleratorState._shared_state and AcceleratorState().mixed_precision != amp:
        AcceleratorState._reset_state()


def _trackers(config: TrainConfig) -> list[str]:
    """The trackers beside TensorBoard, which is always on."""
    return [tracker for tracker in config.log_with if tracker != "tensorboard"]


def _on_main(accelerator: Accelerator, action: Callable[[], None]) -> None:
    """Let the main process act; a user's error there is raised in every process."""
    outcome: list[UserError | None] = [None]
    if accelerator.is_main_process:
        try:
            action()
        except UserError as error:
            outcome[0] = error
    if accelerator.num_processes > 1:
        broadcast_object_list(outcome)
    if outcome[0] is not None:
        raise outcome[0]


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


class _Training:
    """A run in progress: what changes from step to step, and how."""

    def __init__(
        self,
        config: TrainConfig,
        data: TrainingData,
        accelerator: Accelerator,
        run: RunFolder,
        display: ProgressDisplay,
        model: nn.Module | None,
    ) -> None:
        self.config, self.data, self.run = config, data, run
        self.accelerator, self.display = accelerator, display
        self.device: torch.device = accelerator.device
        torch.manual_seed(config.seed)
        _, channels, side, _ = data.train.images.shape
        if model is None:
            model = create_model(config.arch, len(data.dataset.class_names), channels, side)
        self.channels_last = self.device.type in ("cpu", "cuda")
        if self.channels_last:
            model = model.to(memory_format=torch.channels_last)
        if self.device.type == "cuda" and accelerator.num_processes > 1:
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        if config.compile:
            model = torch.compile(model)  # type: ignore[assignment]
        optimizer = torch.optim.SGD(
            model.parameters(), config.lr, config.momentum, weight_decay=config.wd
        )
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        self.dp = _data_parameters(config, data)
        if self.dp is not None:
            self.dp.to(self.device)
        self.batches, self.val_batches = self._make_batches(channels, side)
        self.weights = None if data.weights is None else data.weights.to(self.device)
        self.recorder = SampleRecorder(data.train.num_instances, self.device)
        self.rows: list[Metrics] = []
        self.validation: list[pl.DataFrame] = []
        self.epoch = config.start_epoch
        self.best = -1.0

    def go(self) -> None:
        """Train all epochs that are left."""
        if self.config.resume:
            self._restore()
        board = None
        if self.accelerator.is_main_process:
            self._announce()
            board = TensorBoard(self.run.tensorboard, self.epoch)
        if _trackers(self.config):
            self.accelerator.project_configuration.set_directories(str(self.run.path))
            plain = {
                name: value if isinstance(value, int | float | str | bool) else str(value)
                for name, value in asdict(self.config).items()
            }
            self.accelerator.init_trackers("dataparams", config=plain)
        while self.epoch < self.config.epochs:
            metrics, record = self._epoch()
            _on_main(self.accelerator, lambda m=metrics, r=record: self._write(m, r, board))  # type: ignore[misc]
        if _trackers(self.config):
            self.accelerator.end_training()
        if board is not None:
            board.close()
            self.run.update_description(status="finished", epoch=self.epoch)

    def _make_batches(self, channels: int, side: int) -> tuple[DeviceBatches, DeviceBatches]:
        mean, std = channel_statistics(self.data.dataset.train.images)
        shared: dict[str, Any] = {
            "device": self.device,
            "mean": mean,
            "std": std,
            "rank": self.accelerator.process_index,
            "world_size": self.accelerator.num_processes,
            "channels_last": self.channels_last,
        }
        augmentation = (
            Augmentation(crop_padding=side // 8, mirror=channels == 3)
            if self.config.augment
            else Augmentation()
        )
        size = min(self.config.batch_size, len(self.data.train))
        batches = DeviceBatches(
            self.data.train, size, augmentation=augmentation, seed=self.config.seed, **shared
        )
        val = DeviceBatches(self.data.dataset.val, _VALIDATION_BATCH, shuffle=False, **shared)
        return batches, val

    def _epoch(self) -> tuple[Metrics, EpochRecord]:
        started = time.perf_counter()
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        # Each epoch begins from its own seed, so that a resumed run draws what an unbroken one did.
        torch.manual_seed((self.config.seed * 1_000_003 + self.epoch) * world + rank)
        self.model.train()
        done = 0
        for number, batch in enumerate(self.batches.epoch(self.epoch)):
            self._set_learning_rate(self.epoch + number / len(self.batches))
            self._step(batch)
            done += len(batch.index)
            if (number + 1) % self.config.print_freq == 0:
                self._show(number + 1, done, time.perf_counter() - started)
        seconds = time.perf_counter() - started
        learning_rate = self.optimizer.param_groups[0]["lr"]
        records = self.recorder.finish()
        self.epoch += 1
        if self.dp is not None:
            self.dp.synchronize()
        empty = torch.empty(0)
        record = EpochRecord(
            epoch=self.epoch,
            class_parameters=self.dp.class_log.cpu().clone() if self.dp is not None else empty,
            inst_parameters=self.dp.inst_log.cpu().clone() if self.dp is not None else empty,
            **vars(records),
        )
        evaluation = self._evaluate()
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
            "seconds": seconds,
            "samples_per_second": len(self.data.train) / seconds,
        }
        if record.inst_parameters.numel():
            metrics |= parameter_metrics(
                record.inst_parameters[self.data.train.index],
                self._is_corrupted(),
                None if self.config.skip_clamp_data_param else CLAMP,
            )
        return metrics, record

    def _step(self, batch: Batch) -> None:
        logits = self.model(batch.images)
        # A sum over this process's share, scaled so that the average over the processes, which
        # DDP and the data parameters take, is the mean over the global batch.
        share = self.accelerator.num_processes / batch.global_size
        reduction: Reduction = "sum" if self.weights is None else "none"
        if self.dp is None:
            loss = nn.functional.cross_entropy(logits.float(), batch.labels, reduction=reduction)
        else:
            loss = self.dp(logits, batch.labels, batch.index, reduction=reduction)
        if self.weights is not None:
            loss = (loss * self.weights[batch.index]).sum()
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss * share)
        if self.dp is not None:
            capacity = -(-batch.global_size // self.accelerator.num_processes)
            self.dp.step(self.accelerator.scaler, capacity=capacity)
        self.optimizer.step()
        self.recorder.record(logits, batch.labels, batch.index)

    def _set_learning_rate(self, progress: float) -> None:
        rate = self.config.lr * learning_rate_factor(self.config, progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    @torch.no_grad()
    def _evaluate(self) -> _Evaluation:
        self.model.eval()
        loss_sum = torch.zeros(1, device=self.device)
        correct, count = torch.zeros(2, len(self.data.dataset.class_names), device=self.device)
        for batch in self.val_batches.epoch(0):
            if not len(batch.index):
                continue
            logits = self.model(batch.images).float()
            loss_sum += nn.functional.cross_entropy(logits, batch.labels, reduction="sum")
            is_correct = (logits.argmax(dim=1) == batch.labels).float()
            correct.index_add_(0, batch.labels, is_correct)
            count.index_add_(0, batch.labels, torch.ones_like(is_correct))
        sums = self.accelerator.reduce(torch.stack((correct, count)), "sum").long().tolist()
        loss = float(self.accelerator.reduce(loss_sum, "sum")) / max(sum(sums[1]), 1)
        return _Evaluation(loss, *sums)

    def _write(self, metrics: Metrics, record: EpochRecord, board: TensorBoard | None) -> None:
        """Write an epoch's files; the checkpoint last, since --resume goes on from it."""
        self.run.write_epoch_record(record)
        self.rows.append(metrics)
        self.run.write_metrics(self.rows)
        self.run.write_validation(pl.concat(self.validation))
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
        self.run.update_description(epoch=self.epoch)
        self.display.line(_epoch_line(metrics, self.config.epochs))
        warning = clamp_warning(metrics, self.dp.lr_inst if self.dp is not None else None)
        if warning and not any(clamp_warning(row, 0.0) for row in self.rows[:-1]):
            self.display.line(warning)

    def _report(self, metrics: Metrics, record: EpochRecord, board: TensorBoard) -> None:
        board.scalars(metrics)
        if record.inst_parameters.numel():
            values = record.inst_parameters[self.data.train.index]
            board.temperatures(self.epoch, values, self._is_corrupted())
        if record.class_parameters.numel():
            board.class_temperatures(self.epoch, record.class_parameters)
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
        """Go back to the last whole epoch; where none was finished, there is nothing to restore."""
        state = self.run.checkpoint("last")
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
        except (KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
            raise RunError(
                f"{self.run.path / 'checkpoint' / 'last.pt'} does not fit this run ({error}). "
                "Give --restart to start anew; the records of its epochs are as they were."
            ) from error

    def _restore_validation(self) -> None:
        table = self.run.validation()
        if table is not None:
            done = table.filter(pl.col("epoch") <= self.epoch).cast(pl.Int64)
            self.validation = [done]

    def _announce(self) -> None:
        counts = f"{len(self.data.train)} samples of {len(self.data.dataset.class_names)} classes"
        if len(self.data.train) < len(self.data.dataset.train):
            counts = f"{len(self.data.train)} of {len(self.data.dataset.train)} samples"
        unreadable = self.data.dataset.train.unreadable
        if unreadable:
            self.display.line(
                f"{len(unreadable)} images could not be read and are left out; "
                f"{self.run.path / 'unreadable.csv'} lists them."
            )
        rate = f", lr_inst {self.dp.lr_inst:.3g}" if self.dp and self.dp.lr_inst else ""
        self.display.line(
            f"{self.run.path}: {counts}, {self.config.arch} on {self.device}, "
            f"epochs {self.epoch + 1} to {self.config.epochs}{rate}"
        )

    def _show(self, steps: int, done: int, seconds: float) -> None:
        if not self.accelerator.is_main_process:
            return
        loss, correct = self.recorder.running_sums()
        figures = (
            f"epoch {self.epoch + 1}  loss {loss / max(done, 1):.3f}  "
            f"accuracy {correct / max(done, 1):.1%}  "
            f"{done * self.accelerator.num_processes / seconds:,.0f} samples/s"
        )
        per_epoch = len(self.batches)
        self.display.step(self.epoch * per_epoch + steps, self.config.epochs * per_epoch, figures)


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
