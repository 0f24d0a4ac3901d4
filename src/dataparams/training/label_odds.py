"""The odds that labels are wrong, from the evidence for classes and the ways in which labels err.

Evidence Q says which class a sample is of, its label left aside. How suspicious a label y is
depends on how labels come to be wrong as well (Bayes' rule; Q_c for each class c)::

    odds(y) = sum over c != y of  Q_c * (a * w_y / (C - 1) + flow[c, y])  /  Q_y

``a`` is the share of labels that are any class by chance, ``w_y`` how much likelier class y is
among these than if all were alike, ``flow[c, y]`` the share of class c that goes to class y one
way. Confusion by a model, or of classes that are alike, goes both ways: among
samples with label y where evidence says c, and label c where it says y, there are equally many but
for chance. So what goes one way more often than chance allows is labels.

Where labels do not go one way, a label that samples of this kind often resemble is a difficult
sample more often than a wrong one. With L[c, y] the evidence for y that samples of class c have in
the mean, beyond what they have for any class, what counts there is ``Q_y + share * sum over c of
Q_c * L[c, y]``: few labels by chance are such classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_CHANCE = 0.03
"""Labels by chance are taken to be at least this share: no other way explains every wrong one."""

_DEVIATIONS = 4.0
_LITTLE, _MUCH = 0.1, 0.2
_SOME, _MOST = 0.6, 0.8
_LEAST = 1e-12
_PRIOR_WRONG = 50.0
_ALIKE_SLOPE, _SWAPPED_SLOPE = 0.15, 0.5
_ASKED = 3


@dataclass(frozen=True, eq=False)
class WaysOfError:
    """How labels of a data set come to be wrong, as far as evidence shows.

    Attributes:
        chance: Share of the labels that are any class by chance: about twice the share that is in
            the less likely half of the classes, where hardly a label comes otherwise.
        flow: Share of each class that goes to another one way, (C, C); see :func:`one_way_flow`.
        one_way: 1 where flow explains at least a tenth of the labels that evidence disputes; 0
            where it explains less than a twentieth.
        alike: 1 where both explain at most a tenth of the labels that evidence disputes, so that
            labels, if any, are wrong since classes are alike; 0 where they explain a fifth or more.
        by_label: How much likelier a label by chance is each class than if all were alike, (C,); 1
            where that was not looked for.
        by_chance: 1 where chance explains at least four fifths of the labels that evidence
            disputes; 0 where it explains at most three.
    """

    chance: float
    flow: sparse.csr_array
    one_way: float
    alike: float
    by_chance: float = 1.0
    by_label: NDArray[np.float64] | float = 1.0

    @classmethod
    def seen(
        cls,
        labels: NDArray[np.int64],
        found: NDArray[np.integer],
        unlikely: NDArray[np.floating],
        num_classes: int,
        sure: NDArray[np.bool_] | None = None,
        least_flow: float = 0.0,
    ) -> WaysOfError:
        """What evidence shows of the labels.

        Args:
            labels: Given labels, (n,).
            found: The likeliest class of each by evidence, (n,).
            unlikely: How far each label is in the less likely half of the classes, (n,), 0 ... 1.
            num_classes: C, at least 2.
            sure: Where one-way flow is looked for, (n,); everywhere if None.
            least_flow: A smaller share of a class is taken for no flow.
        """
        chance = float(unlikely.mean()) * (num_classes - 1) / (num_classes // 2)
        looked_at = slice(None) if sure is None else sure
        flow = one_way_flow(labels[looked_at], found[looked_at], num_classes, chance)
        flow.data[flow.data < least_flow] = 0
        flow.eliminate_zeros()
        sizes = np.bincount(found, minlength=num_classes)
        disputed = max(float((found != labels).mean()), _LEAST)
        one_way = float((flow.sum(axis=1) * sizes).sum()) / len(labels) / disputed
        is_one_way = float(np.clip((one_way - _LITTLE / 2) / (_LITTLE / 2), 0, 1))
        alike = float(np.clip((_MUCH - chance / disputed - one_way) / (_MUCH - _LITTLE), 0, 1))
        by_chance = float(np.clip((chance / disputed - _SOME) / (_MOST - _SOME), 0, 1))
        by_label: NDArray[np.float64] | float = 1.0
        if sure is not None:
            given = np.bincount(labels, minlength=num_classes)
            by_label = chance_by_label(labels[sure], found[sure], flow, given)
            # Where labels go one way, what stands elsewhere is classes that overlap.
            by_label **= 1 - is_one_way
        return cls(max(chance, LEAST_CHANCE), flow, is_one_way, alike, by_chance, by_label)


def one_way_flow(
    labels: NDArray[np.int64], found: NDArray[np.integer], num_classes: int, chance: float = 0.0
) -> sparse.csr_array:
    """The share of each class whose labels are another class, as far as it goes one way.

    With k[c, y] the number of samples found to be c and labeled y, what counts is
    k[c, y] - k[y, c] less four of its standard deviations under chance, sqrt(k[c, y] + k[y, c]).
    Labels that are any class by chance go from a larger class to a smaller one more often than
    back; what is expected of these does not count either.

    Args:
        labels: Given labels, (n,).
        found: The likeliest class of each by evidence, (n,).
        num_classes: C.
        chance: Share of the labels that are any class by chance.

    Returns:
        (C, C), row: the class found, column: the label; zero nearly everywhere.

    Example:
        >>> found = np.repeat([0, 1], [100, 70])
        >>> labels = np.repeat([0, 1, 1], [60, 40, 70])
        >>> one_way_flow(labels, found, 2).toarray().round(2)
        array([[0.  , 0.15],
               [0.  , 0.  ]])
    """
    ones = np.ones(len(labels))
    count = sparse.coo_array((ones, (found, labels)), shape=(num_classes, num_classes)).tocsr()
    excess = (count - count.T - _DEVIATIONS * (count + count.T).sqrt()).tocoo()
    sizes = np.asarray(count.sum(axis=1)).ravel()
    larger = np.maximum(sizes[excess.row] - sizes[excess.col], 0)
    excess.data -= larger * chance / (num_classes - 1)
    keep = (excess.data > 0) & (excess.row != excess.col)
    row, column = excess.row[keep], excess.col[keep]
    share = excess.data[keep] / sizes[row]
    return sparse.coo_array((share, (row, column)), shape=count.shape).tocsr()


def chance_by_label(
    labels: NDArray[np.int64],
    found: NDArray[np.integer],
    flow: sparse.csr_array,
    sizes: NDArray[np.integer],
) -> NDArray[np.float64]:
    """How much likelier a label by chance is each class than if all were alike.

    Labels that were swapped are a class as often as that is frequent; others may be any alike. So
    it is a power of a class's frequency, between 0 and 1. Seen is the slope by which, of the
    logarithms, the rate at which each label stands where another class is found rises with how
    frequent it is (by least squares). Classes that overlap stand for each other too, and bring any
    slope nearer to theirs: up to 0.15 the power is 0, from 0.5 on it is 1. As many samples are
    added to each rate, at the mean of all, as 50 such labels need; what flows one way does not
    count.

    Args:
        labels: Given labels of samples that evidence is sure of, (m,).
        found: The likeliest class of each by evidence, (m,).
        flow: From :func:`one_way_flow`, (C, C).
        sizes: How often each class is given among all samples, (C,).

    Returns:
        (C,), above 0; the mean is 1.

    Example:
        >>> found = np.repeat([0, 1, 2], [4000, 1000, 1000])
        >>> labels = np.where(np.arange(6000) % 5 == 0, np.resize([0, 0, 0, 0, 1, 2], 6000), found)
        >>> none = sparse.csr_array((3, 3))
        >>> chance_by_label(labels, found, none, np.bincount(labels)).round(1)
        array([2. , 0.5, 0.5])
    """
    num_classes = flow.shape[0]
    count = np.zeros((num_classes, num_classes))
    np.add.at(count, (found, labels), 1)
    is_chance = (flow.toarray() == 0) & ~np.eye(num_classes, dtype=bool)
    wrong = (count * is_chance).sum(axis=0)
    seen = (count.sum(axis=1)[:, None] * is_chance).sum(axis=0)
    mean = max(wrong.sum() / max(seen.sum(), 1), _LEAST)
    rate = np.log((wrong + _PRIOR_WRONG) / (seen + _PRIOR_WRONG / mean))
    size = np.log(np.maximum(sizes, 1))
    size -= size.mean()
    slope = (size * rate).sum() / max((size * size).sum(), _LEAST)
    power = np.clip((slope - _ALIKE_SLOPE) / (_SWAPPED_SLOPE - _ALIKE_SLOPE), 0, 1)
    likelier: NDArray[np.float64] = np.exp(power * size)
    likelier /= likelier.mean()
    return likelier


def likeness_of_classes(
    classes: NDArray[np.integer], class_evidence: NDArray[np.floating], num_classes: int
) -> sparse.csr_array:
    """Evidence that samples found to be a class have for each other class, beyond the usual.

    Usual is the mean of the other classes: with two classes there is nothing beyond it.

    Args:
        classes: The likeliest classes of each sample, (n, k), the likeliest first.
        class_evidence: For them, (n, k).
        num_classes: C, at least 2.

    Returns:
        (C, C), row: the class found, column: another one; between 0 and 1, and 0 on the diagonal.

    Example:
        >>> classes = np.array([[0, 1, 2], [0, 1, 2], [1, 0, 2], [2, 0, 1]])
        >>> table = np.array([[0.6, 0.4, 0], [1, 0, 0], [0.8, 0.2, 0], [0.8, 0.1, 0.1]])
        >>> likeness_of_classes(classes, table, 3).toarray().round(2)
        array([[0. , 0.1, 0. ],
               [0.1, 0. , 0. ],
               [0. , 0. , 0. ]])
    """
    shape = num_classes, num_classes
    found = np.repeat(classes[:, 0], classes.shape[1])
    evidence = class_evidence.astype(np.float64).ravel()
    total = sparse.coo_array((evidence, (found, classes.ravel())), shape=shape)
    mean = total.tocsr().tocoo()
    is_other = mean.row != mean.col
    row, column = mean.row[is_other], mean.col[is_other]
    share = mean.data[is_other] / np.bincount(classes[:, 0], minlength=num_classes)[row]
    usual = np.bincount(row, weights=share, minlength=num_classes) / (num_classes - 1)
    share -= usual[row]
    keep = share > _LEAST
    return sparse.coo_array((share[keep], (row[keep], column[keep])), shape=shape).tocsr()


def with_likeness(
    labels: NDArray[np.int64],
    evidence: NDArray[np.floating],
    classes: NDArray[np.integer],
    class_evidence: NDArray[np.floating],
    likeness: sparse.csr_array,
    share: float,
) -> NDArray[np.float64]:
    """Evidence for each label, with a share of what the samples of its likeliest classes have.

    Args:
        labels: (m,).
        evidence: For the label, (m,).
        classes: The likeliest classes of each, (m, k); the first three are asked.
        class_evidence: For them, (m, k).
        likeness: From :func:`likeness_of_classes`.
        share: How much that counts.

    Returns:
        (m,), at most 1.

    Example:
        >>> alike = sparse.csr_array(np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]]))
        >>> classes, table = np.array([[0, 1], [0, 1]]), np.array([[1.0, 0.0], [1.0, 0.0]])
        >>> with_likeness(np.array([1, 2]), table[:, 1], classes, table, alike, 0.1)
        array([0.05, 0.  ])
    """
    enough = evidence.astype(np.float64)
    if share and likeness.nnz:
        for column in range(min(_ASKED, classes.shape[1])):
            alike = _entries(likeness, classes[:, column], labels)
            enough += share * class_evidence[:, column] * alike
    return np.minimum(enough, 1)


def log_odds_of_wrong(
    labels: NDArray[np.int64],
    evidence: NDArray[np.floating],
    classes: NDArray[np.integer],
    class_evidence: NDArray[np.floating],
    flow: sparse.csr_array,
    chance: float,
    by_label: NDArray[np.float64] | float = 1.0,
) -> NDArray[np.float64]:
    """How likely each label is wrong, up to a constant.

    Args:
        labels: (m,).
        evidence: For the label, (m,).
        classes: The likeliest classes of each, (m, k).
        class_evidence: For them, (m, k).
        flow: From :func:`one_way_flow`.
        chance: The share of labels that are any class by chance, above 0.
        by_label: From :func:`chance_by_label`.

    Returns:
        (m,): the logarithm of the odds in this module's first lines.

    Example:
        >>> nowhere = sparse.csr_array((2, 2))
        >>> classes = np.array([[0, 1], [0, 1]])
        >>> table = np.array([[0.9, 0.1], [0.9, 0.1]])
        >>> log_odds_of_wrong(np.array([0, 1]), table[0], classes, table, nowhere, 1.0).round(2)
        array([-2.2,  2.2])
    """
    given = np.maximum(evidence.astype(np.float64), _LEAST)
    others = np.maximum(1 - given, _LEAST) * chance / max(flow.shape[0] - 1, 1)
    others *= by_label if isinstance(by_label, float) else by_label[labels]
    if flow.nnz:
        for column in range(classes.shape[1]):
            others += class_evidence[:, column] * _entries(flow, classes[:, column], labels)
    odds: NDArray[np.float64] = np.log(others) - np.log(given)
    return odds


def log_odds_of_rival(
    labels: NDArray[np.int64],
    evidence: NDArray[np.floating],
    classes: NDArray[np.integer],
    class_evidence: NDArray[np.floating],
) -> NDArray[np.float64]:
    """How clear another class is: log (1 + m) / (1 - m), m the lead of the likeliest other class.

    Where labels are wrong since classes are alike, a label is most suspicious where one other class
    is sure; where several compete, it is a difficult sample.

    Args:
        labels: (m,).
        evidence: For the label, (m,).
        classes: The likeliest classes of each, (m, k), the likeliest first.
        class_evidence: For them, (m, k).

    Example:
        >>> classes, table = np.array([[0, 1]]), np.array([[0.9, 0.1]])
        >>> log_odds_of_rival(np.array([1]), table[:, 1], classes, table).round(2)
        array([2.2])
    """
    second = min(1, classes.shape[1] - 1)
    is_first = classes[:, 0] == labels
    other = np.where(is_first, class_evidence[:, second], class_evidence[:, 0])
    lead = np.clip(other.astype(np.float64) - evidence, -1 + 1e-9, 1 - 1e-9)
    rival: NDArray[np.float64] = np.log1p(lead) - np.log1p(-lead)
    return rival


def _entries(
    flow: sparse.csr_array, rows: NDArray[np.integer], columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The entries at (rows, columns), which may be arrays that cannot be written to."""
    table = flow.tocoo()
    places = table.row.astype(np.int64) * flow.shape[1] + table.col
    order = np.argsort(places)
    places, values = places[order], table.data[order]
    asked = rows.astype(np.int64) * flow.shape[1] + columns
    at = np.minimum(np.searchsorted(places, asked), len(places) - 1)
    found: NDArray[np.float64] = np.where(places[at] == asked, values[at], 0.0)
    return found
