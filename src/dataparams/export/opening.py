"""Opening the samples of an export, from a run or a data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from dataparams.analysis.result import CATEGORIES
from dataparams.errors import ArgumentError, RunError, UserError, require_share
from dataparams.export.samples import LabeledSamples
from dataparams.run.cleaned_samples import read_cleaned
from dataparams.run.folder import RunFolder
from dataparams.run.source import ContentsOfRun, is_kept, source_of
from dataparams.run.table_checks import require_among, require_range
from dataparams.sources.builtin import builtin_name
from dataparams.sources.opening import is_table, local_path, open_source
from dataparams.sources.splits import split_rows
from dataparams.sources.understanding import understand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataparams.sources.source import Found, Source

Split = Literal["train", "val", "all"]
Labels = Literal["given", "suggested", "cleaned"]

_SPLITS: tuple[Literal["train", "val"], ...] = ("train", "val")
_FIRST = ("category", "suspicion", "suggested_label", "suggested_confidence")
_TRUTH = ("true_label", "is_corrupted")
_OF_SAMPLES = ("index", "id", "label", "label_name", "suggested_name", *_FIRST)
_OF_DATA = ("index", "id", "label", "split", *_TRUTH)
_VAL_FRAC = 0.1


def open_samples(
    what: str,
    *,
    data_dir: Path = Path("data"),
    split: Split | None = None,
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
        split: Which samples of a data set; None for all. A run has those it was to train on.
        include: The categories to export; none for all samples. Needs an analysis.
        labels: ``given``: as the run was given them. ``suggested``: the analysis's suggestions
            where they are at least as confident as ``confidence``. ``cleaned``: those of
            ``cleaned.parquet`` in the run folder, and only its samples. None for ``cleaned`` where
            there is such a file, and otherwise for ``given``.
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
        samples = _samples_of_run(RunFolder(Path(what)), split, labels, confidence, data)
        if not with_truth:
            samples = replace(samples, table=samples.table.drop(_TRUTH, strict=False))
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
            split or "all",
            include,
            labels,
            image_column=image_column,
            text_column=text_column,
            label_column=label_column,
            row_columns=row_columns,
        )
    samples = _including(samples, include, what)
    return samples if with_analysis else _without_analysis(samples)


def _without_analysis(samples: LabeledSamples) -> LabeledSamples:
    own = [name for name in _OF_DATA if name in samples.table.columns]
    return replace(samples, table=samples.table.select(own))


def _including(samples: LabeledSamples, include: Sequence[str], what: str) -> LabeledSamples:
    table = samples.table
    if include and "category" not in table.columns:
        raise RunError(
            f"`include` needs an analysis, which {what} has not. First: dataparams analyze {what}"
        )
    if include:
        table = table.filter(pl.col("category").is_in(list(include)))
    if not len(table):
        raise UserError(f"Of {what} nothing is left to export: no sample fits what was asked for.")
    return replace(samples, table=table)


def _samples_of_dataset(
    name: str,
    data_dir: Path,
    split: Split,
    include: Sequence[str],
    labels: Labels | None,
    *,
    image_column: str | None,
    text_column: str | None,
    label_column: str | None,
    row_columns: Sequence[str],
) -> LabeledSamples:
    if include or labels in ("suggested", "cleaned"):
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
    )
    splits = split_rows(source, _VAL_FRAC, seed=0)
    pieces = [
        pl.DataFrame(
            {
                "index": rows.numpy(),
                "id": list(source.ids.take(rows.numpy())),
                "label": source.labels[rows].numpy(),
            },
            schema={"index": pl.Int64, "id": pl.String, "label": pl.Int64},
        ).with_columns(split=pl.lit(word))
        for word, rows in zip(_SPLITS, splits, strict=True)
        if split in (word, "all")
    ]
    path = None if builtin_name(name) is not None else local_path(name)
    # Nothing is set aside of what is exported whole.
    told = () if split == "all" else splits
    return LabeledSamples(
        name=source.name,
        class_names=source.class_names,
        table=pl.concat(pieces),
        source=path,
        has_files=_has_files(path),
        notices=tuple(understand(source, told, _VAL_FRAC).lines()),
        contents=_ContentsOfSource(source),
        kind=source.contents.kind,
    )


class _ContentsOfSource:
    """The contents of a source by ids."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def sweep(self, ids: Sequence[str]) -> Iterator[Found]:
        """Read the contents of many samples, a few at a time."""
        yield from self._source.contents.sweep(self._source.ids.find(ids).tolist())


