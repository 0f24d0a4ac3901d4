"""Every sample judged by heads that never saw it, in rounds that leave doubtful labels out.

Three voices speak about each sample, none of which has seen its label: heads trained with data
parameters (P), the labels of its nearest neighbors (V), and plain heads near the optimum of
logistic regression (R). Together they are the evidence for each class,

    Q = (P + 0.01) * (V + 0.02)^0.7 * (R + 0.01)^0.5, scaled to sum to 1.

In the next round the heads learn only from samples whose label has more than half of the highest
evidence, and the others hardly vote; R is asked once. What counts in the end are the log odds that
a label is wrong, given the evidence and the ways in which labels of this data set err (see
:mod:`dataparams.training.label_odds`): of the last round where labels go one way, else their mean
over the rounds before.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dataparams.training.heads import (
    HeadSettings,
    ScaledFeatures,
    assign_folds,
    held_out_probabilities,
    train_heads,
)
from dataparams.training.label_odds import (
    WaysOfError,
    log_odds_of_rival,
    log_odds_of_wrong,
)
from dataparams.training.neighbors import nearest_neighbors, neighbor_votes
from dataparams.training.rounds import Round, RoundInProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dataparams.training.heads import OnBatch

_CELLS_AT_ONCE = 1 << 22
_MOST_ANSWERS = 4_000_000_000
_MOST_WEIGHTS = 60_000_000
_MOST_PRODUCTS = 250_000_000_000
_VERY_MANY = 200_000


@dataclass(frozen=True)
class CrossFittingSettings:
    """How evidence is gathered.

    Attributes:
        heads: How heads are trained.
        plain: How plain heads are trained.
        rounds: Number of rounds.
        neighbors: How many neighbors vote.
        least_probability: Added to the heads' probabilities.
        least_vote: Added to the neighbors' votes.
        vote_power: How much the votes count against the heads' probabilities.
        plain_power: How much the plain heads count; 0 does without them.
        kept_above: A sample trains in the next round if its label has more than this share of the
            highest evidence.
        doubtful_vote: How much the label of a sample counts that does not.
        alike_power: How much more the plain heads count where labels, if any, are wrong only since
            classes are alike: what heads with data parameters take for wrong there is often right.
        likeliest: How many of the likeliest classes are kept of each sample.
    """

    heads: HeadSettings = field(default_factory=HeadSettings)
    plain: HeadSettings = field(
        default_factory=lambda: HeadSettings(repeats=1, epochs=15, weight_decay=5e-3, pull=0.0)
    )
    rounds: int = 3
    neighbors: int = 20
    least_probability: float = 0.01
    least_vote: float = 0.02
    vote_power: float = 0.7
    plain_power: float = 0.5
    kept_above: float = 0.5
    doubtful_vote: float = 0.02
    alike_power: float = 1.0
    likeliest: int = 10

    def fitting(self, count: int, width: int, num_classes: int) -> CrossFittingSettings:
        """With as many heads as time and memory allow, and never more folds than samples.

        Where even these take long, there are two rounds, and plain heads train no longer than all.
        Of very many samples fewer epochs with larger batches tell as much.

        Args:
            count: Number of samples.
            width: Numbers per sample.
            num_classes: C.
        """
        most = min(_MOST_ANSWERS // (count * num_classes), _MOST_WEIGHTS // (width * num_classes))
        heads, plain = self.heads.at_most(most, count), self.plain.at_most(most, count)
        if count * width * num_classes * heads.heads <= _MOST_PRODUCTS:
            return replace(self, heads=heads, plain=plain)
        if count > _VERY_MANY:
            heads = replace(heads, epochs=min(heads.epochs, 3), batch_size=1024)
            plain = replace(plain, batch_size=1024)
        plain = replace(plain, epochs=min(plain.epochs, heads.epochs))
        return replace(self, heads=heads, plain=plain, rounds=min(self.rounds, 2))


@dataclass(frozen=True, eq=False)
class CrossFit:
    """What heads that never saw a sample say of it.

    Attributes:
        rounds: The rounds, in order.
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
        unlikely = np.mean([one.is_unlikely for one in self.rounds], axis=0)
        found = self.rounds[-1].classes[:, 0]
        return WaysOfError.seen(self.labels, found, unlikely, self.num_classes)

    @cached_property
    def support(self) -> NDArray[np.float64]:
        """How well the given label stands, (n,), between 0 and 1; low is bad."""
        return _support(self.rounds, self.labels, self.ways, self.settings)

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
        return _support(chosen, labels, self.ways, self.settings)


def _support(
    rounds: Sequence[Round],
    labels: NDArray[np.int64],
    ways: WaysOfError,
    settings: CrossFittingSettings,
) -> NDArray[np.float64]:
    odds = np.zeros(len(labels))
    for one, weight in zip(rounds, _weights(len(rounds), ways.one_way), strict=True):
        likeliest = (one.evidence, one.classes, one.class_evidence)
        wrong = log_odds_of_wrong(labels, *likeliest, ways.flow, ways.chance)
        if ways.alike:
            given, of_classes = _with_more_of_the_plain(one, settings)
            rival = log_odds_of_rival(labels, given, one.classes, of_classes)
            wrong = (1 - ways.alike) * wrong + ways.alike * rival
        odds += weight * wrong
    score: NDArray[np.float64] = 1 / (1 + np.exp(odds))
    return score


def _weights(rounds: int, one_way: float) -> list[float]:
    """How much each round counts: the last one where labels go one way, else the others.

    What goes one way is seen the better the fewer of these labels were learned from; elsewhere a
    further round only takes more of the difficult samples for wrong.
    """
    if rounds == 1:
        return [1.0]
    return [(1 - one_way) / (rounds - 1)] * (rounds - 1) + [one_way]


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
    scaled = ScaledFeatures(features)
    passed = _epochs_counted(settings, on_progress)
    near = nearest_neighbors(scaled, settings.neighbors)
    plain, plain_folds = None, assign_folds(labels, settings.plain, rng)
    if settings.plain_power:
        plain = train_heads(
            scaled, labels, num_classes, plain_folds, settings.plain, rng,
            on_epoch=lambda *_: passed(),
        )  # fmt: skip
    is_kept = np.ones(len(labels), dtype=bool)
    rounds: list[Round] = []

    def recorded(epoch: int, log_temperature: Tensor) -> None:
        if on_epoch is not None and not rounds:
            on_epoch(epoch, log_temperature)
        passed()

    for number in range(settings.rounds):
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
                asked = held_out_probabilities(plain, scaled, plain_folds, rows)
                evidence *= (asked + settings.least_probability).pow_(settings.plain_power)
            found.fill(rows, chance, votes, asked, evidence, labels[rows])
        rounds.append(found.round(settings.kept_above))
        is_kept = rounds[-1].is_kept
    return CrossFit(tuple(rounds), labels, num_classes, settings, near)


def _epochs_counted(
    settings: CrossFittingSettings, on_progress: Callable[[int, int], None] | None
) -> Callable[[], None]:
    """What is called after each epoch of any heads, and passes on how many there were."""
    total = settings.rounds * settings.heads.epochs
    total += settings.plain.epochs if settings.plain_power else 0
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
