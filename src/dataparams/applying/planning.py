"""From what is wanted of a run's labels to what changes in its data; nothing is changed here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from dataparams.applying.file_moves import Move, WantedMove, plan_moves
from dataparams.applying.table_files import FileEdit, WantedLabel, notes_on_files, plan_edits
from dataparams.cleaning.changes import (
    class_names_now,
    decided_labels,
    described_changes,
    named_labels,
    samples_to_change,
    wanted_labels,
)
from dataparams.contents.content import UnreadableContentError
from dataparams.errors import DataError, RunError
from dataparams.run.applied_changes import SAMPLE_COLUMNS, applied_changes
from dataparams.run.source import (
    MOVED,
    ContentsOfRun,
    changed_error,
    differing_labels,
    is_kept,
    is_of_label_file,
    opened_source,
    source_of,
)
from dataparams.sources.builtin import builtin_name
from dataparams.sources.columns import WantedColumns
from dataparams.sources.identity import named
from dataparams.sources.labels_alone import is_label_array, open_label_file_columns
from dataparams.sources.opening import is_table, local_path
from dataparams.sources.tables import open_label_columns
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataparams.cleaning.changes import Origin
    from dataparams.run.folder import RunFolder
    from dataparams.sources.source import Source
    from dataparams.sources.tables import LabelColumns

_FEWEST_CLASSES = 2
PLANNED = "planned_changes.csv"
"""The file in a run folder that has all changes of a plan of many; gone when they are made."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be changed in the data of a run.

    Attributes:
        run: The run folder.
        place: The file or folder of the data.
        origin: Whose changes they are.
        changes: The changes as a table for people, held against the labels that the data have now;
            see :func:`dataparams.cleaning.changes.changes_of_run`.
        samples: The same for the journal; see ``SAMPLE_COLUMNS``, and ``content`` (a digest).
        moves: The files that move, of an image folder.
        edits: The files that change, of a table.
        columns: The columns that change, of a table: that of the labels, and copies of it.
        notes: Sentences for the user.
    """

    run: RunFolder
    place: Path
    origin: Origin
    changes: pl.DataFrame
    samples: pl.DataFrame
    moves: tuple[Move, ...] = ()
    edits: tuple[FileEdit, ...] = ()
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.changes)


def plan(run: RunFolder, origin: Origin = "decisions", data: str | None = None) -> Plan:
    """Find what is to be changed in the data of a run.

    Args:
        run: The run folder.
        origin: Whose changes.
        data: Where the data lie now; None for where the run found them.

    Returns:
        The plan; of no changes where the data are as they should be.

    Raises:
        DataError: If the data cannot be read, or labels cannot be changed where they are.
        RunError: If the data are no files here, samples or labels are not what the run knows of
            them, or the labels of the run were made wrong on purpose.
    """
    place = place_of_data(run, data)
    wanted = _standing(run, wanted_labels(run, origin))
    changed = wanted.filter(pl.col("wanted_name").ne_missing(pl.col("now_name")))
    notes = _on_disputes(run)
    if not len(changed):
        nothing = (_described(run, changed), _journaled(changed))
        return Plan(run, place, origin, *nothing, notes=tuple(notes))
    is_of_labels = is_of_label_file(run.description())
    digests = {} if is_of_labels else _require_unchanged(run, changed, data)
    source = opened_source(run, data)
    if is_of_labels:
        _require_same_labels(run, changed, source)
        changed, unmarkable = _without_unmarkable(place, changed)
        notes += unmarkable
    if not is_of_labels and not is_table(place):
        _require_several_classes(source, changed)
        moves = _moves(place, source, changed)
        changed = changed.with_columns(after=pl.Series([move.after for move in moves]))
        samples = _journaled(changed, digests)
        found = (_described(run, changed), samples, tuple(moves))
        return Plan(run, place, origin, *found, notes=tuple(notes))
    changed, done = _as_labeled(source, changed)
    if not len(changed):
        nothing = (_described(run, changed), _journaled(changed))
        return Plan(run, place, origin, *nothing, notes=(*notes, *done))
    _require_several_classes(source, changed)
    columns = _label_columns(run, place, data)
    rows = changed.select("id", "wanted_name", "is_discarded").iter_rows()
    edits = plan_edits(source, columns, [WantedLabel(*row) for row in rows])
    return Plan(
        run,
        place,
        origin,
        _described(run, changed),
        _journaled(changed, digests),
        edits=tuple(edits),
        columns=(columns.label, *columns.copies),
        notes=(*notes, *done, *notes_on_files(edits)),
    )


def place_of_data(run: RunFolder, data: str | None = None) -> Path:
    """The file or folder of a run's data, in which labels can be changed.

    Raises:
        RunError: If the data are no files here; the message says which export helps.
        DataError: If they are gone.
    """
    description = run.description()
    if "is_corrupted" in run.samples().columns:
        raise RunError(
            f"The labels of {run.path} were made wrong on purpose (`rand_fraction`, `noise`), so "
            "its decisions are not about the labels that the data have. Audit the data as they are."
        )
    if is_kept(description) and not is_of_label_file(description):
        raise RunError(
            f"{run.path} was given its samples and labels by a program, or as arrays, so there is "
            f"no folder or table to write corrections to. {_export_hint(run)}"
        )
    name = source_of(description, data)["name"]
    path = None if builtin_name(name) is not None else local_path(name)
    if path is not None:
        return path.resolve()
    if Path(name).is_absolute() or data is not None:
        raise DataError(f"{name} was there, and is gone. {MOVED}")
    raise RunError(
        f"The data of {run.path} are {name}, which is no file or folder here, so corrections "
        f"cannot be written where it lies. {_export_hint(run)}"
    )


def _export_hint(run: RunFolder) -> str:
    return (
        f"`dataparams clean {run.path} --strategy reviewed` and then `dataparams export {run.path} "
        "--to parquet FOLDER` write the data with the corrections, and a list of them."
    )


def _on_disputes(run: RunFolder) -> list[str]:
    """A sentence on the samples that stay as they are since people differ about them."""
    count = int(decided_labels(run)["is_disputed"].sum())
    if not count:
        return []
    verb = "is disputed and stays as it is" if count == 1 else "are disputed and stay as they are"
    return [f"{counted(count, 'sample')} {verb}; `dataparams decisions {run.path}` lists them."]


def _standing(run: RunFolder, wanted: pl.DataFrame) -> pl.DataFrame:
    """The samples about which something was decided, as they are in the data and are to be.

    Returns:
        The columns of ``wanted_labels``, ``id``, ``label``, ``now`` (the id in the data),
        ``is_discarded``, ``now_name`` and ``wanted_name`` (null for discarded).
    """
    samples = samples_to_change(run)
    strange = wanted.join(samples, on="index", how="anti")
    if len(strange):
        raise RunError(
            f"There are decisions about {counted(len(strange), 'sample')} that the run does not "
            f"have, such as index {strange['index'][0]}; expected decisions about its samples."
        )
    changes = applied_changes(run.applied_folder, run.path).samples
    return (
        samples.join(wanted, on="index", how="inner", maintain_order="left")
        .join(
            changes.select("index", "now", "is_discarded", applied="label"), on="index", how="left"
        )
        .sort("index")
        .with_columns(
            pl.col("now").fill_null(pl.col("id")),
            pl.col("is_discarded").fill_null(value=False),
            given_name=named_labels(pl.col("label"), run.class_names()),
            wanted_name=named_labels(pl.col("wanted"), class_names_now(run)),
        )
        .with_columns(
            after=pl.col("now"),
            now_name=pl.when(~pl.col("is_discarded")).then(pl.coalesce("applied", "given_name")),
        )
    )


def _require_unchanged(run: RunFolder, changed: pl.DataFrame, data: str | None) -> dict[str, str]:
    """The digests of the samples that change, by id, once they are what the run was made of.

    Raises:
        RunError: If some are not, or cannot be read; the message names them.
    """
    ids = changed["id"].to_list()
    digests: dict[str, str] = {}
    unreadable = []
    for found in ContentsOfRun(run, data).sweep(ids):
        for position, content in zip(found.places, found.contents, strict=True):
            if isinstance(content, UnreadableContentError):
                unreadable.append(f"{ids[position]} ({content})")
            else:
                digests[ids[position]] = content.digest()
    if unreadable:
        raise RunError(
            f"{counted(len(unreadable), 'sample')} that are to change cannot be read "
            f"({named(unreadable)}); nothing was changed. Put them back, or audit the data again."
        )
    return digests


def _require_same_labels(run: RunFolder, changed: pl.DataFrame, source: Source) -> None:
    """Raise RunError if labels of other samples changed, since the rows may be others then."""
    others = run.samples().join(changed, on="id", how="anti")
    is_there = pl.Series(source.ids.find(others["id"])) >= 0
    discarded = applied_changes(run.applied_folder, run.path).samples.filter("is_discarded")["id"]
    gone = others.filter(~is_there & ~others["id"].is_in(discarded.implode()))["id"]
    differing = pl.concat([gone, differing_labels(run, others.filter(is_there), source)])
    if len(differing):
        raise changed_error(run, source.place, differing.to_list())


def _without_unmarkable(place: Path, changed: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The changes that can be written to a file of labels, and a sentence on the others."""
    is_discarded = pl.col("wanted_name").is_null()
    count = int(changed.select(is_discarded.sum()).item())
    if not count or not is_label_array(place):
        return changed, []
    note = (
        f"Discarded samples ({count:,}) stay in {place}, which has no column to mark them in; "
        "`changes.csv` lists them."
    )
    return changed.filter(~is_discarded), [note]


