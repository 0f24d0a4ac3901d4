"""How a run's model did on its validation samples, class by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.cautions import ClassAccuracies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.run.folder import RunFolder


@dataclass(frozen=True, eq=False)
class ValidationCounts:
    """How many validation samples of each class were right in each epoch, (epochs, C) each."""

    correct: NDArray[np.int64]
    count: NDArray[np.int64]

    def accuracies(self) -> NDArray[np.float64]:
        """The share of all validation samples that were right, (epochs,)."""
        accuracies: NDArray[np.float64] = self.correct.sum(axis=1) / self.count.sum(axis=1)
        return accuracies

    def of_classes(self, epochs: NDArray[np.integer]) -> ClassAccuracies:
        """The mean over the epochs at some positions."""
        return ClassAccuracies(
            self.correct[epochs].mean(axis=0), self.count[epochs[-1]], "validation"
        )


def validation_counts(
    run: RunFolder, epochs: NDArray[np.integer], num_classes: int
) -> ValidationCounts | None:
    """Those of some epochs of a run; None where there were no validation samples.

    Raises:
        RunError: If ``validation.parquet`` is damaged.
    """
    table = run.validation()
    if table is None:
        return None
    wanted = pl.DataFrame({"epoch": np.repeat(epochs, num_classes)}).with_columns(
        label=pl.Series(np.tile(np.arange(num_classes), len(epochs)))
    )
    plain = table.cast(pl.Int64)
    joined = wanted.cast(pl.Int64).join(
        plain, on=["epoch", "label"], how="left", maintain_order="left"
    )
    counts = joined.select(pl.col("correct", "count").fill_null(0)).to_numpy()
    correct, count = counts.T.reshape(2, len(epochs), num_classes)
    return ValidationCounts(correct, count) if (count.sum(axis=1) > 0).all() else None
