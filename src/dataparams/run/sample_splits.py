"""In which split of its source each sample of a run is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.errors import RunError

if TYPE_CHECKING:
    from dataparams.run.folder import RunFolder


def sample_splits(run: RunFolder) -> pl.Series:
    """The splits, in the order of ``samples.parquet``; all ``train`` in runs of the first version.

    Raises:
        RunError: If ``samples.parquet`` is missing or damaged.
    """
    if "split" not in run.columns():
        return pl.Series("split", ["train"] * len(run.samples()), dtype=pl.String)
    file = run.path / "samples.parquet"
    try:
        splits: pl.Series = pl.read_parquet(file, columns=["split"])["split"].cast(pl.String)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunError(f"{file} cannot be read; it is damaged ({error}).") from error
    return splits
