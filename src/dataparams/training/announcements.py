"""What a training says: before its first epoch, and after each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.terminal.words import counted
from dataparams.training.starting_weights import small_images_text, training_time_text

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import nn

    from dataparams.run.epoch_metrics import Metrics
    from dataparams.run.folder import RunFolder
    from dataparams.training.preparation import TrainingData


def data_lines(data: TrainingData, unreadable_file: Path) -> list[str]:
    """What is to be said of the data: images that are left out, and how samples were selected."""
    lines = []
    if data.unreadable:
        of_val = len(data.dataset.val.unreadable)
        lines.append(unreadable_text(len(data.unreadable), unreadable_file, of_validation=of_val))
    if data.notice is not None:
        lines.append(data.notice)
    return lines


def pretrained_lines(data: TrainingData, on_cpu: nn.Module | None, epochs: int) -> list[str]:
    """What is to be said where a large network is trained further.

    Args:
        data: What is trained on.
        on_cpu: The network, where this machine's processor alone trains it; None elsewhere.
        epochs: Number of epochs that are left.
    """
    texts = [small_images_text(data.dataset)]
    if on_cpu is not None:
        texts.append(training_time_text(on_cpu, data.train.image_shape, epochs * len(data.train)))
    return [text for text in texts if text is not None]


def start_lines(
    run: RunFolder,
    data: TrainingData,
    *,
    arch: str,
    device: torch.device,
    first_epoch: int,
    epochs: int,
    lr_inst: float | None = None,
    steps_done: tuple[int, int] = (0, 0),
) -> list[str]:
    """What is trained, where, and from which epoch on.

    Args:
        run: The run folder.
        data: What is trained on.
        arch: The network.
        device: Where it is trained.
        first_epoch: Number of the first epoch to train, 1 or above.
        epochs: Number of the last.
        lr_inst: Learning rate of the instance parameters; None where they are not learned.
        steps_done: How many steps of that epoch are done, and how many it has.
    """
    count, whole = len(data.train), len(data.dataset.train)
    counts = f"{count} samples of {len(data.dataset.class_names)} classes"
    if count < whole:
        counts = f"{count} of {whole} samples"
    rate = f", lr_inst {lr_inst:.3g}" if lr_inst else ""
    if first_epoch > epochs:
        return [f"{run.path}: nothing is left to train after epoch {epochs}."]
    lines = [
        f"{run.path}: {counts}, {arch} on {device}, epochs {first_epoch} to {epochs}{rate}",
    ]
    done, steps = steps_done
    if done:
        lines.append(f"Going on after step {done} of {steps} in epoch {first_epoch}.")
    return lines


def unreadable_text(
    count: int, file: Path, *, of_validation: int = 0, is_final: bool = True
) -> str:
    """What to say of images that cannot be read.

    Args:
        count: Number of such images.
        file: Where they are listed.
        of_validation: How many of them are validation samples.
        is_final: Whether all images were read; a stream finds more with time.

    Example:
        >>> unreadable_text(1, "unreadable.csv")
        '1 image could not be read and is left out; unreadable.csv lists it.'
        >>> unreadable_text(3, "unreadable.csv", is_final=False)
        '3 images could not be read so far and are left out; unreadable.csv lists them.'
    """
    verb, them = ("is", "it") if count == 1 else ("are", "them")
    so_far = "" if is_final else " so far"
    of_them = f" ({of_validation} of them of the validation samples)" if of_validation else ""
    return (
        f"{counted(count, 'image')} could not be read{so_far} and {verb} left out{of_them}; "
        f"{file} lists {them}."
    )


def epoch_line(metrics: Metrics, epochs: int) -> str:
    """The figures of an epoch, on one line."""
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
