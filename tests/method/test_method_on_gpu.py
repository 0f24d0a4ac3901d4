"""Data parameters on a GPU: no step waits for the device, and errors arrive all the same."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from dataparams import DataParameters

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.gpu

COUNT, CLASSES, BATCH = 1000, 7, 64


@contextmanager
def waiting_is_an_error() -> Iterator[None]:
    """Within, whatever makes the host wait for the device raises a RuntimeError."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def batch_of(number: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(number)
    logits = torch.randn(BATCH, CLASSES, generator=generator, dtype=torch.float64)
    labels = torch.randint(CLASSES, (BATCH,), generator=generator)
    index = torch.randint(COUNT, (BATCH,), generator=generator)
    return logits.to(dtype), labels, index


def parameters(device: str, **changes: Any) -> DataParameters:
    rates = {"lr_inst": 0.5, "lr_class": 0.1, "wd_inst": 0.01, **changes}
    return DataParameters(COUNT, CLASSES, **rates).to(device)


def took_steps(dp: DataParameters, device: str, dtype: torch.dtype, steps: int = 20) -> None:
    for number in range(steps):
        logits, labels, index = (each.to(device) for each in batch_of(number, dtype))
        dp(logits.requires_grad_(), labels, index).backward()
        dp.step()


def test_no_step_waits_for_the_device() -> None:
    dp = parameters("cuda")
    model = nn.Linear(5, CLASSES).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    inputs = torch.randn(BATCH, 5, device="cuda")
    batches = [tuple(each.cuda() for each in batch_of(number)) for number in range(5)]
    for number, (_, labels, index) in enumerate(batches):
        # The first step makes what later ones use again.
        with waiting_is_an_error() if number else nullcontext():
            loss = dp(model(inputs), labels, index)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            dp.step()
    dp.synchronize()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_device_learns_what_the_processor_learns(dtype: torch.dtype) -> None:
    here, there = parameters("cpu"), parameters("cuda")
    took_steps(here, "cpu", torch.float64)
    took_steps(there, "cuda", dtype)
    for name, value in here.state_dict().items():
        torch.testing.assert_close(there.state_dict()[name].cpu(), value, atol=1e-5, rtol=1e-4)


def test_an_index_out_of_range_is_an_error_that_arrives_later() -> None:
    dp = parameters("cuda")
    logits, labels, index = (each.cuda() for each in batch_of(0))
    index[3] = COUNT
    with waiting_is_an_error():
        dp(logits.requires_grad_(), labels, index)
    with pytest.raises(ValueError, match=f"{COUNT}"):
        dp.synchronize()


def test_logits_that_are_no_numbers_are_an_error_that_arrives_later() -> None:
    dp = parameters("cuda")
    logits, labels, index = (each.cuda() for each in batch_of(0))
    logits[0, 0] = float("nan")
    dp(logits.requires_grad_(), labels, index).backward()
    with pytest.raises(ValueError, match="nan"):
        dp.synchronize()


def test_a_step_that_the_scaler_skips_changes_nothing() -> None:
    dp = parameters("cuda")
    scaler = torch.amp.GradScaler("cuda", init_scale=2.0**60)
    weight = nn.Parameter(torch.ones(1, device="cuda"))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    logits, labels, index = (each.cuda() for each in batch_of(0))
    before = {name: value.clone() for name, value in dp.state_dict().items()}
    loss = dp((logits * weight).half(), labels, index)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    dp.step(scaler)
    scaler.update()
    for name, value in before.items():
        assert torch.equal(dp.state_dict()[name], value), name


def test_what_was_learned_on_the_device_goes_on_elsewhere() -> None:
    there, here = parameters("cuda"), parameters("cpu")
    took_steps(there, "cuda", torch.float32)
    here.load_state_dict(there.state_dict())
    assert here.instance_parameters.device.type == "cpu"
    for name, value in there.state_dict().items():
        assert torch.equal(here.state_dict()[name], value.cpu()), name
    # Exponents differ in the last digit between devices.
    torch.testing.assert_close(here.instance_parameters, there.instance_parameters.cpu())
