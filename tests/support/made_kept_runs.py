"""Run folders that keep themselves what is shown of their samples, with an analysis, untrained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.run.folder import RunFolder
from dataparams.run.kept_contents import row_names
from dataparams.sources.table_contents import RowContents, TextContents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataparams.contents.content import ContentKind

CATEGORIES = ("easy", "hard", "review")
NAMES = ("cards", "loans")


def kept_run(
    folder: Path, held: pl.DataFrame | Sequence[str | None] | int, names: Sequence[str] = NAMES
) -> RunFolder:
    """A run of texts, of rows, or of so many samples of which nothing is kept.

    Labels take turns; every third sample is hard, with the next class suggested, the more surely
    the lower its index.
    """
    kind, table = _kind_and_table(held)
    count = held if isinstance(held, int) else len(table)
    index = np.arange(count)
    labels, ids = index % len(names), [f"train/{row}" for row in range(count)]
    run = RunFolder(folder)
    is_row = kind == "row"
    run.write_description(
        {
            "status": "finished",
            "epoch": 0,
            "dataset": "made",
            "source": {
                "name": "contents.parquet",
                "is_kept": True,
                "content": kind,
                "label_column": None,
                "row_columns": table.columns if is_row else [],
            },
            "fingerprint": "made",
            "class_names": list(names),
            "config": {"recipe": "quick"},
        }
    )
    samples = pl.DataFrame({"index": index, "id": ids, "label": labels, "split": "train"})
    if kind is not None:
        contents = RowContents(table) if is_row else TextContents(table["text"])
        read = contents.read(range(count))
        digests = [None if isinstance(one, Exception) else one.digest() for one in read]
        samples = samples.with_columns(content=pl.Series(digests, dtype=pl.String))
        stored = table.rename(dict(zip(table.columns, row_names(table.columns), strict=True)))
        run.write_kept_contents(stored.select(pl.Series("id", ids), pl.all()))
    run.write_samples(samples)
    run.write_analysis(_analysis(samples, names), {"epochs": [], "review_budget": None})
    return run


def _kind_and_table(
    held: pl.DataFrame | Sequence[str | None] | int,
) -> tuple[ContentKind | None, pl.DataFrame]:
    if isinstance(held, int):
        return None, pl.DataFrame()
    if isinstance(held, pl.DataFrame):
        return "row", held
    return "text", pl.DataFrame({"text": pl.Series(held, dtype=pl.String)})


def _analysis(samples: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    index, labels = samples["index"].to_numpy(), samples["label"].to_numpy()
    category = np.array(CATEGORIES)[index % 3]
    is_hard = category == "hard"
    suggested = np.where(is_hard, (labels + 1) % len(names), labels)
    return samples.select("index", "id", "label").with_columns(
        label_name=pl.Series([names[label] for label in labels]),
        category=pl.Series(category),
        **{f"p_{name}": pl.Series(np.where(category == name, 0.8, 0.1)) for name in CATEGORIES},
        noise_probability=pl.Series(np.where(is_hard, 0.9, 0.1)),
        suspicion=pl.Series(1 - index / len(index)),
        suggested_label=pl.Series(suggested),
        suggested_name=pl.Series([names[label] for label in suggested]),
        suggested_confidence=pl.Series(0.95 - 0.3 * index / len(index)),
        subgroup=pl.Series([None] * len(index), dtype=pl.String),
    )
