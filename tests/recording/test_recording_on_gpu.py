"""A recorded loop on a GPU: no step waits for the device, and wrong values are told of later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from dataparams import ArgumentError, Recording
from recorded_loops import digits, network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.gpu


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """Makes whatever waits for the device an error, while it is switched on."""
    yield
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("learn", ["nothing", "instance", "class", "both"])
def test_no_step_waits_for_the_device(learn: Any, no_waiting: None, tmp_path: Path) -> None:
    data, model = digits(), network().cuda()
    x, y = data.x.cuda(), data.y.cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    run = Recording(
        tmp_path / "run", labels=data.y, validation=data.y, epochs=3, batch_size=32, learn=learn
    )
    for _ in run.epochs(model, optimizer):
        for number, index in enumerate(torch.randperm(600).cuda().split(32)):
            with torch.autocast("cuda", torch.bfloat16):
                logits = model(x[index])
            if number == 1:
                torch.cuda.set_sync_debug_mode("error")
            loss = run.loss(logits, y[index], index)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.step()
        torch.cuda.set_sync_debug_mode("default")
        index = torch.arange(600).cuda()
        run.validate(model(x), y, index)
    metrics = run.run.metrics()
    assert metrics["train_loss"][-1] < metrics["train_loss"][0]
    assert bool((run.run.epoch_record(3).predicted >= 0).all())


@pytest.mark.parametrize("learn", ["nothing", "instance"])
@pytest.mark.parametrize("what", ["index", "labels", "other labels"])
def test_wrong_values_are_told_of_by_the_end_of_the_epoch(
    what: str, learn: Any, tmp_path: Path
) -> None:
    labels = torch.arange(8) % 2
    run = Recording(tmp_path / "run", labels=labels, epochs=2, batch_size=8, learn=learn)
    run.begin(device=torch.device("cuda"))
    index, y = torch.arange(8).cuda(), labels.cuda()
    if what == "index":
        index = index + 1
    y = {"index": y, "labels": y + 1, "other labels": 1 - y}[what]

    def epoch() -> None:
        run.loss(torch.randn(8, 2, device="cuda", requires_grad=True), y, index).backward()
        run.step()
        run.end_epoch()

    with pytest.raises(ArgumentError, match=r"contains|are not those"):
        epoch()
    assert run.run.epochs() == []
