"""The agreement of annotators: agreed decisions, how disputes are settled, and Cohen's kappa."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_KAPPA_COLUMNS = {
    "first": pl.String,
    "second": pl.String,
    "samples": pl.Int64,
    "agreed": pl.Int64,
    "kappa": pl.Float64,
}
_LEFT_OUT = -1
_HAS_SAY = pl.col("action") != "skip"
_FIRST_VOTE = 2
FEWEST_FOR_MAJORITY = 3
"""So many must have decided about a sample before the majority of them settles a dispute."""


@dataclass(frozen=True)
class Agreement:
    """The agreement of two annotators.

    Attributes:
        first: The first annotator's name.
        second: The second annotator's name.
        common: Number of samples that both decided about; skipped ones do not count.
        agreed: Number of these on which they want the same.
        kappa: Cohen's kappa, -1 ... 1; None where it is undefined: without samples in common, or
            where both always want one and the same thing.
    """

    first: str
    second: str
    common: int
    agreed: int
    kappa: float | None


def agreements(
    codes: Mapping[str, NDArray[np.int16] | NDArray[np.int32]],
    blind: Mapping[str, NDArray[np.bool_]] | None = None,
) -> list[Agreement]:
    """The agreement of each pair of annotators with samples in common, ordered by name.

    Args:
        codes: For each annotator a code per sample, of what should become of it; the codes 0 (not
            seen) and 1 (skipped) do not count.
        blind: For each annotator which of these were decided before anybody else's decision could
            be seen; others do not count. None to count all.

    Example:
        >>> import numpy as np
        >>> agreements({"ann": np.array([3, 4, 0, 2]), "bob": np.array([3, 3, 3, 2])})
        [Agreement(first='ann', second='bob', common=3, agreed=2, kappa=0.5)]
    """
    found = []
    for first, second in combinations(sorted(codes), 2):
        one, other = codes[first], codes[second]
        common = (one >= _FIRST_VOTE) & (other >= _FIRST_VOTE)
        if blind is not None:
            common &= blind[first] & blind[second]
        if common.any():
            one, other = one[common], other[common]
            agreed = int((one == other).sum())
            kappa = kappa_of(one, other)
            rounded = None if kappa is None else round(kappa, 3)
            found.append(Agreement(first, second, len(one), agreed, rounded))
    return found


def agreed_decisions(in_force: pl.DataFrame) -> pl.DataFrame:
    """The decision that counts for each sample with decisions.

    Annotators differ where they want different things: another label, or that the sample is left
    out. Who skipped it does not count. Where they differ, what an adjudicator wants counts (all
    adjudicators, where there are several); else what more than half of three or more want; else the
    sample is disputed.

    Args:
        in_force: The result of :meth:`dataparams.decisions.store.DecisionStore.in_force`; without
            its column ``is_adjudicator`` nobody is one.

    Returns:
        ``index``, ``action`` (null where disputed), ``label``, ``annotators`` (names of those who
        want that, joined; where disputed, of all who have a say; where all skipped it, of those),
        ``count`` (of them), ``made_at`` (of the last of them), ``is_disputed``, ``settled_by``
        (``majority`` or ``adjudicator`` where annotators differed and that is settled, else null);
        ordered by index.

    Example:
        >>> in_force = pl.DataFrame({
        ...     "index": [1, 1, 2, 3, 3, 3], "annotator": ["a", "b", "a", "a", "b", "c"],
        ...     "action": ["discard", "keep", "skip", "keep", "relabel", "keep"],
        ...     "label": [None, 0, None, 0, 1, 0], "made_at": [""] * 6,
        ... })
        >>> agreed_decisions(in_force).select("index", "action", "is_disputed", "settled_by").rows()
        [(1, None, True, None), (2, 'skip', False, None), (3, 'keep', False, 'majority')]
    """
    votes = _votes(in_force)
    votes_of = votes.group_by("index").agg(
        outcomes=pl.col("outcome").n_unique(),
        first=pl.col("outcome").first(),
        by_adjudicators=pl.col("outcome").filter("is_adjudicator").first(),
        wanted_by_adjudicators=pl.col("outcome").filter("is_adjudicator").n_unique(),
        majority=pl.when(
            (pl.len() >= FEWEST_FOR_MAJORITY)
            & (pl.col("outcome").unique_counts().max() * 2 > pl.len())
        ).then(pl.col("outcome").mode().first()),
    )
    differ, one = pl.col("outcomes") > 1, pl.col("wanted_by_adjudicators") == 1
    settled = votes_of.select(
        "index",
        settled_by=pl.when(differ & one)
        .then(pl.lit("adjudicator"))
        .when(differ & pl.col("majority").is_not_null() & (pl.col("wanted_by_adjudicators") == 0))
        .then(pl.lit("majority")),
        outcome=pl.when(~differ)
        .then("first")
        .when(one)
        .then("by_adjudicators")
        .when(pl.col("wanted_by_adjudicators") == 0)
        .then("majority"),
        has_say=True,
    )
    # To keep a label and to choose the same one are the same.
    kept = (
        votes.filter(pl.col("action") == "keep").select("index", "outcome", is_kept=True).unique()
    )
    joined = (
        _people(in_force, settled)
        .join(settled, on="index", how="left")
        .join(kept, on=["index", "outcome"], how="left")
    )
    disputed = pl.col("has_say").is_not_null() & pl.col("outcome").is_null()
    return joined.select(
        "index",
        action=pl.when(disputed)
        .then(None)
        .when(pl.col("has_say").is_null())
        .then(pl.lit("skip"))
        .when(pl.col("outcome") == _LEFT_OUT)
        .then(pl.lit("discard"))
        .when("is_kept")
        .then(pl.lit("keep"))
        .otherwise(pl.lit("relabel")),
        label=pl.when(pl.col("outcome") != _LEFT_OUT).then("outcome"),
        annotators="annotators",
        count="count",
        made_at="made_at",
        is_disputed=disputed,
        settled_by="settled_by",
    ).sort("index")


def _people(in_force: pl.DataFrame, settled: pl.DataFrame) -> pl.DataFrame:
    """Whose the decision is that counts for each sample: who differs has no part in it."""
    outcome = pl.col("label").cast(pl.Int64).fill_null(_LEFT_OUT)
    is_theirs = pl.col("has_say").is_null() | (
        _HAS_SAY & (pl.col("outcome").is_null() | (outcome == pl.col("outcome")))
    )
    return (
        in_force.join(settled, on="index", how="left")
        .filter(is_theirs)
        .group_by("index")
        .agg(
            annotators=pl.col("annotator").sort().str.join(", "),
            count=pl.len(),
            made_at=pl.col("made_at").max(),
        )
    )


def _votes(in_force: pl.DataFrame) -> pl.DataFrame:
    """What those who have a say want of each sample: a label, or -1 for leaving it out."""
    if "is_adjudicator" not in in_force.columns:
        in_force = in_force.with_columns(is_adjudicator=pl.lit(value=False))
    return in_force.filter(_HAS_SAY).select(
        "index",
        "action",
        "is_adjudicator",
        outcome=pl.col("label").cast(pl.Int64).fill_null(_LEFT_OUT),
    )


def are_settled(
    wanted: NDArray[np.signedinteger],
    has_voted: NDArray[np.bool_],
    is_adjudicator: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Whether disputes are settled, by the rule of :func:`agreed_decisions`.

    Args:
        wanted: What each annotator wants, (annotators, samples).
        has_voted: Whether that counts, (annotators, samples).
        is_adjudicator: Whose settles disputes, (annotators,).

    Example:
        >>> import numpy as np
        >>> wanted = np.array([[3, 3, 3], [4, 4, 4], [0, 3, 4]])
        >>> are_settled(wanted, wanted > 1, np.array([False, False, False])).tolist()
        [False, True, True]
        >>> are_settled(wanted, wanted > 1, np.array([True, False, False])).tolist()
        [True, True, True]
    """
    votes = has_voted.sum(axis=0)
    most = np.zeros(wanted.shape[1], dtype=np.int64)
    for one in range(len(wanted)):
        alike = ((wanted == wanted[one]) & has_voted).sum(axis=0)
        most = np.maximum(most, np.where(has_voted[one], alike, 0))
    is_majority: NDArray[np.bool_] = (votes >= FEWEST_FOR_MAJORITY) & (2 * most > votes)
    theirs, by_them = wanted[is_adjudicator], has_voted[is_adjudicator]
    if not by_them.any():
        return is_majority
    first = np.take_along_axis(theirs, by_them.argmax(axis=0)[None], axis=0)
    are_one: NDArray[np.bool_] = ((theirs == first) | ~by_them).all(axis=0)
    settled: NDArray[np.bool_] = np.where(by_them.any(axis=0), are_one, is_majority)
    return settled


