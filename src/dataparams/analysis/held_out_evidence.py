"""What heads and neighbors that never saw a sample say of it, as an audit stored it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.errors import RunError
from dataparams.run.table_checks import require_range

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.run.folder import RunFolder


@dataclass(frozen=True, eq=False)
class HeldOutEvidence:
    """What heads and neighbors say of n samples that they did not see.

    Attributes:
        evidence: For the given label, (n,), 0 ... 1; low is bad.
        probability: Of the given label by the heads, (n,).
        vote: Share of the neighbors' votes for it, (n,); NaN where there are no features, and None
            where no sample has them.
        classes: The likeliest classes, (n, k), the likeliest first.
        class_evidence: Evidence for them, (n, k).
        is_outlier: Whether the sample is far from all classes, (n,); None where no sample has
            features.
        outlier_score: How far, (n,), 0 ... 1; NaN and None as of ``vote``.
        planted: Evidence for labels that were made wrong, by how they were chosen.
    """

    evidence: NDArray[np.float64]
    probability: NDArray[np.float64]
    vote: NDArray[np.float64] | None
    classes: NDArray[np.int64]
    class_evidence: NDArray[np.float64]
    is_outlier: NDArray[np.bool_] | None
    outlier_score: NDArray[np.float64] | None
    planted: dict[str, NDArray[np.float64]]


def held_out_evidence(run: RunFolder, samples: pl.DataFrame) -> HeldOutEvidence | None:
    """The evidence of a run's samples; None where it is no audit, or one that is not finished.

    Args:
        run: The run folder.
        samples: Those wanted, with ``index``.

    Raises:
        RunError: If ``held_out.parquet`` or ``planted.parquet`` is damaged.
    """
    table = run.held_out()
    if table is None or "evidence" not in table.columns:
        return None
    file = run.path / "held_out.parquet"
    return evidence_in(table, run.planted(), samples, len(run.class_names()), file)


def evidence_in(
    table: pl.DataFrame,
    planted: pl.DataFrame | None,
    samples: pl.DataFrame,
    num_classes: int,
    file: Path,
) -> HeldOutEvidence:
    """The evidence in a table of what held-out models say.

    Args:
        table: The contents of ``held_out.parquet``.
        planted: Those of ``planted.parquet``; None where no error was planted.
        samples: Those wanted, with ``index``.
        num_classes: C.
        file: What an error names.

    Raises:
        RunError: If the table lacks something.
    """
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        raise RunError(f"{file} is damaged: it has no column {missing[0]}.")
    joined = samples.select("index").join(table, on="index", how="left", maintain_order="left")
    if joined["evidence"].null_count():
        raise RunError(f"{file} is damaged: it lacks samples of samples.parquet.")
    require_range(table.select("classes").explode("classes"), "classes", num_classes, file)
    groups = {} if planted is None else planted.partition_by("kind", as_dict=True)
    return HeldOutEvidence(
        evidence=joined["evidence"].to_numpy().astype(np.float64),
        probability=joined["probability"].to_numpy().astype(np.float64),
        vote=_numbers(joined, "vote"),
        classes=stacked(joined["classes"]).astype(np.int64),
        class_evidence=stacked(joined["class_evidence"]).astype(np.float64),
        is_outlier=_truths(joined, "is_outlier"),
        outlier_score=_numbers(joined, "outlier_score"),
        planted={
            str(kind): group["evidence"].to_numpy().astype(np.float64)
            for (kind,), group in sorted(groups.items())
        },
    )


_COLUMNS = ("evidence", "class_evidence", "probabilities")


def _numbers(table: pl.DataFrame, name: str) -> NDArray[np.float64] | None:
    """A column that only those with features have."""
    if name not in table.columns:
        return None
    numbers: NDArray[np.float64] = table[name].cast(pl.Float64).fill_null(math.nan).to_numpy()
    return numbers


def _truths(table: pl.DataFrame, name: str) -> NDArray[np.bool_] | None:
    return table[name].fill_null(value=False).to_numpy() if name in table.columns else None


def stacked(lists: pl.Series) -> NDArray[np.generic]:
    """Lists of one length as a table."""
    lengths = lists.list.len()
    if lengths.min() != lengths.max():
        raise RunError("held_out.parquet is damaged: its lists differ in length.")
    values: NDArray[np.generic] = lists.explode().to_numpy().reshape(len(lists), -1)
    return values
