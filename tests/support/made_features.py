"""Runs that have features: what a model sees in made samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.run.features import write_kept_features
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataparams.analysis.result import Analysis

WIDTH = 12


def featured(folder: Path) -> Callable[[Analysis], Analysis]:
    """Gives a run folder features, by which the samples of a class lie together."""

    def write(analysis: Analysis) -> Analysis:
        run = RunFolder(folder)
        frame = analysis.frame
        run.write_description(
            {
                "dataset": "made",
                "class_names": list(analysis.class_names),
                "audit": {"encoder": {"is_kept": True}, "width": WIDTH},
            }
        )
        content = pl.Series([f"{index:032x}" for index in frame["index"]])
        columns = frame.select("index", "id", "label")
        run.write_samples(columns.with_columns(content=content, split=pl.lit("train")))
        write_kept_features(run, features_of(frame["label"].to_numpy()))
        return analysis

    return write


def features_of(labels: np.ndarray) -> np.ndarray:
    """Features of samples of some classes, (n, 12): a cloud for each class."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(int(labels.max()) + 1, WIDTH))
    around = rng.normal(0, 0.2, (len(labels), WIDTH))
    return np.asarray(centers[labels] + around, dtype=np.float32)
