"""What training on cleaned data was worth: two trainings on the same validation samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from dataparams.analysis.paired_accuracy import paired_accuracy
from dataparams.errors import ArgumentError, RunError
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.analysis.paired_accuracy import PairedAccuracy

_MOST_COMPARED = 2


@dataclass(frozen=True)
class Retraining:
    """A training before the cleaning and one after it.

    Attributes:
        before: Name of the first.
        after: Name of the second.
        paired: Their accuracies on the validation samples that both judged.
        trained_before: How many samples the first was trained on.
        trained_after: How many the second was.
        corrected: How many of these samples have another label in the second.
    """

    before: str
    after: str
    paired: PairedAccuracy
    trained_before: int
    trained_after: int
    corrected: int


def retraining_of(run: RunFolder, compared_with: Sequence[str | Path] = ()) -> Retraining | None:
    """What a training on cleaned data was worth.

    Args:
        run: The run that is reported.
        compared_with: A training to compare this one with, or two that are compared with each
            other, where ``run`` is an audit. Whichever was trained on cleaned samples is the later
            one. Where none is given, it is the run that this one's samples were cleaned from.

    Returns:
        The comparison; None where none is given and none is found.

    Raises:
        ArgumentError: If more than two runs are given.
        RunError: If the runs given cannot be compared; the message says why.
    """
    if not compared_with:
        earlier = cleaned_from(run)
        return compared(earlier, run) if earlier and _can_be_compared(earlier, run) else None
    if len(compared_with) > _MOST_COMPARED:
        raise ArgumentError(
            f"`compared_with` has {len(compared_with)} runs; expected one to compare this run "
            "with, or two to compare with each other."
        )
    runs = [RunFolder(path) for path in compared_with]
    if len(runs) == 1:
        runs.append(run)
    return compared(*_in_order(*runs))


def cleaned_from(run: RunFolder) -> RunFolder | None:
    """The run that the samples of a training were cleaned from, by ``run.json``; None for none."""
    config = run.description().get("config")
    file = config.get("from_clean") if isinstance(config, dict) else None
    if not isinstance(file, str):
        return None
    # What was given may count from the working folder of then, of which nothing is kept.
    folders = [Path(), *run.path.resolve().parents]
    candidates = (folder / Path(file).parent for folder in folders)
    return next((RunFolder(path) for path in candidates if (path / "run.json").is_file()), None)


def compared(before: RunFolder, after: RunFolder) -> Retraining:
    """Compare two trainings on the validation samples that both judged.

    Raises:
        RunError: If one has no validation samples one by one, or they have none in common.
    """
    both = _validated(before).join(_validated(after), on="id", suffix="_after")
    if not len(both):
        raise RunError(
            f"{before.path} and {after.path} have no validation sample in common, so they cannot "
            "be compared. `dataparams train --from-clean FILE` keeps the split of the run that was "
            "cleaned."
        )
    # Both are held against the label of the later run, which may have been corrected.
    label = both["label_after"]
    paired = paired_accuracy(
        (both["predicted"] == label).to_numpy(), (both["predicted_after"] == label).to_numpy()
    )
    return Retraining(
        before=before.path.name,
        after=after.path.name,
        paired=paired,
        trained_before=_trained_on(before),
        trained_after=_trained_on(after),
        corrected=int((both["label"] != label).sum()),
    )


def _validated(run: RunFolder) -> pl.DataFrame:
    """``id``, ``label`` and ``predicted`` of the validation samples of a training."""
    if run.is_audit():
        raise RunError(
            f"{run.path} is an audit, which trains no model to validate. Give `compared_with` a "
            "training on the labels as they were, and of an audit one after the cleaning as well."
        )
    table = run.held_out()
    if table is None or "classes" not in table.columns or not len(table):
        raise RunError(
            f"{run.path} does not say what its model predicts for each validation sample "
            "(held_out.parquet); expected a finished training."
        )
    return table.select(
        "id", pl.col("label").cast(pl.Int64), predicted=pl.col("classes").list.first()
    )


def _can_be_compared(before: RunFolder, after: RunFolder) -> bool:
    return not before.is_audit() and before.held_out() is not None and after.held_out() is not None


def _in_order(first: RunFolder, second: RunFolder) -> tuple[RunFolder, RunFolder]:
    """The later one is the one that was trained on cleaned samples."""
    was_cleaned = [bool(one.description().get("cleaned")) for one in (first, second)]
    return (second, first) if was_cleaned == [True, False] else (first, second)


def _trained_on(run: RunFolder) -> int:
    counts = run.description().get("counts")
    found = counts.get("trained_on") if isinstance(counts, dict) else None
    return found if isinstance(found, int) else len(run.samples())
