"""What is found of each split by itself: how many samples, and how many labels are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.analysis.audit_noise_rate import disputed_share
from dataparams.analysis.noise_rate import UNKNOWN_NOISE, NoiseEstimate
from dataparams.terminal.words import counted, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

FEWEST_OF_SPLIT = 100
"""Of fewer samples no share of wrong labels is told for a split by itself."""
_WIDEST = 0.5
_LEAST = 1e-9


@dataclass(frozen=True)
class SplitFindings:
    """What holds for the samples of one split together.

    Attributes:
        name: What the split is called; ``train`` is the one to train on.
        count: Number of samples that were judged.
        disputed: The share of labels for which another class is likelier, right or wrong; None
            where the split was not judged.
        noise: The estimated share of wrong labels, with its interval; unknown where the samples
            are too few to tell.
    """

    name: str
    count: int
    disputed: float | None = None
    noise: NoiseEstimate = UNKNOWN_NOISE


def split_findings(
    splits: pl.Series,
    labels: NDArray[np.integer],
    classes: NDArray[np.integer],
    class_evidence: NDArray[np.floating],
    is_judged: NDArray[np.bool_],
    num_classes: int,
) -> tuple[SplitFindings, ...]:
    """What is found of each split, the one to train on first; none where there is one.

    The share of wrong labels is that of the split alone, by the disputes where heads are sure: its
    samples may be of another origin than those to train on, and labeled by other people.

    Args:
        splits: The split of each sample, (n,).
        labels: Given labels, (n,).
        classes: The likeliest classes, (n, k), the likeliest first.
        class_evidence: Evidence for them, (n, k).
        is_judged: Whether each sample is of a class that can be judged, (n,).
        num_classes: C.
    """
    names = sorted(splits.unique(maintain_order=True), key=lambda name: name != "train")
    if len(names) < len(("train", "another")):
        return ()
    predicted = classes[:, 0]
    lead = np.log(class_evidence[:, :2].astype(np.float64) + _LEAST)
    is_disputed, sureness = predicted != labels, lead[:, 0] - lead[:, -1]
    found = []
    for name in names:
        is_own = (splits == name).to_numpy()
        rows = np.flatnonzero(is_own & is_judged)
        found.append(
            SplitFindings(
                name,
                int(is_own.sum()),
                float(is_disputed[is_own].mean()),
                split_noise(is_disputed[rows], predicted[rows], sureness[rows], num_classes),
            )
        )
    return tuple(found)


def split_noise(
    is_disputed: NDArray[np.bool_],
    predicted: NDArray[np.integer],
    sureness: NDArray[np.floating],
    num_classes: int,
) -> NoiseEstimate:
    """The share of wrong labels of a split alone; unknown where it cannot be told.

    Args:
        is_disputed: Whether another class is likeliest than the given one, (m,).
        predicted: The likeliest class, (m,).
        sureness: How sure that is, (m,); whatever rises with it.
        num_classes: C.
    """
    if len(is_disputed) < FEWEST_OF_SPLIT:
        return UNKNOWN_NOISE
    share = disputed_share(is_disputed, predicted, sureness, num_classes)
    if share.high - share.low > _WIDEST:
        return UNKNOWN_NOISE
    return NoiseEstimate(share.rate, share.low, share.high)


def split_words(found: Sequence[SplitFindings]) -> str:
    """The splits in words, a line each; nothing where there is one.

    Example:
        >>> of_train = SplitFindings("train", 4000, 0.16, NoiseEstimate(0.12, 0.09, 0.15))
        >>> print(split_words([of_train, SplitFindings("test", 60, 0.05)]))
        Splits:
          train: 4,000 samples; about 12.0 % of the labels are wrong (90 % interval: 9.0 % to
          15.0 %).
          test: 60 samples; too few to tell what share of them is labeled wrong.
    """
    if len(found) < len(("train", "another")):
        return ""
    return "\n".join(["Splits:", *(f"  {_words(one)}" for one in found)])


def _words(one: SplitFindings) -> str:
    told = f"{printable(one.name)}: {counted(one.count, 'sample')}"
    if one.noise.is_known:
        return (
            f"{told}; about {100 * one.noise.rate:.1f} % of the labels are wrong (90 % interval: "
            f"{100 * one.noise.low:.1f} % to {100 * one.noise.high:.1f} %)."
        )
    if one.disputed is None:
        return f"{told}."
    few = "too few to tell" if one.count < FEWEST_OF_SPLIT else "it cannot be told"
    return f"{told}; {few} what share of them is labeled wrong."


def restored_splits(kept: Any) -> tuple[SplitFindings, ...]:
    """What was stored of splits as JSON; nothing where that is something else."""
    if not isinstance(kept, list | tuple):
        return ()
    return tuple(one for one in map(_restored, kept) if one is not None)


def _restored(one: Any) -> SplitFindings | None:
    try:
        noise = NoiseEstimate(**{name: float(value) for name, value in one["noise"].items()})
        disputed = None if one["disputed"] is None else float(one["disputed"])
        return SplitFindings(str(one["name"]), int(one["count"]), disputed, noise)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
