"""``Recording``: a training loop of somebody's own, recorded in a run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch

from dataparams.errors import ArgumentError, RunError
from dataparams.method.data_parameters import CLAMP
from dataparams.recording.agreement import on_first, rank
from dataparams.recording.epoch_recorder import EpochRecorder
from dataparams.recording.epoch_writer import EpochWriter
from dataparams.recording.loop_states import LoopStates, device_of, first_of
from dataparams.recording.recorded_samples import recorded_samples
from dataparams.recording.run_files import begin_run, note_stop, settings_in
from dataparams.recording.settings import Learn, loop_settings
from dataparams.recording.step_counts import StepCounts, require_before_update, require_gradients
from dataparams.recording.validation import ValidationRecorder
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from dataparams.analysis.result import Analysis
    from dataparams.method.functional import Reduction


class Recording:
    """A training loop of one's own that leaves a run folder, as ``dataparams train`` does.

    The loss is taken from it, and :meth:`step` follows the optimizer's. What an analysis needs is
    recorded on the way, and written after each epoch together with the states of what the loop is
    made of: the same program again goes on after the last whole epoch.

    Args:
        run: The run folder. One that is there is gone on with where samples, labels and settings
            are the same, and is refused otherwise.
        labels: Class number or name of each training sample, (N,).
        epochs: Number of epochs.
        batch_size: Samples of one step of the optimizer, over all processes and accumulated
            micro-batches, at most.
        class_names: Name of class 0, 1, ...; by default the numbers, or the names in ``labels`` in
            alphabetical order.
        samples: What is to be shown of the samples later, in the order of ``labels``: texts; a
            table of Polars, pandas or Arrow; paths of images; a Hugging Face ``Dataset``; a data
            set that gives images; or None. Texts, rows and paths are kept in the run folder.
        ids: A name for each sample; by default the path of an image, or its number.
        validation: Class number or name of each validation sample, (M,), for :meth:`validate`.
        learn: Which temperatures are learned: ``"instance"``, ``"class"``, ``"both"``, or
            ``"nothing"``, which records a training with the plain cross-entropy.
        lr_inst: Learning rate of the instance parameters; ``"auto"`` chooses it as
            :func:`dataparams.instance_learning_rate` does.
        lr_class: Learning rate of the class parameters.
        init_inst: Initial temperature of the samples.
        init_class: Initial temperature of the classes.
        wd_inst: Weight decay of the instance parameters.
        wd_class: Weight decay of the class parameters.
        momentum: Momentum of both.
        clamp: Lowest and highest temperature; None for no limit.
        restart: Start anew: what an earlier recording left in the folder is removed, but nothing
            that people decided.

    Attributes:
        run: The run folder.
        labels: Class number of each training sample, (N,), int64.
        class_names: Name of class 0, 1, ...
        criterion: The loss; a :class:`dataparams.DataParameters` where something is learned.

    Raises:
        ArgumentError: If an argument is out of its range, or does not go with another.
        RunError: If the folder is of something else.

    Example:
        >>> from tempfile import mkdtemp
        >>> x, y = torch.randn(64, 5), torch.arange(64) % 2
        >>> model = torch.nn.Linear(5, 2)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> run = Recording(f"{mkdtemp()}/loop", labels=y, epochs=2, batch_size=16)
        >>> for epoch in run.epochs(model, optimizer):
        ...     for index in torch.randperm(64).split(16):
        ...         loss = run.loss(model(x[index]), y[index], index)
        ...         optimizer.zero_grad(); loss.backward(); optimizer.step(); run.step()
        >>> run
        Recording(... 64 samples of 2 classes, 2 of 2 epochs)
        >>> run.run.epochs(), run.run.metrics().columns[:3]
        ([1, 2], ['epoch', 'train_loss', 'train_accuracy'])
    """

    def __init__(
        self,
        run: str | Path | RunFolder,
        *,
        labels: Any,
        epochs: int,
        batch_size: int,
        class_names: Sequence[str] | None = None,
        samples: Any = None,
        ids: Sequence[str] | None = None,
        validation: Any = None,
        learn: Learn = "instance",
        lr_inst: float | Literal["auto"] = "auto",
        lr_class: float = 0.1,
        init_inst: float = 1.0,
        init_class: float = 1.0,
        wd_inst: float = 0.0,
        wd_class: float = 0.0,
        momentum: float = 0.9,
        clamp: tuple[float, float] | None = CLAMP,
        restart: bool = False,
    ) -> None:
        self.run = run if isinstance(run, RunFolder) else RunFolder(run)
        settings = loop_settings(
            epochs=epochs,
            batch_size=batch_size,
            learn=learn,
            lr_inst=lr_inst,
            lr_class=lr_class,
            init_inst=init_inst,
            init_class=init_class,
            wd_inst=wd_inst,
            wd_class=wd_class,
            momentum=momentum,
            clamp=None if clamp is None else (float(clamp[0]), float(clamp[1])),
        )
        given = (labels, class_names, samples, ids, validation)
        self._samples = recorded_samples(self.run, *given, is_anew=restart)
        self.labels = torch.from_numpy(self._samples.labels)
        self.class_names = self._samples.class_names
        self._restarts = restart
        self._settings = settings_in(self.run, self._samples, settings, restart=restart)
        self.criterion = self._settings.criterion(len(self.labels), len(self.class_names))
        self._writer = EpochWriter(self.run, self.criterion)
        self._states: LoopStates | None = None
        self._device = torch.device("cpu")
        self._recorder: EpochRecorder | None = None
        self._validation: ValidationRecorder | None = None
        self._restored: dict[str, Tensor] | None = None
        self._counts = StepCounts()
        self._is_epoch, self._must_load = False, False
        self._scaler: torch.amp.GradScaler | None = None
        self._optimizer: torch.optim.Optimizer | None = None
        self._rates: list[float | Tensor] = []

    @property
    def epoch(self) -> int:
        """Number of whole epochs so far."""
        return self._writer.epoch

    def __repr__(self) -> str:
        samples = f"{len(self.labels):,} samples of {len(self.class_names)} classes"
        epochs = f"{self.epoch} of {self._settings.epochs} epochs"
        return f"Recording({str(self.run.path)!r}, {samples}, {epochs})"

    def epochs(self, *objects: Any) -> Iterator[int]:
        """The numbers of the epochs that are left, from 0; each is written when its body is done.

        After a ``break`` the epoch in progress is not written, unless by :meth:`end_epoch` before.

        Args:
            objects: What the loop goes on from: the model, the optimizer, and where there are some
                the scheduler, gradient scaler, samplers and random number generators. The global
                generators of PyTorch, Python and NumPy are kept in any case.

        Raises:
            ArgumentError: If one of them has no state that can be kept.
            RunError: If its states are of other objects.
        """
        if not objects:
            raise ArgumentError(
                "`epochs()` is given nothing; expected the model and optimizer, to go on from."
            )
        self.begin(*objects)
        try:
            while self.epoch < self._settings.epochs:
                number = self.epoch
                yield number
                if self.epoch == number:
                    self.end_epoch()
        finally:
            self._is_epoch = False
            if self.epoch < self._settings.epochs and rank() == 0:
                note_stop(self.run)

    def begin(self, *objects: Any, device: torch.device | None = None) -> int:
        """Begin the run folder or go on with it; for trainers, where :meth:`epochs` cannot be used.

        All processes must call it. Without objects nothing is kept to go on from: the trainer's own
        checkpoints hold :meth:`state_dict`.

        Args:
            objects: As of :meth:`epochs`.
            device: Where the loop computes; None to see it by the first batch.

        Returns:
            The number of epochs done.
        """
        self._states = LoopStates(objects) if objects else None
        self._scaler = first_of(objects, torch.amp.GradScaler)
        self._optimizer = first_of(objects, torch.optim.Optimizer)
        self._device, self._recorder = device or device_of(objects), None
        state = on_first(self._open)
        self._restarts = False
        if self._states is not None and isinstance(state, dict):
            self._writer.load_state_dict(state)
            self._states.restore(state, self._device)
        self._must_load = self._states is None and state is not None
        self._start_epoch()
        if self.epoch >= self._settings.epochs:
            self.end()
        return self.epoch

    def loss(
        self,
        logits: Tensor,
        labels: Tensor,
        index: Tensor,
        reduction: Reduction = "mean",
        *,
        num_items: Tensor | float | None = None,
    ) -> Tensor:
        """The loss of a batch of training samples, whose outcome is recorded.

        Where gradients are accumulated, scale it as without data parameters.

        Args:
            logits: (B, C), any floating dtype.
            labels: (B,), int64: the labels that were given at the start.
            index: (B,), int64, in 0 ... N-1: the number of each sample among those labels.
            reduction: ``"mean"`` over the batch, ``"sum"``, or ``"none"`` for the loss per sample.
            num_items: Divide the sum over the batch by this instead: the samples of all
                micro-batches of the step.

        Returns:
            The loss, float32: a scalar, or (B,) for ``"none"``.

        Raises:
            ArgumentError: If a shape, dtype or value is wrong, or there is no epoch. On a GPU
                errors of values come later, at the end of the epoch at the latest.
        """
        self._require_epoch()
        require_gradients()
        recorder = self._recorder_on(logits.device)
        loss = self.criterion(logits, labels, index, "sum" if num_items is not None else reduction)
        recorder.record(logits, labels, index)
        self._counts.add_batch(len(labels))
        return loss if num_items is None else loss / num_items

    def step(self, scaler: torch.amp.GradScaler | None = None) -> None:
        """Learn from all batches since the last step; call it after the optimizer's.

        In a process group every process must call it.

        Args:
            scaler: The gradient scaler, where one is in use and was not given to :meth:`epochs`.
                Call this between ``scaler.step(optimizer)`` and ``scaler.update()``: a step that
                the scaler skips is skipped here too.

        Raises:
            ArgumentError: If there was no :meth:`loss` since the last step, or something was wrong
                with a batch.
        """
        self._require_epoch()
        capacity = self._counts.require_step_fits(self._settings.batch_size)
        self._scaler = scaler or self._scaler
        require_before_update(self._scaler)
        self.criterion.step(self._scaler, capacity=capacity)
        self._counts.add_step()
        if self._optimizer is not None:
            # A scheduler may change them before the epoch is over.
            self._rates = [group["lr"] for group in self._optimizer.param_groups]

    def validate(self, logits: Tensor, labels: Tensor, index: Tensor) -> None:
        """Record what the model says of validation samples, before the epoch ends.

        Args:
            logits: (B, C).
            labels: (B,), int64: the validation labels that were given at the start.
            index: (B,), int64, in 0 ... M-1: the number of each among the validation samples.

        Raises:
            ArgumentError: If no ``validation`` labels were given, or these are others.
        """
        self._require_epoch()
        self._validation = self._validation or ValidationRecorder(self._samples, logits.device)
        self._validation.record(logits, labels, index)

    def end_epoch(self, metrics: Mapping[str, float] | None = None) -> None:
        """Write the epoch in progress; :meth:`epochs` does so where it was not done.

        All processes must call it.

        Args:
            metrics: Further figures of the epoch for ``metrics.csv``.

        Raises:
            ArgumentError: If nothing was recorded, or something was wrong with a batch.
            RunError: If the training diverged, or a file cannot be written.
        """
        self._require_epoch()
        self.criterion.synchronize()
        record, count = self._recorder_on(self._device).finish(
            self.epoch + 1, self.criterion, self._counts, self._scaler
        )
        if len(self._samples.validation) and self._validation is None:
            # Perhaps another process has some.
            self._validation = ValidationRecorder(self._samples, self._device)
        validation = self._validation
        self._writer.write(
            record,
            samples=count,
            validated=None if validation is None else validation.finish(self.epoch + 1),
            rates=self._rates,
            further=metrics or {},
            states=None if self._states is None else self._states.state(self._device),
        )
        self._start_epoch()
        if self.epoch >= self._settings.epochs:
            self.end()

    def end(self) -> None:
        """Say in ``run.json`` that the loop is over, as is done after the last epoch."""
        self._is_epoch = False
        on_first(lambda: self.run.update_description(status="finished", epoch=self.epoch))

    def state_dict(self) -> dict[str, Any]:
        """What a trainer's own checkpoint keeps to go on from, also within an epoch.

        All processes must call it. It has nothing of the model, and no random states.
        """
        recorder = self._recorder
        return {
            **self._writer.state_dict(),
            "records": self._restored if recorder is None else recorder.samples.partial(),
            "counts": vars(self._counts).copy(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` gave, after :meth:`begin`.

        Raises:
            RunError: If it is of another run.
        """
        self._writer.load_state_dict(state)
        self._must_load = False
        self._start_epoch()
        self._counts = StepCounts(**state["counts"])
        self._recorder, self._restored = None, state["records"]

    def analyze(self) -> Analysis:
        """Analyze the run so far, and write ``analysis.parquet``; see :func:`dataparams.analyze`.

        Raises:
            RunError: If no epoch is finished.
        """
        from dataparams.analysis import current_analysis

        on_first(lambda: current_analysis(self.run) and None)
        return current_analysis(self.run)

    def _open(self) -> dict[str, Any] | bool | None:
        """What the first process finds to go on from; without objects, whether there is any."""
        if self._restarts:
            self.run.clear()
        begin_run(self.run, self._samples, self._settings)
        if self._states is None:
            return True if self.run.epochs() else None
        return self.run.checkpoint("last")

    def _start_epoch(self) -> None:
        self._is_epoch = self.epoch < self._settings.epochs
        self._counts = StepCounts()
        self._writer.start_epoch()

    def _recorder_on(self, device: torch.device) -> EpochRecorder:
        """What records where the logits are; everything is brought there."""
        if self._recorder is not None and self._recorder.device == device:
            return self._recorder
        self._device = device
        self.criterion.to(device)
        self._recorder = EpochRecorder(self.labels, self.class_names, device)
        if self._restored is not None and rank() == 0:
            self._recorder.samples.restore(self._restored)
        self._restored = None
        return self._recorder

    def _require_epoch(self) -> None:
        if self._must_load:
            raise RunError(
                f"{self.run.path} has epochs of an earlier training, whose state was not loaded; "
                "go on from the trainer's checkpoint, or give `restart=True` to start anew."
            )
        if not self._is_epoch:
            raise ArgumentError(
                "No epoch is in progress; expected `for epoch in run.epochs(model, optimizer)`."
            )
