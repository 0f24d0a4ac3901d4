"""Recording a training by Lightning: a callback, and the loss that its modules call.

A module computes its loss by :func:`recorded_loss`, and the trainer is given the callback::

    class Classifier(lightning.LightningModule):
        def training_step(self, batch, batch_idx):
            x, y, index = batch                       # of IndexedDataset(train_set)
            return recorded_loss(self, self(x), y, index)

    trainer = Trainer(callbacks=[RecordingCallback("runs/banking", labels=y, samples=texts)])

Without the callback, and outside training, the loss is the plain cross-entropy.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, Any

from torch.nn import functional
from torch.utils.data import BatchSampler

from dataparams.errors import ArgumentError, RunError
from dataparams.extras import missing_packages_named
from dataparams.recording.trainer_checkpoints import (
    recorded_trainer,
    require_settings,
    say_stopped,
)

try:
    from lightning.pytorch import Callback
except ModuleNotFoundError as missing:
    try:
        from pytorch_lightning import Callback
    except ModuleNotFoundError:
        with missing_packages_named():
            raise missing from None

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from dataparams.recording.recording import Recording

_STATE_KEY = "dataparams"


class RecordingCallback(Callback):  # type: ignore[misc]
    """Learns data parameters beside a module, and records its training in a run folder.

    What it holds is part of Lightning's checkpoints: ``trainer.fit(module, ckpt_path=...)`` goes on
    with the temperatures and their momentum.

    Args:
        out: The run folder.
        labels: The label of each training sample, (N,), by its index.
        samples: What is shown of the samples later, as for :class:`~dataparams.Recording`.
        class_names: The names of the classes.
        **settings: What else :class:`~dataparams.Recording` knows: ``learn``, ``lr_inst`` and so
            on. Epochs and batch size are those of the trainer where they are not given.

    Raises:
        ArgumentError: There is no such setting.

    Attributes:
        recording: The recording, from the beginning of ``fit`` on.
    """

    recording: Recording

    def __init__(
        self,
        out: str | Path,
        *,
        labels: Any,
        samples: Any = None,
        class_names: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        require_settings(settings)
        self._out = out
        self._settings = {
            "labels": labels,
            "samples": samples,
            "class_names": class_names,
            **settings,
        }
        self._state: dict[str, Any] | None = None

    @property
    def state_key(self) -> str:
        """The name under which Lightning's checkpoints hold the state."""
        return _STATE_KEY

    def loss(self, module: Any, logits: Tensor, labels: Tensor, index: Tensor) -> Tensor:
        """The loss of a batch; called by :func:`recorded_loss`."""
        trainer = module.trainer
        if not module.automatic_optimization:
            return self.recording.loss(logits, labels, index)
        # Lightning divides each loss by the number of batches that it accumulates.
        share = items_of_step(trainer, len(labels)) / trainer.accumulate_grad_batches
        return self.recording.loss(logits, labels, index, num_items=share)

    # --- Events of the trainer -------------------------------------------------------------------

    def setup(self, *_: Any, **__: Any) -> None:
        """Forget the state of a checkpoint that was read for something else."""
        self._state = None

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the state of a checkpoint until the training begins."""
        self._state = state_dict

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds; all processes must call it."""
        return self.recording.state_dict() if hasattr(self, "recording") else {}

    def on_train_start(self, trainer: Any, _module: Any) -> None:
        """Begin the recording, or go on from the checkpoint that the trainer goes on from."""
        state = self._state
        if trainer.ckpt_path is not None and state is None:
            raise RunError(
                f"{trainer.ckpt_path} was saved by a trainer without this callback, and data "
                "parameters that begin in the middle would be wrong. Go on from a checkpoint that "
                "was saved with it, or fit without `ckpt_path`."
            )
        self.recording = recorded_trainer(
            self._out,
            state,
            finished_epochs=trainer.current_epoch,
            device=trainer.strategy.root_device,
            **_lengths(trainer, self._settings),
            **self._settings,
        )

    def on_before_optimizer_step(self, trainer: Any, *_: Any) -> None:
        """Step the data parameters, right before the optimizer steps the module's."""
        self.recording.step(getattr(trainer.precision_plugin, "scaler", None))

    def on_train_epoch_end(self, trainer: Any, _module: Any) -> None:
        """Write what was recorded of an epoch."""
        # Lightning calls this a second time after it went on from a checkpoint of an epoch's end.
        if trainer.current_epoch >= self.recording.epoch:
            self.recording.end_epoch(_validation_metrics(trainer))

    def on_train_end(self, *_: Any) -> None:
        """Say in the run folder that the training has ended."""
        self.recording.end()

    def on_exception(self, *_: Any) -> None:
        """Say in the run folder that the training ended before its last epoch."""
        say_stopped(getattr(self, "recording", None))


