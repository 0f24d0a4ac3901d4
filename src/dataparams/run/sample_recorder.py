"""What is recorded of every sample while it is trained on, without waiting for the device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional

from dataparams.method.exchange import world_size

_PARTS = ("values", "classes", "running")


@dataclass(frozen=True, eq=False)
class SampleRecords:
    """One epoch's records, (N,) each, by index in the data source.

    Attributes:
        margin: Logit of the given label minus the highest other one, float32; NaN where absent.
        loss: Cross-entropy without temperature, float32; NaN where absent.
        error_norm: Euclidean distance between the predicted probabilities and the given label's
            one-hot vector, 0 ... sqrt(2), float32; NaN where absent.
        rival: Class of the highest logit among those other than the given label, int32; -1 where
            absent.
        predicted: Class of the highest logit, int32; -1 where absent.
        correct: Whether that is the given label; False where absent.
    """

    margin: Tensor
    loss: Tensor
    error_norm: Tensor
    rival: Tensor
    predicted: Tensor
    correct: Tensor


class SampleRecorder:
    """Collects an epoch's records on the device; one exchange between processes at its end.

    Args:
        num_instances: N.
        device: Where the logits will be.
        is_shared: Whether the other processes, if there are some, record the other samples.

    Example:
        >>> recorder = SampleRecorder(3, torch.device("cpu"))
        >>> recorder.record(torch.tensor([[2.0, 0.5]]), torch.tensor([1]), torch.tensor([2]))
        >>> recorder.finish().margin
        tensor([   nan,    nan, -1.5000])
    """

    def __init__(self, num_instances: int, device: torch.device, *, is_shared: bool = True) -> None:
        self._is_shared = is_shared
        self._values = torch.zeros(num_instances, 3, device=device)
        # One more than the class: zero says that the sample was absent.
        self._classes = torch.zeros(num_instances, 2, dtype=torch.int32, device=device)
        self._running = torch.zeros(2, device=device)
        # Finite as long as everything recorded is. No checkpoint holds it: what is not finite is
        # never written.
        self._total = torch.zeros(1, device=device)

    @torch.no_grad()
    def record(self, logits: Tensor, labels: Tensor, index: Tensor) -> None:
        """Keep the outcome of a batch.

        Args:
            logits: (B, C).
            labels: (B,), int64.
            index: (B,), int64.
        """
        logits = logits.detach().float()
        column = labels.unsqueeze(1)
        label_logit = logits.gather(1, column).squeeze(1)
        others = logits.scatter(1, column, -torch.inf)
        rival_logit, rival = others.max(dim=1)
        margin = label_logit - rival_logit
        # From the other classes alone, so that nothing cancels where the label is all but certain.
        # The highest logit of these and its share give the sum of their exponents.
        shares = others.softmax(dim=1)
        highest = shares.gather(1, rival.unsqueeze(1)).squeeze(1)
        against = -margin - highest.log()
        loss = functional.softplus(against)
        # Of what is missed each other class has its share.
        spread = torch.linalg.vecdot(shares, shares)
        error_norm = functional.sigmoid(against) * (1 + spread).sqrt()
        predicted = torch.where(margin >= 0, labels, rival)
        values = torch.stack((margin, loss, error_norm), dim=1)
        self._values[index] = values
        self._total += values.sum()
        self._classes[index] = torch.stack((predicted, rival), dim=1).to(torch.int32) + 1
        self._running += torch.stack((loss.sum(), (margin >= 0).sum()))

    def running_sums(self) -> tuple[float, float]:
        """Loss and number of correct predictions of all processes since the epoch began.

        All processes must call it. Waits for the device: for a logging interval, not for a step.
        """
        loss, correct = self._over_processes(self._running.clone()).tolist()
        return loss, correct

    def is_finite(self) -> bool:
        """Whether all that this process recorded since the epoch began, or since it went on, is.

        Waits for the device: for a logging interval, not for a step.
        """
        return math.isfinite(self._total.item())

    def partial(self) -> dict[str, Tensor]:
        """The epoch's records so far, of all processes, on the CPU; all processes must call it."""
        running = self._over_processes(self._running.clone())
        copies = (part.cpu().clone() for part in (*self._combined(), running))
        return dict(zip(_PARTS, copies, strict=True))

    def restore(self, partial: dict[str, Tensor]) -> None:
        """Go on from what :meth:`partial` returned; in one process, while the others are empty.

        Raises:
            ValueError: If these are the records of another number of instances.
        """
        parts = (self._values, self._classes, self._running)
        for name, part in zip(_PARTS, parts, strict=True):
            if partial[name].shape != part.shape:
                raise ValueError(
                    f"{name} has shape {tuple(partial[name].shape)}; expected {tuple(part.shape)}."
                )
            part.copy_(partial[name])

    def finish(self) -> SampleRecords:
        """The epoch's records, on the CPU, the same in every process; then start empty."""
        values, classes = (part.cpu().clone() for part in self._combined())
        self._values.zero_()
        self._classes.zero_()
        self._running.zero_()
        self._total.zero_()
        predicted, rival = (classes - 1).unbind(dim=1)
        values[predicted < 0] = torch.nan
        margin, loss, error_norm = values.unbind(dim=1)
        return SampleRecords(
            margin=margin.contiguous(),
            loss=loss.contiguous(),
            error_norm=error_norm.contiguous(),
            rival=rival.contiguous(),
            predicted=predicted.contiguous(),
            correct=predicted.ne(rival),
        )

    def _combined(self) -> tuple[Tensor, Tensor]:
        """Values and classes of all processes, of a sample that several have the first one's."""
        if not self._is_shared:
            return self._values, self._classes
        return combined(self._classes[:, 0] > 0, self._values, self._classes)

    def _over_processes(self, values: Tensor) -> Tensor:
        return over_processes(values) if self._is_shared else values


def combined(is_here: Tensor, values: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """What all processes recorded; of a sample that several have, what the first one of them has.

    All processes must call it.

    Args:
        is_here: Which samples this process has, (N,), bool.
        values: Of each sample, (N, k), zero where it is not here.
        classes: Likewise.
    """
    if world_size() == 1:
        return values, classes
    rank = dist.get_rank()
    owner = torch.where(is_here, rank, world_size()).to(torch.int32)
    dist.all_reduce(owner, dist.ReduceOp.MIN)
    is_mine = (owner == rank).unsqueeze(1)
    # What is not finite would stay so if it were multiplied by zero.
    return (
        over_processes(torch.where(is_mine, values, 0)),
        over_processes(torch.where(is_mine, classes, 0)),
    )


def over_processes(values: Tensor) -> Tensor:
    """Add up, in place, what the processes have; a sample is zero in all but one of them."""
    if world_size() > 1:
        dist.all_reduce(values)
    return values
