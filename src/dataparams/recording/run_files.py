"""How the run folder of a recorded loop is begun, gone on with, or refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.errors import ArgumentError, RunError
from dataparams.recording.settings import LoopSettings
from dataparams.run.kept_contents import CONTENTS
from dataparams.run.versions import installed_versions
from dataparams.sources.identity import identity_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.recording.kept_samples import KeptSamples
    from dataparams.run.folder import RunFolder


@dataclass(frozen=True, eq=False)
class RecordedSamples:
    """The samples of a loop.

    Attributes:
        labels: Class of each training sample, (N,).
        validation: Class of each validation sample, (M,).
        class_names: Name of class 0, 1, ...
        ids: Name of each training sample, (N,), none twice.
        kept: What is kept of them.
    """

    labels: NDArray[np.int64]
    validation: NDArray[np.int64]
    class_names: tuple[str, ...]
    ids: pl.Series
    kept: KeptSamples

    def table(self) -> pl.DataFrame:
        """The rows of ``samples.parquet``: training samples first, then those of validation."""
        count = len(self.labels)
        training = pl.DataFrame(
            {
                "index": np.arange(count),
                "id": self.ids,
                "label": self.labels,
                "content": self.kept.words,
            }
        ).with_columns(split=pl.lit("train"))
        places = np.arange(len(self.validation))
        validation = pl.DataFrame(
            {
                "index": count + places,
                "id": self.validation_ids(),
                "label": self.validation,
                "content": pl.Series([None] * len(places), dtype=pl.String),
            },
            schema_overrides={"index": pl.Int64, "label": pl.Int64},
        ).with_columns(split=pl.lit("val"))
        return pl.concat([training, validation]).select("index", "id", "label", "content", "split")

    def validation_ids(self) -> pl.Series:
        """Names of the validation samples, (M,)."""
        return numbered_ids("val", len(self.validation))

    def contents(self) -> pl.DataFrame | None:
        """The rows of ``contents.parquet``; None where nothing is kept."""
        if self.kept.kind is None:
            return None
        return pl.DataFrame({"id": self.ids}).hstack(self.kept.table)

    def fingerprint(self) -> str:
        """SHA-256, in hex, of names of classes, ids, labels and contents."""
        digest = hashlib.sha256(json.dumps([self.class_names, len(self.labels)]).encode())
        for numbers in (self.labels, self.validation):
            digest.update(np.ascontiguousarray(numbers).data)
        for texts in (self.ids, self.kept.words):
            digest.update("\n".join(texts.fill_null("")).encode("utf-8", "replace"))
        return digest.hexdigest()


def numbered_ids(split: str, count: int) -> pl.Series:
    """The ids of samples that have no name: ``train/0`` and so on.

    Example:
        >>> numbered_ids("train", 2).to_list()
        ['train/0', 'train/1']
    """
    return pl.select((pl.lit(f"{split}/") + pl.int_range(count).cast(pl.String)).alias("id"))["id"]


def given_ids(ids: Sequence[str] | None, kept: KeptSamples, count: int) -> pl.Series:
    """The ids of n samples: those given, those that they have, or their numbers.

    Raises:
        ArgumentError: If they are not n texts, or one is there twice.
    """
    if ids is None:
        return numbered_ids("train", count) if kept.ids is None else kept.ids.alias("id")
    texts = pl.Series("id", [str(one) for one in ids], dtype=pl.String)
    if len(texts) != count:
        raise ArgumentError(f"`ids` has {len(texts)} names; expected {count}, one per sample.")
    if texts.n_unique() < count:
        twice = texts.filter(texts.is_duplicated())[0]
        raise ArgumentError(f"`ids` has {twice!r} twice; expected another name for each sample.")
    return texts


def settings_in(run: RunFolder, samples: RecordedSamples, settings: LoopSettings) -> LoopSettings:
    """The settings with which a loop is recorded in a folder; nothing is written.

    Args:
        run: The run folder, which may be there already.
        samples: The samples of the loop.
        settings: As they are given.

    Returns:
        The settings; where the folder is there, the learning rate that was chosen then.

    Raises:
        RunError: If there is something else, or a run of other samples or settings.
    """
    if is_new(run):
        return settings
    place = str(run.path)
    if not (run.path / "run.json").is_file():
        raise RunError(f"{place} is there and is no run folder; it is not touched. Give another.")
    before = run.description()
    if "recording" not in before:
        raise RunError(
            f"{place} is a run of another kind, an audit or a training, and is not touched. Give "
            "another folder."
        )
    _require_same_samples(run, before, samples)
    return settings.going_on(LoopSettings.of_json(before["config"]), place)


def is_new(run: RunFolder) -> bool:
    """Whether nothing is there yet, or only what was killed before the first file was whole."""
    return not run.exists() or all(
        path.name.startswith(".") and path.suffix == ".tmp" for path in run.path.glob("*")
    )


def begin_run(run: RunFolder, samples: RecordedSamples, settings: LoopSettings) -> None:
    """Write what a run folder has before the first epoch, or that its loop goes on.

    Raises:
        RunError: If it cannot be written.
    """
    run.remove_remnants()
    if not is_new(run):
        before = run.description()
        before.pop("error", None)
        config = settings.as_json()
        run.write_description({**before, "status": "running", "config": config})
    else:
        run.write_description(_description(samples, settings))
    # Again where a kill prevented it.
    contents = samples.contents()
    if contents is not None and not (run.path / CONTENTS).is_file():
        run.write_kept_contents(contents)
    if not (run.path / "samples.parquet").is_file():
        run.write_samples(samples.table())


def _description(samples: RecordedSamples, settings: LoopSettings) -> dict[str, Any]:
    kept = samples.kept
    return {
        "status": "running",
        "epoch": 0,
        "source": {
            "name": CONTENTS,
            "is_kept": True,
            "content": kept.kind,
            "label_column": None,
            **kept.source,
            "identity": identity_of(kept.words),
        },
        "fingerprint": samples.fingerprint(),
        "class_names": list(samples.class_names),
        "counts": {
            "instances": len(samples.labels) + len(samples.validation),
            "trained_on": len(samples.labels),
            "validation": len(samples.validation),
            "unreadable": 0,
            "corrupted": None,
        },
        "versions": installed_versions(),
        "recording": {"learn": settings.learn},
        "config": settings.as_json(),
    }


def _require_same_samples(run: RunFolder, before: dict[str, Any], samples: RecordedSamples) -> None:
    """Raise RunError unless a run was begun with these samples; says what differs."""
    if before.get("fingerprint") == samples.fingerprint():
        return
    further = "Give another folder, or `restart=True` to start anew."
    if list(before.get("class_names", ())) != list(samples.class_names):
        raise RunError(
            f"{run.path} is of other classes ({', '.join(before.get('class_names', ())[:5])}, ...) "
            f"than `class_names` ({', '.join(samples.class_names[:5])}, ...). {further}"
        )
    if not (run.path / "samples.parquet").is_file():
        raise RunError(f"{run.path} was begun with other samples. {further}")
    there = run.samples().sort("index")
    if len(there) != len(samples.labels):
        raise RunError(
            f"{run.path} is of {len(there)} samples, and `labels` has {len(samples.labels)}. "
            f"{further}"
        )
    differing = np.flatnonzero(there["label"].to_numpy() != samples.labels)
    if len(differing):
        place = int(differing[0])
        raise RunError(
            f"{run.path} was begun with other labels: {len(differing):,} differ, the first of "
            f"sample {place}, {samples.class_names[int(there['label'][place])]!r} then and "
            f"{samples.class_names[int(samples.labels[place])]!r} now. {further}"
        )
    raise RunError(
        f"{run.path} was begun with the same labels and other samples, ids or validation labels. "
        f"{further}"
    )
