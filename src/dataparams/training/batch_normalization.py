"""Batch normalization, for which a batch of one sample has no statistics."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FEWEST = 2


def require_enough_samples(model: nn.Module, batch_size: int, samples: int, processes: int) -> None:
    """Refuse batches that give batch normalization nothing to normalize over.

    Args:
        model: The network.
        batch_size: Samples per step, over all processes.
        samples: Number of samples trained on.
        processes: Number of processes that share a batch.

    Raises:
        ArgumentError: If a process would get one sample per step.

    Example:
        >>> require_enough_samples(nn.BatchNorm2d(3), 1, 100, 1)
        Traceback (most recent call last):
        ...
        dataparams.errors.ArgumentError: `batch_size` is 1; expected 2 or above, since the network \
has batch normalization, which compares the samples of a batch. Or choose another `arch`.
    """
    normalizations = [layer for layer in model.modules() if isinstance(layer, _BatchNorm)]
    if not normalizations:
        return
    is_shared = all(isinstance(layer, nn.SyncBatchNorm) for layer in normalizations)
    fewest = _FEWEST if is_shared else _FEWEST * processes
    if min(batch_size, samples) >= fewest:
        return
    given = f"`batch_size` is {batch_size}"
    if samples < batch_size:
        given = "There is 1 sample" if samples == 1 else f"There are {samples} samples"
        given += " to train on"
    over = f" for {processes} processes" if processes > 1 else ""
    raise ArgumentError(
        f"{given}; expected {fewest} or above{over}, since the network has batch normalization, "
        "which compares the samples of a batch. Or choose another `arch`."
    )


@contextmanager
def running_statistics(model: nn.Module, *, is_needed: bool) -> Iterator[None]:
    """Let batch normalization use its running statistics, and leave them as they are.

    Args:
        model: The network, in training mode.
        is_needed: Whether to do so, as for one sample alone; otherwise nothing happens.
    """
    layers = [
        layer
        for layer in (model.modules() if is_needed else ())
        if isinstance(layer, _BatchNorm)
        # Its processes wait for each other, and all have to be in the same mode.
        and not isinstance(layer, nn.SyncBatchNorm)
        and layer.training
    ]
    for layer in layers:
        layer.eval()
    try:
        yield
    finally:
        for layer in layers:
            layer.train()
