"""Recording a training by the ``Trainer`` of Hugging Face's transformers.

One line joins it; what is recorded, and the data parameters, travel with the trainer's own
checkpoints::

    trainer = record(Trainer(model=model, args=args, train_dataset=train_set), "runs/banking")
    trainer.train()                             # or train(resume_from_checkpoint=True)
    trainer.recording.analyze()
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from functools import partial
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dataparams.batches.indexed import IndexedDataset
from dataparams.errors import ArgumentError, RunError
from dataparams.extras import missing_packages_named
from dataparams.recording.hugging_face_data import (
    INDEX,
    IndexedCollator,
    class_names_of,
    labels_of,
    require_training_set,
    samples_of,
)
from dataparams.recording.trainer_checkpoints import (
    recorded_trainer,
    require_settings,
    say_stopped,
)
from dataparams.run.safe_files import read_tensors, tensor_bytes, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from dataparams.recording.recording import Recording

_EVALUATION = "eval_"
_OF_SPEED = ("_runtime", "_per_second", "_time")
# What the names of the trainer's checkpoints begin with.
_CHECKPOINT = "checkpoint-"
# The trainer counts epochs as fractions of their steps.
_ROUNDING = 1e-6

FILE_IN_CHECKPOINT = "data_parameters.pt"
"""What a checkpoint of the trainer holds beside the trainer's own files."""

_T = TypeVar("_T")


def record(
    trainer: _T,
    out: str | Path,
    *,
    samples: Any = None,
    class_names: Sequence[str] | None = None,
    **settings: Any,
) -> _T:
    """Make a trainer learn data parameters, and record its training in a run folder.

    The loss becomes the cross-entropy with data parameters; evaluation stays as it is. The trainer
    itself is changed and returned. From the beginning of the training on, its ``recording`` is the
    :class:`~dataparams.Recording`.

    Args:
        trainer: A ``transformers.Trainer`` that trains a classifier, one class per sample, on a
            ``train_dataset`` whose samples have numbers (no stream).
        out: The run folder.
        samples: What is shown of the samples later, as for :class:`~dataparams.Recording`; None
            takes the columns of texts, or else of images, from the training set; where only token
            numbers are left, the trainer's tokenizer makes texts of them.
        class_names: The names of the classes; None takes those of the model's configuration, or
            else of the training set.
        **settings: What else :class:`~dataparams.Recording` knows: ``learn``, ``lr_inst`` and so
            on. Epochs and batch size are those of the trainer.

    Returns:
        The trainer.

    Raises:
        ArgumentError: The trainer does something that cannot be recorded; the message says what.
    """
    require_settings(settings, of_trainer=("epochs", "batch_size"))
    _require_trainer(trainer)
    dataset: Any = trainer.train_dataset  # type: ignore[attr-defined]
    require_training_set(dataset)
    labels = labels_of(dataset)
    settings |= {
        "labels": labels,
        "class_names": class_names or class_names_of(trainer.model, dataset, labels),  # type: ignore[attr-defined]
        "samples": samples_of(dataset, _decoder(trainer)) if samples is None else samples,
    }
    _RecordedTrainer(trainer, partial(recorded_trainer, out, **settings)).join()
    return trainer


