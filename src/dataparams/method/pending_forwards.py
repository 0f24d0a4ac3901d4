"""The training forwards since the last step, and a word to who forgets the step."""

from __future__ import annotations

import warnings
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# More micro-batches than anybody accumulates.
_MOST_FORWARDS = 200


@dataclass
class Forward:
    """What a training forward leaves for the step; autograd puts dL/dsigma in the temperature."""

    index: Tensor
    labels: Tensor
    temperature: Tensor


class PendingForwards:
    """The forwards that wait for a step.

    They are warned of, once, when they are too many to be an accumulation: 200, or more samples
    than there are. As many samples as there are can still be one batch, or all micro-batches of
    one step, so that what comes next must decide. Beyond both limits the oldest are let go, so
    that memory does not grow for ever.

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
        """A forward of so many samples begins; called by ``forward`` itself."""
        seen_again = bool(self._forwards) and self._samples + samples > self._num_instances
        if seen_again or len(self._forwards) + 1 >= _MOST_FORWARDS:
            self._warn(len(self._forwards) + 1, self._samples + samples, stacklevel=6)

    def training_ends(self) -> None:
        """Evaluation begins: where every sample has been seen, no step will come."""
        if self._samples >= self._num_instances:
            self._warn(len(self._forwards), self._samples, stacklevel=5)

    def add(self, forward: Forward) -> None:
        """Keep a forward for the step."""
        self._forwards.append(forward)
        self._samples += len(forward.index)
        while len(self._forwards) > _MOST_FORWARDS and self._samples > self._num_instances:
            self._samples -= len(self._forwards.popleft().index)

    def take(self) -> list[Forward]:
        """The forwards that had a backward; none waits any longer."""
        taken = [kept for kept in self._forwards if kept.temperature.grad is not None]
        self.forget()
        return taken

    def forget(self) -> None:
        """Let all go."""
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
