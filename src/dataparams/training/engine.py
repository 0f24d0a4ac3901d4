"""``train``: from a configuration to a trained run folder.

The configuration ends here: the parts are given what they need. The loop itself is in
:mod:`dataparams.training.loop`, a step of it in :mod:`dataparams.training.learner`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from dataparams.encoders.architectures import create_model
from dataparams.errors import ArgumentError, DataError, Stopped
from dataparams.method.data_parameters import CLAMP
from dataparams.method.learning_rate import instance_learning_rate
from dataparams.run.epoch_files import EpochFiles
from dataparams.run.folder import RunFolder
from dataparams.sources.hub.token import token_file
from dataparams.terminal.progress import ProgressDisplay, SilentProgress
from dataparams.training.accelerator import make_accelerator, trackers_beside_tensorboard
from dataparams.training.announcements import data_lines, pretrained_lines, start_lines
from dataparams.training.batch_normalization import require_enough_samples
from dataparams.training.batching import Placement, make_batches
from dataparams.training.config import TrainConfig, plain_settings, require_valid
from dataparams.training.divergence import divergence_text
from dataparams.training.learner import Learner
from dataparams.training.learning_rate import learning_rate_factor
from dataparams.training.loop import LoopSettings, TrainingLoop
from dataparams.training.opening import note_failure, open_run
from dataparams.training.optimizer import make_optimizer
from dataparams.training.parameter_settings import ParameterSettings
from dataparams.training.preparation import PreparationProgress, TrainingData, prepare_data
from dataparams.training.processes import Processes
from dataparams.training.run_description import run_description
from dataparams.training.signals import StopSignals
from dataparams.training.source_settings import SourceSettings
from dataparams.training.starting_weights import (
    StartingWeights,
    starting_weights,
    usual_image_size,
)
from dataparams.training.tracking import Reports

if TYPE_CHECKING:
    from accelerate import Accelerator

    from dataparams.batches import AnyDataset


@dataclass(frozen=True)
class _Surroundings:
    """What a training runs in: its device, the other processes, signals, and who is told."""

    accelerator: Accelerator
    processes: Processes
    signals: StopSignals
    display: ProgressDisplay

    @property
    def has_channels_last(self) -> bool:
        """Whether images are best in PyTorch's channels-last memory format."""
        return self.accelerator.device.type in ("cpu", "cuda")


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
        UserError: If something in the configuration, the data or the run folder is not as needed;
            an ``ArgumentError``, which is a ``ValueError`` too, for the configuration.
        RunError: If the training diverges: something is no longer a finite number. The epochs that
            were whole before can be used.
        Stopped: On SIGINT or SIGTERM, after the step in progress was finished and written.
    """
    if dataset is not None:
        # Where the setting's default points, these images are not.
        config = replace(config, dataset=f"(in memory) {dataset.name}", data=None)
    config = _completed(config, has_model=model is not None)
    around = _surroundings(config, display or SilentProgress())
    processes = around.processes
    start, data = _prepared(config, dataset, around)
    run = RunFolder(Path(config.output_dir) / data.dataset.name / config.exp_prefix)
    parameters = _parameter_settings(config, len(data.train))
    with around.signals:
        learner = _learner(config, data, start, model, parameters, around)
        loop = _loop(config, data, start, learner, parameters, run, around)
        processes.on_main(
            lambda: open_run(
                run,
                run_description(plain_settings(config), data, start),
                data.samples,
                data.unreadable,
                restart=config.restart,
                resume=config.resume,
            )
        )
        try:
            _train_epochs(config, data, learner, loop, run, around)
        except BaseException as error:
            if processes.is_main:
                note_failure(run, error)
            if isinstance(error, Stopped):
                processes.close()
            raise
        finally:
            loop.close()
    processes.close()
    if trackers_beside_tensorboard(config.log_with):
        # Accelerate leaves the process group here, so it comes last.
        around.accelerator.end_training()
    return run


def _completed(config: TrainConfig, *, has_model: bool) -> TrainConfig:
    """The same configuration, valid, with what a pretrained network decides.

    A file of weights is named so that it is found from any folder.
    """
    require_valid(config)
    if not config.is_pretrained:
        return config
    if has_model:
        raise ArgumentError(
            "`pretrained` is given with a network of one's own; expected one of them."
        )
    weights = config.weights
    if weights is not None:
        weights = str(Path(weights).expanduser().resolve())
    size = usual_image_size(config.arch, weights)
    return replace(
        config, weights=weights, image_size=size if config.image_size is None else config.image_size
    )


def _surroundings(config: TrainConfig, display: ProgressDisplay) -> _Surroundings:
    if config.workers is not None:
        torch.set_num_threads(min(config.workers, os.cpu_count() or 1))
    accelerator = make_accelerator(
        amp=config.amp, gpu=config.gpu, log_with=config.log_with, output_dir=config.output_dir
    )
    return _Surroundings(accelerator, Processes(accelerator), StopSignals(), display)


def _prepared(
    config: TrainConfig, dataset: AnyDataset | None, around: _Surroundings
) -> tuple[StartingWeights | None, TrainingData]:
    """What training starts from, and what is trained on."""
    processes, display = around.processes, around.display
    # One process tells it; the others read the same.
    on_line = display.line if processes.is_main else None
    source = SourceSettings(
        location=config.location,
        data_dir=config.data_dir,
        image_column=config.image_column,
        label_column=config.label_column,
        loader=config.loader,
        cache=config.cache,
        image_size=config.image_size,
        val_frac=config.val_frac,
        seed=config.seed,
    )
    start = None
    with token_file(config.hf_token_file):
        # Before the data: weights that do not fit are told at once.
        if config.is_pretrained:
            start = processes.first_on_each_machine(
                lambda: starting_weights(
                    config.arch,
                    config.weights,
                    is_streamed=config.loader != "memory",
                    on_notice=on_line,
                )
            )
        data = processes.first_on_each_machine(
            lambda: prepare_data(
                source,
                dataset,
                noise=config.noise,
                rand_fraction=config.rand_fraction,
                dataset_subset_ckpt=config.dataset_subset_ckpt,
                subset_frac=config.subset_frac,
                from_clean=config.from_clean,
                in_color=config.is_pretrained,
                progress=PreparationProgress(display.decoded, display.fetched, on_line),
            )
        )
    _require_same_data(processes, data)
    return start, data


def _require_same_data(processes: Processes, data: TrainingData) -> None:
    """Each machine may have a copy of its own."""
    for rank, fingerprint in enumerate(processes.gathered(data.dataset.fingerprint)):
        if fingerprint != data.dataset.fingerprint:
            raise DataError(
                f"Processes {processes.rank} and {rank} read different data sets under the name "
                f"{data.dataset.name}; expected the same contents on every machine."
            )


def _learner(
    config: TrainConfig,
    data: TrainingData,
    start: StartingWeights | None,
    model: nn.Module | None,
    parameters: ParameterSettings,
    around: _Surroundings,
) -> Learner:
    """The network with its optimizer and its data parameters."""
    accelerator, processes = around.accelerator, around.processes
    torch.manual_seed(config.seed)
    num_classes = len(data.dataset.class_names)
    if model is None:
        channels, side, _ = data.train.image_shape
        backbone = None if start is None else start.backbone
        model = create_model(config.arch, num_classes, channels, side, backbone=backbone)
    if around.has_channels_last:
        model = model.to(memory_format=torch.channels_last)
    if accelerator.device.type == "cuda" and processes.count > 1:
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
    require_enough_samples(model, config.batch_size, len(data.train), processes.count)
    # Compiled, a network has other names for its layers.
    optimizer = make_optimizer(
        model,
        config.optimizer,
        lr=config.lr,
        momentum=config.momentum,
        weight_decay=config.wd,
        layer_decay=config.layer_decay,
    )
    if config.compile:
        model = torch.compile(model)  # type: ignore[assignment]
    return Learner(
        model,
        optimizer,
        parameters.data_parameters(data.train.num_instances, num_classes),
        num_instances=data.train.num_instances,
        num_classes=num_classes,
        weights=data.weights,
        accelerator=accelerator,
        processes=processes,
    )


def _parameter_settings(config: TrainConfig, samples: int) -> ParameterSettings:
    rate = config.lr_inst_param
    if rate == "auto":
        size = min(config.batch_size, samples)
        rate = instance_learning_rate(config.epochs, size, config.momentum)
    return ParameterSettings(
        lr_inst=rate if config.learn_inst_parameters else None,
        lr_class=config.lr_class_param if config.learn_class_parameters else None,
        init_inst=config.init_inst_param,
        init_class=config.init_class_param,
        wd_inst=config.wd_inst_param,
        wd_class=config.wd_class_param,
        momentum=config.momentum,
        clamp=None if config.skip_clamp_data_param else CLAMP,
    )


def _loop(
    config: TrainConfig,
    data: TrainingData,
    start: StartingWeights | None,
    learner: Learner,
    parameters: ParameterSettings,
    run: RunFolder,
    around: _Surroundings,
) -> TrainingLoop:
    """The loop, at its beginning."""
    accelerator, processes = around.accelerator, around.processes
    batches, val_batches = make_batches(
        data.train,
        data.dataset.val,
        data.dataset.train,
        batch_size=config.batch_size,
        augment=config.augment,
        seed=config.seed,
        placed=Placement(
            accelerator.device,
            rank=processes.rank,
            world_size=processes.count,
            channels_last=around.has_channels_last,
        ),
        workers=config.workers,
        network_input=None if start is None else start.network_input,
        with_dali=config.loader == "dali",
    )
    return TrainingLoop(
        learner,
        batches,
        val_batches,
        data,
        EpochFiles(run, config.save_every),
        accelerator=accelerator,
        processes=processes,
        signals=around.signals,
        display=around.display,
        settings=_loop_settings(config, parameters, run),
        start_epoch=config.start_epoch,
    )


def _loop_settings(
    config: TrainConfig, parameters: ParameterSettings, run: RunFolder
) -> LoopSettings:
    factor = partial(
        learning_rate_factor,
        epochs=config.epochs,
        schedule=config.schedule,
        milestones=config.milestones,
        lr_drop_epoch_step=config.lr_drop_epoch_step,
    )
    return LoopSettings(
        epochs=config.epochs,
        learning_rate=lambda progress: config.lr * factor(progress),
        seed=config.seed,
        print_freq=config.print_freq,
        checkpoint_minutes=config.checkpoint_minutes,
        divergence_text=partial(
            divergence_text, run, lr=config.lr, amp=config.amp, parameters=parameters
        ),
        # Temperatures that begin beyond the clamp sit at its bound whatever the rate.
        warns_of_clamp=CLAMP[0] < parameters.init_inst < CLAMP[1],
    )


def _train_epochs(
    config: TrainConfig,
    data: TrainingData,
    learner: Learner,
    loop: TrainingLoop,
    run: RunFolder,
    around: _Surroundings,
) -> None:
    """Train all epochs that are left, from the last checkpoint where there is one."""
    processes = around.processes
    state = processes.on_main(lambda: run.checkpoint("last")) if config.resume else None
    if state is not None:
        loop.restore(state)
    if processes.is_main:
        for line in _opening_lines(config, data, learner, loop, run):
            around.display.line(line)
    reports = Reports(
        run,
        loop.epoch,
        data,
        accelerator=around.accelerator,
        trackers=trackers_beside_tensorboard(config.log_with),
        settings=plain_settings(config),
    )
    loop.go(reports.epoch)
    reports.close()
    if processes.is_main:
        run.update_description(status="finished", epoch=loop.epoch)


def _opening_lines(
    config: TrainConfig, data: TrainingData, learner: Learner, loop: TrainingLoop, run: RunFolder
) -> list[str]:
    lines = data_lines(data, run.path / "unreadable.csv")
    if config.is_pretrained:
        lines += pretrained_lines(
            data, learner.model if learner.is_alone_on_cpu else None, config.epochs - loop.epoch
        )
    dp = learner.data_parameters
    return lines + start_lines(
        run,
        data,
        arch=config.arch,
        device=learner.device,
        first_epoch=loop.epoch + 1,
        epochs=config.epochs,
        lr_inst=None if dp is None else dp.lr_inst,
        steps_done=(loop.position.steps, loop.steps_per_epoch),
    )
