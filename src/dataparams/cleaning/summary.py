"""The summary of a cleaning, in words and tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.cleaning.class_counts import COUNTS, class_counts
from dataparams.cleaning.selection import EVEN, TRAINING, trained_on
from dataparams.run.cleaned_samples import cleaned_classes
from dataparams.terminal.words import MOST_CLASSES, counted, text_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataparams.cleaning.selection import CleanSettings

_MOST_CHANGES = 10


def summary_text(
    table: pl.DataFrame, class_names: Sequence[str], settings: CleanSettings, file: Path
) -> str:
    """How many samples are kept, relabeled and left out, in words and tables.

    Those to train on are counted; what became of the others is said in a sentence.

    Args:
        table: The result of :func:`dataparams.cleaning.selection.clean`.
        class_names: The names of classes 0, 1, ...
        settings: The settings that it was made with.
        file: The file that was written.
    """
    whole, table = table, trained_on(table)
    new, source = table["new_label"], table["label_source"]
    changed = table.filter(pl.col("new_label") != pl.col("label"))
    counts = ", ".join(
        f"{int((source == name).sum())} labels {word}"
        for name, word in (
            ("given", "as given"),
            ("suggested", "as suggested"),
            ("reviewed", "as annotators decided"),
        )
        if (source == name).any()
    )
    parts = [
        (
            f"{new.len() - new.null_count()} of {len(table)} samples are kept ({counts}); "
            f"{len(changed)} have another label than given. {_left_out_text(table)}"
        ),
        _decisions_text(table, settings),
        _dropped_text(table, settings),
        _other_splits_text(whole),
        _truth_text(table),
        _class_text(class_counts(table, class_names), cleaned_classes(file)),
        _changes_text(changed, class_names),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _left_out_text(table: pl.DataFrame) -> str:
    """How many samples are left out, and for which reasons: people's, the program's, or neither."""
    reason = (
        pl.when("is_disputed")
        .then(pl.lit("disputed between annotators"))
        .when(pl.col("action") == "discard")
        .then(pl.lit("discarded by annotators"))
        .when(pl.col("category").is_null())
        .then(pl.lit("never judged"))
        .otherwise(pl.lit("dropped by verdict"))
    )
    gone = table.filter(pl.col("new_label").is_null()).select(reason=reason)["reason"]
    if gone.is_empty():
        return "None is left out."
    counts = gone.value_counts().sort("reason")
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts.iter_rows())
    return f"{len(gone)} {'is' if len(gone) == 1 else 'are'} left out: {reasons}."


def _decisions_text(table: pl.DataFrame, settings: CleanSettings) -> str:
    if settings.strategy != "reviewed":
        return ""
    decided = table["action"].is_in(["keep", "relabel", "discard"])
    skipped, disputed = table["action"] == "skip", table["is_disputed"]
    rest = table.filter(~disputed & (pl.col("action").is_null() | skipped))
    hard = rest.filter(pl.col("category").is_in(["hard", "review"]))
    doing = {
        "drop": "dropped",
        "keep": "kept as given",
        "likely": "kept where their label is likelier right than wrong",
        "relabel": f"relabeled where a label is suggested with confidence {settings.confidence:g}, "
        "and otherwise kept where their own is likelier right than wrong",
    }[settings.undecided]
    verb = "is" if disputed.sum() == 1 else "are"
    about = counted(int(decided.sum()), "sample")
    majority = int((table["settled_by"] == "majority").sum())
    adjudicator = int((table["settled_by"] == "adjudicator").sum())
    settled = (
        f"They differed on {disputed.sum() + majority + adjudicator}: {majority} settled by the "
        f"majority of three or more, {adjudicator} by an adjudicator. "
        if majority + adjudicator
        else ""
    )
    words = (
        f"Annotators decided about {about}. {settled}{disputed.sum()} {verb} disputed and left "
        "out. Of the "
        f"{len(rest)} undecided ones ({skipped.sum()} skipped), the easy ones are kept, and the "
        f"{len(hard)} hard and need-review ones {doing}"
    )
    return f'{words} (`undecided="{settings.undecided}"`).'


def _dropped_text(table: pl.DataFrame, settings: CleanSettings) -> str:
    """How many probably right labels ``easy`` drops; benchmarks/loop.py measures the cost."""
    if settings.strategy != "easy":
        return ""
    left_out = table.filter(pl.col("new_label").is_null())
    likely = int((left_out["noise_probability"] < EVEN).sum())
    if not likely:
        return ""
    return (
        f"{likely} of the dropped samples are likelier right than wrong. Where samples are few, "
        '`strategy="likely"`, which keeps them, trained better models (benchmarks/RESULTS.md).'
    )


def _other_splits_text(table: pl.DataFrame) -> str:
    """What became of the samples that are for validation or a test."""
    if "split" not in table.columns:
        return ""
    lines = []
    for (split,), some in table.group_by("split", maintain_order=True):
        if split == TRAINING:
            continue
        relabeled = int((some["new_label"] != some["label"]).sum())
        discarded = some["new_label"].null_count()
        lines.append(
            f"Split {split}: of {counted(len(some), 'sample')}, which are not to be trained on, "
            f"{relabeled:,} have another label by people's decisions, and {discarded:,} are left "
            "out; the rest is as it was."
        )
    return "\n".join(map(str, lines))


def _truth_text(table: pl.DataFrame) -> str:
    if "true_label" not in table.columns:
        return ""
    after = table.filter(pl.col("new_label").is_not_null())
    wrong_before = int((table["label"] != table["true_label"]).sum())
    wrong_after = int((after["new_label"] != after["true_label"]).sum())
    return (
        f"Truth is known: {wrong_before} of {len(table)} labels were wrong "
        f"({wrong_before / len(table):.1%}), {wrong_after} of the {len(after)} kept are "
        f"({wrong_after / len(after):.1%})."
    )


def _class_text(summary: pl.DataFrame, file: Path) -> str:
    title, shown = "Classes:", summary
    if len(summary) > MOST_CLASSES:
        lost = pl.col("given") - pl.col("kept")
        shown = summary.sort(lost, descending=True, maintain_order=True).head(MOST_CLASSES)
        title = (
            f"The {MOST_CLASSES} of {len(summary)} classes that lose most samples ({file} has all):"
        )
    rows = [
        [row["label_name"], *(str(row[name]) for name in COUNTS)]
        for row in shown.iter_rows(named=True)
    ]
    header = ["class", "given", "kept", "to others", "left out", "from others", "now"]
    return f"{title}\n{text_table(header, rows)}"


def _changes_text(changed: pl.DataFrame, class_names: Sequence[str]) -> str:
    if not len(changed):
        return ""
    pairs = (
        changed.group_by("label", "new_label")
        .len()
        .sort(["len", "label", "new_label"], descending=[True, False, False])
    )
    rows = [
        [class_names[label], class_names[new], str(count)]
        for label, new, count in pairs.head(_MOST_CHANGES).iter_rows()
    ]
    return "Most frequent changes:\n" + text_table(["from", "to", "count"], rows)
