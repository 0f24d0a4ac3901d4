"""Beginning a recording beside a trainer, or going on from the trainer's own checkpoint."""

from __future__ import annotations

from contextlib import suppress
from inspect import signature
from typing import TYPE_CHECKING, Any

from dataparams.errors import ArgumentError, RunError
from dataparams.recording.agreement import on_first, rank
from dataparams.recording.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import torch

# What every trainer has an argument for, and labels that no trainer gives one by one.
_GIVEN = ("run", "labels", "class_names", "samples", "validation")


def recorded_trainer(
    out: str | Path,
    state: Mapping[str, Any] | None,
    *,
    finished_epochs: int,
    device: torch.device,
    **settings: Any,
) -> Recording:
    """The recording of a trainer that begins, or that goes on; all processes must call it.

    Args:
        out: The run folder.
        state: What the trainer's checkpoint holds of the recording; None where the trainer begins.
        finished_epochs: How many epochs the trainer has finished.
        device: Where it computes.
        **settings: Of :class:`dataparams.Recording`.

    Returns:
        The recording, in the epoch that the trainer is in.

    Raises:
        RunError: If the folder is of something else, or of an earlier training.
    """
    if state is not None:
        # A program that begins anew each time it is started goes on where it is told to.
        settings = settings | {"restart": False}
    recording = Recording(out, **settings)
    recording.begin(device=device)
    if state is None:
        return recording
    recording.load_state_dict(state)
    on_first(lambda: _forget_later_epochs(recording))
    # A checkpoint of the last step of an epoch was written before the epoch had ended.
    if finished_epochs > recording.epoch:
        recording.end_epoch()
    return recording


def say_stopped(recording: Recording | None) -> None:
    """Say in ``run.json`` that a training ended by an error, if it had begun."""
    if recording is None or rank() > 0:
        return
    with suppress(RunError):
        if recording.run.description()["status"] == "running":
            recording.run.update_description(
                status="stopped", error="the trainer ended before its last epoch"
            )


def require_settings(settings: Mapping[str, Any], of_trainer: Sequence[str] = ()) -> None:
    """Check the names of settings before anything is trained.

    Args:
        settings: What a user gave beside the arguments that every trainer has.
        of_trainer: Settings of a recording that are the trainer's own.

    Raises:
        ArgumentError: If a recording has no such setting.

    Example:
        >>> require_settings({"learn": "both", "rate": 0.1})
        Traceback (most recent call last):
        ...
        dataparams.errors.ArgumentError: `rate` is no setting of a recording; expected one of
        epochs, batch_size, ids, learn, ...
    """
    known = signature(Recording).parameters.keys() - {*_GIVEN, *of_trainer}
    for name in settings:
        if name not in known:
            ordered = [one for one in signature(Recording).parameters if one in known]
            own = ": the trainer has its own" if name in of_trainer else ""
            raise ArgumentError(
                f"`{name}` is no setting of a recording{own}; expected one of {', '.join(ordered)}."
            )


def _forget_later_epochs(recording: Recording) -> None:
    """Remove the records of epochs behind the checkpoint, which will come again."""
    for epoch in recording.run.epochs():
        if epoch > recording.epoch:
            recording.run.epoch_file(epoch).unlink(missing_ok=True)
