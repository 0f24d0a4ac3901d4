"""Groups hold together: a chain is no group, and what was not compared is compared."""

from __future__ import annotations

import numpy as np

from dataparams.health.duplicate_groups import groups_of_equal, groups_of_pairs


def within(values, most):
    return lambda pairs: np.abs(values[pairs[:, 0]] - values[pairs[:, 1]]) <= most


def test_a_chain_is_divided():
    values = np.arange(9.0)
    pairs = np.stack([np.arange(8), np.arange(1, 9)], axis=1)
    groups = groups_of_pairs(pairs, 9, within(values, 1))
    assert all(values[group].max() - values[group].min() <= 2 for group in groups)
    assert sum(map(len, groups)) <= 9
    assert len(groups) >= 3


def test_a_group_of_which_few_pairs_are_known_is_kept_together():
    values = np.zeros(30)
    pairs = np.stack([np.arange(29), np.arange(1, 30)], axis=1)
    (group,) = groups_of_pairs(pairs, 30, within(values, 1))
    assert group.tolist() == list(range(30))


def test_no_pair_is_no_group():
    assert groups_of_pairs(np.empty((0, 2), np.int64), 5, within(np.zeros(5), 1)) == []
    assert groups_of_equal(np.array([3, 1, 2])) == []


def test_two_groups_stay_two():
    values = np.array([0.0, 9.0, 0.0, 9.0, 9.0])
    groups = groups_of_pairs(np.array([[0, 2], [1, 3], [3, 4]]), 5, within(values, 1))
    assert [group.tolist() for group in groups] == [[0, 2], [1, 3, 4]]