def recorded_loss(module: Any, logits: Tensor, labels: Tensor, index: Tensor) -> Tensor:
    """The loss of a Lightning module in ``training_step``, with data parameters where recorded.

    Without a :class:`RecordingCallback` in the trainer, and outside training, it is the mean
    cross-entropy.

    Args:
        module: The module, ``self``.
        logits: (B, C).
        labels: (B,), int64.
        index: (B,), int64: the numbers of the samples, as
            :class:`~dataparams.IndexedDataset` gives them.

    Returns:
        The loss, a scalar, to be returned from ``training_step``. Where batches are accumulated, it
        is scaled such that the step is that of the mean over all their samples, also where the last
        ones of an epoch are fewer or smaller.
    """
    trainer = module.trainer
    callback = next((one for one in trainer.callbacks if isinstance(one, RecordingCallback)), None)
    if callback is None or not trainer.training:
        return functional.cross_entropy(logits.float(), labels)
    return callback.loss(module, logits, labels, index)


def items_of_step(trainer: Any, batch_size: int) -> int:
    """How many samples of this process the present step of the optimizer has, over its batches.

    Args:
        trainer: A Lightning trainer in a training step.
        batch_size: The samples of the present batch.

    Returns:
        Their number, from the sampler of the trainer's loader; where that does not know it, all
        batches of the step count as large as this one.
    """
    accumulated: int = trainer.accumulate_grad_batches
    present: int = trainer.fit_loop.batch_idx
    first = present - present % accumulated
    last: int = min(first + accumulated, trainer.num_training_batches)
    sizes = [_size_of_batch(trainer.train_dataloader, number) for number in range(first, last)]
    if None in sizes or sizes[present - first] != batch_size:
        return batch_size * (last - first)
    return sum(int(size or 0) for size in sizes)


def _size_of_batch(loader: Any, number: int) -> int | None:
    """The samples in a batch of an epoch; None where the loader's sampler does not know."""
    batches: Any = getattr(loader, "batch_sampler", None)
    if type(batches) is not BatchSampler or not isinstance(batches.sampler, Sized):
        return None
    size = batches.batch_size
    return min(size, max(0, len(batches.sampler) - number * size))


def _lengths(trainer: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Epochs and batch size of the trainer, where the user has not said them.

    Raises:
        ArgumentError: One cannot be known.
    """
    lengths: dict[str, Any] = {}
    if "batch_size" not in settings:
        size = getattr(trainer.train_dataloader, "batch_size", None)
        if size is None:
            raise ArgumentError(
                "The batch size of the trainer's loader is not known; give RecordingCallback a "
                "`batch_size`: the samples of one step of the optimizer, over all processes and "
                "accumulated batches."
            )
        lengths["batch_size"] = size * trainer.accumulate_grad_batches * trainer.world_size
    if "epochs" not in settings:
        if not (trainer.max_epochs or 0) > 0:
            raise ArgumentError(
                "How long the trainer trains is not known; give RecordingCallback `epochs`, or the "
                "trainer `max_epochs`: the learning rate of the data parameters depends on it."
            )
        lengths["epochs"] = trainer.max_epochs
    return lengths


def _validation_metrics(trainer: Any) -> dict[str, float]:
    """What the module logged of a validation in this epoch: val_loss and the like."""
    return {
        name: float(value)
        for name, value in trainer.callback_metrics.items()
        if name.startswith("val_")
    }
