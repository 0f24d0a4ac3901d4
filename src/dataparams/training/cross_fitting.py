"""Every sample judged by heads that never saw it, in rounds that leave doubtful labels out.

Three voices speak about each sample, none of which has seen its label: heads trained with data
parameters (P), the labels of its nearest neighbors (V), and plain heads near the optimum of
logistic regression (R). Together they are the evidence for each class,

    Q = (P + 0.01) * (V + 0.02)^0.7 * (R + 0.01)^0.5, scaled to sum to 1.

In the next round the heads learn only from samples whose label has more than half of the highest
evidence, and the others hardly vote; R is asked once. What counts in the end are the log odds that
a label is wrong, given the evidence and the ways in which labels of this data set err (see
:mod:`dataparams.training.label_odds`): of the last round where labels go one way, of the first one
where wrong labels and difficult samples are mixed, else their mean over all but the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dataparams.training.cross_fitting_settings import CrossFittingSettings
from dataparams.training.heads import (
    ScaledFeatures,
    assign_folds,
    held_out_probabilities,
    train_heads,
)
from dataparams.training.label_odds import (
    WaysOfError,
    likeness_of_classes,
    log_odds_of_rival,
    log_odds_of_wrong,
    with_likeness,
)
from dataparams.training.neighbors import nearest_neighbors, neighbor_votes
from dataparams.training.plain_voice import plain_voice
from dataparams.training.rounds import Round, RoundInProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from dataparams.encoders.row_features import TreeTable
    from dataparams.training.heads import OnBatch

__all__ = ["CrossFit", "CrossFittingSettings", "cross_fit"]

_CELLS_AT_ONCE = 1 << 22
_FEWEST_SURE = 200


@dataclass(frozen=True, eq=False)
class CrossFit:
    """What heads that never saw a sample say of it.

    Attributes:
        rounds: The rounds, in order; without the last one where it was skipped.
        labels: Given labels, (n,).
        num_classes: C.
        settings: How evidence was gathered.
        near: The neighbors that voted, (n, k), the nearest first.
    """

    rounds: tuple[Round, ...]
    labels: NDArray[np.int64]
    num_classes: int
    settings: CrossFittingSettings
    near: NDArray[np.int64]

    @cached_property
    def ways(self) -> WaysOfError:
        """How labels of this data set come to be wrong."""
        return _ways(self.rounds, self.labels, self.num_classes, self.settings)

    @cached_property
    def likeness(self) -> tuple[sparse.csr_array, ...]:
        """Which classes are alike, by the evidence of each round."""
        return tuple(
            likeness_of_classes(one.classes, one.class_evidence, self.num_classes)
            for one in self.rounds
        )

    @cached_property
    def support(self) -> NDArray[np.float64]:
        """How well the given label stands, (n,), between 0 and 1; low is bad."""
        return _support(self.rounds, self.labels, self.ways, self.likeness, self.settings)

    def support_for(
        self, rows: NDArray[np.int64], labels: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """What :attr:`support` would be of other labels, had they been given.

        Of a class that is not among a round's likeliest, the evidence is an equal part of what
        these leave, and at most that of the last of them.

        Args:
            rows: Which of the n samples, (m,).
            labels: A label for each, (m,).

        Returns:
            (m,), between 0 and 1.
        """
        chosen = tuple(one.as_if_given(rows, labels, self.num_classes) for one in self.rounds)
        return _support(chosen, labels, self.ways, self.likeness, self.settings)


def _ways(
    rounds: Sequence[Round],
    labels: NDArray[np.int64],
    num_classes: int,
    settings: CrossFittingSettings,
) -> WaysOfError:
    unlikely = np.mean([one.is_unlikely for one in rounds], axis=0)
    found = rounds[-1].classes[:, 0]
    sure = _surest(rounds, settings.surest)
    return WaysOfError.seen(labels, found, unlikely, num_classes, sure, settings.least_flow)


def _surest(rounds: Sequence[Round], share: float) -> NDArray[np.bool_] | None:
    """Of the samples of each class found, those that the first round was the surest of."""
    if share >= 1:
        return None
    found, first = rounds[-1].classes[:, 0], rounds[0]
    evidence = np.where(first.classes[:, 0] == found, first.class_evidence[:, 0], 0.0)
    order = np.lexsort((-evidence, found))
    counts = np.bincount(found)
    rank = np.empty(len(found), dtype=np.int64)
    rank[order] = np.arange(len(found)) - np.repeat(np.cumsum(counts) - counts, counts)
    few = np.minimum(counts / 2, _FEWEST_SURE)
    sure: NDArray[np.bool_] = rank < np.maximum(share * counts, few)[found]
    return sure


def _support(
    rounds: Sequence[Round],
    labels: NDArray[np.int64],
    ways: WaysOfError,
    likeness: Sequence[sparse.csr_array],
    settings: CrossFittingSettings,
) -> NDArray[np.float64]:
    odds = np.zeros(len(labels))
    share = settings.likeness * (1 - ways.one_way)
    for one, alike, weight in zip(rounds, likeness, _weights(ways, settings.rounds), strict=False):
        classes = one.classes, one.class_evidence
        evidence = with_likeness(labels, one.evidence, *classes, alike, share)
        wrong = log_odds_of_wrong(labels, evidence, *classes, ways.flow, ways.chance, ways.by_label)
        if ways.alike:
            given, of_classes = _with_more_of_the_plain(one, settings)
            rival = log_odds_of_rival(labels, given, one.classes, of_classes)
            wrong = (1 - ways.alike) * wrong + ways.alike * rival
        odds += weight * wrong
    score: NDArray[np.float64] = 1 / (1 + np.exp(odds))
    return score


def _weights(ways: WaysOfError, rounds: int) -> list[float]:
    """How much each round counts: the last one where labels go one way, else the others.

    What goes one way is seen the better the fewer of these labels were learned from. Elsewhere the
    last round only takes more of the difficult samples for wrong; and so do those before it, after
    the first, where some of the labels that evidence disputes are wrong and others are difficult.
    """
    if rounds == 1:
        return [1.0]
    later = (1 - 1 / (rounds - 1)) * max(ways.by_chance, ways.alike)
    others = [1 - later, *[later / max(rounds - 2, 1)] * (rounds - 2)]
    return [*((1 - ways.one_way) * weight for weight in others), ways.one_way]


def _with_more_of_the_plain(
    one: Round, settings: CrossFittingSettings
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Evidence for the given label and for the likeliest classes, sharpened by the plain heads."""
    power, least = settings.alike_power, settings.least_probability
    given = one.evidence * (one.plain.astype(np.float64) + least) ** power
    table = one.class_evidence * (one.class_plain.astype(np.float64) + least) ** power
    left = np.maximum(1 - one.class_evidence.sum(axis=1), 0) * least**power
    total = table.sum(axis=1) + left
    return given / np.maximum(total, given), table / total[:, None]


