"""Writing ``cleaned.parquet``: the selected samples, with how the selection was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataparams.cleaning.class_counts import class_counts, class_counts_csv, is_of_class_counts
from dataparams.cleaning.selection import CleanSettings, clean, kept, trained_on
from dataparams.decisions.agreement import agreed_decisions
from dataparams.decisions.class_changes import class_names_of
from dataparams.decisions.store import DecisionStore
from dataparams.errors import RunError
from dataparams.run.cleaned_samples import (
    CleanedSamples,
    cleaned_classes,
    is_of_people,
    write_cleaned,
)
from dataparams.run.safe_files import write_whole
from dataparams.terminal.words import MOST_CLASSES

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from dataparams.run.folder import RunFolder


def clean_run(
    run: RunFolder,
    judged: pl.DataFrame,
    settings: CleanSettings = CleanSettings(),  # noqa: B008 - it is frozen
    *,
    out: Path | None = None,
    overwrite: bool = False,
) -> pl.DataFrame:
    """Select the samples and labels to train on, and write them.

    Where there are more classes than a terminal shows, the counts of each are written beside it, to
    :func:`dataparams.run.folder.cleaned_classes`.

    Args:
        run: The run folder.
        judged: The frame of its analysis; see :func:`dataparams.cleaning.selection.clean`.
        settings: Which samples are kept, and with which labels.
        out: The file to write; by default ``cleaned.parquet`` in the run folder.
        overwrite: Whether to replace a file that holds the decisions of annotators, or was not
            written by this program. A file that holds no decisions is replaced in any case.

    Returns:
        The result of :func:`dataparams.cleaning.selection.clean`.

    Raises:
        ArgumentError: If too few samples would be left.
        RunError: If a file is in the way, something is missing, or the file cannot be written.
    """
    require_replaceable(run, out, overwrite=overwrite)
    agreed, last = None, None
    if settings.strategy == "reviewed":
        store = DecisionStore(run.review, read_only=True)
        agreed, last = agreed_decisions(store.in_force()), store.last_number()
        store.close()
        if not len(agreed):
            raise RunError(f"{run.review} has no decisions in force; review samples first.")
    class_names = class_names_of(run)
    table = clean(run.judged_samples(), judged, class_names, settings, agreed)
    made = made_from(run, settings, decisions=last)
    file = out or run.cleaned
    write_cleaned(file, CleanedSamples(kept(table), made))
    if len(class_names) > MOST_CLASSES:
        counts = class_counts(trained_on(table), class_names)
        write_whole(cleaned_classes(file), class_counts_csv(counts))
    return table


def require_replaceable(run: RunFolder, out: Path | None, *, overwrite: bool) -> None:
    """Raise RunError if ``overwrite`` is needed to replace what :func:`clean_run` writes."""
    if overwrite:
        return
    file = out or run.cleaned
    if file.exists() and is_of_people(file):
        raise RunError(
            f"{file} holds decisions of annotators, or was not written by this program. Give "
            "`out=FILE` to write another file, or `overwrite=True` to replace it."
        )
    classes = cleaned_classes(file)
    is_written = len(class_names_of(run)) > MOST_CLASSES
    if is_written and classes.exists() and not is_of_class_counts(classes):
        raise RunError(
            f"{classes}, the file for the table of classes, was not written by this program. Give "
            "`out=FILE` to write another file, or `overwrite=True` to replace it."
        )


def made_from(run: RunFolder, settings: CleanSettings, **further: object) -> dict[str, Any]:
    """How a ``cleaned.parquet`` was made, to be stored in the file itself.

    It has all that training on the file needs, so that the file can be moved without the run.

    Raises:
        RunError: If ``run.json`` lacks something.
    """
    description = run.description()
    needed = ("fingerprint", "source", "config")
    missing = [name for name in needed if not description.get(name)]
    if missing:
        raise RunError(f"{run.path / 'run.json'} is damaged: it has no {', '.join(missing)}.")
    return {
        "strategy": settings.strategy,
        "confidence": settings.confidence,
        "undecided": settings.undecided,
        "soft": settings.soft,
        "class_names": list(class_names_of(run)),
        "given_class_names": list(run.class_names()),
        "audit": run.is_audit(),
        **{name: description[name] for name in needed},
        **further,
    }
