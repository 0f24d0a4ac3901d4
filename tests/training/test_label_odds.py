"""What the ways in which labels err say about one label."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from dataparams.training.label_odds import (
    WaysOfError,
    chance_by_label,
    likeness_of_classes,
    log_odds_of_rival,
    log_odds_of_wrong,
    one_way_flow,
    with_likeness,
)

CLASSES = 5


def confused(rate: float, *, one_way: bool, count: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and what is found: a share of classes 0 and 1 are mixed up, both ways or one."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CLASSES, count)
    labels = truth.copy()
    from_zero = (truth == 0) & (rng.random(count) < rate)
    from_one = (truth == 1) & (rng.random(count) < rate)
    labels[from_zero] = 1
    if not one_way:
        labels[from_one] = 0
    return labels, truth


def test_what_goes_one_way_is_found() -> None:
    flow = one_way_flow(*confused(0.3, one_way=True), CLASSES).toarray()
    assert 0.1 < flow[0, 1] <= 0.3
    flow[0, 1] = 0
    assert not flow.any()


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.4])
def test_what_goes_both_ways_is_no_flow(rate: float) -> None:
    assert one_way_flow(*confused(rate, one_way=False), CLASSES).nnz == 0


def test_a_large_class_that_absorbs_nothing_is_no_flow() -> None:
    labels = np.repeat(np.arange(3), [1000, 50, 5])
    assert one_way_flow(labels, labels, 3).nnz == 0


def test_labels_at_random_are_no_flow() -> None:
    rng = np.random.default_rng(1)
    labels, found = rng.integers(0, CLASSES, (2, 2000))
    assert one_way_flow(labels, found, CLASSES).sum() < 0.1


def odds(label: int, evidence: list[float], flow: sparse.csr_array) -> float:
    """Of one label, with evidence for each class."""
    table = np.sort(np.array([evidence]))[:, ::-1]
    classes = np.argsort(-np.array([evidence]), axis=1)
    given = np.array([evidence[label]])
    return float(log_odds_of_wrong(np.array([label]), given, classes, table, flow, 0.1)[0])


def test_a_label_to_which_its_rival_flows_is_more_suspicious() -> None:
    nowhere = sparse.csr_array((3, 3))
    flow = sparse.coo_array(([0.3], ([0], [1])), shape=(3, 3)).tocsr()
    assert odds(1, [0.3, 0.6, 0.1], flow) > odds(1, [0.3, 0.6, 0.1], nowhere) + 1
    assert odds(0, [0.6, 0.3, 0.1], flow) == odds(0, [0.6, 0.3, 0.1], nowhere)


def test_less_evidence_is_more_suspicious_where_nothing_flows() -> None:
    nowhere = sparse.csr_array((3, 3))
    found = [odds(0, [share, 0.9 - share, 0.1], nowhere) for share in (0.8, 0.5, 0.2, 0.0)]
    assert found == sorted(found)
    assert np.isfinite(found).all()


def evidence_of(count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The likeliest four classes of samples of which every class has some, and their evidence."""
    rng = np.random.default_rng(3)
    table = rng.dirichlet(np.full(classes, 0.3), size=count)
    likeliest = np.argsort(-table, axis=1)[:, :4]
    return likeliest, np.take_along_axis(table, likeliest, axis=1)


def test_likeness_is_the_mean_evidence_beyond_the_usual_class_by_class() -> None:
    likeliest, evidence = evidence_of(300, CLASSES)
    found = likeness_of_classes(likeliest, evidence, CLASSES).toarray()
    for one in range(CLASSES):
        chosen = likeliest[:, 0] == one
        total = np.zeros(CLASSES)
        np.add.at(total, likeliest[chosen].ravel(), evidence[chosen].ravel())
        mean = np.delete(total / chosen.sum(), one)
        expected = np.insert(np.maximum(mean - mean.mean(), 0), one, 0)
        np.testing.assert_allclose(found[one], expected, atol=1e-12)


def test_of_two_classes_none_is_more_alike_than_usual() -> None:
    likeliest, evidence = evidence_of(100, 2)
    assert likeness_of_classes(likeliest, evidence, 2).nnz == 0


def test_a_label_is_less_suspicious_where_samples_of_this_kind_resemble_it() -> None:
    alike = likeness_of_classes(
        np.array([[0, 1, 2], [2, 0, 1]]), np.array([[0.7, 0.3, 0.0]] * 2), 3
    )
    classes, table = np.array([[0, 2, 1]] * 2), np.array([[0.98, 0.01, 0.01]] * 2)
    labels, given = np.array([1, 2]), np.array([0.01, 0.01])
    resembled, not_resembled = with_likeness(labels, given, classes, table, alike, 0.1)
    assert resembled > not_resembled == 0.01
    np.testing.assert_array_equal(with_likeness(labels, given, classes, table, alike, 0.0), given)
    sure = np.ones(2)
    np.testing.assert_array_equal(with_likeness(labels, sure, classes, table, alike, 0.1), sure)


