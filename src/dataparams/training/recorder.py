"""What is recorded of every sample while it is trained on, without waiting for the device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True, eq=False)
class SampleRecords:
    """One epoch's records, (N,) each, by index in the data source.

    Attributes:
        margin: Logit of the given label minus the highest other one, float32; NaN where absent.
        loss: Cross-entropy without temperature, float32; NaN where absent.
        predicted: Class of the highest logit, int32; -1 where absent.
        correct: Whether that is the given label; False where absent.
    """

    margin: Tensor
    loss: Tensor
    predicted: Tensor
    correct: Tensor


class SampleRecorder:
    """Collects an epoch's records on the device; one exchange between processes at its end.

    Args:
        num_instances: N.
        device: Where the logits will be.

    Example:
        >>> recorder = SampleRecorder(3, torch.device("cpu"))
        >>> recorder.record(torch.tensor([[2.0, 0.5]]), torch.tensor([1]), torch.tensor([2]))
        >>> recorder.finish().margin
        tensor([   nan,    nan, -1.5000])
    """

    def __init__(self, num_instances: int, device: torch.device) -> None:
        self._values = torch.zeros(num_instances, 2, device=device)
        self._outcomes = torch.zeros(num_instances, 2, dtype=torch.int32, device=device)
        self._running = torch.zeros(2, device=device)

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
        loss = logits.logsumexp(dim=1) - label_logit
        predicted = logits.argmax(dim=1)
        others = logits.scatter(1, column, -torch.inf).amax(dim=1)
        self._values[index] = torch.stack((label_logit - others, loss), dim=1)
        # One more than the class: zero says that the sample was absent.
        is_correct = predicted == labels
        self._outcomes[index] = torch.stack((predicted + 1, is_correct), dim=1).to(torch.int32)
        self._running += torch.stack((loss.sum(), is_correct.sum()))

    def running_sums(self) -> tuple[float, float]:
        """This process's loss and number of correct predictions since the epoch began.

        Waits for the device: for a logging interval, not for a step.
        """
        loss, correct = self._running.tolist()
        return loss, correct

    def finish(self) -> SampleRecords:
        """The epoch's records, on the CPU, the same in every process; then start empty."""
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(self._values)
            dist.all_reduce(self._outcomes)
        values, outcomes = self._values.cpu().clone(), self._outcomes.cpu().clone()
        self._values.zero_()
        self._outcomes.zero_()
        self._running.zero_()
        values[outcomes[:, 0] == 0] = torch.nan
        return SampleRecords(
            margin=values[:, 0].contiguous(),
            loss=values[:, 1].contiguous(),
            predicted=outcomes[:, 0] - 1,
            correct=outcomes[:, 1] == 1,
        )
