"""Wrong labels tried on samples, to see how little evidence there is for them.

The heads and neighbors that judge a sample never saw its label. So what they say of another label
is what they would have said had that been given, and no head is trained again: the evidence for
each class is at hand. Training again with a tenth of the labels made wrong would raise the noise
that the heads learn from, and find fewer of the errors than there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.training.cross_fitting import CrossFit


Kind = Literal["uniform", "confused"]
KINDS: tuple[Kind, ...] = ("uniform", "confused")
_MOST = 20_000
_PRIOR_ERRORS = 3.0
_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class Planted:
    """What became of labels that were made wrong.

    Attributes:
        rows: Which of the n samples, (p,), each at most once for each kind.
        labels: The wrong label of each, (p,).
        kinds: How each was chosen: ``uniform``, any other class; ``confused``, a class that samples
            of this one are seen to be given by mistake.
        evidence: Evidence for it, (p,); see
            :attr:`dataparams.training.cross_fitting.CrossFit.support`.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    kinds: NDArray[np.str_]
    evidence: NDArray[np.float64]

    def table(self, index: NDArray[np.int64]) -> pl.DataFrame:
        """The rows of ``planted.parquet``; ``index`` is the row of each sample in the source."""
        return pl.DataFrame(
            {
                "index": index[self.rows],
                "label": self.labels,
                "kind": pl.Series(self.kinds.tolist(), dtype=pl.String),
                "evidence": self.evidence,
            }
        )


def plant_errors(
    labels: NDArray[np.int64], num_classes: int, fit: CrossFit, *, seed: int = 0
) -> Planted:
    """Try wrong labels on samples whose label the heads agree with, at most 20,000 of each kind.

    Args:
        labels: Given labels, (n,).
        num_classes: C, at least 2.
        fit: What heads say of the samples.
        seed: What the choice depends on.
    """
    last = fit.rounds[-1]
    rows, tried, kinds = labels_to_try(
        labels, num_classes, last.classes, last.class_evidence, seed=seed
    )
    return Planted(rows, tried, kinds, fit.support_for(rows, tried))


def labels_to_try(
    labels: NDArray[np.int64],
    num_classes: int,
    classes: NDArray[np.integer],
    class_evidence: NDArray[np.floating],
    *,
    seed: int = 0,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.str_]]:
    """Wrong labels for samples whose label is the likeliest, at most 20,000 of each kind.

    Args:
        labels: Given labels, (n,).
        num_classes: C, at least 2.
        classes: The likeliest classes of each, the likeliest first, (n, k).
        class_evidence: For them, (n, k).
        seed: What the choice depends on.

    Returns:
        Which samples, the label to try on each, and how it was chosen; see :class:`Planted`.
    """
    rng = np.random.default_rng(seed)
    agreed = np.flatnonzero(classes[:, 0] == labels)
    if len(agreed) > _MOST:
        agreed = np.sort(rng.choice(agreed, _MOST, replace=False))
    confusions = _Confusions.seen(labels, classes, class_evidence)
    wrong = (
        (labels[agreed] + rng.integers(1, num_classes, len(agreed))) % num_classes,
        confusions.draw(labels[agreed], labels, num_classes, rng),
    )
    kinds = np.repeat(np.array(KINDS), len(agreed))
    return np.tile(agreed, len(KINDS)), np.concatenate(wrong), kinds


@dataclass(frozen=True, eq=False)
class _Confusions:
    """Labels that heads which are sure dispute: sorted by the class that they find instead."""

    found: NDArray[np.int64]
    given: NDArray[np.int64]

    @classmethod
    def seen(
        cls,
        labels: NDArray[np.int64],
        classes: NDArray[np.integer],
        class_evidence: NDArray[np.floating],
    ) -> _Confusions:
        """Those among the surer half of the samples."""
        predicted = classes[:, 0].astype(np.int64)
        lead = np.log(class_evidence[:, :2].astype(np.float64) + _LEAST)
        sureness = lead[:, 0] - lead[:, 1]
        rows = np.flatnonzero((predicted != labels) & (sureness >= np.median(sureness)))
        rows = rows[np.argsort(predicted[rows], kind="stable")]
        return cls(predicted[rows], labels[rows])

    def draw(
        self,
        truth: NDArray[np.int64],
        labels: NDArray[np.int64],
        num_classes: int,
        rng: np.random.Generator,
    ) -> NDArray[np.int64]:
        """A wrong label for samples of some classes, (m,).

        It is drawn from those seen, and from all ``labels`` as if three of these had been seen.
        """
        count = len(truth)
        start = np.searchsorted(self.found, truth, side="left")
        many = np.searchsorted(self.found, truth, side="right") - start
        is_seen = rng.random(count) * (many + _PRIOR_ERRORS) < many
        wrong = labels[rng.integers(0, len(labels), count)]
        place = start + (rng.random(count) * many).astype(np.int64)
        wrong[is_seen] = self.given[place[is_seen]]
        is_right = wrong == truth
        shift = rng.integers(1, num_classes, int(is_right.sum()))
        wrong[is_right] = (truth[is_right] + shift) % num_classes
        return wrong
