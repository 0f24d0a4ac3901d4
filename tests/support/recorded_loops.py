"""Training loops that are recorded: small ones, on scikit-learn's digits."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from dataparams.recording.recording import Recording
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataparams.run.epoch_record import EpochRecord

TIMES = ("seconds", "samples_per_second")


@dataclass(frozen=True)
class Digits:
    """Some digits: pixels (n, 64), labels of which some are wrong, and which are."""

    x: Tensor
    y: Tensor
    is_wrong: Tensor

    def indexed(self) -> TensorDataset:
        """Pixels, labels and index."""
        return TensorDataset(self.x, self.y, torch.arange(len(self.y)))


_DATA = load_digits()


def digits(count: int = 600, *, share_wrong: float = 0.2) -> Digits:
    """The first of the digits."""
    x = torch.tensor(_DATA.data[:count] / 16, dtype=torch.float32)
    y = torch.tensor(_DATA.target[:count])
    generator = torch.Generator().manual_seed(0)
    is_wrong = torch.rand(count, generator=generator) < share_wrong
    return Digits(x, torch.where(is_wrong, (y + 1) % 10, y), is_wrong)


def network() -> nn.Module:
    """A small network, whose weights are always the same, as all that is drawn after it."""
    torch.manual_seed(0)
    # A forked process begins with other numbers of its own.
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - what loops draw from
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10))


def record(
    folder: Path,
    *,
    epochs: int = 4,
    count: int = 600,
    after_step: Callable[[int, int], None] = lambda epoch, step: None,
    **settings: Any,
) -> Recording:
    """Record a loop that draws from all generators, with a scheduler, to its end."""
    data, model = digits(count), network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    own = torch.Generator().manual_seed(3)
    loader = DataLoader(data.indexed(), batch_size=32, shuffle=True)
    run = Recording(folder, labels=data.y, epochs=epochs, batch_size=32, **settings)
    for epoch in run.epochs(model, optimizer, scheduler, own):
        for step, (x, y, index) in enumerate(loader):
            noise = random.random() * np.random.rand() * torch.rand(1, generator=own)  # noqa: NPY002, S311
            loss = run.loss(model(x + 0.1 * noise), y, index)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            run.step()
            after_step(epoch, step)
        scheduler.step()
    return run


def assert_same_records(one: RunFolder, other: RunFolder) -> None:
    """Two runs have the same records, figures and states, bit for bit."""
    assert one.epochs() == other.epochs()
    for epoch in one.epochs():
        first, second = one.epoch_record(epoch), other.epoch_record(epoch)
        for name, values in vars(first).items():
            theirs = getattr(second, name)
            if isinstance(values, Tensor):
                assert torch.equal(values.nan_to_num(-99), theirs.nan_to_num(-99)), (epoch, name)
    assert one.metrics().drop(TIMES).equals(other.metrics().drop(TIMES))
    assert one.samples().equals(other.samples())
    states = [run.checkpoint("last") or {} for run in (one, other)]
    for state in states:
        state["metrics"] = [
            {name: value for name, value in row.items() if name not in TIMES}
            for row in state["metrics"]
        ]
    assert_same_values(*states)


def assert_same_values(one: Any, other: Any) -> None:
    """Nested values are the same, bit for bit."""
    assert type(one) is type(other)
    if isinstance(one, Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same_values(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for first, second in zip(one, other, strict=True):
            assert_same_values(first, second)
    else:
        assert one == other


def records_of(path: Path) -> list[EpochRecord]:
    """The records of all epochs of a run."""
    run = RunFolder(path)
    return [run.epoch_record(epoch) for epoch in run.epochs()]


def assert_alike(records: list[EpochRecord], expected: list[EpochRecord], atol: float) -> None:
    """Fail unless log temperatures, margins and losses are nearly the same."""
    assert len(records) == len(expected)
    for one, other in zip(records, expected, strict=True):
        for name in ("instance_log_temperature", "margin", "loss"):
            torch.testing.assert_close(
                getattr(one, name), getattr(other, name), atol=atol, rtol=0, msg=f"{name} differs"
            )
        assert torch.equal(one.predicted, other.predicted)
