"""The labels that ``dataparams apply`` wrote where the data live, as an export has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.decisions.class_changes import class_names_of
from dataparams.errors import ArgumentError, RunError
from dataparams.export.samples import DISCARDED, LeftOutSample
from dataparams.run.applied_changes import applied_changes
from dataparams.run.cleaned_samples import read_cleaned
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.run.folder import RunFolder

_REASON = f"{DISCARDED} by `dataparams apply`"


def applied_labels(
    run: RunFolder, table: pl.DataFrame, class_names: Sequence[str]
) -> tuple[pl.DataFrame, list[LeftOutSample]]:
    """The labels that samples have in the data now, and the samples that were discarded there.

    Args:
        run: The run folder.
        table: ``id``, ``label`` (number of the class that was given) and ``split``.
        class_names: Name of class 0, 1, ...

    Returns:
        ``id`` and ``label`` of all samples but the discarded ones; and those.

    Raises:
        RunError: If a call of apply was stopped, or wrote a class that the run does not know.
    """
    changes = applied_changes(run.applied_folder, run.path).samples
    known = changes.select(
        "id", "is_discarded", applied=_numbers(run, changes["label"], class_names)
    )
    joined = table.select("id", "label", "split").join(
        known, on="id", how="left", maintain_order="left"
    )
    is_gone = pl.col("is_discarded").fill_null(value=False)
    gone = joined.filter(is_gone).select("id", "split").rows()
    kept = joined.filter(~is_gone).select("id", pl.coalesce("applied", "label").alias("label"))
    return kept, [LeftOutSample(name, _REASON, split) for name, split in gone]


def discarded_by_apply(run: RunFolder) -> pl.DataFrame:
    """``index`` of the samples that were discarded where the data live."""
    changes = applied_changes(run.applied_folder, run.path).samples
    return changes.filter("is_discarded").select("index")


def require_agreement(run: RunFolder) -> None:
    """Refuse to guess where ``cleaned.parquet`` says otherwise than what was applied.

    Raises:
        ArgumentError: If it has another label of a sample whose label was applied, or has a
            sample that was discarded.
        RunError: If it is damaged, or a call of apply was stopped.
    """
    changes = applied_changes(run.applied_folder, run.path).samples
    if not len(changes):
        return
    names = class_names_of(run)
    applied = changes.select("id", applied=_numbers(run, changes["label"], names))
    both = read_cleaned(run.cleaned).samples.join(applied, on="id", how="inner")
    others = both.filter(pl.col("label").ne_missing(pl.col("applied")))
    if len(others):
        raise ArgumentError(
            f"{run.cleaned} and `dataparams apply` disagree about "
            f"{counted(len(others), 'sample')}, such as {others['id'][0]!r}; expected one of them: "
            '`labels="applied"`, `labels="cleaned"`, or a new cleaned set by '
            f"`dataparams clean {run.path} --strategy reviewed`."
        )


def _numbers(run: RunFolder, names: pl.Series, class_names: Sequence[str]) -> pl.Series:
    """The numbers of classes by their names now, or by those that they were given under."""
    given = {name: number for number, name in enumerate(run.class_names())}
    numbers = given | {name: number for number, name in enumerate(class_names)}
    strange = names.drop_nulls().filter(~names.drop_nulls().is_in(list(numbers)))
    if len(strange):
        raise RunError(
            f"`dataparams apply` wrote the class {strange[0]!r}, which {run.path} does not know; "
            'expected one of its classes. `labels="given"` exports without what was applied.'
        )
    found: pl.Series = names.replace_strict(numbers, default=None, return_dtype=pl.Int64)
    return found
