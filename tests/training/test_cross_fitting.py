"""Every sample is judged by heads that never saw it, and wrong labels stand low."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dataparams.training.cross_fitting import (
    CrossFit,
    CrossFittingSettings,
    cross_fit,
)
from dataparams.training.neighbors import neighbor_votes

WIDTH = 16


def blobs(sizes: list[int], seed: int = 0, spread: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Well separated classes of these sizes, in half precision."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    centers = 3 * rng.normal(size=(len(sizes), WIDTH))
    features = centers[labels] + spread * rng.normal(size=(len(labels), WIDTH))
    order = rng.permutation(len(labels))
    return features[order].astype(np.float16), labels[order]


def swapped(labels: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """The labels, a share of them permuted among themselves."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(labels), round(share * len(labels)), replace=False)
    changed = labels.copy()
    changed[chosen] = labels[rng.permutation(chosen)]
    return changed


def same(one: CrossFit, other: CrossFit) -> bool:
    """Whether two are equal bit for bit."""
    return np.array_equal(one.support, other.support) and all(
        np.array_equal(value, getattr(b, name), equal_nan=True)
        for a, b in zip(one.rounds, other.rounds, strict=True)
        for name, value in vars(a).items()
    )


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_swapped_labels_of_separate_classes_stand_lowest(share: float) -> None:
    features, truth = blobs([80] * 5)
    labels = swapped(truth, share)
    score = cross_fit(features, labels, 5).support
    is_wrong = labels != truth
    assert score[is_wrong].max() < score[~is_wrong].min()


def test_labels_that_go_one_way_are_found_among_classes_that_touch() -> None:
    features, truth = blobs([150] * 4, spread=3.0)
    labels = truth.copy()
    labels[np.flatnonzero(truth == 1)[:50]] = 2
    fit = cross_fit(features, labels, 4)
    flow = fit.ways.flow.toarray()
    assert flow[1, 2] > 0.1
    assert flow.sum() == pytest.approx(flow[1, 2])
    is_wrong = labels != truth
    lowest = np.argsort(fit.support)[: is_wrong.sum()]
    assert is_wrong[lowest].mean() > 0.9


def test_the_last_round_counts_where_labels_go_one_way_and_the_others_elsewhere() -> None:
    features, truth = blobs([150] * 4, spread=3.0)
    one_way = truth.copy()
    one_way[np.flatnonzero(truth == 1)[:50]] = 2
    for labels, chosen, expected in (
        (one_way, slice(2, 3), 1.0),
        (swapped(truth, 0.3), slice(2), 0.0),
    ):
        fit = cross_fit(features, labels, 4)
        assert fit.ways.one_way == expected
        others = [
            replace(one, evidence=np.full_like(one.evidence, 0.5))
            if one not in fit.rounds[chosen]
            else one
            for one in fit.rounds
        ]
        changed = CrossFit(tuple(others), labels, 4, fit.settings, fit.near)
        np.testing.assert_array_equal(changed.support, fit.support)


@pytest.mark.parametrize(
    ("by_chance", "alike", "counts"), [(1.0, 0.0, True), (0.0, 1.0, True), (0.0, 0.0, False)]
)
def test_only_the_first_round_counts_where_wrong_labels_and_difficult_samples_are_mixed(
    by_chance: float, alike: float, counts: bool
) -> None:
    features, truth = blobs([60] * 4, spread=3.0)
    labels = swapped(truth, 0.3)
    fit = cross_fit(features, labels, 4)
    first, second, last = fit.rounds
    other = replace(second, evidence=second.evidence * np.float32(0.5))
    changed = replace(fit, rounds=(first, other, last))
    ways = replace(fit.ways, by_chance=by_chance, alike=alike, one_way=0.0)
    for one in (fit, changed):
        vars(one)["ways"] = ways
    assert np.array_equal(changed.support, fit.support) != counts


