"""Runs side by side: what each was trained on, and what that was worth on the validation split."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.analysis.trajectories import trained_samples
from dataparams.errors import ArgumentError, RunError
from dataparams.run.spreadsheet_cells import guarded
from dataparams.terminal.words import MOST_CLASSES, printable, text_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataparams.run.folder import RunFolder


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs side by side.

    Attributes:
        runs: A row per run: ``name``, ``epochs`` (finished), ``best_accuracy``, ``best_epoch``,
            ``last_accuracy`` (on the validation split, 0 ... 1), ``samples`` (trained on),
            ``noise`` (share of them whose label is known to be wrong; null where the truth is
            unknown), ``seconds`` (of training).
        classes: A row per class: ``label``, ``label_name``, ``count`` (validation samples), and
            the accuracy at the best epoch in a column for each run, by its number from 0; null
            where the run did not record it.
        curves: ``run`` (number), ``epoch``, ``accuracy``.
        validation: Number of validation samples.
    """

    runs: pl.DataFrame
    classes: pl.DataFrame
    curves: pl.DataFrame
    validation: int


def compare(runs: Sequence[RunFolder]) -> Comparison:
    """Put runs on one validation split side by side.

    Args:
        runs: Two or more run folders, trained on the same data set; what they were trained on of
            it, and with which labels, may differ.

    Raises:
        ArgumentError: If there are fewer than two, or one twice.
        RunError: If one cannot be read or has no finished epoch, or they were validated on
            different samples, so that their accuracies cannot be compared.
    """
    require_several(runs)
    descriptions = [run.description() for run in runs]
    unvalidated = next((run for run in runs if not is_validated(run)), None)
    if unvalidated is not None:
        what = "is an audit" if unvalidated.is_audit() else "is a recorded loop"
        raise RunError(
            f"{unvalidated.path} {what}, which has no validation samples, so there is no accuracy "
            "to compare; expected runs of trainings. compare_verdicts compares labels."
        )
    _require_same_validation(runs, descriptions)
    names = short_names([run.path.resolve() for run in runs])
    metrics = [_accuracies(run) for run in runs]
    rows = [_row(name, run, table) for name, run, table in zip(names, runs, metrics, strict=True)]
    schema = {"noise": pl.Float64}
    curves = [
        table.select(pl.lit(number).alias("run"), "epoch", accuracy=pl.col("val_accuracy"))
        for number, table in enumerate(metrics)
    ]
    table = pl.DataFrame(rows, schema_overrides=schema)
    return Comparison(
        runs=table,
        classes=_classes(runs, table["best_epoch"].to_list()),
        curves=pl.concat(curves),
        validation=int(descriptions[0].get("counts", {}).get("validation", 0)),
    )


def is_validated(run: RunFolder) -> bool:
    """Whether a run looked at validation samples: no audit does, and not every recorded loop.

    Raises:
        RunError: If ``run.json`` is missing or damaged.
    """
    if run.is_audit():
        return False
    return "recording" not in run.description() or run.validation() is not None


def require_several(runs: Sequence[RunFolder]) -> None:
    """Check that there is something to compare.

    Raises:
        ArgumentError: If there are fewer than two runs, or one twice.
    """
    if len(runs) < 2:
        given = "is 1 run" if runs else "are no runs"
        raise ArgumentError(f"There {given} to compare; expected two or more run folders.")
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise ArgumentError("A run folder is named twice; expected different ones.")


def _accuracies(run: RunFolder) -> pl.DataFrame:
    metrics, file = run.metrics(), run.path / "metrics.csv"
    needed = ("epoch", "val_accuracy", "seconds")
    missing = [name for name in needed if name not in metrics.columns]
    if missing or not all(metrics[name].dtype.is_numeric() for name in needed):
        raise RunError(f"{file} is damaged: expected the columns {', '.join(needed)}, numbers.")
    if "recording" in run.description():
        # Not every epoch of a loop of somebody's own need end with an evaluation.
        metrics = metrics.filter(pl.col("val_accuracy").is_not_null())
    if not len(metrics) or metrics.select(*needed).null_count().sum_horizontal().item():
        raise RunError(f"{file} is damaged: it has no rows, or gaps.")
    return metrics.select(*needed)


