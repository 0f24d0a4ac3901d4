"""Wrong labels tried on samples get the evidence that they would get if they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dataparams.training.cross_fitting import CrossFittingSettings, cross_fit
from dataparams.training.planting import KINDS, plant_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray


def blobs(
    count: int, num_classes: int, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % num_classes
    centers = 2.5 * rng.standard_normal((num_classes, 12))
    features = centers[labels] + rng.standard_normal((count, 12))
    return features.astype(np.float32), labels.astype(np.int64)


def test_evidence_is_what_it_would_be_if_the_label_were_given() -> None:
    features, labels = blobs(400, 4)
    rng = np.random.default_rng(1)
    rows = rng.choice(400, 8, replace=False)
    wrong = (labels[rows] + 1) % 4
    tried = cross_fit(features, labels, 4).support_for(rows, wrong)
    changed = labels.copy()
    changed[rows] = wrong
    given = cross_fit(features, changed, 4).support[rows]
    assert np.log(tried).mean() == pytest.approx(np.log(given).mean(), abs=0.5)


def test_score_for_given_labels_is_the_score() -> None:
    features, labels = blobs(300, 5)
    fit = cross_fit(features, labels, 5)
    rows = np.arange(300)
    assert fit.support_for(rows, labels) == pytest.approx(fit.support, rel=1e-4)


def test_classes_that_are_not_listed_get_a_part_of_what_is_left() -> None:
    features, labels = blobs(300, 6)
    fit = cross_fit(features, labels, 6, CrossFittingSettings(likeliest=2))
    rows = np.repeat(np.arange(300), 6)
    all_labels = np.tile(np.arange(6), 300)
    values = fit.support_for(rows, all_labels).reshape(300, 6)
    assert (values > 0).all()
    assert (values.sum(axis=1) < 1 + 1e-3).all()
    assert (values.argmax(axis=1) == labels).mean() > 0.95


@pytest.mark.parametrize(("count", "num_classes"), [(300, 5), (200, 2), (20, 2), (6, 3)])
def test_planted_labels_are_wrong_and_no_row_counts_twice(count: int, num_classes: int) -> None:
    features, labels = blobs(count, num_classes)
    planted = plant_errors(labels, num_classes, cross_fit(features, labels, num_classes))
    assert (planted.labels != labels[planted.rows]).all()
    assert ((planted.labels >= 0) & (planted.labels < num_classes)).all()
    for kind in KINDS:
        rows = planted.rows[planted.kinds == kind]
        assert len(set(rows.tolist())) == len(rows)
    assert ((planted.evidence > 0) & (planted.evidence <= 1)).all()


def test_confused_errors_follow_the_errors_that_there_are() -> None:
    features, labels = blobs(600, 6)
    rng = np.random.default_rng(2)
    given = labels.copy()
    rows = rng.choice(600, 120, replace=False)
    given[rows] = (labels[rows] + 1) % 6
    planted = plant_errors(given, 6, cross_fit(features, given, 6))
    step = (planted.labels - given[planted.rows]) % 6
    assert (step[planted.kinds == "confused"] == 1).mean() > 0.6
    assert (step[planted.kinds == "uniform"] == 1).mean() < 0.35


def test_same_seed_same_errors() -> None:
    features, labels = blobs(200, 4)
    fit = cross_fit(features, labels, 4)
    first, second = (plant_errors(labels, 4, fit, seed=3) for _ in range(2))
    assert np.array_equal(first.labels, second.labels)
    assert np.array_equal(first.evidence, second.evidence)
    assert not np.array_equal(first.labels, plant_errors(labels, 4, fit, seed=4).labels)


def test_table_has_the_rows_of_the_source() -> None:
    features, labels = blobs(60, 3)
    planted = plant_errors(labels, 3, cross_fit(features, labels, 3))
    table = planted.table(np.arange(60, dtype=np.int64) * 10)
    assert table.columns == ["index", "label", "kind", "evidence"]
    assert table["index"].to_list() == (planted.rows * 10).tolist()
    assert set(table["kind"]) == set(KINDS)