class _RecordedTrainer:
    """Stands between a trainer and its recording: replaces five of its methods by its own.

    Args:
        trainer: The trainer.
        begun: Begins its recording, or goes on with it, once it is known how long it trains.
    """

    _recording: Recording

    def __init__(self, trainer: Any, begun: Callable[..., Recording]) -> None:
        self._trainer, self._begun = trainer, begun
        self._dataset = trainer.train_dataset
        self._items = 0
        self._is_epoch_over = False
        self._state: dict[str, Any] | None = None
        self._train, self._save_model = trainer.train, trainer.save_model
        self._compute_loss = trainer.compute_loss
        self._get_train_dataloader = trainer.get_train_dataloader
        self._get_batch_samples = trainer.get_batch_samples

    def join(self) -> None:
        """Put itself into the trainer."""
        trainer = self._trainer
        trainer.train, trainer.save_model = self.train, self.save_model
        trainer.compute_loss = self.compute_loss
        trainer.get_train_dataloader = self.get_train_dataloader
        trainer.get_batch_samples = self.get_batch_samples
        # The trainer divides a loss by the number of accumulated batches unless a function of the
        # user's own made it, which is given the number of items and has divided by it.
        trainer.compute_loss_func = _never_called
        trainer.add_callback(_events(self))

    # --- What replaces methods of the trainer ---------------------------------------------------

    def train(
        self, resume_from_checkpoint: str | bool | None = None, *args: Any, **settings: Any
    ) -> Any:
        """Read what a checkpoint holds of the data parameters, then train."""
        if settings.get("trial") is not None or any(args):
            raise ArgumentError(
                "A search for hyperparameters trains several models, which cannot be recorded in "
                "one run folder; record the training with the hyperparameters that it found."
            )
        checkpoint = self._checkpoint(resume_from_checkpoint)
        self._state = None if checkpoint is None else _state_in(Path(checkpoint))
        try:
            return self._train(checkpoint, *args, **settings)
        except BaseException:
            say_stopped(getattr(self._trainer, "recording", None))
            raise

    def save_model(
        self, output_dir: str | None = None, _internal_call: bool = False, **settings: Any
    ) -> None:
        """Save the model; into a checkpoint also what the training needs to go on."""
        self._save_model(output_dir, _internal_call=_internal_call, **settings)
        if output_dir and Path(output_dir).name.startswith(_CHECKPOINT):
            self.end_epoch()
            # All processes must take part in it.
            state = self._recording.state_dict()
            if self._trainer.args.should_save:
                write_whole(Path(output_dir) / FILE_IN_CHECKPOINT, tensor_bytes(state))

    def get_train_dataloader(self) -> Any:
        """The trainer's own batches, with the number of each sample."""
        trainer, dataset = self._trainer, self._dataset
        if trainer.train_dataset is not dataset:
            raise ArgumentError(
                "`train_dataset` was replaced after record(trainer, ...); expected the one that is "
                "recorded. Give the trainer its training set first."
            )
        if hasattr(dataset, "column_names"):
            dataset = trainer._remove_unused_columns(dataset, description="training")
        trainer._set_signature_columns_if_needed()
        with _replaced(
            trainer,
            train_dataset=IndexedDataset(dataset),
            data_collator=IndexedCollator(trainer.data_collator),
            _signature_columns=[*trainer._signature_columns, INDEX],
        ):
            return self._get_train_dataloader()

    def get_batch_samples(self, *args: Any, **settings: Any) -> Any:
        """The batches of one step of the optimizer, whose samples are counted."""
        batches, items = self._get_batch_samples(*args, **settings)
        self._items = sum(len(batch["labels"]) for batch in batches if "labels" in batch)
        return batches, items

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """In training the loss with data parameters; in evaluation what it was."""
        index = inputs.pop(INDEX, None)
        if not model.training:
            with _replaced(self._trainer, compute_loss_func=None):
                return self._compute_loss(model, inputs, return_outputs, num_items_in_batch)
        for name, value in ((INDEX, index), ("labels", inputs.get("labels"))):
            if value is None:
                raise ArgumentError(
                    f"A batch in training has no key {name!r}; expected the batches that "
                    "trainer.get_train_dataloader() makes with trainer.data_collator."
                )
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        logits = outputs["logits"] if isinstance(outputs, Mapping) else outputs[0]
        loss = self._recording.loss(logits, labels, index, num_items=self._items)
        return (loss, outputs) if return_outputs else loss

    # --- What the events of the trainer call ----------------------------------------------------

    def begin(self, epochs: int, finished_epochs: float) -> None:
        """Begin, or go on from the checkpoint that the trainer goes on from."""
        args = self._trainer.args
        self._recording = self._begun(
            self._state,
            finished_epochs=int(finished_epochs + _ROUNDING),
            device=args.device,
            epochs=epochs,
            batch_size=(args.train_batch_size * args.gradient_accumulation_steps * args.world_size),
        )
        self._trainer.recording, self._state = self._recording, None

    def step(self) -> None:
        """Step the data parameters, right before the optimizer steps the model's."""
        accelerator = self._trainer.accelerator
        if accelerator.scaler is not None and not (self._trainer.args.max_grad_norm or 0) > 0:
            # Where gradients are clipped, the scaler has looked for overflows already.
            accelerator.unscale_gradients()
        self._recording.step(accelerator.scaler)

    def epoch_ends(self) -> None:
        """Wait with what was recorded of an epoch for an evaluation, which comes next."""
        self._is_epoch_over = True

    def end_epoch(self, metrics: Mapping[str, Any] | None = None) -> None:
        """Write what was recorded of an epoch, if one is over."""
        if self._is_epoch_over:
            self._is_epoch_over = False
            self._recording.end_epoch(_own_metrics(metrics or {}))

    def end(self) -> None:
        """Say in the run folder that the training has ended."""
        self._recording.end()

    def _checkpoint(self, resume_from_checkpoint: str | bool | None) -> str | None:
        """The checkpoint to go on from, as the trainer understands its argument."""
        if resume_from_checkpoint is not True:
            return resume_from_checkpoint or None
        from transformers.trainer_utils import get_last_checkpoint

        folder = self._trainer.args.output_dir
        checkpoint = get_last_checkpoint(folder) if Path(folder).is_dir() else None
        if checkpoint is None:
            raise RunError(
                f"There is no checkpoint in {folder}; expected one. Without "
                "`resume_from_checkpoint` the training begins."
            )
        return str(checkpoint)


