"""The samples of an export of a run: those that it judged, and the others that its data hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.analysis.result import CATEGORIES
from dataparams.cleaning.changes import changes_of_run, wanted_labels
from dataparams.decisions.class_changes import class_names_of
from dataparams.errors import DataError, RunError
from dataparams.export.applied_labels import applied_labels, require_agreement
from dataparams.export.beside_run import beside_run, discarded
from dataparams.export.samples import LabeledSamples
from dataparams.run.applied_changes import applied_changes
from dataparams.run.cleaned_samples import read_cleaned
from dataparams.run.source import ContentsOfRun, is_kept, source_of
from dataparams.run.table_checks import require_among, require_range
from dataparams.sources.builtin import builtin_name
from dataparams.sources.opening import is_table, local_path
from dataparams.sources.split_names import choose_splits
from dataparams.sources.splits import TRAINING
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataparams.export.beside_run import BesideRun
    from dataparams.export.samples import Labels, LeftOutSample
    from dataparams.run.folder import RunFolder

TRUTH = ("true_label", "is_corrupted")
"""The columns of what a run knows of the truth."""
_FIRST = ("category", "suspicion", "suggested_label", "suggested_confidence")
_OF_SAMPLES = ("index", "id", "label", "split", "label_name", "suggested_name", *_FIRST)


def exported_samples(
    run: RunFolder,
    labels: Labels | None,
    confidence: float,
    data: str | None,
) -> LabeledSamples:
    """The samples of a run, and beside them whatever else its data hold.

    Args:
        run: The run folder.
        labels: As of :func:`dataparams.export.opening.open_samples`.
        confidence: Likewise.
        data: Where the data lie now; None for where the run found them.

    Raises:
        RunError: If the run folder is damaged or has not what is asked of it.
    """
    description = run.description()
    names = class_names_of(run)
    samples = run.judged_samples().sort("index")
    require_range(samples, "label", len(names), run.path / "samples.parquet")
    table = samples.select("index", "id", pl.col("label").cast(pl.Int64), "split")
    found = run.analysis()
    notices: list[str] = []
    beside = _beside(run, table, data, notices)
    if beside is not None:
        table = _with_those_beside(table, beside, is_of_source=_is_split_unknown(run))
        names = beside.class_names
    if found is None:
        notices.append(
            f"{run.path} has no analysis, so there are no columns of one. "
            f"For them: dataparams analyze {run.path}"
        )
        truth = [name for name in TRUTH if name in samples.columns]
        known = samples.select("index", *truth)
        table = table.join(known, on="index", how="left", maintain_order="left")
    else:
        frame, made = found
        require_among(frame, "category", CATEGORIES, run.path / "analysis.parquet")
        if made.get("epochs") != run.epochs():
            notices.append(
                "Training went on since the analysis, whose columns are exported as they are. "
                f"For newer ones: dataparams analyze {run.path}"
            )
        told = frame.cast({"index": pl.Int64}).select("index", *_FIRST, pl.exclude(*_OF_SAMPLES))
        table = table.join(told, on="index", how="left", maintain_order="left")
    whose = labels or _usual_labels(run)
    if labels is None and whose == "cleaned":
        require_agreement(run)
    table, dropped = _relabeled(run, table, names, whose, confidence)
    notices += _about_labels(run, table, whose, len(dropped), is_chosen=labels is not None)
    path = _place_of(description, data)
    return LabeledSamples(
        name=str(description.get("dataset", run.path.name)),
        class_names=names,
        table=table,
        source=path,
        has_files=has_files(path),
        run=run,
        notices=tuple(notices),
        contents=ContentsOfRun(run, data),
        kind=run.content_kind(),
        are_small=is_kept(description) and not description["source"].get("folders"),
        has_splits=beside is not None and beside.comes_split,
        left_out=(*dropped, *_other_left_out(beside, table, dropped)),
        labels=whose,
    )


def _other_left_out(
    beside: BesideRun | None, table: pl.DataFrame, dropped: Sequence[LeftOutSample]
) -> list[LeftOutSample]:
    """What else is left out, without rows that are marked as discarded: those are the run's."""
    if beside is None:
        return []
    known = {one.id for one in dropped} | set(table["id"])
    return [one for one in beside.left_out if one.id not in known]


def _usual_labels(run: RunFolder) -> Labels:
    """Whose labels are exported where nobody says: the last that anybody made of them."""
    if run.cleaned.exists():
        return "cleaned"
    return "given" if applied_changes(run.applied_folder, run.path).is_empty else "applied"


def _about_labels(
    run: RunFolder, table: pl.DataFrame, whose: Labels, dropped: int, *, is_chosen: bool
) -> list[str]:
    """Whose labels are exported, and what people decided that is not in them."""
    if whose == "cleaned":
        told = (
            f"Labels are those of {run.cleaned}, which discards "
            f'{dropped:,} samples; `labels="given"` exports all as they were.'
        )
        return [told]
    if whose == "applied":
        changed = len(table.filter(pl.col("label") != pl.col("given_label")))
        told = (
            f"Labels are those that `dataparams apply` wrote: {changed:,} are others than the run "
            f'was given, and {dropped:,} discarded samples are left out; `labels="given"` exports '
            "all as they were."
        )
        pending = _not_applied(run, table)
        verb = "is" if pending == 1 else "are"
        first = f"{counted(pending, 'change')} that people decided on since {verb} not in this"
        more = f"{first} export. For them, first: dataparams apply {run.path}"
        return [told, more] if pending else [told]
    decided = () if is_chosen else changes_of_run(run)
    if not len(decided):
        return []
    told = (
        f"Labels are those that the run was given; {counted(len(decided), 'change')} that "
        f"people decided on {'is' if len(decided) == 1 else 'are'} not in this export. For "
        f"them, first: dataparams clean {run.path} --strategy reviewed"
    )
    return [told]


