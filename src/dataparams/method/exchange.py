"""Gathering the shares of a batch from all processes: one collective operation a step."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

from dataparams.errors import ArgumentError

# Of a sample travel its index (8 bytes), its label (4) and its gradient (4), as words of 4 bytes.
_WORDS = 4


def world_size() -> int:
    """The number of processes, 1 where there is no process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def broadcast_from_first(tensors: list[Tensor]) -> None:
    """Write the first process's values into the tensors of all processes."""
    for tensor in tensors:
        dist.broadcast(tensor, 0)


def exchanged(
    index: Tensor, labels: Tensor, gradient: Tensor, capacity: int | None
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """The batches of all processes, in the same order everywhere, gradients averaged as DDP does.

    Shares are padded to ``capacity``, so that processes need not tell each other how many samples
    they bring, and with a capacity nothing here waits for the device.

    Args:
        index: (B,) int64, this process's samples.
        labels: (B,) int64.
        gradient: (B,) dL/dsigma.
        capacity: The most samples that any process brings; None: the processes agree on it.

    Returns:
        Index, labels and gradients of all, (processes * capacity,) each, and which of them are
        samples; None where all are.

    Raises:
        ArgumentError: ``capacity`` is less than this process brings.
    """
    processes = dist.get_world_size()
    if capacity is None:
        count = torch.tensor(gradient.numel(), device=gradient.device)
        dist.all_reduce(count, dist.ReduceOp.MAX)
        capacity = int(count)
    if gradient.numel() > capacity:
        raise ArgumentError(
            f"`capacity` is {capacity}, but this process brings {gradient.numel()} samples; "
            "expected the most that any process brings."
        )
    packed = _packed(index, labels, gradient, capacity)
    gathered = packed.new_empty(processes, len(packed))
    dist.all_gather_into_tensor(gathered.view(-1), packed)
    index, labels, gradient = _unpacked(gathered, capacity)
    if not index.numel():
        return index, labels, gradient, None
    gradient = gradient / processes
    is_sample = index >= 0
    if index.is_cpu and bool(is_sample.all()):
        return index, labels, gradient, None
    # Padding repeats an entry that takes part anyway, with no gradient. So that it changes nothing,
    # it must get no weight decay either.
    # Kept (1,): to select by a tensor without dimensions would read it back from the device.
    first = is_sample.int().argmax(dim=0, keepdim=True)
    # Where no process brings a sample, as after logits that are not finite, it is entry 0.
    index = torch.where(is_sample, index, index[first].clamp_min(0))
    labels = torch.where(is_sample, labels, labels[first])
    return index, labels, gradient, is_sample


def _packed(index: Tensor, labels: Tensor, gradient: Tensor, capacity: int) -> Tensor:
    """A share in one buffer, (4 * capacity,), int32; where there is no sample, the index is -1."""
    count = len(index)
    packed = torch.zeros(_WORDS * capacity, dtype=torch.int32, device=index.device)
    parts = _parts(packed, capacity)
    parts[0][count:] = -1
    for part, values in zip(parts, (index, labels, gradient), strict=True):
        part[:count] = values
    return packed


def _unpacked(gathered: Tensor, capacity: int) -> tuple[Tensor, Tensor, Tensor]:
    """Index, labels and gradients of all shares, (processes * capacity,) each."""
    index, labels, gradient = _parts(gathered, capacity)
    return index.reshape(-1), labels.reshape(-1).long(), gradient.reshape(-1)


def _parts(words: Tensor, capacity: int) -> tuple[Tensor, Tensor, Tensor]:
    """Views of the index, the labels and the gradients in words of shape (..., 4 * capacity)."""
    index = words[..., : 2 * capacity].view(torch.int64)
    labels = words[..., 2 * capacity : 3 * capacity]
    return index, labels, words[..., 3 * capacity :].view(torch.float32)
