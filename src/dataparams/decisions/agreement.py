"""The agreement of annotators: agreed decisions, disputes, and Cohen's kappa."""

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
_IS_DISPUTED = pl.col("label").filter(_HAS_SAY).n_unique() > 1
_FIRST_VOTE = 2


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


def agreements(codes: Mapping[str, NDArray[np.int16] | NDArray[np.int32]]) -> list[Agreement]:
    """The agreement of each pair of annotators with samples in common, ordered by name.

    Args:
        codes: For each annotator a code per sample, of what should become of it; the codes 0 (not
            seen) and 1 (skipped) do not count.

    Example:
        >>> import numpy as np
        >>> agreements({"ann": np.array([3, 4, 0, 2]), "bob": np.array([3, 3, 3, 2])})
        [Agreement(first='ann', second='bob', common=3, agreed=2, kappa=0.5)]
    """
    found = []
    for first, second in combinations(sorted(codes), 2):
        one, other = codes[first], codes[second]
        common = (one >= _FIRST_VOTE) & (other >= _FIRST_VOTE)
        if common.any():
            one, other = one[common], other[common]
            agreed = int((one == other).sum())
            kappa = kappa_of(one, other)
            rounded = None if kappa is None else round(kappa, 3)
            found.append(Agreement(first, second, len(one), agreed, rounded))
    return found


def agreed_decisions(in_force: pl.DataFrame) -> pl.DataFrame:
    """The agreed decision for each sample with decisions.

    A sample is disputed if annotators want different things: another label, or that it is left out.
    An annotator who skipped it does not count.

    Args:
        in_force: The result of :meth:`dataparams.decisions.store.DecisionStore.in_force`.

    Returns:
        ``index``, ``action`` (null where disputed), ``label``, ``annotators`` (names, joined),
        ``made_at`` (of the last), ``is_disputed``; ordered by index.

    Example:
        >>> in_force = pl.DataFrame({
        ...     "index": [1, 1, 2], "annotator": ["ann", "bob", "ann"], "made_at": [""] * 3,
        ...     "action": ["discard", "keep", "skip"], "label": [None, 0, None],
        ... })
        >>> agreed_decisions(in_force).select("index", "action", "is_disputed").rows()
        [(1, None, True), (2, 'skip', False)]
    """
    # To keep a label and to choose the same one are the same; no label means discarded.
    actions = pl.col("action").filter(_HAS_SAY)
    grouped = in_force.group_by("index").agg(
        is_disputed=_IS_DISPUTED,
        action=pl.when((actions == "keep").any())
        .then(pl.lit("keep"))
        .otherwise(actions.first().fill_null("skip")),
        label=pl.col("label").filter(_HAS_SAY).first(),
        annotators=pl.col("annotator").sort().str.join(", "),
        made_at=pl.col("made_at").max(),
    )
    undisputed = ~pl.col("is_disputed")
    return grouped.select(
        "index",
        pl.when(undisputed).then("action").alias("action"),
        pl.when(undisputed).then("label").alias("label"),
        "annotators",
        "made_at",
        "is_disputed",
    ).sort("index")


def disputes(in_force: pl.DataFrame) -> pl.DataFrame:
    """The decisions about disputed samples.

    Args:
        in_force: The result of :meth:`dataparams.decisions.store.DecisionStore.in_force`.

    Returns:
        The rows of ``in_force`` for these samples, without skips; ordered by index and annotator.

    Example:
        >>> in_force = pl.DataFrame({
        ...     "index": [1, 1, 2], "annotator": ["ann", "bob", "ann"],
        ...     "action": ["discard", "keep", "keep"], "label": [None, 0, 3],
        ... })
        >>> disputes(in_force).select("index", "annotator", "action").rows()
        [(1, 'ann', 'discard'), (1, 'bob', 'keep')]
    """
    return in_force.filter(_HAS_SAY & _IS_DISPUTED.over("index")).sort("index", "annotator")


def cohen_kappa(in_force: pl.DataFrame) -> pl.DataFrame:
    """The agreement beyond chance of each pair of annotators.

    It compares the outcomes, a label or that the sample is left out, over the samples that both
    decided about. Skipped ones do not count.

    Args:
        in_force: The result of :meth:`dataparams.decisions.store.DecisionStore.in_force`.

    Returns:
        ``first`` and ``second`` (annotators), ``samples`` (that both decided about), ``agreed``
        (of these), ``kappa`` (-1 ... 1; 0 is chance; null where it is undefined: without samples,
        or where both always want one and the same thing).

    Example:
        >>> in_force = pl.DataFrame({
        ...     "index": [1, 2, 3, 4] * 2, "annotator": ["ann"] * 4 + ["bob"] * 4,
        ...     "action": ["relabel"] * 8, "label": [0, 0, 1, 1, 0, 0, 1, 0],
        ... })
        >>> cohen_kappa(in_force).rows()
        [('ann', 'bob', 4, 3, 0.5)]
    """
    decided = in_force.filter(_HAS_SAY).select(
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
