"""Run folders on data that live somewhere, with decisions about them, for tests of apply."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import polars as pl

from dataparams.decisions.class_changes import add_class, class_names_of
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.run.folder import RunFolder
from dataparams.sources.labels_alone import open_labels
from dataparams.sources.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dataparams.decisions.store import Action


def run_on(folder: Path, data: Path, **columns: object) -> RunFolder:
    """A run that knows all samples of some data by their contents, as an audit leaves it."""
    source = open_source(str(data), **columns)  # type: ignore[arg-type]
    run = RunFolder(folder)
    found = {f"{purpose}_column": name for purpose, name in source.columns.items()}
    run.write_description(
        {
            "status": "finished",
            "dataset": source.name,
            "source": {
                "name": str(data.resolve()),
                "content": source.contents.kind,
                **found,
                "row_columns": list(source.row_columns),
            },
            "class_names": list(source.class_names),
            "fingerprint": source.fingerprint(),
            "config": {"recipe": "made"},
            "audit": {"key": "made"},
        }
    )
    count = len(source)
    table = pl.DataFrame({"index": range(count), "id": list(source.ids)}).with_columns(
        label=pl.Series(source.labels.numpy()),
        content=pl.Series([one.digest() for one in source.read(range(count))]),  # type: ignore[union-attr]
        split=pl.lit("train"),
    )
    run.write_samples(table)
    return run


def run_on_labels(folder: Path, labels: Path, label_column: str | None = None) -> RunFolder:
    """A run of features with labels alone, as an audit leaves it."""
    source = open_labels(labels, label_column)
    run = RunFolder(folder)
    run.write_description(
        {
            "status": "finished",
            "dataset": source.name,
            "source": {
                "name": str(labels.resolve()),
                "content": None,
                "is_kept": True,
                "identity": "id",
                "label_column": source.columns.get("label"),
            },
            "class_names": list(source.class_names),
            "fingerprint": source.fingerprint(),
            "config": {"recipe": "made"},
            "audit": {"key": "made", "encoder": {"features": "X.npy"}},
        }
    )
    table = pl.DataFrame({"index": range(len(source)), "id": list(source.ids)})
    run.write_samples(
        table.with_columns(
            label=pl.Series(source.labels.numpy()),
            content=pl.lit(None, dtype=pl.String),
            split=pl.lit("train"),
        )
    )
    return run


def decide(run: RunFolder, wanted: Mapping[str, str | None], annotator: str = "ann") -> None:
    """Record decisions, by id: the name of another class, or None to discard."""
    samples, names = run.samples(), class_names_of(run)
    of_id = {row["id"]: row for row in samples.iter_rows(named=True)}
    decisions = []
    for name, label in wanted.items():
        row = of_id[name]
        if label is None:
            decisions.append(Decision(row["index"], "discard"))
            continue
        number = names.index(label)
        action: Action = "keep" if number == row["label"] else "relabel"
        decisions.append(Decision(row["index"], action, number))
    store = DecisionStore(run.review)
    store.record(f"{annotator}-{store.last_number()}", annotator, decisions)
    store.close()


def add_class_in_review(run: RunFolder, name: str) -> None:
    """A class that somebody adds in review, which the data do not have."""
    store = DecisionStore(run.review)
    add_class(store.database, run.class_names(), f"add-{name}", "ann", name)
    store.close()


def tree_of(folder: Path) -> dict[str, str]:
    """Everything below a folder: names of folders, what links say, digests of files."""
    return {path.relative_to(folder).as_posix(): _told(path) for path in sorted(folder.rglob("*"))}


def _told(path: Path) -> str:
    if path.is_symlink():
        return f"link to {os.readlink(path)}"  # noqa: PTH115 - as it is written
    return "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
