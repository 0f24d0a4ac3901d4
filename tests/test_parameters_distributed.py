"""Several processes agree with one, whatever share of the batch each of them has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import torch.multiprocessing as mp

from dataparams.parameters import DataParameters
from dataparams.process_exchange import exchanged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The last batch leaves the second process without a sample.
SHARES = [(5, 3), (1, 7), (4, 4), (3, 0)]


def _batch(number: int, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(number)
    logits = 3 * torch.randn(size, 4, generator=generator)
    labels = torch.randint(4, (size,), generator=generator)
    return logits, labels, torch.randint(12, (size,), generator=generator)


def _new() -> DataParameters:
    return DataParameters(12, 4, lr_inst=4.0, lr_class=0.2, wd_inst=0.01)


def _process(rank: int, folder: str, *, fixed_capacity: bool) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    dp = _new()
    for number, shares in enumerate(SHARES):
        logits, labels, index = _batch(number, sum(shares))
        mine = slice(0, shares[0]) if rank == 0 else slice(shares[0], None)
        if shares[rank]:
            # The average over processes of each one's sum, times 2 / batch, is the global mean.
            loss = dp(logits[mine].requires_grad_(), labels[mine], index[mine], reduction="sum")
            (loss * 2 / sum(shares)).backward()
        dp.step(capacity=7 if fixed_capacity else None)
    torch.save(dp.state_dict(), f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("fixed_capacity", [True, False])
def test_two_processes_equal_one(tmp_path: Path, *, fixed_capacity: bool) -> None:
    context = mp.get_context("spawn")
    processes = [
        context.Process(
            target=_process, args=(rank, str(tmp_path)), kwargs={"fixed_capacity": fixed_capacity}
        )
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    alone = _new()
    for number, shares in enumerate(SHARES):
        logits, labels, index = _batch(number, sum(shares))
        alone(logits.requires_grad_(), labels, index).backward()
        alone.step()
    states = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for name, expected in alone.state_dict().items():
        assert torch.equal(states[0][name], states[1][name]), "the processes drift apart"
        torch.testing.assert_close(states[0][name], expected, atol=1e-6, rtol=1e-5)


@pytest.fixture
def alone() -> Iterator[None]:
    """A process group of one."""
    store = torch.distributed.HashStore()
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
        lambda *tensors: (gathers.append(tensors), gather(*tensors)),
    )
    arrived = exchanged(index, labels, gradient, capacity)
    assert len(gathers) == 1
    for values, expected in zip(arrived, (index, labels, gradient), strict=True):
        assert values.dtype == expected.dtype
        assert len(values) == (capacity or 5)
        assert values[:5].numpy().tobytes() == expected.numpy().tobytes()
    padding = tuple(values[5:].unique().tolist() for values in arrived)
    assert padding == (([index[0]], [0], [0.0]) if capacity == 8 else ([], [], []))


@pytest.mark.usefixtures("alone")
def test_a_capacity_that_is_too_small_is_said() -> None:
    with pytest.raises(ValueError, match="capacity is 1, but this process brings 2 samples"):
        exchanged(torch.tensor([0, 1]), torch.tensor([0, 1]), torch.rand(2), 1)
