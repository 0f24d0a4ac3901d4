"""Trainings on a GPU: they learn, and go on where they stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dataparams.training import train
from made_trainings import Stop

if TYPE_CHECKING:
    from dataparams.batches import ImageDataset
    from dataparams.training import TrainConfig

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("amp", ["no", "bf16", "fp16"])
def test_a_training_learns_in_every_precision(
    few_digits: ImageDataset, short: TrainConfig, amp: Any
) -> None:
    run = train(replace(short, amp=amp), dataset=few_digits)
    accuracies = run.metrics()["val_accuracy"].to_list()
    assert accuracies[-1] > accuracies[0]
    assert run.epochs() == [1, 2, 3]


def test_a_training_that_was_stopped_goes_on(few_digits: ImageDataset, short: TrainConfig) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(short, dataset=few_digits, display=Stop(2))
    run = train(replace(short, resume=True), dataset=few_digits)
    whole = train(replace(short, exp_prefix="whole"), dataset=few_digits)
    resumed, unbroken = (each.epoch_record(3) for each in (run, whole))
    # Convolutions on a GPU may add up in another order each time.
    np.testing.assert_allclose(
        resumed.margin.numpy(), unbroken.margin.numpy(), atol=0.5, equal_nan=True
    )
