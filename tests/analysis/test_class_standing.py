"""Which classes can be judged."""

from __future__ import annotations

import numpy as np
import pytest

from dataparams.analysis.class_standing import FEWEST_SAMPLES, class_standing


@pytest.mark.parametrize("count", [1, 2, FEWEST_SAMPLES - 1, FEWEST_SAMPLES, 200])
def test_a_class_of_few_samples_is_too_small_however_well_they_are_recognized(count: int) -> None:
    labels = np.repeat([0, 1], [500, count])
    standing = class_standing(labels, labels, 2)
    assert standing.is_too_small.tolist() == [False, count < FEWEST_SAMPLES]
    assert standing.is_judged.tolist() == [True, count >= FEWEST_SAMPLES]


def test_a_class_that_is_never_predicted_was_not_learned() -> None:
    labels = np.repeat([0, 1, 2], [900, 40, 40])
    predicted = np.where(labels == 2, 2, 0)
    standing = class_standing(labels, predicted, 3)
    assert standing.is_unlearned.tolist() == [False, True, False]
    assert not standing.is_too_small.any()
    assert class_standing(labels, None, 3).is_judged.all()


def test_a_class_most_of_whose_labels_are_wrong_but_which_is_predicted_is_judged() -> None:
    labels = np.repeat([0, 1], [100, 100])
    predicted = np.where(np.arange(200) % 100 < 70, 1 - labels, labels)
    assert class_standing(labels, predicted, 2).is_judged.all()


def test_a_class_without_samples_is_neither_small_nor_unlearned() -> None:
    labels = np.zeros(50, dtype=int)
    standing = class_standing(labels, labels, 3)
    assert not standing.is_too_small.any()
    assert not standing.is_unlearned.any()
