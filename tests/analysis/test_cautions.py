"""What is said before any verdict."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.analysis.cautions import ClassAccuracies, cautions, class_accuracies
from dataparams.analysis.noise_rate import NoiseEstimate, of_weak_model


def of(right: list[float], counts: list[int]) -> ClassAccuracies:
    return ClassAccuracies(np.array(right, dtype=float), np.array(counts), "validation")


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(0, 500), min_size=2, max_size=12), favorite=st.integers(0, 11))
def test_a_constant_prediction_is_by_chance_however_unequal_the_classes(
    counts: list[int], favorite: int
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    predicted = np.full(len(labels), favorite % len(counts))
    found = class_accuracies(labels, predicted, len(counts), "validation")
    if found.can_tell():
        assert found.is_by_chance()
        assert cautions(found, 9)[0].startswith("The model learned nothing")
    else:
        assert cautions(found, 9) == ()


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_random_predictions_are_by_chance_and_good_ones_are_not(classes: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(20 * classes) % classes
    random = rng.integers(0, classes, len(labels))
    assert class_accuracies(labels, random, classes, "").is_by_chance()
    good = np.where(rng.random(len(labels)) < 0.9, labels, random)
    found = class_accuracies(labels, good, classes, "")
    assert found.can_tell()
    assert not found.is_by_chance()
    assert cautions(found, 9) == ()


def test_a_weak_model_is_called_weak_with_its_figures() -> None:
    (sentence,) = cautions(of([8, 9, 10, 9], [20, 20, 20, 20]), 9)
    assert sentence.startswith("The model is weak")
    assert "validation accuracy, averaged over the classes, is 45%" in sentence
    assert "chance gives 25%" in sentence


def test_accuracy_is_the_mean_over_classes_that_have_samples() -> None:
    found = of([90, 1, 0], [100, 10, 0])
    assert found.accuracy == pytest.approx((0.9 + 0.1) / 2)
    assert found.chance == 1 / 2


@pytest.mark.parametrize("found", [None, of([1, 0], [2, 2]), of([30, 0], [60, 0])])
def test_too_few_samples_to_tell_say_nothing(found: ClassAccuracies | None) -> None:
    assert cautions(found, 9) == ()


@pytest.mark.parametrize(("epochs", "words"), [(1, "There is 1 epoch "), (4, "There are 4 epochs")])
def test_few_epochs_are_mentioned_after_what_is_graver(epochs: int, words: str) -> None:
    (alone,) = cautions(None, epochs)
    assert alone.startswith(words)
    nothing = of([30, 30], [60, 60])
    assert [one[:9] for one in cautions(nothing, epochs)] == ["The model", words[:9]]
    assert cautions(None, 5) == ()


def test_the_mistakes_of_a_weak_model_are_not_taken_for_wrong_labels() -> None:
    found = NoiseEstimate(0.7, 0.4, 0.9)
    # It disagrees with no more labels than it mistakes anyway.
    assert of_weak_model(found, 0.6, 0.6) == NoiseEstimate(0.0, 0.0, 0.9)
    assert of_weak_model(found, 0.5, 0.6) == NoiseEstimate(0.0, 0.0, 0.9)
    # A tenth of labels wrong, and half of the others mistaken.
    assert of_weak_model(found, 0.1 + 0.9 * 0.5, 0.5).rate == pytest.approx(0.1)
    # Never more than its margins say.
    assert of_weak_model(NoiseEstimate(0.05, 0.01, 0.2), 0.6, 0.5).rate == 0.05


def test_half_way_above_chance_a_model_is_no_longer_weak() -> None:
    counts = np.full(4, 100)
    assert ClassAccuracies(np.full(4, 61.0), counts, "validation").is_weak()
    assert not ClassAccuracies(np.full(4, 64.0), counts, "validation").is_weak()


def test_of_an_audit_the_classifiers_are_spoken_of():
    by_chance = ClassAccuracies(np.array([30.0, 34.0]), np.array([60, 60]), "held-out")
    (sentence,) = cautions(by_chance, None)
    assert sentence.startswith("The classifiers learned nothing: their held-out accuracy")
    assert "`encoder`" in sentence
    weak = ClassAccuracies(np.array([45.0, 45.0]), np.array([60, 60]), "held-out")
    (sentence,) = cautions(weak, None)
    assert sentence.startswith("The classifiers are weak: their held-out accuracy")
    assert "model" not in sentence