def _events(recorded: _RecordedTrainer) -> Any:
    """A callback of the trainer that passes its events on."""
    from transformers import TrainerCallback

    class Events(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, _args: Any, state: Any, *_: Any, **__: Any) -> None:
            recorded.begin(state.num_train_epochs, state.epoch or 0.0)

        def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
            recorded.step()

        def on_epoch_begin(self, *_: Any, **__: Any) -> None:
            recorded.end_epoch()

        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            recorded.epoch_ends()

        def on_evaluate(self, *_: Any, metrics: Mapping[str, Any] | None = None, **__: Any) -> None:
            recorded.end_epoch(metrics)

        def on_train_end(self, *_: Any, **__: Any) -> None:
            recorded.end_epoch()
            recorded.end()

    return Events()


def _require_trainer(trainer: Any) -> None:
    """Check that a trainer computes the plain cross-entropy of a classifier.

    Raises:
        ArgumentError: If it does not.
    """
    with missing_packages_named():
        from transformers import Trainer
    if not isinstance(trainer, Trainer):
        raise ArgumentError(
            f"`trainer` is a {type(trainer).__name__}; expected a transformers.Trainer."
        )
    config, args = getattr(trainer.model, "config", None), trainer.args
    problem = getattr(config, "problem_type", None)
    complaints = {
        "is recorded already": trainer.compute_loss_func is _never_called,
        "computes a loss of its own (compute_loss_func)": (
            trainer.compute_loss_func not in (None, _never_called)
        ),
        "computes a loss of its own (the class overrides compute_loss)": (
            type(trainer).compute_loss is not Trainer.compute_loss
        ),
        "smooths labels (label_smoothing_factor)": bool(args.label_smoothing_factor),
        f"solves a problem of the type {problem}": (
            problem not in (None, "single_label_classification")
        ),
        "predicts one number (num_labels=1)": getattr(config, "num_labels", None) == 1,
        "may change its batch size as it trains (auto_find_batch_size)": args.auto_find_batch_size,
        "spreads a batch over several GPUs in one process; start it with torchrun, or set "
        "CUDA_VISIBLE_DEVICES=0": args.n_gpu > 1,
        "trains with DeepSpeed": bool(getattr(trainer, "is_deepspeed_enabled", False)),
        "splits samples over processes (parallelism_config)": (
            getattr(args, "parallelism_config", None) is not None
        ),
    }
    found = [complaint for complaint, is_true in complaints.items() if is_true]
    if found:
        raise ArgumentError(
            f"`trainer` {' and '.join(found)}; expected one that trains a classifier with the "
            "cross-entropy, which data parameters replace. A loop of your own can be recorded with "
            "dataparams.Recording."
        )


def _state_in(checkpoint: Path) -> dict[str, Any]:
    """What a checkpoint of the trainer holds of its recording.

    Raises:
        RunError: If there is no such checkpoint, or it holds nothing.
    """
    file = checkpoint / FILE_IN_CHECKPOINT
    if not checkpoint.is_dir():
        raise RunError(f"There is no checkpoint {checkpoint}; expected a folder of the trainer's.")
    if not file.is_file():
        raise RunError(
            f"{checkpoint} has no file {FILE_IN_CHECKPOINT}: its trainer was not recorded, and "
            "data parameters that begin in the middle would be wrong. Go on "
            "from a checkpoint that was, or train without resume_from_checkpoint."
        )
    return read_tensors(file)


def _own_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The figures of an evaluation under the names that ours have: eval_loss becomes val_loss."""
    return {
        f"val_{name.removeprefix(_EVALUATION)}": float(value)
        for name, value in metrics.items()
        if name.startswith(_EVALUATION) and isinstance(value, Real)
        if not name.endswith(_OF_SPEED)
    }


def _decoder(trainer: Any) -> Callable[[Sequence[Any]], list[str]] | None:
    """What makes texts of token numbers, if the trainer has a tokenizer."""
    tokenizer: Any = getattr(trainer, "processing_class", None)
    if not hasattr(tokenizer, "batch_decode"):
        return None
    return partial(tokenizer.batch_decode, skip_special_tokens=True)


def _never_called(*_: Any, **__: Any) -> Tensor:
    raise AssertionError("compute_loss is replaced, so that it asks nobody.")


@contextmanager
def _replaced(trainer: Any, **attributes: Any) -> Iterator[None]:
    """Give a trainer other attributes for a while."""
    before = {name: getattr(trainer, name) for name in attributes}
    vars(trainer).update(attributes)
    try:
        yield
    finally:
        vars(trainer).update(before)
