"""Arrays of a training loop of one's own: what is taken, and what is refused and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dataparams.analysis import Analysis, analyze_trajectories
from dataparams.errors import ArgumentError, UserError
from dataparams.run.error_detection import detection_figures

COUNT, EPOCHS = 400, 12
IS_WRONG = np.arange(COUNT) % 10 == 0
NAMES = np.array(["cat", "dog", "élan", "fox"])


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4, COUNT)


@pytest.fixture
def log_temperature() -> np.ndarray:
    drift = np.where(IS_WRONG, 0.1, -0.1)
    return np.cumsum(drift + np.random.default_rng(1).normal(0, 0.02, (EPOCHS, COUNT)), axis=0)


def categories(analysis: Analysis) -> list[str]:
    return analysis.frame["category"].to_list()


def test_temperatures_alone_tell_right_from_wrong(log_temperature, labels) -> None:
    analysis = analyze_trajectories(log_temperature, labels)
    assert ((analysis.frame["category"] == "hard").to_numpy() == IS_WRONG).mean() > 0.97
    figures = detection_figures(analysis.frame["suspicion"].to_numpy(), IS_WRONG)
    assert figures is not None
    assert figures.auroc > 0.99
    assert analysis.noise.rate == pytest.approx(0.1, abs=0.03)
    assert analysis.noise.low <= 0.1 <= analysis.noise.high


def test_the_start_is_what_temperatures_are_measured_from(log_temperature, labels) -> None:
    expected = categories(analyze_trajectories(log_temperature, labels))
    assert categories(analyze_trajectories(log_temperature + 3, labels, initial=3.0)) == expected


def test_the_unit_of_temperatures_does_not_matter(log_temperature, labels) -> None:
    expected = categories(analyze_trajectories(log_temperature, labels))
    assert categories(analyze_trajectories(log_temperature / 20, labels)) == expected


@pytest.mark.parametrize("initial", [0.0, -0.7])
@pytest.mark.parametrize("epochs", [1, 12])
def test_temperatures_that_never_moved_are_refused(labels, initial: float, epochs: int) -> None:
    never = np.full((epochs, COUNT), initial, dtype=np.float32)
    with pytest.raises(ValueError, match=r"never moves from .*, its start.*step\(\).*train\(\)"):
        analyze_trajectories(never, labels, initial=float(np.float32(initial)))


def test_the_same_in_every_epoch_is_refused(log_temperature, labels) -> None:
    same = np.tile(log_temperature[-1], (EPOCHS, 1))
    with pytest.raises(ValueError, match=r"same in every epoch.*a copy of the parameters"):
        analyze_trajectories(same, labels)
    assert len(analyze_trajectories(same[:1], labels).frame) == COUNT


def test_samples_first_are_refused_with_the_hint_to_transpose(log_temperature, labels) -> None:
    with pytest.raises(ValueError, match=r"instances first: give log_temperature\.T"):
        analyze_trajectories(log_temperature.T, labels)
    with pytest.raises(ValueError, match=r"`labels` has shape \(3,\) and") as other:
        analyze_trajectories(log_temperature, labels[:3])
    assert ".T" not in str(other.value)


def test_temperatures_are_not_taken_for_their_logs(log_temperature, labels) -> None:
    with pytest.raises(ValueError, match=r"looks like temperatures.*np\.log"):
        analyze_trajectories(np.exp(log_temperature), labels)


def test_names_are_labels_too(log_temperature, labels) -> None:
    expected = analyze_trajectories(log_temperature, labels, class_names=list(NAMES))
    for words in (NAMES[labels], NAMES[labels].astype(object), NAMES[labels].tolist()):
        found = analyze_trajectories(log_temperature, words)
        assert found.class_names == ("cat", "dog", "fox", "élan")
        assert found.frame["label_name"].to_list() == NAMES[labels].tolist()
        assert categories(found) == categories(expected)
        ordered = analyze_trajectories(log_temperature, words, class_names=list(NAMES))
        assert ordered.frame.equals(expected.frame)


def test_numbers_may_be_a_list(log_temperature, labels) -> None:
    found = analyze_trajectories(log_temperature, labels.tolist())
    assert found.frame.equals(analyze_trajectories(log_temperature, labels).frame)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": np.zeros((1, COUNT))}, r"`loss` has shape \(1, 400\); expected \(12, 400\)"),
        ({"log_temperature": np.zeros(COUNT)}, r"shape \(400,\); expected \(epochs, instances\)"),
        ({"log_temperature": np.zeros((0, COUNT))}, r"shape \(0, 400\)"),
        (
            {"log_temperature": np.full((12, COUNT), np.nan)},
            r"`log_temperature` has values",
        ),
        ({"margin": np.full((12, COUNT), np.inf)}, r"`margin` has values that are not finite"),
        ({"labels": np.full(COUNT, -1)}, r"`labels` runs from -1"),
        ({"labels": np.full(COUNT, 9), "class_names": NAMES}, r"from 9 to 9; expected 0 ... 3"),
        ({"labels": np.full(COUNT, 0.5)}, r"`labels` has dtype float64; expected class numbers"),
        (
            {"labels": ["cat"] * 399 + ["cow"], "class_names": NAMES},
            r"`labels` contains 'cow'; expected the names in `class_names`: cat, dog, élan, fox\.",
        ),
        (
            {"rival": np.full((12, COUNT), 7), "class_names": NAMES},
            r"`rival` runs from 7 to 7; expected 0 ... 3",
        ),
        ({"ids": ["a", "b"]}, r"`ids` has 2 names; expected 400"),
    ],
)
def test_what_does_not_fit_is_said(log_temperature, labels, change, message) -> None:
    arguments = {"log_temperature": log_temperature, "labels": labels, **change}
    with pytest.raises(ArgumentError, match=message):
        analyze_trajectories(**arguments)


def test_a_budget_that_is_no_share_is_refused(log_temperature, labels) -> None:
    with pytest.raises(UserError, match=r"`review_budget` is 1.5"):
        analyze_trajectories(log_temperature, labels, review_budget=1.5)


def test_what_it_is_given_stays_as_it_was(log_temperature, labels) -> None:
    given: dict[str, Any] = {
        "margin": np.random.default_rng(2).normal(1, 1, (EPOCHS, COUNT)).astype(np.float32),
        "loss": np.random.default_rng(3).exponential(1, (EPOCHS, COUNT)).astype(np.float32),
        "rival": np.tile((labels + 1) % 4, (EPOCHS, 1)),
    }
    before = {name: values.copy() for name, values in given.items()}
    for values in (log_temperature, labels, *given.values()):
        values.flags.writeable = False
    analyze_trajectories(log_temperature, labels, **given)
    for name, values in given.items():
        np.testing.assert_array_equal(values, before[name])
