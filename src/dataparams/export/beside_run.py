"""What lies in the data of a run beside the samples that it judged: nothing is to be lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.decisions.class_changes import class_names_of
from dataparams.export.samples import DISCARDED, NO_SAMPLE, LeftOutSample
from dataparams.run.applied_changes import applied_changes
from dataparams.run.source import is_kept, opened_source
from dataparams.sources.splits import (
    comes_split,
    names_of_splits,
    numbers_of_splits,
    split_rows,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from dataparams.run.folder import RunFolder
    from dataparams.sources.source import LeftOut, Source

_VALIDATION = "val"


@dataclass(frozen=True, eq=False)
class BesideRun:
    """What lies in the data of a run beside the samples that it judged.

    Attributes:
        samples: ``index`` (null where the run has another sample of that number), ``id``,
            ``label``, ``split`` of the samples that it did not judge.
        class_names: Name of class 0, 1, ...: those of the run as they are called now, with those
            that people added, then those that it does not know.
        splits: ``id`` and ``split`` of all samples of the source.
        comes_split: Whether the source itself has splits.
        left_out: What cannot be read, as the run found, and what is no sample.
    """

    samples: pl.DataFrame
    class_names: tuple[str, ...]
    splits: pl.DataFrame
    comes_split: bool
    left_out: tuple[LeftOutSample, ...] = ()


def beside_run(run: RunFolder, judged: pl.DataFrame, data: str | None) -> BesideRun | None:
    """Find what lies in the data of a run beside the samples that it judged.

    Args:
        run: The run folder.
        judged: ``index`` and ``id`` of those.
        data: Where the data lie now; None for where they lay.

    Returns:
        What was found; None where a run has no source outside.

    Raises:
        DataError: If the source is gone or cannot be read.
    """
    if is_kept(run.description()):
        return None
    source = opened_source(run, data)
    given, now = run.class_names(), class_names_of(run)
    splits = _splits_of(source, run)
    unreadable = {one.id: one.reason for one in run.unreadable()}
    known = pl.Series([*judged["id"], *unreadable], dtype=pl.String)
    rows = np.flatnonzero(~splits["id"].is_in(known.implode()).to_numpy())
    every = (*now, *(name for name in source.class_names if name not in (*given, *now)))
    # Data in which a class was renamed have its new name; others have the one that they gave.
    numbers = {name: number for names in (given, every) for number, name in enumerate(names)}
    of_split = dict(splits.iter_rows())
    return BesideRun(
        _samples(source, rows, numbers, splits["split"], judged["index"]),
        every,
        splits,
        comes_split(source),
        (
            *(LeftOutSample(name, why, of_split.get(name)) for name, why in unreadable.items()),
            *no_samples(source.left_out),
        ),
    )


def no_samples(left_out: Sequence[LeftOut]) -> list[LeftOutSample]:
    """What a source left out, a row per file or row, or for as many as only one name is known of.

    Example:
        >>> from dataparams.sources.source import LeftOut
        >>> no_samples([LeftOut("no image by its extension", ("README.md",), 1)])[0].reason
        'no sample: no image by its extension'
    """
    found = []
    for one in left_out:
        reason = f"{NO_SAMPLE}: {one.reason}"
        if len(one.names) != one.count:
            reason = f"{NO_SAMPLE}: {one.count:,} x {one.reason}"
        found += [LeftOutSample(name, reason, None) for name in one.names]
    return found


def discarded(table: pl.DataFrame, kept: pl.DataFrame, strategy: object) -> list[LeftOutSample]:
    """The samples of a run that its ``cleaned.parquet`` leaves out.

    Args:
        table: ``id`` and ``split`` of the samples.
        kept: ``id`` of those that it has.
        strategy: By which strategy it was made.
    """
    dropped = table.join(kept, on="id", how="anti", maintain_order="left")
    reason = f"{DISCARDED} by `dataparams clean`, strategy {strategy}"
    return [
        LeftOutSample(name, reason, split) for name, split in dropped.select("id", "split").rows()
    ]


def _splits_of(source: Source, run: RunFolder) -> pl.DataFrame:
    """``id`` and ``split`` of all samples of a source, with the names that a run uses."""
    now = pl.Series("id", pl.from_arrow(source.ids.arrow), dtype=pl.String)
    ids = applied_changes(run.applied_folder, run.path).ids_in_run(now).alias("id")
    names, numbers = list(names_of_splits(source)), numbers_of_splits(source)
    if not run.is_audit():
        settings = run.description()["source"]
        if not comes_split(source):
            numbers = _set_aside(source, settings.get("val_frac", 0.1), settings.get("seed", 0))
        # A training calls it so, whatever the source does.
        names[1:2] = [_VALIDATION]
    return pl.DataFrame({"id": ids, "split": pl.Series(names)[numbers]})


def _set_aside(source: Source, val_frac: float, seed: int) -> NDArray[np.int64]:
    numbers = np.zeros(len(source), dtype=np.int64)
    numbers[split_rows(source, val_frac, seed=seed)[1].numpy()] = 1
    return numbers


def _samples(
    source: Source,
    rows: NDArray[np.int64],
    numbers: Mapping[str, int],
    splits: pl.Series,
    taken: pl.Series,
) -> pl.DataFrame:
    renumbered = np.array([numbers[name] for name in source.class_names], dtype=np.int64)
    index = pl.Series("index", rows, dtype=pl.Int64)
    is_taken = index.is_in(taken.cast(pl.Int64).implode())
    return pl.DataFrame(
        {
            "index": index.set(is_taken, None),
            "id": pl.Series(list(source.ids.take(rows)), dtype=pl.String),
            "label": renumbered[source.labels.numpy()[rows]],
            "split": splits[rows],
        }
    )
