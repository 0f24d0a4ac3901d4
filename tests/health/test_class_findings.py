"""Classes that may be one, that look like two, or are too small are found; no others are accused.

What held-out models say is made from the features here: the vote of each sample's neighbors.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from dataparams.analysis.feature_space import FeatureSpace
from dataparams.analysis.held_out_evidence import HeldOutEvidence
from dataparams.health.class_findings import CLASS_KINDS, class_findings

WIDTH = 32


def clouds(sizes: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A cloud of each size."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    centers = 3 * rng.normal(size=(len(sizes), WIDTH)) / np.sqrt(WIDTH)
    return centers[labels] + rng.normal(0, 0.35, (len(labels), WIDTH)), labels


def found_in(
    features: np.ndarray,
    labels: np.ndarray,
    evidence: HeldOutEvidence | None = None,
    *,
    is_suspected: bool = True,
) -> pl.DataFrame:
    """What is found; where nothing is suspected, wrong labels count as typical ones."""
    names = [f"class {k}" for k in range(labels.max() + 1)]
    evidence = evidence or neighbors_say(features, labels)
    predicted = evidence.classes[:, 0]
    samples = pl.DataFrame(
        {
            "index": np.arange(len(labels)) + 1000,
            "label": labels,
            "category": np.where(predicted == labels, "easy", "hard"),
            "suggested_label": predicted,
            "noise_probability": (1 - evidence.evidence) * is_suspected,
            "is_outlier": np.zeros(len(labels), dtype=bool),
        }
    )
    return class_findings(samples, names, evidence, FeatureSpace(features)).table


def neighbors_say(features: np.ndarray, labels: np.ndarray) -> HeldOutEvidence:
    distances = np.linalg.norm(features[:, None] - features[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    near = np.argsort(distances, axis=1)[:, :15]
    votes = np.stack([(labels[near] == k).mean(axis=1) for k in range(labels.max() + 1)], axis=1)
    return as_evidence(votes, labels)


def as_evidence(votes: np.ndarray, labels: np.ndarray) -> HeldOutEvidence:
    classes = np.argsort(-votes, axis=1, kind="stable")
    of_label = votes[np.arange(len(labels)), labels]
    return HeldOutEvidence(
        evidence=of_label,
        probability=of_label,
        vote=of_label,
        classes=classes,
        class_evidence=np.take_along_axis(votes, classes, axis=1),
        is_outlier=np.zeros(len(labels), dtype=bool),
        outlier_score=np.zeros(len(labels)),
        planted={},
    )


@pytest.mark.parametrize("seed", range(4))
def test_classes_that_lie_apart_are_not_accused(seed: int) -> None:
    assert not len(found_in(*clouds([120, 80, 60, 40], seed)))


@pytest.mark.parametrize("seed", range(4))
def test_a_class_cut_at_random_is_found_to_be_one(seed: int) -> None:
    features, labels = clouds([160, 80, 80], seed)
    labels[:160:2] = 3
    ((kind, samples, classes, strength, sentence),) = (
        found_in(features, labels).drop("parts").rows()
    )
    assert (kind, classes) == ("overlapping_classes", [0, 3])
    assert {index - 1000 for index in samples} <= set(range(160))
    assert strength > 0.7
    assert sentence.startswith(
        "class 0 and class 3 may be one class: nothing was found in the features"
    )


def test_what_merging_would_change_is_what_it_changes() -> None:
    features, labels = clouds([160, 80, 80])
    labels[:160:2] = 3
    (sentence,) = found_in(features, labels)["sentence"].to_list()
    merged = np.where(labels == 3, 0, labels)
    before, after = (
        float((neighbors_say(features, each).classes[:, 0] != each).mean())
        for each in (labels, merged)
    )
    assert f"from {before:.1%} to {after:.1%}" in sentence


@pytest.mark.parametrize("share", [0.2, 0.4])
def test_wrong_labels_do_not_make_two_classes_one(share: float) -> None:
    features, labels = clouds([150, 150])
    rng = np.random.default_rng(0)
    is_wrong = rng.random(300) < share
    assert not len(found_in(features, np.where(is_wrong, 1 - labels, labels)))


@pytest.mark.parametrize("seed", range(4))
def test_halves_of_a_class_are_found_though_models_take_both_for_a_third(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2, 3], [800, 60, 60, 400])
    centers = np.zeros((4, WIDTH))
    centers[:3, 0], centers[1:3, 1], centers[3, 2] = 1, 0.3, 1
    features = centers[labels] + rng.normal(0, 0.2, (len(labels), WIDTH))
    predicted = neighbors_say(features, labels).classes[:, 0]
    assert (predicted[np.isin(labels, (1, 2))] == 0).mean() > 0.8
    found = found_in(features, labels).filter(kind="overlapping_classes")
    assert found["classes"].to_list() == [[1, 2]]


@pytest.mark.parametrize("seed", range(4))
def test_classes_that_models_have_not_learned_are_not_called_one(seed: int) -> None:
    features, labels = clouds([150, 150, 80], seed)
    votes = np.random.default_rng(seed).dirichlet([5, 5, 0.1], size=len(labels))
    votes[labels == 2] = [0.05, 0.05, 0.9]
    found = found_in(features, labels, as_evidence(votes, labels))
    assert "overlapping_classes" not in found["kind"].to_list()


@pytest.mark.parametrize("share", [0.0, 0.15, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_classes_that_features_tell_apart_a_little_stay_two_with_wrong_labels(
    seed: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2], 300)
    centers = np.zeros((3, WIDTH))
    centers[0, 0], centers[1, :2], centers[2, 2] = 3, (3, 0.6), 3
    features = centers[labels] + rng.normal(0, 0.3, (900, WIDTH))
    is_wrong = rng.random(900) < share
    given = np.where(is_wrong, (labels + 1) % 3, labels)
    assert not len(found_in(features, given).filter(kind="overlapping_classes"))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.3, 0.38])
def test_wrong_labels_of_classes_that_touch_are_not_called_overlap(seed: int, share: float) -> None:
    # The best that features allow is right about the truth in 85 %.
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1, 2], [1000, 1000, 400])
    centers = np.zeros((3, WIDTH))
    centers[0, :2], centers[1, :2], centers[2, 2] = (1, 0), (1, 0.2 * 2.07), 1
    features = centers[truth] + rng.normal(0, 0.2, (len(truth), WIDTH))
    is_wrong = (truth < 2) & (rng.random(len(truth)) < share)
    given = np.where(is_wrong, 1 - truth, truth)
    assert not len(found_in(features, given).filter(kind="overlapping_classes"))


@pytest.mark.parametrize("rare", [20, 40])
@pytest.mark.parametrize("seed", range(4))
def test_a_rare_class_beside_a_large_one_that_it_differs_from_is_not_called_one_with_it(
    seed: int, rare: int
) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2], [1000, rare, 400])
    centers = np.zeros((3, WIDTH))
    centers[0, 0], centers[1, :2], centers[2, 2] = 1, (1, 0.6), 1
    features = centers[labels] + rng.normal(0, 0.2, (len(labels), WIDTH))
    assert not len(found_in(features, labels).filter(kind="overlapping_classes"))


def test_so_few_samples_that_chance_could_tell_them_apart_are_not_called_one_class() -> None:
    features, labels = clouds([24, 80, 80])
    labels[:24:2] = 3
    assert not len(found_in(features, labels).filter(kind="overlapping_classes"))


def test_confusion_that_goes_one_way_is_not_called_overlap() -> None:
    features, labels = clouds([150, 150])
    labels[:40] = 1
    kinds = found_in(features, labels)["kind"].to_list()
    assert "overlapping_classes" not in kinds


@pytest.mark.parametrize("seed", range(4))
def test_two_classes_merged_are_found_to_look_like_two(seed: int) -> None:
    features, labels = clouds([90, 90, 60, 80, 80], seed)
    merged = np.maximum(labels - 1, 0)
    ((kind, samples, classes, strength, sentence),) = (
        found_in(features, merged).drop("parts").rows()
    )
    assert (kind, classes) == ("class_like_two", [0])
    assert len({labels[index - 1000] for index in samples}) == 1
    assert 0.5 <= strength < 1
    assert "class 0 looks like two classes: 90 and 90 of its samples" in sentence


@pytest.mark.parametrize("seed", range(4))
def test_wrong_labels_that_nobody_suspects_do_not_make_a_class_look_like_two(seed: int) -> None:
    features, labels = clouds([120, 120, 120, 120, 120], seed)
    given = labels.copy()
    given[:42] = 1
    found = found_in(features, given, is_suspected=False)
    assert "class_like_two" not in found["kind"].to_list()


@pytest.mark.parametrize("seed", range(4))
def test_a_class_whose_kinds_lie_nearer_than_classes_do_is_one(seed: int) -> None:
    features, labels = clouds([90, 90, 90, 80, 80], seed)
    features[:45, 0] += 1.5
    features[:45, 1] -= 1.2
    assert "class_like_two" not in found_in(features, labels)["kind"].to_list()


def test_a_class_of_a_few_is_too_small_and_nothing_else_is_said_of_it() -> None:
    features, labels = clouds([80, 80, 4])
    ((kind, samples, classes, _, sentence),) = found_in(features, labels).drop("parts").rows()
    assert (kind, samples, classes) == ("small_class", [1160, 1161, 1162, 1163], [2])
    assert sentence == "class 2 has 4 samples, too few to judge labels by; 6 more would do."


def test_one_class_alone() -> None:
    assert not len(found_in(*clouds([60])))


def test_samples_that_are_all_alike() -> None:
    labels = np.arange(100) % 2
    kinds = found_in(np.ones((100, WIDTH)), labels)["kind"].to_list()
    assert "class_like_two" not in kinds


def test_without_evidence_and_features_the_reasons_are_said() -> None:
    _, labels = clouds([30, 30])
    samples = pl.DataFrame(
        {
            "index": np.arange(60),
            "label": labels,
            "category": ["easy"] * 60,
            "suggested_label": labels,
            "noise_probability": np.zeros(60),
        }
    )
    findings = class_findings(samples, ["a", "b"], None, None)
    assert findings.checked == ("small_class",)
    assert set(findings.not_checked) == set(CLASS_KINDS) - {"small_class"}