def _row(name: str, run: RunFolder, metrics: pl.DataFrame) -> dict[str, Any]:
    samples = trained_samples(run)
    best = int(metrics["val_accuracy"].arg_max() or 0)
    is_known = "is_corrupted" in samples.columns
    return {
        "name": name,
        "epochs": len(metrics),
        "best_accuracy": float(metrics["val_accuracy"][best]),
        "best_epoch": int(metrics["epoch"][best]),
        "last_accuracy": float(metrics["val_accuracy"][-1]),
        "samples": len(samples),
        "noise": float(samples["is_corrupted"].mean()) if is_known else None,  # type: ignore[arg-type]
        "seconds": float(metrics["seconds"].sum()),
    }


def _classes(runs: Sequence[RunFolder], best_epochs: Sequence[int]) -> pl.DataFrame:
    names = runs[0].class_names()
    table = pl.DataFrame({"label": range(len(names)), "label_name": list(names)})
    counts = None
    for number, (run, epoch) in enumerate(zip(runs, best_epochs, strict=True)):
        recorded = run.validation()
        column = pl.lit(None, pl.Float64).alias(str(number))
        if recorded is None:
            table = table.with_columns(column)
            continue
        at_best = recorded.filter(pl.col("epoch") == epoch).cast({"label": pl.Int64})
        counts = at_best.select("label", "count") if counts is None else counts
        accuracy = pl.when(pl.col("count") > 0).then(pl.col("correct") / pl.col("count"))
        found = at_best.select("label", accuracy.alias(str(number)))
        table = table.join(found, on="label", how="left", maintain_order="left")
    if counts is None:
        return table.insert_column(2, pl.lit(None, pl.Int64).alias("count"))
    joined = table.join(counts, on="label", how="left", maintain_order="left")
    return joined.select("label", "label_name", "count", pl.exclude("label", "label_name", "count"))


def _require_same_validation(
    runs: Sequence[RunFolder], descriptions: Sequence[dict[str, Any]]
) -> None:
    first = descriptions[0]
    for run, description in zip(runs[1:], descriptions[1:], strict=True):
        names = ("fingerprint", "validation_fingerprint")
        has_same_classes = description.get("class_names") == first.get("class_names")
        if has_same_classes and any(_is_same(first, description, name) for name in names):
            continue
        reason = (
            "the data set, or `val_frac` or `seed` that split it, differ"
            if has_same_classes
            else "their classes differ"
        )
        raise RunError(
            f"{run.path} and {runs[0].path} were validated on different samples ({reason}), so "
            f"their accuracies cannot be compared. {_how_to_keep(first, description)}"
        )


def _how_to_keep(*descriptions: dict[str, Any]) -> str:
    """How two trainings come to be validated on the same samples."""
    if any("recording" in description for description in descriptions):
        return "Give each loop the same samples, validation samples and class names."
    return (
        "Train with the same data, `val_frac` and `seed`; `dataparams train --from-clean FILE` "
        "keeps the split."
    )


def _is_same(first: dict[str, Any], second: dict[str, Any], name: str) -> bool:
    return first.get(name) is not None and first.get(name) == second.get(name)


def short_names(paths: Sequence[Path]) -> list[str]:
    """What tells the runs' paths apart."""
    root = os.path.commonpath([str(path.parent) for path in paths])
    return [path.relative_to(root).as_posix() for path in paths]