def _require_several_classes(source: Source, changed: pl.DataFrame) -> None:
    """Refuse changes after which all samples would be of one class."""
    names = pl.Series(source.class_names)
    counts = dict.fromkeys(source.class_names, 0)
    counts |= dict(names[source.labels.numpy()].value_counts().iter_rows())
    for now, wanted in changed.select("now_name", "wanted_name").iter_rows():
        if now is not None:
            counts[now] = counts.get(now, 0) - 1
        if wanted is not None:
            counts[wanted] = counts.get(wanted, 0) + 1
    left = [name for name, count in counts.items() if count > 0]
    if len(left) < _FEWEST_CLASSES:
        raise RunError(
            f"All samples would be of one class ({', '.join(map(repr, left)) or 'none'}); expected "
            "two or more, or the data could not be opened again. Nothing was changed."
        )


def _moves(place: Path, source: Source, changed: pl.DataFrame) -> list[Move]:
    rows = changed.select("id", "now", "is_discarded", "wanted_name").iter_rows()
    folders = pl.Series(source.ids.arrow.to_pylist()).str.replace(r"/[^/]*$", "").unique()
    # Where a split is there, ids begin with its name.
    has_splits = bool(source.split_names)
    return plan_moves(
        place, [WantedMove(*row) for row in rows], has_splits=has_splits, folders=folders
    )


