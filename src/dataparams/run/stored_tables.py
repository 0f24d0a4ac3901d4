"""The tables of a run folder, read from files that may be damaged: their columns are checked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.errors import RunError
from dataparams.run.table_checks import require_columns, require_range
from dataparams.sources.identity import KnownContents

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.batches.labeled_images import UnreadableSample
    from dataparams.run.table_checks import Kind

_TRAINING = "train"
_SAMPLE: dict[str, Kind] = {"index": "integer", "id": "text", "label": "integer"}
_CONTENTS = (*_SAMPLE, "content")
_UNREADABLE: dict[str, Kind] = {"index": "integer", "id": "text", "reason": "text"}
_VALIDATION: dict[str, Kind] = dict.fromkeys(("epoch", "label", "count", "correct"), "integer")
_HELD_OUT: dict[str, Kind] = {**_SAMPLE, "probability": "number", "epoch": "integer"}
_PLANTED: dict[str, Kind] = {
    "index": "integer",
    "label": "integer",
    "kind": "text",
    "evidence": "number",
}
_ANALYSIS: dict[str, Kind] = {
    **_SAMPLE,
    "split": "text",
    "label_name": "text",
    "category": "text",
    **dict.fromkeys(("p_easy", "p_hard", "p_review"), "number"),
    **dict.fromkeys(("noise_probability", "suspicion", "suggested_confidence"), "number"),
    "suggested_label": "integer",
    "suggested_name": "text",
}


def read_judged_samples(file: Path) -> pl.DataFrame:
    """The samples of all splits, as :func:`read_samples` gives them; each index once.

    Arrays that a program gave may count their validation samples from 0 again. Those have no number
    of their own by which a decision could name them, and are left out.

    Raises:
        RunError: As of :func:`read_samples`.
    """
    samples = read_samples(file)
    is_repeated = samples["index"].is_duplicated()
    return samples.filter(~is_repeated | (pl.col("split") == _TRAINING))


def read_samples(file: Path, split: str | None = None) -> pl.DataFrame:
    """The samples of a split in a ``samples.parquet``, without the digests of their contents.

    In runs of the first version, which have no column ``split``, all samples are of ``"train"``.

    Args:
        file: The file.
        split: Which split's; None for those of all.

    Raises:
        RunError: If columns are missing or are not what they should be.
    """
    lazy = pl.scan_parquet(file, glob=False)
    columns = lazy.collect_schema()
    if "split" not in columns:
        lazy = lazy.with_columns(split=pl.lit(_TRAINING))
    if split is not None:
        lazy = lazy.filter(pl.col("split") == split)
    samples = lazy.drop("content", strict=False).collect()
    require_columns(samples, {**_SAMPLE, "split": "text"}, file)
    for name in ("index", "label"):
        require_range(samples, name, None, file)
    if "is_corrupted" in samples.columns:
        require_columns(samples, {"is_corrupted": "truth"}, file)
    return samples


def read_splits(file: Path) -> pl.DataFrame:
    """``index`` and ``split`` of all samples in a ``samples.parquet``; in older ones ``train``."""
    lazy = pl.scan_parquet(file, glob=False)
    if "split" not in lazy.collect_schema():
        lazy = lazy.with_columns(split=pl.lit("train"))
    return lazy.select("index", "split").collect()


def read_contents(file: Path) -> pl.DataFrame:
    """``index``, ``id``, ``label`` and ``content`` in a ``samples.parquet``; no rows in older."""
    if "content" not in pl.read_parquet_schema(file):
        return pl.DataFrame(schema=dict.fromkeys(_CONTENTS, pl.Null))
    return pl.read_parquet(file, columns=list(_CONTENTS))


def read_known_contents(file: Path) -> KnownContents:
    """What a ``samples.parquet`` tells of the contents of all samples; of older ones, nothing."""
    lazy = pl.scan_parquet(file, glob=False)
    if "content" not in lazy.collect_schema():
        lazy = pl.LazyFrame(schema={"id": pl.String, "content": pl.String})
    return KnownContents(lazy)


def read_unreadable(file: Path) -> tuple[UnreadableSample, ...]:
    """The samples in an ``unreadable.csv``.

    Raises:
        RunError: If columns are missing or are not what they should be.
    """
    from dataparams.batches.labeled_images import UnreadableSample

    # Ids may look like numbers.
    table = pl.read_csv(file, schema_overrides={"id": pl.String, "reason": pl.String})
    require_columns(table, _UNREADABLE, file)
    return tuple(UnreadableSample(*row) for row in table.select(*_UNREADABLE).iter_rows())


def unreadable_bytes(unreadable: tuple[UnreadableSample, ...]) -> bytes:
    """The bytes of an ``unreadable.csv``."""
    rows = [(sample.index, sample.id, sample.reason) for sample in unreadable]
    return pl.DataFrame(rows, schema=list(_UNREADABLE), orient="row").write_csv().encode()


def read_validation(file: Path) -> pl.DataFrame:
    """A ``validation.parquet``: its four columns of whole numbers, 0 or above.

    Raises:
        RunError: If columns are missing or are not what they should be.
    """
    table = pl.read_parquet(file)
    require_columns(table, _VALIDATION, file)
    for name in _VALIDATION:
        require_range(table, name, None, file)
    return table.select(*_VALIDATION)


def read_held_out(file: Path) -> pl.DataFrame:
    """A ``held_out.parquet``.

    Raises:
        RunError: If columns are missing or are not what they should be.
    """
    table = pl.read_parquet(file)
    require_columns(table, _HELD_OUT, file)
    return table


def read_planted(file: Path) -> pl.DataFrame:
    """A ``planted.parquet``.

    Raises:
        RunError: If columns are missing or are not what they should be.
    """
    table = pl.read_parquet(file)
    require_columns(table, _PLANTED, file)
    return table


def read_analysis(file: Path, classes: int) -> tuple[pl.DataFrame, dict[str, Any]]:
    """An ``analysis.parquet`` of a run with so many classes, and how it was made.

    Raises:
        RunError: If columns are missing or are not what they should be.
    """
    frame = pl.read_parquet(file)
    if "split" not in frame.columns and "label" in frame.columns:
        place = frame.get_column_index("label") + 1
        frame = frame.insert_column(
            place, pl.repeat(_TRAINING, len(frame), eager=True).alias("split")
        )
    require_columns(frame, _ANALYSIS, file)
    if "is_corrupted" in frame.columns:
        require_columns(frame, {"is_corrupted": "truth"}, file)
    for name, limit in (("index", None), ("label", classes), ("suggested_label", classes)):
        require_range(frame, name, limit, file)
    try:
        made = json.loads(pl.read_parquet_metadata(file)["dataparams"])
    except (KeyError, ValueError) as error:
        raise RunError(
            f"{file} does not say how it was made; expected what `dataparams analyze` writes."
        ) from error
    return frame, made if isinstance(made, dict) else {}
