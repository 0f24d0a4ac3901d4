"""The training forwards since the last step, and the warning where the step was forgotten."""

from __future__ import annotations

import warnings
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

# More micro-batches than an accumulation has.
_MOST_FORWARDS = 200


@dataclass
class Forward:
    """What a training forward leaves for the step; autograd puts dL/dsigma in the temperature."""

    index: Tensor
    labels: Tensor
    temperature: Tensor


class PendingForwards:
    """The forwards that wait for a step.

    A warning is given once when they are too many to be an accumulation: 200, or more samples than
    the training set has. As many samples as it has can still be one batch, or all micro-batches of
    one step; then the next forward decides. Beyond both limits the oldest are dropped, so that
    memory stays bounded.

    Args:
        num_instances: The number of training samples.
    """

    def __init__(self, num_instances: int) -> None:
        self._num_instances = num_instances
        self._forwards: deque[Forward] = deque()
        self._samples = 0
        self._warned = False

    def __len__(self) -> int:
        return len(self._forwards)

    def announce(self, samples: int) -> None:
        """Expect a forward of so many samples; called by ``forward`` itself."""
        seen_again = bool(self._forwards) and self._samples + samples > self._num_instances
        if seen_again or len(self._forwards) + 1 >= _MOST_FORWARDS:
            self._warn(len(self._forwards) + 1, self._samples + samples, stacklevel=6)

    def training_ends(self) -> None:
        """Warn where evaluation begins and all samples were seen: no step will follow."""
        if self._samples >= self._num_instances:
            self._warn(len(self._forwards), self._samples, stacklevel=5)

    def add(self, forward: Forward) -> None:
        """Keep a forward for the step."""
        self._forwards.append(forward)
        self._samples += len(forward.index)
        while len(self._forwards) > _MOST_FORWARDS and self._samples > self._num_instances:
            self._samples -= len(self._forwards.popleft().index)

    def take(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Index, labels and dL/dsigma, (B,) each, of the forwards that had a backward; drop all.

        Args:
            device: Where the tensors of no forward at all are made.
        """
        taken = [
            (kept.index, kept.labels, kept.temperature.grad.float())
            for kept in self._forwards
            if kept.temperature.grad is not None
        ]
        self.forget()
        if len(taken) == 1:
            return taken[0]
        if not taken:
            nothing = torch.empty(0, dtype=torch.int64, device=device)
            return nothing, nothing, torch.empty(0, device=device)
        index, labels, gradient = map(torch.cat, zip(*taken, strict=True))
        return index, labels, gradient

    def forget(self) -> None:
        """Drop all."""
        self._forwards.clear()
        self._samples = 0

    def _warn(self, forwards: int, samples: int, stacklevel: int) -> None:
        if self._warned:
            return
        self._warned = True
        warnings.warn(
            f"DataParameters was called {forwards} times in training mode, with {samples} samples "
            f"of {self._num_instances}, without step(): the data parameters do not learn. Call "
            "step() after backward(), once for each step of the model's optimizer, or eval() "
            "where nothing is to be learned.",
            stacklevel=stacklevel,
        )