def cross_fit(
    features: NDArray[np.floating],
    labels: NDArray[np.int64],
    num_classes: int,
    settings: CrossFittingSettings | None = None,
    *,
    table: TreeTable | None = None,
    seed: int = 0,
    on_batch: OnBatch | None = None,
    on_epoch: Callable[[int, Tensor], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> CrossFit:
    """Judge every sample by heads that never saw it.

    Args:
        features: (n, d), of any float type; may be mapped from disk.
        labels: Given labels, (n,), 0 ... num_classes - 1.
        num_classes: C.
        settings: How; the defaults where None, with fewer heads where all do not fit.
        table: The same samples as trees take them, where they are rows of a table: trees speak in
            place of plain heads.
        seed: What folds and batches depend on.
        on_batch: As of :func:`dataparams.training.heads.train_heads`, in the first round.
        on_epoch: Likewise.
        on_progress: Called with the number of epochs that are done, of all heads, and of all.

    Raises:
        ValueError: If there are fewer than two samples or classes, a label is out of range, or
            features have no finite value.
    """
    _require_usable(features, labels, num_classes)
    # Sparse tables want arrays of NumPy's own, which those of tensors are not.
    labels = np.array(labels)
    count, width = features.shape
    settings = (settings or CrossFittingSettings()).fitting(count, width, num_classes)
    labels = labels.copy()
    rng = np.random.default_rng(seed)
    scaled = ScaledFeatures(features, settings.norm)
    if not settings.asks_trees(table, num_classes):
        table = None
    passed = _epochs_counted(settings, on_progress, has_trees=table is not None)
    near = nearest_neighbors(scaled, settings.neighbors)
    plain = plain_voice(
        scaled, labels, num_classes, settings, rng, table=table, seed=seed, on_part=passed
    )
    is_kept = np.ones(len(labels), dtype=bool)
    rounds: list[Round] = []

    def recorded(epoch: int, log_temperature: Tensor) -> None:
        if on_epoch is not None and not rounds:
            on_epoch(epoch, log_temperature)
        passed()

    for number in range(settings.rounds):
        if _counts_no_more(rounds, labels, num_classes, settings):
            for _ in range(settings.heads.epochs):
                passed()
            break
        folds = assign_folds(labels, settings.heads, rng)
        heads = train_heads(
            scaled, labels, num_classes, folds, settings.heads, rng,
            rows=np.flatnonzero(is_kept),
            on_batch=on_batch if number == 0 else None,
            on_epoch=recorded,
        )  # fmt: skip
        weight = np.where(is_kept, 1.0, settings.doubtful_vote).astype(np.float32)
        found = RoundInProgress(len(labels), min(settings.likeliest, num_classes))
        size = max(256, _CELLS_AT_ONCE // num_classes)
        for start in range(0, len(labels), size):
            rows = np.arange(start, min(start + size, len(labels)))
            chance = held_out_probabilities(heads, scaled, folds, rows)
            evidence = chance + settings.least_probability
            votes = neighbor_votes(near[rows], labels, weight, num_classes)
            evidence *= (votes + settings.least_vote).pow_(settings.vote_power)
            asked = torch.full_like(chance, 1 / num_classes)
            if plain is not None:
                asked = plain(rows)
                evidence *= (asked + settings.least_probability).pow_(settings.plain_power)
            found.fill(rows, chance, votes, asked, evidence, labels[rows])
        rounds.append(_kept(found, rounds, labels, num_classes, settings))
        is_kept = rounds[-1].is_kept
    return CrossFit(tuple(rounds), labels, num_classes, settings, near)


def _counts_no_more(
    rounds: Sequence[Round],
    labels: NDArray[np.int64],
    num_classes: int,
    settings: CrossFittingSettings,
) -> bool:
    """Whether only the last round is left, and labels do not go one way."""
    if not settings.may_skip_last_round or not 0 < len(rounds) == settings.rounds - 1:
        return False
    return _ways(rounds, labels, num_classes, settings).one_way == 0


def _kept(
    found: RoundInProgress,
    before: Sequence[Round],
    labels: NDArray[np.int64],
    num_classes: int,
    settings: CrossFittingSettings,
) -> Round:
    """The round, with the samples that train in the next one."""
    else_above = settings.kept_above_else
    if else_above == settings.kept_above:
        return found.round(settings.kept_above)
    so_far = (*before, found.round(settings.kept_above))
    one_way = _ways(so_far, labels, num_classes, settings).one_way
    return found.round(one_way * settings.kept_above + (1 - one_way) * else_above)


def _epochs_counted(
    settings: CrossFittingSettings,
    on_progress: Callable[[int, int], None] | None,
    *,
    has_trees: bool,
) -> Callable[[], None]:
    """What is called after each epoch of any heads or fold of trees, and passes on how many."""
    total = settings.rounds * settings.heads.epochs
    if settings.plain_power:
        total += settings.trees.folds if has_trees else settings.plain.epochs
    done = 0

    def passed() -> None:
        nonlocal done
        done += 1
        if on_progress is not None:
            on_progress(done, total)

    if on_progress is not None:
        on_progress(0, total)
    return passed


def _require_usable(
    features: NDArray[np.floating], labels: NDArray[np.int64], num_classes: int
) -> None:
    if num_classes < 2:
        raise ValueError(f"num_classes is {num_classes}; heads need at least 2 to tell apart.")
    if len(labels) != len(features):
        raise ValueError(f"There are {len(features)} rows of features, but {len(labels)} labels.")
    if len(labels) < 2:
        raise ValueError(f"There are {len(labels)} samples; expected at least 2.")
    if not 0 <= int(labels.min()) <= int(labels.max()) < num_classes:
        raise ValueError(
            f"labels run from {int(labels.min())} to {int(labels.max())}; "
            f"expected 0 ... {num_classes - 1}, since num_classes is {num_classes}."
        )
    bad = [
        start + np.flatnonzero(~np.isfinite(features[start : start + 8192]).all(axis=1))
        for start in range(0, len(features), 8192)
    ]
    rows = np.concatenate(bad)
    if len(rows):
        raise ValueError(
            f"{len(rows)} of {len(features)} rows of features have values that are not finite, "
            f"the first of them row {rows[0]}. Leave these samples out, or compute their features "
            "again."
        )
