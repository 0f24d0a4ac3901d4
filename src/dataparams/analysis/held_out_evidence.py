"""What heads and neighbors that never saw a sample say of it, as an audit stored it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.errors import RunError
from dataparams.run.table_checks import require_range

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from dataparams.run.folder import RunFolder


@dataclass(frozen=True, eq=False)
class HeldOutEvidence:
    """What heads and neighbors say of n samples that they did not see.

    Attributes:
        evidence: For the given label, (n,), 0 ... 1; low is bad.
        probability: Of the given label by the heads, (n,).
        vote: Share of the neighbors' votes for it, (n,).
        classes: The likeliest classes, (n, k), the likeliest first.
        class_evidence: Evidence for them, (n, k).
        is_outlier: Whether the sample is far from all classes, (n,).
        outlier_score: How far, (n,), 0 ... 1.
        planted: Evidence for labels that were made wrong, by how they were chosen.
    """

    evidence: NDArray[np.float64]
    probability: NDArray[np.float64]
    vote: NDArray[np.float64]
    classes: NDArray[np.int64]
    class_evidence: NDArray[np.float64]
    is_outlier: NDArray[np.bool_]
    outlier_score: NDArray[np.float64]
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
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        raise RunError(f"{file} is damaged: it has no column {missing[0]}.")
    joined = samples.select("index").join(table, on="index", how="left", maintain_order="left")
    if joined["evidence"].null_count():
        raise RunError(f"{file} is damaged: it lacks samples of samples.parquet.")
    require_range(table.explode("classes"), "classes", len(run.class_names()), file)
    planted = run.planted()
    groups = {} if planted is None else planted.partition_by("kind", as_dict=True)
    return HeldOutEvidence(
        evidence=joined["evidence"].to_numpy().astype(np.float64),
        probability=joined["probability"].to_numpy().astype(np.float64),
        vote=joined["vote"].to_numpy().astype(np.float64),
        classes=_stacked(joined["classes"]).astype(np.int64),
        class_evidence=_stacked(joined["class_evidence"]).astype(np.float64),
        is_outlier=joined["is_outlier"].to_numpy(),
        outlier_score=joined["outlier_score"].to_numpy().astype(np.float64),
        planted={
            str(kind): group["evidence"].to_numpy().astype(np.float64)
            for (kind,), group in sorted(groups.items())
        },
    )


_COLUMNS = ("vote", "class_evidence", "probabilities", "is_outlier", "outlier_score")


def _stacked(lists: pl.Series) -> NDArray[np.generic]:
    """Lists of one length as a table."""
    lengths = lists.list.len()
    if lengths.min() != lengths.max():
        raise RunError("held_out.parquet is damaged: its lists differ in length.")
    values: NDArray[np.generic] = lists.explode().to_numpy().reshape(len(lists), -1)
    return values
