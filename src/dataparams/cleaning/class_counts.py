"""What became of the samples of each class: counts, as a table and as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.run.spreadsheet_cells import guarded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COUNTS = ("given", "kept", "to_others", "dropped", "from_others", "total")


def class_counts(table: pl.DataFrame, class_names: Sequence[str]) -> pl.DataFrame:
    """How many samples each class had, kept, lost and gained.

    Args:
        table: The result of :func:`dataparams.cleaning.selection.clean`.
        class_names: The names of classes 0, 1, ...

    Returns:
        A row per class: ``label``, ``label_name``, ``given`` (samples with that label), how many of
        them are ``kept``, relabeled (``to_others``) and left out for whatever reason
        (``dropped``); ``from_others`` (samples that were relabeled to it) and ``total`` (samples
        that have the label now).

    Example:
        >>> table = pl.DataFrame({"label": [0, 0, 1], "new_label": [0, 1, None]})
        >>> class_counts(table, ["cat", "dog"]).drop("label").rows()
        [('cat', 2, 1, 1, 0, 0, 1), ('dog', 1, 0, 0, 1, 1, 1)]
    """
    label, new = pl.col("label"), pl.col("new_label")
    numbers = pl.DataFrame({"label": range(len(class_names)), "label_name": list(class_names)})
    before = table.group_by(label.cast(pl.Int64)).agg(
        given=pl.len(),
        kept=(new == label).sum(),
        to_others=(new != label).sum(),
        dropped=new.is_null().sum(),
    )
    after = (
        table.filter(new.is_not_null())
        .group_by(new.cast(pl.Int64).alias("label"))
        .agg(from_others=(pl.col("label") != new).sum(), total=pl.len())
    )
    joined = numbers.join(before, on="label", how="left", maintain_order="left")
    joined = joined.join(after, on="label", how="left", maintain_order="left")
    return joined.with_columns(pl.exclude("label", "label_name").fill_null(0).cast(pl.Int64))


def class_counts_csv(counts: pl.DataFrame) -> bytes:
    """The table of :func:`class_counts` as CSV, safe to open in a spreadsheet."""
    safe = pl.col("label_name").map_elements(guarded, return_dtype=pl.String)
    return counts.with_columns(safe).write_csv().encode()


def is_of_class_counts(file: Path) -> bool:
    """Whether a file has the header that :func:`class_counts_csv` writes."""
    header = ",".join(("label", "label_name", *COUNTS)).encode()
    try:
        with file.open("rb") as stream:
            return stream.read(len(header) + 1) == header + b"\n"
    except OSError:
        return False
