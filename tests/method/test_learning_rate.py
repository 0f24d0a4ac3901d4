"""The learning rate of the instance parameters."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest
import torch

from dataparams.errors import ArgumentError
from dataparams.method.data_parameters import DataParameters
from dataparams.method.learning_rate import instance_learning_rate


def test_choosing_it_needs_no_torch() -> None:
    program = "import sys, dataparams.method.learning_rate; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "`epochs` is 0; expected a number, 1 or above"),
        ({"epochs": math.nan}, "`epochs` is nan"),
        ({"epochs": "30"}, "`epochs` is 30; expected a number"),
        ({"batch_size": 0}, "`batch_size` is 0; expected a number, 1 or above"),
        ({"batch_size": -128}, "`batch_size` is -128"),
        ({"momentum": 1.0}, "`momentum` is 1.0; expected 0 <= momentum < 1"),
        ({"momentum": -0.1}, "`momentum` is -0.1"),
    ],
)
def test_a_rate_for_what_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        instance_learning_rate(**{"epochs": 30, "batch_size": 128, **arguments})


def test_the_rate_is_for_the_global_batch() -> None:
    # Two accumulated micro-batches of 16, each a mean, are one batch of 32.
    rate = instance_learning_rate(epochs=1, batch_size=32, momentum=0.0)
    dp = DataParameters(32, 2, lr_inst=rate, momentum=0.0)
    labels = torch.zeros(32, dtype=torch.int64)
    logits = torch.tensor([[-1.0, 1.0]]).repeat(32, 1)
    for part in (slice(0, 16), slice(16, 32)):
        logits_of_part = logits[part].clone().requires_grad_()
        (dp(logits_of_part, labels[part], torch.arange(32)[part]) / 2).backward()
    dp.step()
    probability = torch.softmax(logits[0], 0)
    margin = logits[0, 0] - (probability * logits[0]).sum()
    torch.testing.assert_close(dp.inst_log, (-1.67 * margin).expand(32))