def _has_files(path: Path | None) -> bool:
    return path is not None and not is_table(path)


def _samples_of_run(
    run: RunFolder,
    split: Split | None,
    labels: Labels | None,
    confidence: float,
    data: str | None,
) -> LabeledSamples:
    if split is not None and split != "train":
        raise ArgumentError(
            f"`split` is {split}, but a run has the samples of its training split alone. "
            "Leave `split` out, or give the data set in place of the run."
        )
    description = run.description()
    names = run.class_names()
    samples = run.samples().sort("index")
    require_range(samples, "label", len(names), run.path / "samples.parquet")
    table = samples.select("index", "id", pl.col("label").cast(pl.Int64))
    found = run.analysis()
    notices = []
    if found is None:
        notices.append(
            f"{run.path} has no analysis, so there are no columns of one. "
            f"For them: dataparams analyze {run.path}"
        )
        truth = [name for name in _TRUTH if name in samples.columns]
        table = table.with_columns(samples[name] for name in truth)
    else:
        frame, made = found
        require_among(frame, "category", CATEGORIES, run.path / "analysis.parquet")
        if made.get("epochs") != run.epochs():
            notices.append(
                "Training went on since the analysis, whose columns are exported as they are. "
                f"For newer ones: dataparams analyze {run.path}"
            )
        told = frame.cast({"index": pl.Int64}).select("index", *_FIRST, pl.exclude(*_OF_SAMPLES))
        table = table.join(told, on="index", how="left").sort("index")
    known = len(table)
    table = _relabeled(run, table, labels, confidence)
    if "label_source" in table.columns:
        notices.append(
            f"Labels are those of {run.cleaned}, which discards "
            f'{known - len(table):,} of {known:,} samples; `labels="given"` exports all as they '
            "were."
        )
    path = _place_of(description, data)
    return LabeledSamples(
        name=str(description.get("dataset", run.path.name)),
        class_names=names,
        table=table,
        source=path,
        has_files=_has_files(path),
        run=run,
        notices=tuple(notices),
        contents=ContentsOfRun(run, data),
        kind=run.content_kind(),
        are_small=is_kept(description) and not description["source"].get("folders"),
    )


def _place_of(description: dict[str, Any], data: str | None) -> Path | None:
    """The file or folder that the data of a run are in, where they are outside of it."""
    if is_kept(description):
        return None
    name = source_of(description, data)["name"]
    return None if builtin_name(name) is not None else local_path(name)


def _relabeled(
    run: RunFolder, table: pl.DataFrame, labels: Labels | None, confidence: float
) -> pl.DataFrame:
    """The table with the wanted labels as ``label`` and the given ones as ``given_label``."""
    if labels == "cleaned" or (labels is None and run.cleaned.exists()):
        return _cleaned(table, run)
    if labels != "suggested":
        return table
    if "suggested_label" not in table.columns:
        raise RunError(
            f'`labels="suggested"` needs an analysis, which {run.path} has not. First: '
            f"dataparams analyze {run.path}"
        )
    is_sure = pl.col("suggested_confidence").fill_null(0) >= confidence
    suggested = pl.when(is_sure).then("suggested_label").otherwise("label").cast(pl.Int64)
    return _with_labels(table, table.select("index", suggested.alias("label")))


def _cleaned(table: pl.DataFrame, run: RunFolder) -> pl.DataFrame:
    cleaned, description = read_cleaned(run.cleaned), run.description()
    misfit = cleaned.misfit(
        run.class_names(), description.get("fingerprint"), description["source"].get("image_size")
    )
    strange = cleaned.samples.join(table, on=["index", "id"], how="anti")
    if misfit is None and len(strange):
        misfit = f"{len(strange)} of its samples, such as {strange['id'][0]!r}, are not the run's"
    if misfit is not None:
        raise RunError(
            f"{run.cleaned} was made from other data than {run.path} ({misfit}); expected what "
            f'`dataparams clean {run.path}` writes. `labels="given"` exports without it.'
        )
    return _with_labels(table, cleaned.samples.drop("id"))


def _with_labels(table: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """The samples with new labels, and their labels before as ``given_label``."""
    joined = table.rename({"label": "given_label"}).join(labels, on="index", how="inner")
    first = ["index", "id", "label", "given_label"]
    return joined.sort("index").select(*first, pl.exclude(first))
