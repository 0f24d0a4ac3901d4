"""Opening the samples of an export, from a run or a data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.result import CATEGORIES
from dataparams.errors import ArgumentError, RunError, UserError, require_share
from dataparams.export.beside_run import no_samples
from dataparams.export.run_samples import TRUTH, exported_samples, has_files, in_usual_order
from dataparams.export.samples import LabeledSamples
from dataparams.run.folder import RunFolder
from dataparams.sources.builtin import builtin_name
from dataparams.sources.opening import local_path, open_source
from dataparams.sources.split_names import ALL_SPLITS
from dataparams.sources.splits import (
    chosen_splits,
    comes_split,
    names_of_splits,
    numbers_of_splits,
    split_rows,
)
from dataparams.sources.understanding import understand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataparams.export.samples import Labels
    from dataparams.sources.source import Found, Source

_OF_DATA = ("index", "id", "label", "split", *TRUTH)
_VAL_FRAC = 0.1


def open_samples(
    what: str,
    *,
    data_dir: Path = Path("data"),
    split: str = ALL_SPLITS,
    include: Sequence[str] = (),
    labels: Labels | None = None,
    confidence: float = 0.5,
    with_truth: bool = False,
    with_analysis: bool = True,
    data: str | None = None,
    image_column: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    row_columns: Sequence[str] = (),
) -> LabeledSamples:
    """Open the samples of an export.

    Args:
        what: A run folder, or a data set as ``load_dataset`` names them.
        data_dir: Where built-in data sets are kept and downloaded to.
        split: Which splits: ``all``, or names with commas between.
        include: The categories to export; none for all samples. Needs an analysis.
        labels: ``given``: as the run was given them. ``suggested``: the analysis's suggestions
            where they are at least as confident as ``confidence``. ``cleaned``: those of
            ``cleaned.parquet`` in the run folder, and only its samples. ``applied``: as
            ``dataparams apply`` wrote them, without the samples that it discarded. None for
            ``cleaned`` where there is such a file, else for ``applied`` where something was
            applied, and otherwise for ``given``.
        confidence: How confident a suggestion has to be, 0 ... 1.
        with_truth: Keep what a run knows of the truth, whose labels were made wrong on purpose: the
            columns ``true_label`` and ``is_corrupted``.
        with_analysis: Keep what a run knows beside labels: the columns of its analysis, the given
            labels where others are exported, and the columns of ``cleaned.parquet``.
        data: Where the data of a run lie now; None for where the run found them.
        image_column: Which column of a table has the images; None to find it. For a data set.
        text_column: Which column of a table has the texts; None to find it. For a data set.
        label_column: Which column of a table has the labels; None to find it. For a data set.
        row_columns: Which columns of a table belong to a row; ``*`` for all but the labels. For a
            data set.

    Returns:
        The samples, and what reads what they hold.

    Raises:
        UserError: If arguments do not fit each other, or nothing is left to export.
        DataError: If the data set cannot be found or read.
        RunError: If the run folder is damaged or has not what is asked of it.
    """
    require_share("confidence", confidence)
    strange = [name for name in include if name not in CATEGORIES]
    if strange:
        raise ArgumentError(
            f"`include` names {strange[0]!r}; expected some of {', '.join(CATEGORIES)}, "
            "with commas between."
        )
    if Path(what, "run.json").is_file():
        samples = exported_samples(RunFolder(Path(what)), labels, confidence, data)
        if not with_truth:
            samples = replace(samples, table=samples.table.drop(TRUTH, strict=False))
        elif "is_corrupted" not in samples.table.columns:
            raise ArgumentError(
                f"`with_truth` is given, but {what} knows no truth: its labels were not made wrong "
                "on purpose. Leave it out."
            )
    elif with_truth:
        raise ArgumentError(
            f"`with_truth` needs the run folder of a training; {what} is a data set."
        )
    else:
        samples = _samples_of_dataset(
            what,
            data_dir,
            split,
            include,
            labels,
            image_column=image_column,
            text_column=text_column,
            label_column=label_column,
            row_columns=row_columns,
        )
    samples = _including(_of_splits(samples, split, what), include, what)
    return samples if with_analysis else _without_analysis(samples)


def _without_analysis(samples: LabeledSamples) -> LabeledSamples:
    own = [name for name in _OF_DATA if name in samples.table.columns]
    return replace(samples, table=samples.table.select(own))


def _of_splits(samples: LabeledSamples, wanted: str, what: str) -> LabeledSamples:
    """The samples of some splits, and what is not exported of these."""
    if wanted == ALL_SPLITS:
        return samples
    names = samples.table["split"].unique(maintain_order=True).to_list()
    chosen = chosen_splits(in_usual_order(names), wanted, what)
    return replace(
        samples,
        table=samples.table.filter(pl.col("split").is_in(chosen)),
        left_out=tuple(one for one in samples.left_out if one.split in chosen),
    )


def _including(samples: LabeledSamples, include: Sequence[str], what: str) -> LabeledSamples:
    table = samples.table
    if include and "category" not in table.columns:
        raise RunError(
            f"`include` needs an analysis, which {what} has not. First: dataparams analyze {what}"
        )
    if include:
        table = table.filter(pl.col("category").is_in(list(include)))
        # Whoever asks for a pile knows that it is not all.
        samples = replace(samples, left_out=())
    if not len(table):
        raise UserError(f"Of {what} nothing is left to export: no sample fits what was asked for.")
    return replace(samples, table=table)


def _samples_of_dataset(
    name: str,
    data_dir: Path,
    split: str,
    include: Sequence[str],
    labels: Labels | None,
    *,
    image_column: str | None,
    text_column: str | None,
    label_column: str | None,
    row_columns: Sequence[str],
) -> LabeledSamples:
    if include or labels in ("suggested", "cleaned", "applied"):
        given = "`include`" if include else f'`labels="{labels}"`'
        raise ArgumentError(
            f"{given} needs the run folder of an analyzed training; {name} is a data set."
        )
    source = open_source(
        name,
        data_dir=data_dir,
        image_column=image_column,
        text_column=text_column,
        label_column=label_column,
        row_columns=row_columns,
        all_splits=True,
    )
    path = None if builtin_name(name) is not None else local_path(name)
    # Nothing is set aside of what is exported whole.
    told = () if split == ALL_SPLITS else split_rows(source, _VAL_FRAC, seed=0)
    return LabeledSamples(
        name=source.name,
        class_names=source.class_names,
        table=_table_of(source),
        source=path,
        has_files=has_files(path),
        notices=tuple(understand(source, told, _VAL_FRAC).lines()),
        contents=_ContentsOfSource(source),
        kind=source.contents.kind,
        has_splits=comes_split(source),
        left_out=tuple(no_samples(source.left_out)),
    )


def _table_of(source: Source) -> pl.DataFrame:
    """All samples, split by split; where a source does not come split, as a training splits it."""
    names, numbers = names_of_splits(source), numbers_of_splits(source)
    if not comes_split(source):
        names = (*names, "val")
        numbers = np.zeros(len(source), dtype=np.int64)
        numbers[split_rows(source, _VAL_FRAC, seed=0)[1].numpy()] = 1
    rows = np.argsort(numbers, kind="stable")
    return pl.DataFrame(
        {
            "index": rows,
            "id": list(source.ids.take(rows)),
            "label": source.labels.numpy()[rows],
            "split": pl.Series(names)[numbers[rows]],
        },
        schema_overrides={"index": pl.Int64, "id": pl.String, "label": pl.Int64},
    )


class _ContentsOfSource:
    """The contents of a source by ids."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def sweep(self, ids: Sequence[str]) -> Iterator[Found]:
        """Read the contents of many samples, a few at a time."""
        yield from self._source.contents.sweep(self._source.ids.find(ids).tolist())
