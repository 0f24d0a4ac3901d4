"""What the ways in which labels err say about one label."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from dataparams.training.label_odds import (
    WaysOfError,
    chance_by_label,
    log_odds_of_rival,
    log_odds_of_wrong,
    one_way_flow,
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
    likelier = chance_by_label(swapped, found, nowhere)
    assert likelier[0] > 2 * likelier[1]
    assert likelier[1] > 1.5 * likelier[2]
    any_class = np.where(is_wrong, rng.integers(0, 3, 9000), found)
    np.testing.assert_allclose(chance_by_label(any_class, found, nowhere), 1, atol=0.1)


def test_few_labels_and_what_flows_one_way_say_nothing_of_chance() -> None:
    found = np.repeat([0, 1, 2], 100)
    nowhere = sparse.csr_array((3, 3))
    np.testing.assert_allclose(chance_by_label(found, found, nowhere), 1)
    one = np.where(np.arange(300) == 150, 0, found)
    np.testing.assert_allclose(chance_by_label(one, found, nowhere), 1, atol=0.05)
    many, labels = np.repeat([0, 1, 2], 5000), np.repeat([0, 1, 2], 5000)
    labels[5000:7000] = 0
    flow = sparse.csr_array(([0.4], ([1], [0])), shape=(3, 3))
    np.testing.assert_allclose(chance_by_label(labels, many, flow), 1, atol=0.01)
    assert chance_by_label(labels, many, nowhere)[0] > 2