def disputes(in_force: pl.DataFrame) -> pl.DataFrame:
    """The decisions about samples on which annotators differ and nobody has settled it.

    Args:
        in_force: The result of :meth:`dataparams.decisions.store.DecisionStore.in_force`.

    Returns:
        The rows of ``in_force`` for these samples, without skips; ordered by index and annotator.

    Example:
        >>> in_force = pl.DataFrame({
        ...     "index": [1, 1, 2], "annotator": ["ann", "bob", "ann"],
        ...     "action": ["discard", "keep", "keep"], "label": [None, 0, 3], "made_at": [""] * 3,
        ... })
        >>> disputes(in_force).select("index", "annotator", "action").rows()
        [(1, 'ann', 'discard'), (1, 'bob', 'keep')]
    """
    disputed = agreed_decisions(in_force).filter("is_disputed")
    return (
        in_force.filter(_HAS_SAY).join(disputed, on="index", how="semi").sort("index", "annotator")
    )


def cohen_kappa(in_force: pl.DataFrame) -> pl.DataFrame:
    """The agreement beyond chance of each pair of annotators.

    It compares the outcomes, a label or that the sample is left out, over the samples that both
    decided about without having seen what anybody else had decided: who sees it agrees more.
    Skipped ones do not count.

    Args:
        in_force: The result of :meth:`dataparams.decisions.store.DecisionStore.in_force`; without
            its column ``is_blind`` all decisions count.

    Returns:
        ``first`` and ``second`` (annotators), ``samples`` (that both decided about blind),
        ``agreed`` (of these), ``kappa`` (-1 ... 1; 0 is chance; null where it is undefined: without
        samples,
        or where both always want one and the same thing).

    Example:
        >>> in_force = pl.DataFrame({
        ...     "index": [1, 2, 3, 4] * 2, "annotator": ["ann"] * 4 + ["bob"] * 4,
        ...     "action": ["relabel"] * 8, "label": [0, 0, 1, 1, 0, 0, 1, 0],
        ... })
        >>> cohen_kappa(in_force).rows()
        [('ann', 'bob', 4, 3, 0.5)]
    """
    counting = in_force.filter("is_blind") if "is_blind" in in_force.columns else in_force
    decided = counting.filter(_HAS_SAY).select(
        "index", "annotator", outcome=pl.col("label").cast(pl.Int64).fill_null(_LEFT_OUT)
    )
    parts = dict(sorted((name, part) for (name,), part in decided.group_by("annotator")))
    rows: list[tuple[str, str, int, int, float | None]] = []
    for first, second in combinations(sorted(in_force["annotator"].unique().to_list()), 2):
        empty = decided.clear()
        both = parts.get(first, empty).join(parts.get(second, empty), on="index")
        ours, theirs = both["outcome"], both["outcome_right"]
        agreed = int((ours == theirs).sum())
        rows.append(
            (first, second, len(both), agreed, kappa_of(ours.to_numpy(), theirs.to_numpy()))
        )
    return pl.DataFrame(rows, schema=_KAPPA_COLUMNS, orient="row")


def kappa_of(first: NDArray[np.integer], second: NDArray[np.integer]) -> float | None:
    """Cohen's kappa of two annotators (Cohen, "A coefficient of agreement", 1960).

    Args:
        first: The outcomes that one annotator wants, as numbers, (m,).
        second: The outcomes that the other wants of the same samples, (m,).

    Returns:
        1 for complete agreement, 0 for agreement by chance; None if there are fewer than two
        different outcomes.

    Example:
        >>> import numpy as np
        >>> kappa_of(np.array([1, 1, 2, 2]), np.array([1, 1, 2, 1]))
        0.5
        >>> kappa_of(np.array([1, 1]), np.array([1, 1])) is None
        True
    """
    # scikit-learn's function would make the review server import all of scikit-learn, for seconds.
    outcomes, places = np.unique(np.concatenate([first, second]), return_inverse=True)
    if len(outcomes) < 2:
        return None
    ours, theirs = (
        np.bincount(part, minlength=len(outcomes)) / len(first) for part in np.split(places, 2)
    )
    by_chance = float(ours @ theirs)
    return (float(np.mean(first == second)) - by_chance) / (1 - by_chance)
