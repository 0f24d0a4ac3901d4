"""A random sample of all piles, easy ones too, by which the share of wrong labels is audited.

It is stratified by pile and drawn once: what is drawn is kept with the decisions, and so are the
piles as they were, so that a later analysis changes nothing and a larger sample extends the first.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.decisions.database import now
from dataparams.errors import ArgumentError, RunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.decisions.database import DecisionDatabase

_FEWEST_OF_STRATUM = 10
_LEAST_SPREAD = 0.1
_STRATA = {"index": pl.Int64, "stratum": pl.String, "spread": pl.Float64}
_DRAWN = "SELECT place, sample, stratum FROM audit_sample ORDER BY place"
_SAMPLES: dict[str, type[pl.DataType]] = {
    "place": pl.Int64,
    "index": pl.Int64,
    "stratum": pl.String,
}


@dataclass(frozen=True, eq=False)
class AuditSample:
    """What was drawn for an audit.

    Attributes:
        seed: The seed that it was drawn with.
        sizes: The number of samples in each stratum, drawn or not.
        samples: ``place`` (in the order of looking, from 1), ``index``, ``stratum``; a row for each
            drawn sample, by place.
    """

    seed: int
    sizes: dict[str, int]
    samples: pl.DataFrame


def draw_audit(
    database: DecisionDatabase, judged: pl.DataFrame, count: int, *, seed: int = 0
) -> AuditSample:
    """Draw a stratified random sample, or go on with the one that was drawn.

    The strata are the piles. Each gets samples in proportion to its size times the spread of what
    is measured in it, the square root of p(1 - p) for the share p of labels that the analysis
    expects to be wrong, at least 0.1 (Neyman's allocation: Cochran, "Sampling Techniques", 3rd
    edition, 1977, section 5.5); and 10 where it has them. Within a pile all are equally likely. The
    order of looking is random, so that those that come first are a random sample as well.

    Args:
        database: The decisions.
        judged: ``index``, ``category`` and ``noise_probability`` of all samples, as they are
            analyzed now; only the first drawing looks at them.
        count: How many should be drawn in all. With no more than were drawn already nothing is.
        seed: Where the first drawing begins; later ones go on with it.

    Returns:
        All that was drawn.

    Raises:
        ArgumentError: If ``count`` is below 1, or there is nothing to draw from.
        RunError: If the file cannot be read or written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from dataparams.decisions.database import DecisionDatabase
        >>> database = DecisionDatabase(Path(tempfile.mkdtemp()) / "review.sqlite")
        >>> judged = pl.DataFrame({
        ...     "index": range(100), "category": ["easy"] * 80 + ["hard"] * 20,
        ...     "noise_probability": [0.01] * 80 + [0.9] * 20,
        ... })
        >>> drawn = draw_audit(database, judged, 40).samples
        >>> drawn.group_by("stratum").len().sort("stratum").rows()
        [('easy', 23), ('hard', 17)]
        >>> draw_audit(database, judged, 50).samples.head(40).equals(drawn)
        True
    """
    if count < 1:
        raise ArgumentError(f"`count` is {count}; expected at least 1 sample.")
    if not len(judged):
        raise ArgumentError("`judged` has no samples; expected those of an analysis.")
    with database.transaction() as connection:
        begun = connection.execute("SELECT seed, strata FROM audit").fetchone()
        if begun is None:
            strata = _strata_of(judged)
            connection.execute(
                "INSERT INTO audit (number, seed, strata, made_at) VALUES (1, ?, ?, ?)",
                (seed, _packed(strata), now()),
            )
        else:
            seed, strata = begun[0], _unpacked(begun[1])
        known = connection.execute("SELECT sample, stratum FROM audit_sample ORDER BY place")
        chosen = _chosen(strata, known.fetchall(), count, seed)
        connection.executemany(
            "INSERT INTO audit_sample (sample, stratum, made_at) VALUES (?, ?, ?)",
            [(index, stratum, now()) for index, stratum in chosen],
        )
    samples = database.frame(_DRAWN, (), _SAMPLES)
    return AuditSample(seed, _sizes(strata), samples)


def audit_in(database: DecisionDatabase) -> AuditSample | None:
    """What was drawn for an audit; None where nothing was.

    Raises:
        RunError: If the file cannot be read.
    """
    begun = database.rows("SELECT seed, strata FROM audit")
    if not begun:
        return None
    strata = _unpacked(begun[0][1])
    return AuditSample(begun[0][0], _sizes(strata), database.frame(_DRAWN, (), _SAMPLES))


def allocation(sizes: Sequence[int], spreads: Sequence[float], count: int) -> list[int]:
    """How many of each stratum are drawn; with a larger count, never fewer of any.

    The method is that of Webster: one after the other goes to the stratum that has most left to
    get in proportion to its size times its spread.

    Args:
        sizes: The number of samples in each, above 0.
        spreads: The standard deviation of what is measured in each, above 0.
        count: How many are drawn in all.

    Example:
        >>> allocation([1800, 120, 80], [0.1, 0.3, 0.5], 200)
        [141, 28, 31]
        >>> allocation([1800, 2], [0.1, 0.5], 5000)
        [1800, 2]
    """
    fewest = [min(size, _FEWEST_OF_STRATUM) for size in sizes]
    weights = [size * spread for size, spread in zip(sizes, spreads, strict=True)]
    drawn = [0] * len(sizes)
    for _ in range(min(count, sum(sizes))):
        first = [k for k, size in enumerate(sizes) if drawn[k] < min(size, fewest[k])]
        open_ones = first or [k for k, size in enumerate(sizes) if drawn[k] < size]
        best = max(open_ones, key=lambda k: weights[k] / (2 * drawn[k] + 1))
        drawn[best] += 1
    return drawn


def _strata_of(judged: pl.DataFrame) -> pl.DataFrame:
    share = pl.col("noise_probability").fill_nan(None).mean().over("category").fill_null(0.0)
    spread = (share * (1 - share)).clip(lower_bound=0.0).sqrt()
    return judged.select(
        pl.col("index").cast(pl.Int64),
        stratum=pl.col("category").cast(pl.String),
        spread=spread.clip(lower_bound=_LEAST_SPREAD).cast(pl.Float64),
    ).sort("index")


def _sizes(strata: pl.DataFrame) -> dict[str, int]:
    return dict(strata.group_by("stratum").len().sort("stratum").iter_rows())


def _chosen(
    strata: pl.DataFrame, known: Sequence[tuple[int, str]], count: int, seed: int
) -> list[tuple[int, str]]:
    """The samples that come to those that are known, in the order of looking."""
    groups = strata.sort("stratum").partition_by("stratum", maintain_order=True)
    sizes, spreads = [len(group) for group in groups], [group["spread"][0] for group in groups]
    drawn = {index for index, _ in known}
    new: list[tuple[int, str]] = []
    for number, (group, wanted) in enumerate(
        zip(groups, allocation(sizes, spreads, count), strict=True)
    ):
        order = np.random.default_rng([seed, number]).permutation(group["index"].to_numpy())
        some = order[:wanted].tolist()
        new += [(index, group["stratum"][0]) for index in some if index not in drawn]
    places = np.random.default_rng([seed, len(groups), len(known)]).permutation(len(new))
    return [new[place] for place in places.tolist()]


def _packed(strata: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    strata.write_parquet(buffer)
    return buffer.getvalue()


def _unpacked(blob: bytes) -> pl.DataFrame:
    """The strata of a row; a file is not trusted."""
    try:
        strata = pl.read_parquet(io.BytesIO(blob)).select(*_STRATA).cast(_STRATA)  # type: ignore[arg-type]
    except (TypeError, ValueError, OSError, pl.exceptions.PolarsError) as error:
        raise _damaged() from error
    if not len(strata) or any(strata[name].null_count() for name in _STRATA):
        raise _damaged()
    return strata


def _damaged() -> RunError:
    return RunError(
        "The audit of this run is damaged: review.sqlite has no strata that can be read. Restore a "
        "copy of the file."
    )