def test_a_sure_rival_is_more_suspicious_than_several() -> None:
    label, given = np.array([2]), np.array([0.1])
    classes = np.array([[0, 1, 2]])
    sure = log_odds_of_rival(label, given, classes, np.array([[0.85, 0.05, 0.1]]))
    several = log_odds_of_rival(label, given, classes, np.array([[0.5, 0.4, 0.1]]))
    assert sure > several
    agreed = log_odds_of_rival(np.array([0]), np.array([0.9]), classes, np.array([[0.9, 0.1, 0.0]]))
    assert agreed < 0


def ways_of(labels: np.ndarray, truth: np.ndarray) -> WaysOfError:
    """Where evidence finds the truth, and holds all other classes for equally unlikely."""
    rng = np.random.default_rng(3)
    ranks = rng.permuted(np.tile(np.arange(1, CLASSES), (len(labels), 1)), axis=1)[:, 0]
    unlikely = (labels != truth) & (ranks >= CLASSES - CLASSES // 2)
    return WaysOfError.seen(labels, truth, unlikely.astype(float), CLASSES)


def test_labels_by_chance_are_known_as_such() -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(0, CLASSES, 5000)
    labels = np.where(rng.random(5000) < 0.2, rng.integers(0, CLASSES, 5000), truth)
    ways = ways_of(labels, truth)
    assert ways.chance == pytest.approx((labels != truth).mean(), abs=0.02)
    assert (ways.one_way, ways.alike) == (0, 0)


def test_labels_that_go_one_way_are_known_as_such() -> None:
    labels, truth = confused(0.3, one_way=True)
    ways = WaysOfError.seen(labels, truth, np.zeros(len(labels)), CLASSES)
    assert (ways.one_way, ways.alike) == (1, 0)


def test_labels_wrong_since_classes_are_alike_are_known_as_such() -> None:
    labels, truth = confused(0.3, one_way=False)
    ways = WaysOfError.seen(labels, truth, np.zeros(len(labels)), CLASSES)
    assert (ways.one_way, ways.alike) == (0, 1)


def test_clean_labels_go_no_way() -> None:
    labels = np.arange(CLASSES).repeat(20)
    ways = WaysOfError.seen(labels, labels, np.zeros(len(labels)), CLASSES)
    assert (ways.flow.nnz, ways.one_way) == (0, 0)


def test_a_label_by_chance_is_a_class_as_often_as_is_seen() -> None:
    rng = np.random.default_rng(0)
    found = rng.choice(3, 9000, p=[0.7, 0.2, 0.1])
    is_wrong = rng.random(9000) < 0.3
    nowhere = sparse.csr_array((3, 3))
    swapped = np.where(is_wrong, rng.permutation(found), found)
    likelier = chance_by_label(swapped, found, nowhere, np.bincount(swapped))
    assert likelier[0] > 2 * likelier[1]
    assert likelier[1] > 1.5 * likelier[2]
    any_class = np.where(is_wrong, rng.integers(0, 3, 9000), found)
    as_often = chance_by_label(any_class, found, nowhere, np.bincount(any_class))
    np.testing.assert_allclose(as_often, 1, atol=0.1)


def test_few_labels_and_what_flows_one_way_say_nothing_of_chance() -> None:
    found = np.repeat([0, 1, 2], [400, 100, 100])
    sizes, nowhere = np.bincount(found), sparse.csr_array((3, 3))
    np.testing.assert_allclose(chance_by_label(found, found, nowhere, sizes), 1)
    one = np.where(np.arange(600) == 450, 0, found)
    np.testing.assert_allclose(chance_by_label(one, found, nowhere, sizes), 1, atol=0.05)
    many = np.repeat([0, 1, 2], [20_000, 5000, 5000])
    labels = np.where((np.arange(30_000) >= 20_000) & (np.arange(30_000) < 22_000), 0, many)
    flow = sparse.csr_array(([0.4], ([1], [0])), shape=(3, 3))
    given = np.bincount(labels)
    np.testing.assert_allclose(chance_by_label(labels, many, flow, given), 1, atol=0.01)
    assert chance_by_label(labels, many, nowhere, given)[0] > 1.5


def test_classes_of_one_size_are_alike_by_chance() -> None:
    found = np.repeat([0, 1, 2], 1000)
    labels = np.where(np.arange(3000) % 7 == 0, np.roll(found, 1000), found)
    likelier = chance_by_label(labels, found, sparse.csr_array((3, 3)), np.full(3, 1000))
    np.testing.assert_array_equal(likelier, 1)


def test_where_labels_go_one_way_those_by_chance_are_any_class_alike() -> None:
    rng = np.random.default_rng(0)
    found = rng.choice(3, 9000, p=[0.7, 0.2, 0.1])
    everywhere, unlikely = np.ones(9000, dtype=bool), np.zeros(9000)
    swapped = np.where(rng.random(9000) < 0.3, rng.permutation(found), found)
    one_way = np.where(rng.random(9000) < 0.3, (found + 1) % 3, found)
    by_chance = WaysOfError.seen(swapped, found, unlikely, 3, everywhere)
    assert np.ptp(np.asarray(by_chance.by_label)) > 0.5
    flowing = WaysOfError.seen(one_way, found, unlikely, 3, everywhere)
    assert flowing.one_way == 1
    np.testing.assert_array_equal(np.asarray(flowing.by_label), 1)
