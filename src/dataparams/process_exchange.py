"""How processes bring their shares of a batch together."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def world_size() -> int:
    """The number of processes, 1 where there is no process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def exchanged(
    index: Tensor, labels: Tensor, gradient: Tensor, capacity: int | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The batches of all processes, in the same order everywhere, gradients averaged as DDP does.

    Shares are padded to ``capacity`` so that nobody has to ask how many samples the others bring.
    """
    processes = dist.get_world_size()
    if capacity is None:
        count = torch.tensor(gradient.numel(), device=gradient.device)
        dist.all_reduce(count, dist.ReduceOp.MAX)
        capacity = int(count)
    if gradient.numel() > capacity:
        raise ValueError(
            f"capacity is {capacity}, but this process brings {gradient.numel()} samples; "
            "expected the most that any process brings."
        )
    shares = []
    for values, filler in ((index, -1), (labels, 0), (gradient, 0)):
        padded = values.new_full((capacity,), filler)
        padded[: len(values)] = values
        gathered = values.new_empty(processes * capacity)
        dist.all_gather_into_tensor(gathered, padded)
        shares.append(gathered)
    index, labels, gradient = shares
    if not index.numel():
        return index, labels, gradient
    # Padding repeats an entry that takes part anyway, with no gradient: it changes nothing.
    is_sample = index >= 0
    first = is_sample.int().argmax()
    index = torch.where(is_sample, index, index[first])
    labels = torch.where(is_sample, labels, labels[first])
    return index, labels, gradient / processes
