"""Rows of tables are judged by trees, neighbors by distance, and heads that suit them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

from dataparams.encoders.features import Features
from dataparams.encoders.row_columns import column_of
from dataparams.encoders.row_features import TreeTable, row_features
from dataparams.run.error_detection import detection_figures
from dataparams.training.cross_fitting import cross_fit
from dataparams.training.cross_fitting_settings import CrossFittingSettings
from dataparams.training.heads import ScaledFeatures, assign_folds
from dataparams.training.label_odds import one_way_flow
from dataparams.training.neighbors import nearest_neighbors
from dataparams.training.settings_choice import settings_for
from dataparams.training.trees import TreeSettings, probabilities_by_trees


def table_of(values: np.ndarray) -> tuple[np.ndarray, TreeTable]:
    columns = [column_of(f"c{number}", each.tolist()) for number, each in enumerate(values.T)]
    features = row_features(columns)
    return features.values.astype(np.float16), features.for_trees


def features_of(values: np.ndarray) -> Features:
    import polars as pl

    made, table = table_of(values)
    rows = np.arange(len(values))
    return Features(made, rows, pl.Series([""] * len(rows)), {}, 0, table)


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer])
def test_wrong_labels_of_a_table_are_found(load) -> None:
    data = load()
    classes = int(data.target.max()) + 1
    rng = np.random.default_rng(0)
    labels = data.target.astype(np.int64)
    wrong = rng.choice(len(labels), len(labels) // 10, replace=False)
    labels[wrong] = (labels[wrong] + rng.integers(1, classes, len(wrong))) % classes
    features = features_of(data.data)
    settings = settings_for(features, labels, classes)
    fit = cross_fit(features.values, labels, classes, settings, table=features.for_trees)
    figures = detection_figures(1 - fit.support, labels != data.target)
    assert figures.recall_at_noise_rate > 0.8


def test_the_same_seed_gives_the_same_evidence() -> None:
    data = load_wine()
    features, table = table_of(data.data)
    settings = CrossFittingSettings.for_rows()
    first, second = (
        cross_fit(features, data.target.astype(np.int64), 3, settings, table=table, seed=4).support
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_heads_have_a_hidden_layer_only_where_it_helps() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(800, 3))
    bent = (values[:, 0] * values[:, 1] > 0).astype(np.int64)
    straight = (values[:, 0] + 0.5 * rng.normal(size=800) > 0).astype(np.int64)
    features = features_of(values)
    assert settings_for(features, bent, 2).heads.hidden > 0
    assert settings_for(features, straight, 2).heads.hidden == 0


def test_trees_are_asked_about_samples_that_they_did_not_see() -> None:
    rng = np.random.default_rng(0)
    values = rng.permutation(200).astype(np.float32)[:, None]
    table = TreeTable(values, np.zeros(1, dtype=bool))
    labels = rng.integers(0, 2, 200)
    settings = TreeSettings(iterations=100)
    folds = assign_folds(labels, CrossFittingSettings.for_rows().heads, rng)[0]
    found = probabilities_by_trees(table, labels, 2, folds, settings)
    # Labels are by chance: what learns them by heart would agree with all.
    assert (found.argmax(axis=1) == labels).mean() < 0.65


def test_a_class_of_one_sample_and_one_class_in_a_fold_are_no_obstacle() -> None:
    values = np.arange(12, dtype=np.float32)[:, None]
    table = TreeTable(values, np.zeros(1, dtype=bool))
    labels = np.array([0] * 11 + [2])
    found = probabilities_by_trees(table, labels, 3, np.arange(12) % 5, TreeSettings())
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert found[11, 2] == 0
    assert (found[:, 1] == 0).all()


def test_of_large_tables_no_trees_are_grown() -> None:
    assert TreeSettings().can_grow(53_940, 9, 5)
    assert not TreeSettings().can_grow(10_000_000, 100, 10)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_a_few_rows_are_judged(count: int) -> None:
    features = features_of(np.arange(2.0 * count).reshape(count, 2))
    labels = np.arange(count, dtype=np.int64) % 2
    settings = settings_for(features, labels, 2)
    fit = cross_fit(features.values, labels, 2, settings, table=features.for_trees)
    assert np.isfinite(fit.support).all()


def test_neighbors_of_rows_are_near_not_at_the_same_angle() -> None:
    values = np.array([[1.0, 0.0], [1.2, 0.5], [9.0, 0.0], [-12.0, -0.5]], np.float32)
    near = nearest_neighbors(ScaledFeatures(values, norm=None), 1)
    assert near[0, 0] == 1


def test_chance_from_a_large_class_to_a_small_one_is_no_flow() -> None:
    rng = np.random.default_rng(0)
    found = np.repeat([0, 1, 2], [20_000, 2_000, 2_000])
    labels = found.copy()
    wrong = rng.random(len(labels)) < 0.2
    labels[wrong] = (labels[wrong] + rng.integers(1, 3, int(wrong.sum()))) % 3
    assert one_way_flow(labels, found, 3).nnz > 0
    assert one_way_flow(labels, found, 3, 0.2).nnz == 0


def overlapping(one_way: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rows of four classes, of whose labels some are swapped, or go from one class to the next."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 1200)
    values = 2 * rng.normal(size=(4, 6))[truth] + rng.normal(size=(1200, 6))
    labels = truth.copy()
    chosen = np.flatnonzero(rng.random(1200) < 0.25)
    labels[chosen] = (truth[chosen] + 1) % 4 if one_way else truth[rng.permutation(chosen)]
    return values.astype(np.float16), labels


def test_a_round_that_would_not_count_is_left_out() -> None:
    values, labels = overlapping(one_way=False)
    settings = CrossFittingSettings.for_rows(hidden=0)
    told: list[tuple[int, int]] = []
    fit = cross_fit(values, labels, 4, settings, on_progress=lambda *done: told.append(done))
    assert len(fit.rounds) == 2
    assert told[-1][0] == told[-1][1]
    whole = cross_fit(values, labels, 4, replace(settings, may_skip_last_round=False))
    for one, other in zip(fit.rounds, whole.rounds, strict=False):
        np.testing.assert_array_equal(one.class_evidence, other.class_evidence)
    assert whole.ways.one_way == 0


def test_where_labels_go_one_way_every_round_is_there() -> None:
    values, labels = overlapping(one_way=True)
    fit = cross_fit(values, labels, 4, CrossFittingSettings.for_rows(hidden=0))
    assert len(fit.rounds) == 3
    assert fit.ways.one_way > 0