def comparison_text(comparison: Comparison, classes_file: Path) -> str:
    """The runs and their classes as tables for a terminal.

    Args:
        comparison: The comparison.
        classes_file: What has all classes, where they are too many for a terminal.
    """
    rows = [
        [
            row["name"],
            f"{row['best_accuracy']:.1%} ({row['best_epoch']})",
            f"{row['last_accuracy']:.1%}",
            str(row["samples"]),
            "unknown" if row["noise"] is None else f"{row['noise']:.1%}",
            str(row["epochs"]),
            f"{row['seconds']:.0f}",
        ]
        for row in comparison.runs.iter_rows(named=True)
    ]
    header = ["run", "best (epoch)", "last", "samples", "wrong labels", "epochs", "seconds"]
    parts = [
        f"Accuracy on {comparison.validation} validation samples:\n" + text_table(header, rows),
        _chance_text(comparison),
        _classes_text(comparison, classes_file),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _chance_text(comparison: Comparison) -> str:
    if not comparison.validation:
        return ""
    middle = float(comparison.runs["best_accuracy"].mean())  # type: ignore[arg-type]
    error = math.sqrt(middle * (1 - middle) / comparison.validation)
    return (
        f"With so many validation samples an accuracy is known to within {error:.1%} (its standard "
        "error); the best of many epochs flatters all runs alike."
    )


def _classes_text(comparison: Comparison, file: Path) -> str:
    chosen, is_part = most_different_classes(comparison, MOST_CLASSES)
    numbers = [str(number) for number in range(len(comparison.runs))]
    if not len(chosen):
        return "No run recorded the accuracy of each class."
    rows = [
        [
            row["label_name"],
            str(row["count"]),
            *("" if row[number] is None else f"{row[number]:.0%}" for number in numbers),
        ]
        for row in chosen.iter_rows(named=True)
    ]
    names = [printable(name) for name in comparison.runs["name"]]
    which = f"the {len(chosen)} classes that differ most" if is_part else "each class"
    where = f" ({file} has all)" if is_part else ""
    title = f"Accuracy of {which}, at the best epoch{where}:\n"
    return title + text_table(["class", "samples", *names], rows)


def most_different_classes(comparison: Comparison, most: int) -> tuple[pl.DataFrame, bool]:
    """The classes whose accuracies are known, or those of them that differ most between runs.

    Args:
        comparison: The comparison.
        most: How many at most.

    Returns:
        Rows of ``comparison.classes`` in their order, and whether there are others.
    """
    numbers = [str(number) for number in range(len(comparison.runs))]
    known = comparison.classes.filter(pl.any_horizontal(pl.col(numbers).is_not_null()))
    spread = pl.max_horizontal(numbers) - pl.min_horizontal(numbers)
    chosen = known.sort(spread, descending=True, maintain_order=True).head(most).sort("label")
    return chosen, len(chosen) < len(known)


def comparison_json(comparison: Comparison) -> bytes:
    """The comparison as JSON: a list of runs, each with its classes and its curve."""
    runs = []
    for number, row in enumerate(comparison.runs.iter_rows(named=True)):
        classes = comparison.classes.select(
            "label", "label_name", "count", pl.col(str(number)).alias("accuracy")
        )
        curve = comparison.curves.filter(pl.col("run") == number).drop("run")
        runs.append({**row, "classes": classes.to_dicts(), "curve": curve.to_dicts()})
    contents = {"validation": comparison.validation, "runs": runs}
    return (json.dumps(contents, indent=2, ensure_ascii=False) + "\n").encode()


def classes_csv(comparison: Comparison) -> bytes:
    """The classes of a comparison as CSV, for people: a row per class, a column per run."""
    names = [f"accuracy of {name}" for name in comparison.runs["name"]]
    renamed = comparison.classes.rename(
        {str(number): name for number, name in enumerate(names)} | {"count": "samples"}
    )
    safe = pl.col("label_name").map_elements(guarded, return_dtype=pl.String)
    return renamed.with_columns(safe).write_csv().encode()


def comparison_csv(comparison: Comparison) -> bytes:
    """The comparison as CSV: a row per run, with a column for the accuracy of each class."""
    names = comparison.classes["label_name"].to_list()
    per_class = {
        f"accuracy of {label} {name}": [
            comparison.classes[str(number)][label] for number in range(len(comparison.runs))
        ]
        for label, name in enumerate(names)
    }
    safe = pl.col("name").map_elements(guarded, return_dtype=pl.String)
    classes = pl.DataFrame(per_class, schema=dict.fromkeys(per_class, pl.Float64))
    return (
        pl.concat([comparison.runs.with_columns(safe), classes], how="horizontal")
        .write_csv()
        .encode()
    )
