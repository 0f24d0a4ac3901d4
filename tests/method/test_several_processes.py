"""Several processes agree with one, whatever share of the batch each of them has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from dataparams.method.data_parameters import DataParameters
from dataparams.method.exchange import exchanged
from forked_processes import exit_codes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# The last batch leaves the second process without a sample.
SHARES = [(5, 3), (1, 7), (4, 4), (3, 0)]


def _batch(number: int, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(number)
    logits = 3 * torch.randn(size, 4, generator=generator)
    labels = torch.randint(4, (size,), generator=generator)
    return logits, labels, torch.randint(12, (size,), generator=generator)


def _new() -> DataParameters:
    return DataParameters(
        12, 4, lr_inst=4.0, lr_class=0.2, wd_inst=0.05, wd_class=0.03, init_inst=1.5, init_class=0.7
    )


def _process(rank: int, folder: str, *, fixed_capacity: bool) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    dp = _new()
    for number, shares in enumerate(SHARES):
        logits, labels, index = _batch(number, sum(shares))
        mine = slice(0, shares[0]) if rank == 0 else slice(shares[0], None)
        # An empty share may take part in the forward or not.
        if shares[rank] or fixed_capacity:
            # The average over processes of each one's sum, times 2 / batch, is the global mean.
            loss = dp(logits[mine].requires_grad_(), labels[mine], index[mine], reduction="sum")
            (loss * 2 / sum(shares)).backward()
        dp.step(capacity=7 if fixed_capacity else None)
    torch.save(dp.state_dict(), f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def _run_in_two(process: Callable[..., None], folder: Path, **arguments: object) -> None:
    codes = exit_codes(process, *((rank, str(folder)) for rank in range(2)), **arguments)
    assert codes == [0, 0]


@pytest.mark.parametrize("fixed_capacity", [True, False])
def test_two_processes_equal_one(tmp_path: Path, *, fixed_capacity: bool) -> None:
    _run_in_two(_process, tmp_path, fixed_capacity=fixed_capacity)
    alone = _new()
    for number, shares in enumerate(SHARES):
        logits, labels, index = _batch(number, sum(shares))
        alone(logits.requires_grad_(), labels, index).backward()
        alone.step()
    states = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for name, expected in alone.state_dict().items():
        assert torch.equal(states[0][name], states[1][name]), "the processes drift apart"
        torch.testing.assert_close(states[0][name], expected, atol=1e-6, rtol=1e-5)


class _ModelWithLoss(nn.Module):
    def __init__(self, instances: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4))
        self.dp = DataParameters(instances, 4, lr_inst=4.0, lr_class=0.2)

    def forward(self, x: Tensor, labels: Tensor, index: Tensor) -> Tensor:
        loss: Tensor = self.dp(self.layer(x), labels, index)
        return loss


def _inside_ddp(rank: int, folder: str) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    model = _ModelWithLoss(1000)
    if rank == 0:
        # As of somebody who loads a checkpoint in one process and lets DDP bring it to the rest.
        model.dp.inst_log.uniform_(-1, 1)
        model.dp.inst_momentum.uniform_(-1, 1)
        model.dp.class_log.uniform_(-1, 1)
    sent: list[int] = []
    broadcast = torch.distributed._broadcast_coalesced  # type: ignore[attr-defined]

    def counted(group: Any, tensors: list[Tensor], *arguments: Any) -> None:
        sent.append(sum(tensor.numel() for tensor in tensors))
        broadcast(group, tensors, *arguments)

    torch.distributed._broadcast_coalesced = counted  # type: ignore[assignment,attr-defined]
    wrapped = nn.parallel.DistributedDataParallel(model)
    sent.clear()
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.1)
    generator = torch.Generator().manual_seed(rank)
    for _ in range(4):
        x = torch.randn(8, 6, generator=generator)
        labels = torch.randint(4, (8,), generator=generator)
        index = torch.randint(1000, (8,), generator=generator)
        optimizer.zero_grad()
        wrapped(x, labels, index).backward()
        optimizer.step()
        model.dp.step()
    torch.save({"state": wrapped.state_dict(), "sent": sent}, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_inside_a_ddp_module_they_are_not_broadcast_and_agree(tmp_path: Path) -> None:
    _run_in_two(_inside_ddp, tmp_path)
    one, other = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    # Mean, variance and count of the batch normalization.
    assert max(one["sent"], default=0) <= 2 * 4 + 1
    assert {"module.dp.inst_log", "module.dp.class_momentum"} <= set(one["state"])
    for name, values in one["state"].items():
        # The statistics of a batch are each process's own until the next forward.
        if "running" not in name:
            assert torch.equal(values, other["state"][name]), name
    assert one["state"]["module.dp.inst_log"].std() > 0.4, "the values of process 0 are to be kept"


@pytest.fixture
def alone() -> Iterator[None]:
    """A process group of one."""
    store = torch.distributed.HashStore()  # type: ignore[attr-defined]
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("capacity", [5, 8, None])
@pytest.mark.usefixtures("alone")
def test_what_is_exchanged_arrives_bit_for_bit_at_once(
    monkeypatch: pytest.MonkeyPatch, capacity: int | None
) -> None:
    index = torch.tensor([2**40 + 3, 0, 7, 7, 2**31])
    labels = torch.tensor([0, 2**31 - 1, 5, 6, 1])
    gradient = torch.tensor([-0.0, torch.nan, -torch.inf, 1e-42, 0.1])
    gathers = []
    gather = torch.distributed.all_gather_into_tensor
    monkeypatch.setattr(
        torch.distributed,
        "all_gather_into_tensor",
        lambda *tensors: (gathers.append(tensors), gather(*tensors)),  # type: ignore[func-returns-value]
    )
    *arrived, is_sample = exchanged(index, labels, gradient, capacity)
    assert len(gathers) == 1
    assert (None if is_sample is None else is_sample.tolist()) == (
        [True] * 5 + [False] * 3 if capacity == 8 else None
    )
    for values, expected in zip(arrived, (index, labels, gradient), strict=True):
        assert values.dtype == expected.dtype
        assert len(values) == (capacity or 5)
        assert values[:5].numpy().tobytes() == expected.numpy().tobytes()
    padding = tuple(values[5:].unique().tolist() for values in arrived)
    assert padding == (([index[0]], [0], [0.0]) if capacity == 8 else ([], [], []))


@pytest.mark.usefixtures("alone")
def test_a_capacity_that_is_too_small_is_said() -> None:
    with pytest.raises(ValueError, match="`capacity` is 1, but this process brings 2 samples"):
        exchanged(torch.tensor([0, 1]), torch.tensor([0, 1]), torch.rand(2), 1)
