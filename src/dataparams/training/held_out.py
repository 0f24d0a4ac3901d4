"""What a model says of samples that it was not trained on, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.training.outliers import OUTLIER_ABOVE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.training.cross_fitting import CrossFit


def held_out_table(
    fit: CrossFit,
    outlier_score: NDArray[np.float64],
    index: pl.Series,
    ids: pl.Series,
    labels: pl.Series,
    *,
    epoch: int,
) -> pl.DataFrame:
    """The rows of ``held_out.parquet`` of cross-fitted heads.

    Args:
        fit: What they say of n samples.
        outlier_score: How far each is from all classes, (n,), 0 ... 1.
        index: Row of each sample in the source, (n,).
        ids: Path or ``split/row`` of each.
        labels: Class of each as given.
        epoch: After how many epochs.

    Returns:
        What :meth:`HeldOutRecorder.table` has, by the last round, and beside it ``vote`` (share of
        the neighbors' votes for the given label), ``evidence`` (for it, over all rounds; low is
        bad), ``class_evidence`` (for ``classes``, in the last round), ``is_outlier``,
        ``outlier_score``, and of each round
        ``round_probability``, ``round_vote`` and ``round_evidence``.
    """
    last = fit.rounds[-1]

    def lists(values: NDArray[np.generic]) -> pl.Series:
        kind = pl.Int32 if values.dtype == np.int32 else pl.Float32
        column = pl.Series(values, dtype=pl.Array(kind, values.shape[1]))
        listed: pl.Series = column.cast(pl.List(kind))
        return listed

    rounds = {
        f"round_{name}": lists(np.stack([getattr(one, name) for one in fit.rounds], axis=1))
        for name in ("probability", "vote", "evidence")
    }
    return pl.DataFrame(
        {
            "index": index,
            "id": ids,
            "label": labels,
            "probability": last.probability,
            "classes": lists(last.classes),
            "probabilities": lists(last.class_probability),
            "vote": last.vote,
            "evidence": fit.support,
            "class_evidence": lists(last.class_evidence),
            "is_outlier": outlier_score > OUTLIER_ABOVE,
            "outlier_score": outlier_score.astype(np.float32),
            **rounds,
        },
        schema_overrides={"index": pl.Int64, "id": pl.String, "label": pl.Int64},
    ).with_columns(epoch=pl.lit(epoch, pl.Int64))