def _as_labeled(source: Source, changed: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The changes that a table has not yet, and a sentence on those that it has.

    Raises:
        RunError: If a label is neither what the run knows nor what it is to be.
    """
    rows = source.ids.find(changed["now"])
    labels = source.labels.numpy()
    # A row that the source leaves out is marked as discarded.
    found = [None if row < 0 else source.class_names[labels[row]] for row in rows.tolist()]
    table = changed.with_columns(found=pl.Series(found, dtype=pl.String))
    is_done = pl.col("found").eq_missing(pl.col("wanted_name"))
    strange = table.filter(~is_done & pl.col("found").ne_missing(pl.col("now_name")))
    if len(strange):
        raise RunError(
            f"{counted(len(strange), 'sample')} in {source.place} have another label than when "
            f"they were judged ({named(strange['id'].to_list())}), so it cannot be told whether "
            "the decisions still hold. Nothing was changed. Audit the data again: decisions about "
            "labels that are the same come along."
        )
    done = int(table.select(is_done.sum()).item())
    notes = [f"{counted(done, 'label')} in {source.place} are as decided already."] if done else []
    return table.filter(~is_done).drop("found"), notes


def _label_columns(run: RunFolder, place: Path, data: str | None) -> LabelColumns:
    """Where the labels are written in a table, or in a file of labels alone."""
    arguments = source_of(run.description(), data)
    if is_of_label_file(run.description()):
        return open_label_file_columns(place, arguments["label_column"])
    wanted = WantedColumns(
        arguments["image_column"],
        arguments["text_column"],
        arguments["label_column"],
        arguments["row_columns"],
    )
    return open_label_columns(place, wanted, all_splits=bool(arguments.get("all_splits")))


def _described(run: RunFolder, changed: pl.DataFrame) -> pl.DataFrame:
    """The changes for people, from the labels that the data have now."""
    return described_changes(run, changed.with_columns(old_label="now_name"))


def _journaled(
    changed: pl.DataFrame, digests: Mapping[str, str] = MappingProxyType({})
) -> pl.DataFrame:
    contents = [digests.get(one) for one in changed["id"]]
    table = changed.select(
        pl.col("index").cast(pl.Int64),
        "id",
        "after",
        before="now",
        was_discarded="is_discarded",
        is_discarded=pl.col("wanted_name").is_null(),
        old_label="now_name",
        new_label="wanted_name",
    )
    return table.select(*SAMPLE_COLUMNS, content=pl.Series(contents, dtype=pl.String))
