"""What the review needs of an analysis: facts in the order in which samples are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.result import CATEGORIES
from dataparams.analysis.suggestions import outliers
from dataparams.analysis.trajectories import parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis

_MOST_POINTS = 60
_FEWEST_POINTS = 16
_TRAJECTORY_BYTES = 50_000_000


@dataclass(frozen=True, eq=False)
class RankedFacts:
    """What is known of n samples, in the order in which they are looked at.

    Attributes:
        class_names: Name of class 0, 1, ...
        subgroups: Names of sub-groups.
        splits: Names of splits, the one to train on first.
        epochs: The epochs of the trajectories.
        ids: The names by which the data source knows them.
        index: Position in the data source, (n,), int64.
        label: Given class, (n,), int32.
        suggested: Likeliest class, which may be the given one, (n,), int32.
        confidence: How likely that is the true one, (n,), float32.
        category: Position among ``CATEGORIES``, (n,), int8.
        subgroup: Position among ``subgroups``, -1 for none, (n,), int32.
        is_outlier: Whether it may be of no class at all, (n,), bool.
        split: Position among ``splits``, (n,), int8.
        found: Held-out evidence for the given label, by models that never saw the sample: the
            probability by classifiers and the share of the neighbors' votes, (n, 2), float16; NaN
            of a training.
        trajectories: Log temperatures, (n, epochs), float16.
    """

    class_names: tuple[str, ...]
    subgroups: tuple[str, ...]
    splits: tuple[str, ...]
    epochs: tuple[int, ...]
    ids: pl.Series
    index: NDArray[np.int64]
    label: NDArray[np.int32]
    suggested: NDArray[np.int32]
    confidence: NDArray[np.float32]
    category: NDArray[np.int8]
    subgroup: NDArray[np.int32]
    is_outlier: NDArray[np.bool_]
    split: NDArray[np.int8]
    found: NDArray[np.float16]
    trajectories: NDArray[np.float16]


def ranked_facts(analysis: Analysis) -> RankedFacts:
    """What the review needs of an analysis; nothing else is kept in memory."""
    frame = _frame_of_all(analysis)
    order = _order(frame)
    subgroups = tuple(frame["subgroup"].unique().drop_nulls().sort().cast(pl.String).to_list())
    of_split = _split_column(frame)
    found = of_split.gather(frame["index"].arg_sort()).unique(maintain_order=True)
    splits = tuple(sorted(found, key=lambda name: name != "train"))
    epochs, trajectories = _compact_trajectories(analysis, order)
    return RankedFacts(
        class_names=analysis.class_names,
        subgroups=subgroups,
        splits=splits,
        epochs=epochs,
        ids=frame["id"].gather(order),
        index=frame["index"].to_numpy()[order].astype(np.int64),
        label=frame["label"].to_numpy()[order].astype(np.int32),
        suggested=frame["suggested_label"].to_numpy()[order].astype(np.int32),
        confidence=frame["suggested_confidence"].to_numpy()[order].astype(np.float32),
        category=_codes(frame["category"], CATEGORIES)[order].astype(np.int8),
        subgroup=_codes(frame["subgroup"].cast(pl.String), subgroups)[order],
        is_outlier=outliers(frame).to_numpy()[order],
        split=_codes(of_split, splits)[order].astype(np.int8),
        found=_held_out_evidence(frame)[order],
        trajectories=trajectories,
    )


def temperature_limits(trajectories: NDArray[np.float16]) -> tuple[float, float]:
    """The lowest and highest log temperature, but for the most extreme thousandth."""
    step = max(len(trajectories) // 100_000, 1)
    some = trajectories[::step].astype(np.float32)
    finite = some[np.isfinite(some)]
    if not len(finite):
        return 0.0, 0.0
    low, high = np.percentile(finite, (0.05, 99.95))
    return float(low), float(high)


def _frame_of_all(analysis: Analysis) -> pl.DataFrame:
    """The samples that have trajectories, then those that a training held out."""
    if analysis.validation is None:
        return analysis.frame
    return pl.concat([analysis.frame, analysis.validation], how="diagonal_relaxed")


def _split_column(frame: pl.DataFrame) -> pl.Series:
    """The split of each sample; one for all where nothing is said of splits."""
    if "split" in frame.columns:
        return frame["split"]
    return pl.repeat("train", len(frame), eager=True)


def _order(frame: pl.DataFrame) -> NDArray[np.intp]:
    suspicion = frame["suspicion"].fill_null(0).fill_nan(0).to_numpy()
    is_easy = (frame["category"] == "easy").to_numpy()
    return np.lexsort((frame["index"].to_numpy(), -suspicion, is_easy))


def _codes(names: pl.Series, known: Sequence[str]) -> NDArray[np.int32]:
    """The position of each name among the known ones, -1 for null."""
    codes = names.replace_strict(
        list(known), list(range(len(known))), default=-1, return_dtype=pl.Int32
    )
    values: NDArray[np.int32] = codes.fill_null(-1).to_numpy()
    return values


def _held_out_evidence(frame: pl.DataFrame) -> NDArray[np.float16]:
    values = np.full((len(frame), 2), np.nan, dtype=np.float16)
    for column, name in enumerate(("held_out_probability", "neighbor_vote")):
        if name in frame.columns:
            values[:, column] = frame[name].to_numpy()
    return values


def _compact_trajectories(
    analysis: Analysis, order: NDArray[np.intp]
) -> tuple[tuple[int, ...], NDArray[np.float16]]:
    """Half precision at so many epochs, evenly spread, as memory allows: (n, epochs) by rank."""
    affordable = _TRAJECTORY_BYTES // (2 * max(len(order), 1))
    points = min(max(affordable, _FEWEST_POINTS), _MOST_POINTS, len(analysis.epochs))
    last = len(analysis.epochs) - 1
    chosen = np.unique(np.linspace(0, last, points).round().astype(np.intp))
    # What moved no temperature has no trajectory.
    compact = np.full((len(order), len(chosen)), np.nan, dtype=np.float16)
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    for rows in parts(len(analysis.frame)):
        # In the order of the files, which is the order of the disk.
        compact[place[rows]] = analysis.log_temperatures.of(rows)[chosen].T
    return tuple(analysis.epochs[k] for k in chosen), compact