def _not_applied(run: RunFolder, table: pl.DataFrame) -> int:
    """How many samples are to have another label by people's decisions than they were applied."""
    exported = table.select("index", exported="label")
    wanted = wanted_labels(run).join(exported, on="index", how="left")
    return len(wanted.filter(pl.col("wanted").ne_missing(pl.col("exported"))))


def _beside(
    run: RunFolder, table: pl.DataFrame, data: str | None, notices: list[str]
) -> BesideRun | None:
    """What lies in the data beside the samples; None, and a notice, where they are gone."""
    try:
        return beside_run(run, table, data)
    except DataError as error:
        notices.append(f"What else lies in the data is not exported: {error}")
        return None


def _is_split_unknown(run: RunFolder) -> bool:
    """Whether a run says of no sample in which split it is: an audit of an earlier version."""
    return run.is_audit() and "splits" not in run.description()["source"]


def _with_those_beside(
    table: pl.DataFrame, beside: BesideRun, *, is_of_source: bool
) -> pl.DataFrame:
    """The samples of a run, then those that it did not judge; split by split."""
    if is_of_source:
        own = table.select("id").join(beside.splits, on="id", how="left", maintain_order="left")
        table = table.with_columns(own["split"].fill_null(TRAINING))
    both = pl.concat([table, beside.samples.cast(table.schema)])
    order = in_usual_order(both["split"].unique(maintain_order=True).to_list())
    places = pl.col("split").replace_strict(order, range(len(order)), return_dtype=pl.Int64)
    return both.sort(places, pl.col("index").is_null(), "index", maintain_order=True)


def in_usual_order(names: Sequence[str]) -> list[str]:
    """Names of splits, the one to train on first, then what is validated on.

    Example:
        >>> in_usual_order(["test", "val", "train"])
        ['train', 'val', 'test']
    """
    first = [name for name in choose_splits(names) if name is not None]
    return [*first, *(name for name in names if name not in first)]


def has_files(path: Path | None) -> bool:
    """Whether the samples of what lies at a path are files of their own."""
    return path is not None and not is_table(path)


def _place_of(description: dict[str, Any], data: str | None) -> Path | None:
    """The file or folder that the data of a run are in, where they are outside of it."""
    if is_kept(description):
        return None
    name = source_of(description, data)["name"]
    return None if builtin_name(name) is not None else local_path(name)


def _relabeled(
    run: RunFolder, table: pl.DataFrame, names: Sequence[str], labels: Labels, confidence: float
) -> tuple[pl.DataFrame, list[LeftOutSample]]:
    """The table with the wanted labels as ``label`` and the given ones as ``given_label``.

    Also what is left out of it.
    """
    if labels == "cleaned":
        return _cleaned(table, run)
    if labels == "applied":
        wanted, dropped = applied_labels(run, table, names)
        return _with_labels(table, wanted), dropped
    if labels != "suggested":
        return table, []
    if "suggested_label" not in table.columns:
        raise RunError(
            f'`labels="suggested"` needs an analysis, which {run.path} has not. First: '
            f"dataparams analyze {run.path}"
        )
    is_sure = pl.col("suggested_confidence").fill_null(0) >= confidence
    suggested = pl.when(is_sure).then("suggested_label").otherwise("label").cast(pl.Int64)
    return _with_labels(table, table.select("id", suggested.alias("label"))), []


def _cleaned(table: pl.DataFrame, run: RunFolder) -> tuple[pl.DataFrame, list[LeftOutSample]]:
    """The samples that were kept, and those that nobody judged; and which were dropped."""
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
    of_run = table.filter(pl.col("id").is_in(run.judged_samples()["id"].implode()))
    # Earlier versions had nothing of other splits in that file.
    is_covered = pl.col("split").is_in(cleaned.samples["split"].unique().to_list())
    of_file = of_run.filter(is_covered)
    dropped = discarded(of_file, cleaned.samples.select("id"), cleaned.made.get("strategy"))
    untouched = table.join(of_file.select("id"), on="id", how="anti").select(
        "id",
        "label",
        weight=pl.lit(1.0),
        label_source=pl.lit("given"),
    )
    labels = cleaned.samples.select("id", "label", "weight", "label_source")
    return _with_labels(table, pl.concat([labels, untouched])), dropped


def _with_labels(table: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """The samples with new labels, and their labels before as ``given_label``."""
    joined = table.rename({"label": "given_label"}).join(
        labels, on="id", how="inner", maintain_order="left"
    )
    first = ["index", "id", "label", "given_label"]
    return joined.select(*first, pl.exclude(first))