def pairs_that_touch(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Twenty classes, of which each two are alike."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(20), 60)
    centers = np.repeat(rng.normal(size=(10, WIDTH)), 2, axis=0)
    centers += 0.5 * rng.normal(size=centers.shape)
    return centers[labels] + rng.normal(size=(len(labels), WIDTH)), labels


def test_difficult_samples_of_classes_that_are_alike_stand_above_labels_by_chance() -> None:
    features, truth = pairs_that_touch(seed=2)
    labels = swapped(truth, 0.2)
    fit = cross_fit(features, labels, 20)
    without = replace(fit, settings=replace(fit.settings, likeness=0.0))
    is_wrong = labels != truth
    is_difficult = ~is_wrong & (fit.rounds[0].classes[:, 0] == labels // 2 * 2 + 1 - labels % 2)
    by_chance = is_wrong & (labels // 2 != truth // 2)

    def above(support: np.ndarray) -> float:
        return float((support[is_difficult][:, None] > support[by_chance]).mean())

    assert above(fit.support) > above(without.support) > 0.5


def test_likeness_of_classes_is_no_excuse_where_labels_go_one_way() -> None:
    features, truth = blobs([150] * 4, spread=3.0)
    labels = truth.copy()
    labels[np.flatnonzero(truth == 1)[:50]] = 2
    fit = cross_fit(features, labels, 4)
    without = replace(fit, settings=replace(fit.settings, likeness=0.0))
    assert fit.ways.one_way == 1
    np.testing.assert_array_equal(fit.support, without.support)


def test_clean_labels_of_separate_classes_all_stand_high() -> None:
    features, labels = blobs([60] * 4)
    fit = cross_fit(features, labels, 4)
    assert fit.support.min() > 0.5
    assert all(one.is_kept.all() for one in fit.rounds)
    assert fit.ways.flow.nnz == 0


def test_random_labels_are_no_reason_to_fail() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, WIDTH)).astype(np.float32)
    score = cross_fit(features, rng.integers(0, 6, 200), 6).support
    assert np.isfinite(score).all()
    assert ((score > 0) & (score < 1)).all()


def test_the_same_seed_gives_the_same_bit_for_bit_and_another_does_not() -> None:
    features, truth = blobs([40] * 3, spread=3.0)
    labels = swapped(truth, 0.2)
    first = cross_fit(features, labels, 3, seed=7)
    assert same(first, cross_fit(features, labels, 3, seed=7))
    assert not same(first, cross_fit(features, labels, 3, seed=8))


def test_the_score_of_the_given_labels_is_the_score_of_any_labels_asked() -> None:
    features, truth = blobs([40] * 4, spread=3.0)
    labels = swapped(truth, 0.2)
    fit = cross_fit(features, labels, 4)
    rows = np.arange(0, len(labels), 3)
    np.testing.assert_allclose(fit.support_for(rows, labels[rows]), fit.support[rows], rtol=1e-4)
    wrong = fit.support_for(rows, (truth[rows] + 1) % 4)
    assert np.median(wrong) < np.median(fit.support_for(rows, truth[rows]))


def test_what_a_round_keeps_of_a_sample_fits_together() -> None:
    features, truth = blobs([30] * 12, spread=3.0)
    labels = swapped(truth, 0.2)
    for one in cross_fit(features, labels, 12).rounds:
        assert one.classes.shape == one.class_evidence.shape == (len(labels), 10)
        assert (np.diff(one.class_evidence, axis=1) <= 0).all()
        assert (one.class_evidence.sum(axis=1) <= 1 + 1e-5).all()
        is_given = one.classes == labels[:, None]
        found = is_given.any(axis=1)
        np.testing.assert_array_equal(one.class_evidence[is_given], one.evidence[found])
        np.testing.assert_array_equal(one.class_probability[is_given], one.probability[found])
        np.testing.assert_array_equal(one.is_kept, one.evidence > 0.5 * one.class_evidence[:, 0])


@pytest.mark.parametrize(
    "sizes",
    [[40, 40, 1], [40, 2, 1, 1], [1, 1], [2, 1], [1] * 30, [100, 1], [3] * 40],
    ids=str,
)
def test_tiny_classes_are_judged_like_all_others(sizes: list[int]) -> None:
    features, labels = blobs(sizes)
    fit = cross_fit(features, labels, len(sizes))
    assert fit.support.shape == (sum(sizes),)
    assert np.isfinite(fit.support).all()


def test_arrays_that_cannot_be_written_to_are_judged() -> None:
    features, truth = blobs([150] * 4, spread=3.0)
    labels = truth.copy()
    labels[np.flatnonzero(truth == 1)[:50]] = 2
    writable = cross_fit(features, labels, 4)
    for array in (features, labels):
        array.flags.writeable = False
    assert same(cross_fit(features, labels, 4), writable)


def test_classes_that_no_sample_has_are_allowed() -> None:
    features, labels = blobs([30, 30])
    fit = cross_fit(features, labels * 5, 50)
    assert fit.support.min() > 0.5


def test_equal_features_are_no_reason_to_fail() -> None:
    score = cross_fit(np.ones((40, WIDTH), np.float16), np.arange(40) % 2, 2).support
    assert np.isfinite(score).all()


def test_many_tiny_classes_get_fewer_heads() -> None:
    few = CrossFittingSettings().fitting(15_000, 1280, 5_000)
    assert few.heads.heads <= 9
    assert few.heads.folds == 5
    assert few.heads.epochs == CrossFittingSettings().heads.epochs
    assert few.plain.epochs == few.heads.epochs
    assert few.rounds == 2
    usual = CrossFittingSettings()
    assert usual.fitting(50_000, 1280, 100) == usual


def test_very_many_samples_take_fewer_and_larger_steps() -> None:
    usual = CrossFittingSettings()
    many = usual.fitting(1_281_167, 1280, 1000)
    assert many.heads.heads == many.plain.heads == 3
    for heads in (many.heads, many.plain):
        steps = heads.epochs / heads.batch_size
        assert steps < usual.heads.epochs / usual.heads.batch_size / 4
    # However many there are, few classes are no reason to.
    assert usual.fitting(250_000, 64, 10) == usual


def test_progress_is_told_after_each_epoch_and_records_of_the_first_round() -> None:
    features, labels = blobs([30] * 3)
    settings = CrossFittingSettings(rounds=2)
    passed, epochs, seen = [], [], np.zeros(len(labels), int)

    def on_batch(rows: np.ndarray, logits: object, active: object) -> None:
        del logits, active
        seen[rows] += 1

    cross_fit(
        features, labels, 3, settings,
        on_batch=on_batch,
        on_epoch=lambda epoch, log_temperature: epochs.append((epoch, log_temperature.shape)),
        on_progress=lambda done, total: passed.append((done, total)),
    )  # fmt: skip
    in_all = settings.plain.epochs + 2 * settings.heads.epochs
    assert passed == [(done, in_all) for done in range(in_all + 1)]
    assert epochs == [(epoch, (90, settings.heads.heads)) for epoch in range(1, 6)]
    assert (seen == settings.heads.epochs).all()


def test_votes_are_shares_by_weight() -> None:
    near = np.array([[1, 2, 3], [0, 2, 3]])
    votes = neighbor_votes(near, np.array([0, 0, 1, 1]), np.array([1, 1, 0.5, 0.5], np.float32), 3)
    np.testing.assert_allclose(votes.numpy(), [[0.5, 0.5, 0], [0.5, 0.5, 0]])


def test_neighbors_that_count_for_nothing_leave_no_vote() -> None:
    votes = neighbor_votes(np.array([[1]]), np.array([0, 1]), np.zeros(2, np.float32), 2)
    assert not votes.any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_named(value: float) -> None:
    features, labels = blobs([10, 10])
    features[[3, 7], 2] = value
    with pytest.raises(ValueError, match=r"2 of 20 rows .* first of them row 3"):
        cross_fit(features, labels, 2)


@pytest.mark.parametrize(
    ("labels", "num_classes", "message"),
    [
        ([0, 0, 0, 0], 1, "num_classes is 1; heads need at least 2"),
        ([0, 1, 0], 2, "4 rows of features, but 3 labels"),
        ([0, 1, 2, 0], 2, r"labels run from 0 to 2; expected 0 \.\.\. 1"),
        ([0, -1, 1, 0], 2, "labels run from -1 to 1"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    labels: list[int], num_classes: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        cross_fit(np.eye(4, dtype=np.float32), np.array(labels), num_classes)


def test_one_sample_is_too_few() -> None:
    with pytest.raises(ValueError, match="There are 1 samples"):
        cross_fit(np.eye(1, dtype=np.float32), np.array([0]), 2)


def test_heads_alone_do_without_other_voices() -> None:
    features, truth = blobs([40] * 3)
    labels = swapped(truth, 0.2)
    alone = replace(CrossFittingSettings(), rounds=1, vote_power=0.0, plain_power=0.0)
    (one,) = cross_fit(features, labels, 3, alone).rounds
    table = one.class_probability + alone.least_probability
    np.testing.assert_allclose(
        one.class_evidence, table / table.sum(axis=1, keepdims=True), rtol=1e-4
    )
