"""The run folder: the one place that knows its files; each kind is read and written in a module."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from dataparams.errors import RunError
from dataparams.run import stored_tables
from dataparams.run.clearing import clear_run, remove_half_written
from dataparams.run.description import (
    class_names_in,
    content_kind_in,
    description_bytes,
    initial_log_temperature_in,
    read_description,
)
from dataparams.run.epoch_record import contents_of_record, record_of_contents
from dataparams.run.kept_contents import CONTENTS
from dataparams.run.places import RunPlaces
from dataparams.run.safe_files import (
    explained_refusals,
    parquet_bytes,
    read_tensors,
    tensor_bytes,
    write_whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataparams.batches.labeled_images import UnreadableSample
    from dataparams.contents.content import ContentKind
    from dataparams.run.epoch_record import EpochRecord
    from dataparams.sources.identity import KnownContents

_Read = TypeVar("_Read")

_EPOCH_FILE = re.compile(r"epoch_(0|[1-9][0-9]*)\.pth\.tar", re.ASCII)


class RunFolder(RunPlaces):
    """The files of one run, to read and to write; a path and nothing else.

    Every file is written under a temporary name, flushed to the disk, and renamed: readers, also
    after a crash, find a whole file or the one before.

    Args:
        path: The folder.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> run = RunFolder(Path(tempfile.mkdtemp()) / "digits" / "first")
        >>> run.write_description({"status": "running"})
        >>> run.description()["status"], run.epochs()
        ('running', [])
        >>> RunFolder("weights_CL/digits/run")
        RunFolder('weights_CL/digits/run')
    """

    def exists(self) -> bool:
        """Whether something lies there already."""
        return self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir()))

    def clear(self) -> None:
        """Remove what training made, before a restart.

        Raises:
            RunError: If the folder is no run folder, or holds what people made.
        """
        if self.exists():
            clear_run(self.path)

    def description(self) -> dict[str, Any]:
        """The contents of ``run.json``.

        Raises:
            RunError: If this is not a run folder or the file is damaged.
        """
        return read_description(self._description)

    def write_description(self, description: dict[str, Any]) -> None:
        """Write ``run.json``."""
        write_whole(self._description, description_bytes(description))

    def update_description(self, **changes: object) -> None:
        """Change some entries of ``run.json``, such as the status."""
        self.write_description({**self.description(), **changes})

    def samples(self, split: str | None = None) -> pl.DataFrame:
        """``samples.parquet``: index, id, label, split; after noise true_label, is_corrupted too.

        Args:
            split: Which split's, such as ``"train"`` or ``"val"``. By default those whose labels
                were learned from: of an audit, which learns from all, those of all splits.

        Raises:
            RunError: If it is missing or damaged.
        """
        if split is None and not self.is_audit():
            split = "train"
        return self._table("samples.parquet", partial(stored_tables.read_samples, split=split))

    def judged_samples(self) -> pl.DataFrame:
        """The samples of all splits, as :meth:`samples` has them: what people may decide about.

        Raises:
            RunError: If ``samples.parquet`` is missing or damaged.
        """
        return self._table("samples.parquet", stored_tables.read_judged_samples)

    def contents(self) -> pl.DataFrame:
        """``index``, ``id``, ``label`` and ``content`` of all samples; no rows in older runs.

        Raises:
            RunError: If ``samples.parquet`` is missing or damaged.
        """
        self.samples()
        return self._table("samples.parquet", stored_tables.read_contents)

    def splits(self) -> pl.DataFrame:
        """``index`` and ``split`` of all samples of ``samples.parquet``.

        Raises:
            RunError: If it is missing or damaged.
        """
        return self._table("samples.parquet", stored_tables.read_splits)

    def columns(self) -> tuple[str, ...]:
        """The columns of ``samples.parquet``; runs of the first version have no ``content``.

        Raises:
            RunError: If it is missing or damaged.
        """
        return tuple(self._table("samples.parquet", pl.read_parquet_schema))

    def known_contents(self) -> KnownContents:
        """What ``samples.parquet`` tells of the contents of all samples; in older runs nothing.

        Raises:
            RunError: If it is missing or damaged.
        """
        return self._table("samples.parquet", stored_tables.read_known_contents)

    def write_samples(self, samples: pl.DataFrame) -> None:
        """Write ``samples.parquet``, a row per sample of any split."""
        self._write("samples.parquet", parquet_bytes(samples))

    def write_unreadable(self, unreadable: tuple[UnreadableSample, ...]) -> None:
        """Write ``unreadable.csv``: the samples left out because their image is damaged."""
        self._write("unreadable.csv", stored_tables.unreadable_bytes(unreadable))

    def unreadable(self) -> tuple[UnreadableSample, ...]:
        """``unreadable.csv``: the samples left out because their image is damaged; often none.

        Raises:
            RunError: If the file is damaged.
        """
        return self._table_if_there("unreadable.csv", stored_tables.read_unreadable) or ()

    def metrics(self) -> pl.DataFrame:
        """``metrics.csv``: a row per finished epoch.

        Raises:
            RunError: If it is missing or damaged.
        """
        return self._table("metrics.csv", pl.read_csv)

    def write_metrics(self, rows: list[dict[str, float | int | None]]) -> None:
        """Write ``metrics.csv`` as a whole."""
        table = pl.DataFrame(rows, infer_schema_length=None)
        self._write("metrics.csv", table.write_csv().encode())

    def validation(self) -> pl.DataFrame | None:
        """``validation.parquet``: a row per epoch and class; None where there is none.

        Returns:
            ``epoch``, ``label``, ``count`` and ``correct`` (of the class's validation samples).

        Raises:
            RunError: If it is damaged.
        """
        return self._table_if_there("validation.parquet", stored_tables.read_validation)

    def write_validation(self, table: pl.DataFrame) -> None:
        """Write ``validation.parquet`` as a whole."""
        self._write("validation.parquet", parquet_bytes(table))

    def held_out(self) -> pl.DataFrame | None:
        """``held_out.parquet``: what models say of samples that they did not see; None if missing.

        Returns:
            ``index``, ``id``, ``label``, ``probability`` (of the given label), ``classes`` (the ten
            likeliest, the likeliest first), ``probabilities`` (theirs), ``epoch``.

        Raises:
            RunError: If it is damaged.
        """
        return self._table_if_there("held_out.parquet", stored_tables.read_held_out)

    def write_held_out(self, table: pl.DataFrame) -> None:
        """Write ``held_out.parquet`` as a whole."""
        self._write("held_out.parquet", parquet_bytes(table))

    def planted(self) -> pl.DataFrame | None:
        """``planted.parquet``: what became of labels made wrong to see how many are found.

        Returns:
            A row per label: ``index``, ``label`` (the wrong one), ``kind`` (how it was chosen),
            ``evidence`` (for it, as in ``held_out.parquet``); None if missing.

        Raises:
            RunError: If it is damaged.
        """
        return self._table_if_there("planted.parquet", stored_tables.read_planted)

    def write_planted(self, table: pl.DataFrame) -> None:
        """Write ``planted.parquet`` as a whole."""
        self._write("planted.parquet", parquet_bytes(table))

    def is_audit(self) -> bool:
        """Whether heads on features were trained, which judged samples that they never saw."""
        return isinstance(self.description().get("audit"), dict)

    def class_names(self) -> tuple[str, ...]:
        """The names of class 0, 1, ...

        Raises:
            RunError: If ``run.json`` is missing or does not have them.
        """
        return class_names_in(self._description)

    def content_kind(self) -> ContentKind | None:
        """What the samples are: images, texts or rows; None where nothing was kept to show.

        Raises:
            RunError: If ``run.json`` is missing or damaged.
        """
        return content_kind_in(self._description)

    def write_kept_contents(self, table: pl.DataFrame) -> None:
        """Write ``contents.parquet``; see :mod:`dataparams.run.kept_contents`."""
        self._write(CONTENTS, parquet_bytes(table))

    def initial_log_temperature(self) -> float:
        """As of :func:`dataparams.run.description.initial_log_temperature_in`."""
        return initial_log_temperature_in(self._description)

    def analysis(self) -> tuple[pl.DataFrame, dict[str, Any]] | None:
        """``analysis.parquet``: a row per sample, and how it was made; None where there is none.

        Raises:
            RunError: If it is damaged.
        """
        if not (self.path / "analysis.parquet").is_file():
            return None
        read = partial(stored_tables.read_analysis, classes=len(self.class_names()))
        return self._table("analysis.parquet", read)

    def write_analysis(self, frame: pl.DataFrame, made: dict[str, Any]) -> None:
        """Write ``analysis.parquet``; how it was made goes into its metadata."""
        self._write("analysis.parquet", parquet_bytes(frame, made))

    def epochs(self) -> list[int]:
        """The epochs after which the data parameters were kept, in order."""
        found = (_EPOCH_FILE.fullmatch(path.name) for path in self.path.glob("epoch_*.pth.tar"))
        return sorted(int(match[1]) for match in found if match)

    def epoch_file(self, epoch: int) -> Path:
        """Where the record of an epoch lies."""
        return self.path / f"epoch_{epoch}.pth.tar"

    def epoch_record(self, epoch: int, *, mapped: bool = False) -> EpochRecord:
        """Read the record of an epoch.

        Args:
            epoch: Which.
            mapped: Leave the tensors on the disk until they are looked at.

        Raises:
            RunError: If there is none or it is damaged; the message names those there are.
        """
        file = self.epoch_file(epoch)
        if not file.is_file():
            numbers = self.epochs()
            there = f"1 ... {numbers[-1]}" if numbers else "none yet"
            raise RunError(f"{self.path} has no record of epoch {epoch}; there are: {there}.")
        return record_of_contents(file, read_tensors(file, mapped=mapped))

    def write_epoch_record(self, record: EpochRecord) -> None:
        """Write ``epoch_<N>.pth.tar``."""
        self._write(f"epoch_{record.epoch}.pth.tar", tensor_bytes(contents_of_record(record)))

    def checkpoint(self, name: str) -> dict[str, Any] | None:
        """What a run needs to go on, or None where there is no such checkpoint.

        Args:
            name: ``"last"``, ``"best"`` or ``"epoch_<N>"``.

        Raises:
            RunError: If the file is damaged.
        """
        # A crash between two renames leaves the whole epoch under its other name alone.
        files = [self._checkpoint(name), *([self._last_epoch] if name == "last" else [])]
        return next((read_tensors(file) for file in files if file.is_file()), None)

    def epoch_checkpoint(self, name: str) -> dict[str, Any] | None:
        """The same, but never of the middle of an epoch: the one at the end of the epoch before.

        Raises:
            RunError: If the file is damaged.
        """
        state = self.checkpoint(name)
        if state is not None and state.get("steps") and self._last_epoch.is_file():
            return read_tensors(self._last_epoch)
        return state

    def write_checkpoint(self, name: str, state: dict[str, Any]) -> None:
        """Write a checkpoint; see :meth:`checkpoint`."""
        self._write(f"checkpoint/{name}.pt", tensor_bytes(state))

    def keep_last_epoch(self) -> None:
        """Keep ``last.pt``, of the end of an epoch, while it is followed by ones within the next.

        Raises:
            RunError: If it cannot be renamed.
        """
        last = self._checkpoint("last")
        if last.is_file():
            with explained_refusals(last):
                last.replace(self._last_epoch)

    def forget_last_epoch(self) -> None:
        """Remove what :meth:`keep_last_epoch` kept, when ``last.pt`` is of an epoch's end again."""
        self._last_epoch.unlink(missing_ok=True)

    def remove_remnants(self) -> None:
        """Remove what a killed training left half written."""
        remove_half_written(self.path)

    @property
    def _description(self) -> Path:
        return self.path / "run.json"

    @property
    def _last_epoch(self) -> Path:
        return self._checkpoint("last_epoch")

    def _checkpoint(self, name: str) -> Path:
        return self.path / "checkpoint" / f"{name}.pt"

    def _table(self, name: str, read: Callable[[Path], _Read]) -> _Read:
        file = self.path / name
        if not file.is_file():
            self.description()
            raise RunError(f"{file} does not exist (yet); the run has not come that far.")
        try:
            return read(file)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise RunError(f"{file} cannot be read; it is damaged ({error}).") from error

    def _table_if_there(self, name: str, read: Callable[[Path], _Read]) -> _Read | None:
        return self._table(name, read) if (self.path / name).is_file() else None

    def _write(self, name: str, contents: bytes) -> None:
        write_whole(self.path / name, contents)
