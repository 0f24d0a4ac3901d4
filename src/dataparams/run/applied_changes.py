"""What was changed in the data since a run was made, as the journal in ``applied/`` says.

The journal has a folder per call of ``dataparams apply``, ``0001`` and on: ``step.json`` (what is
being done, and how far it is), ``samples.parquet`` (a row per sample that is changed), of tables
``kept/`` (the files as they were). It is written before anything is changed. The tables of the run
itself stay as they were: a sample keeps its index, id and given label.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import polars as pl

from dataparams.errors import RunError
from dataparams.run.table_checks import require_columns
from dataparams.sources.discarded import discarded_folder
from dataparams.sources.folder import FileContents, is_image_id
from dataparams.sources.source import JoinedContents, SelectedContents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataparams.run.table_checks import Kind
    from dataparams.sources.opening import ContentsOf
    from dataparams.sources.source import Contents

Status = Literal["applying", "applied", "undoing", "undone"]
STATUSES: tuple[Status, ...] = ("applying", "applied", "undoing", "undone")
STEP, SAMPLES = "step.json", "samples.parquet"
SAMPLE_COLUMNS = {
    "index": pl.Int64,
    "id": pl.String,
    "before": pl.String,
    "after": pl.String,
    "was_discarded": pl.Boolean,
    "is_discarded": pl.Boolean,
    "old_label": pl.String,
    "new_label": pl.String,
}
"""The columns of ``samples.parquet``: a sample's index and id in the run; its id in the data before
and after; whether it was and is discarded; the names of its classes, of which ``new_label`` is
null where it is discarded."""
_KINDS: dict[str, Kind] = {
    "index": "integer",
    **dict.fromkeys(("id", "before", "after"), "text"),
    **dict.fromkeys(("was_discarded", "is_discarded"), "truth"),
}
_NOWHERE = ""


@dataclass(frozen=True, eq=False)
class AppliedChanges:
    """Where a run's samples are now, and what their labels are, where that was changed.

    Attributes:
        samples: A row per sample whose place or label is another than the run recorded: ``index``,
            ``id`` (the run's), ``now`` (its id in the data now), ``is_discarded``, ``label`` (the
            name of its class; null where it is discarded).

    Example:
        >>> changes = AppliedChanges(pl.DataFrame({
        ...     "index": [3], "id": ["cat/1.jpg"], "now": ["dog/1.jpg"], "is_discarded": [False],
        ...     "label": ["dog"],
        ... }))
        >>> changes.ids_now(["cat/1.jpg", "cat/2.jpg"]).to_list()
        ['dog/1.jpg', 'cat/2.jpg']
    """

    samples: pl.DataFrame

    @property
    def is_empty(self) -> bool:
        """Whether the data are as the run found them."""
        return not len(self.samples)

    def ids_now(self, ids: Sequence[str] | pl.Series) -> pl.Series:
        """The ids in the data of samples that the run knows by other ids."""
        return _replaced(ids, self.samples["id"], self.samples["now"])

    def ids_in_run(self, ids: Sequence[str] | pl.Series) -> pl.Series:
        """The ids by which the run knows samples that have other ids in the data."""
        return _replaced(ids, self.samples["now"], self.samples["id"])

    def labels(self) -> pl.DataFrame:
        """``id`` and ``applied_label`` (a name) of the samples that have another label now."""
        table = self.samples.filter(~pl.col("is_discarded"))
        return table.select("id", applied_label="label")


_NOTHING = AppliedChanges(
    pl.DataFrame(
        schema={
            "index": pl.Int64,
            **dict.fromkeys(("id", "now"), pl.String),
            "is_discarded": pl.Boolean,
            "label": pl.String,
        }
    )
)


def steps_in(folder: Path) -> list[Path]:
    """The folders of the calls in a journal, the first in front.

    Args:
        folder: ``applied/`` of a run folder; it need not exist.
    """
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(step for step in found if step.name.isdecimal() and step.is_dir())


def journal_mark(folder: Path) -> str:
    """What tells a journal from the same one later: another with every call, and as it goes on.

    Args:
        folder: ``applied/`` of a run folder; it need not exist.
    """
    facts = []
    for step in steps_in(folder):
        # A file that is damaged or gone is told of where the journal is read.
        with suppress(OSError):
            known = (step / STEP).stat()
            facts.append(f"{step.name} {known.st_mtime_ns} {known.st_ino}")
    return ", ".join(facts)


def read_step(step: Path) -> dict[str, Any]:
    """The contents of a ``step.json``.

    Raises:
        RunError: If it is damaged.
    """
    file = step / STEP
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{file} cannot be read: {error}.") from error
    if not isinstance(known, dict) or known.get("status") not in STATUSES:
        raise RunError(f"{file} is damaged: expected a 'status', one of {', '.join(STATUSES)}.")
    return known


def read_changed_samples(step: Path) -> pl.DataFrame:
    """The samples that a call changes; see :data:`SAMPLE_COLUMNS`.

    Raises:
        RunError: If the file is missing or damaged.
    """
    file = step / SAMPLES
    try:
        table = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunError(f"{file} cannot be read; it is damaged ({error}).") from error
    require_columns(table, _KINDS, file)
    return table


def applied_changes(folder: Path, run: Path) -> AppliedChanges:
    """What was changed in the data of a run.

    Args:
        folder: ``applied/`` of the run folder.
        run: The run folder, for messages.

    Raises:
        RunError: If the journal is damaged, or a call was stopped before it was done.
    """
    tables = []
    for step in steps_in(folder):
        status = cast("Status", read_step(step)["status"])
        if status in ("applying", "undoing"):
            what = "apply" if status == "applying" else "apply --undo"
            raise RunError(
                f"dataparams {what} was stopped before it was done, or is at work, so a part of "
                f"the data is changed and another is not. First: dataparams apply {run}, which "
                "finishes it, or the same with --undo."
            )
        if status == "applied":
            tables.append(read_changed_samples(step))
    return changes_after(tables)


def changes_after(tables: Sequence[pl.DataFrame]) -> AppliedChanges:
    """What several calls have changed together.

    Args:
        tables: What each of them changed, the first in front; see :data:`SAMPLE_COLUMNS`.
    """
    if not tables:
        return _NOTHING
    last = pl.concat([table.select(*SAMPLE_COLUMNS) for table in tables]).unique(
        "index", keep="last", maintain_order=True
    )
    return AppliedChanges(
        last.select("index", "id", "is_discarded", now="after", label="new_label").select(
            _NOTHING.samples.columns
        )
    )


def contents_after(contents_of: ContentsOf, place: Path, changes: AppliedChanges) -> ContentsOf:
    """The contents of samples of a folder by the ids that the run knows, where files were moved.

    Args:
        contents_of: Gives contents by the ids in the data.
        place: The folder of the data.
        changes: What was changed in them.
    """
    aside, place = discarded_folder(place.resolve()), place.resolve()
    moved = changes.samples.filter(
        pl.struct("id", "now", "is_discarded").map_elements(
            lambda row: _is_moved(place, aside, row), return_dtype=pl.Boolean
        )
    )
    here = AppliedChanges(moved)
    discarded = moved.filter("is_discarded")["id"]

    def contents(ids: Sequence[str]) -> Contents:
        known = pl.Series(ids, dtype=pl.String)
        now, is_aside = here.ids_now(known), known.is_in(discarded.implode())
        rest = now.zip_with(~is_aside, pl.Series([_NOWHERE]))
        if not is_aside.any():
            return contents_of(cast("Sequence[str]", rest))
        others = FileContents(aside, now.filter(is_aside).to_list())
        rows = np.arange(len(now))
        rows[is_aside.to_numpy()] = len(now) + np.arange(len(others))
        return SelectedContents(
            JoinedContents([contents_of(cast("Sequence[str]", rest)), others]), rows
        )

    return contents


def _replaced(ids: Sequence[str] | pl.Series, old: pl.Series, new: pl.Series) -> pl.Series:
    whole: pl.Series = pl.Series(ids, dtype=pl.String)
    return whole.replace(old, new) if len(old) else whole


def _is_moved(place: Path, aside: Path, row: dict[str, Any]) -> bool:
    """Whether a file is where the journal says: in other data, such as a copy, it need not be."""
    if not is_image_id(row["now"]):
        return False
    now = (aside if row["is_discarded"] else place) / row["now"]
    return os.path.lexists(now) or not os.path.lexists(place / row["id"])
