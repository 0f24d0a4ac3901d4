"""Run folders that tests make for themselves, with an analysis but without a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.run.folder import RunFolder
from dataparams.sources.opening import open_source
from dataparams.sources.splits import split_rows

if TYPE_CHECKING:
    from pathlib import Path

CATEGORIES = ("easy", "hard", "review")


def made_run(folder: Path, source: Path | str, *, has_analysis: bool = True) -> RunFolder:
    """A run on an image folder or a Parquet file: every third sample is hard, with a suggestion.

    Suggestions have a confidence of 0.9 for even indices and 0.4 for odd ones.
    """
    opened = open_source(str(source))
    run = RunFolder(folder)
    rows, _ = split_rows(opened, 0.25, seed=0)
    names = opened.class_names
    count = len(rows)
    index = np.arange(count)
    labels = opened.labels[rows].numpy()
    ids = list(opened.ids.take(rows.numpy()))
    run.write_description(
        {
            "status": "finished",
            "epoch": 0,
            "dataset": opened.name,
            "source": {"name": str(source), "val_frac": 0.25, "seed": 0},
            "fingerprint": "made",
            "class_names": list(names),
            "config": {"recipe": "quick"},
        }
    )
    samples = pl.DataFrame({"index": index, "id": ids, "label": labels})
    run.write_samples(samples)
    if has_analysis:
        category = np.array(CATEGORIES)[index % 3]
        is_hard = category == "hard"
        suggested = np.where(is_hard, (labels + 1) % len(names), labels)
        frame = samples.with_columns(
            label_name=pl.Series([names[label] for label in labels]),
            category=pl.Series(category),
            **{
                f"p_{name}": pl.Series(np.where(category == name, 0.8, 0.1).astype(np.float32))
                for name in CATEGORIES
            },
            noise_probability=pl.Series(np.where(is_hard, 0.9, 0.1).astype(np.float32)),
            suspicion=pl.Series(index / count),
            suggested_label=pl.Series(suggested),
            suggested_name=pl.Series([names[label] for label in suggested]),
            suggested_confidence=pl.Series(np.where(index % 2, 0.4, 0.9).astype(np.float32)),
            subgroup=pl.Series(
                [None if c == "easy" else "dusk" for c in category], dtype=pl.String
            ),
            final_temperature=pl.Series(np.linspace(0.5, 2, count).astype(np.float32)),
        )
        run.write_analysis(frame, {"epochs": [], "review_budget": None, "use_model": True})
    return run
