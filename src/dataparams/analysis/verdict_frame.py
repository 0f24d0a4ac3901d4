"""The columns that every analysis has, of a training or of an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.result import CATEGORIES

if TYPE_CHECKING:
    from numpy.typing import NDArray


def verdict_frame(
    samples: pl.DataFrame,
    class_names: tuple[str, ...],
    category: NDArray[np.str_],
    posteriors: NDArray[np.float64],
    *,
    noise_probability: NDArray[np.float64],
    suspicion: NDArray[np.float64],
    suggested: NDArray[np.int64],
    confidence: NDArray[np.float64],
) -> pl.DataFrame:
    """The columns that every analysis has, whatever judged the samples.

    Args:
        samples: ``index``, ``id``, ``label``, ``split``; n rows.
        class_names: Names of the classes.
        category: Of each sample, (n,).
        posteriors: Of the categories, (n, 3), in the order of ``CATEGORIES``.
        noise_probability: How likely each label is wrong, (n,).
        suspicion: What ranks them, (n,).
        suggested: The likely class of each, (n,).
        confidence: How likely that is the true one, (n,).
    """
    names = np.array(class_names, dtype=object)
    split = samples["split"] if "split" in samples.columns else pl.lit("train").alias("split")
    return samples.select("index", "id", "label", split).with_columns(
        pl.Series("label_name", names[samples["label"].to_numpy()], dtype=pl.String),
        pl.Series("category", category),
        *(
            pl.Series(f"p_{name}", posteriors[:, k].astype(np.float32))
            for k, name in enumerate(CATEGORIES)
        ),
        pl.Series("noise_probability", noise_probability.astype(np.float32)),
        pl.Series("suspicion", suspicion),
        pl.Series("suggested_label", suggested),
        pl.Series("suggested_name", names[suggested], dtype=pl.String),
        pl.Series("suggested_confidence", confidence.astype(np.float32)),
    )


def truth_columns(samples: pl.DataFrame) -> list[pl.Series]:
    """What is known of the truth, for the last columns of an analysis; none where nothing is."""
    return [samples[name] for name in ("true_label", "is_corrupted") if name in samples.columns]
