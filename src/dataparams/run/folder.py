"""The run folder: the one place that knows its files, their contents and how they are written."""

from __future__ import annotations

import difflib
import io
import json
import math
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import polars as pl
import torch

from dataparams.errors import RunError
from dataparams.method.data_parameters import CLAMP
from dataparams.run.stored_arrays import STAND_INS, StoredArray
from dataparams.run.table_checks import require_among, require_columns, require_range
from dataparams.sources.identity import KnownContents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from dataparams.batches.labeled_images import UnreadableSample
    from dataparams.run.table_checks import Kind

_Read = TypeVar("_Read")

_MADE_BY_TRAINING = (
    "run.json",
    "samples.parquet",
    "unreadable.csv",
    "metrics.csv",
    "validation.parquet",
    "held_out.parquet",
    "planted.parquet",
    "checkpoint",
    "tensorboard",
    "analysis.parquet",
    "analysis_classes.csv",
)
_HALF_WRITTEN = (
    *(f".{name}.*.tmp" for name in ("run.json", "samples.parquet", "unreadable.csv")),
    *(f".{name}.*.tmp" for name in ("metrics.csv", "*.parquet", "epoch_*.pth.tar")),
    "checkpoint/.*.tmp",
)
_ANALYSIS_CLASSES = "analysis_classes.csv"
_REVIEW = "review.sqlite"
_CLEANED = "cleaned.parquet"
_NEAREST = 5
_EPOCH_FILE = re.compile(r"epoch_(0|[1-9][0-9]*)\.pth\.tar", re.ASCII)
_FIRST_IMPLEMENTATION = frozenset({"epoch", "inst_parameters", "class_parameters"})
_OURS_ALONE = frozenset({"margin", "loss", "error_norm", "rival", "predicted", "correct"})
_VALIDATION_COLUMNS: dict[str, Kind] = dict.fromkeys(
    ("epoch", "label", "count", "correct"), "integer"
)
_HELD_OUT_COLUMNS: dict[str, Kind] = {
    "index": "integer",
    "id": "text",
    "label": "integer",
    "probability": "number",
    "epoch": "integer",
}
_PLANTED_COLUMNS: dict[str, Kind] = {
    "index": "integer",
    "label": "integer",
    "kind": "text",
    "evidence": "number",
}
_CLEANED_COLUMNS: dict[str, Kind] = {
    "index": "integer",
    "id": "text",
    "label": "integer",
    "weight": "number",
    "label_source": "text",
}
LABEL_SOURCES = ("given", "suggested", "reviewed")
"""Where a label in ``cleaned.parquet`` comes from: the data source, the model, or people."""
_ANALYSIS_COLUMNS: dict[str, Kind] = {
    "index": "integer",
    "id": "text",
    "label": "integer",
    "label_name": "text",
    "category": "text",
    **dict.fromkeys(("p_easy", "p_hard", "p_review"), "number"),
    **dict.fromkeys(("noise_probability", "suspicion", "suggested_confidence"), "number"),
    "suggested_label": "integer",
    "suggested_name": "text",
}


@dataclass(frozen=True, eq=False)
class EpochRecord:
    """What a run knows of every sample after one epoch; the contents of ``epoch_<N>.pth.tar``.

    Attributes:
        epoch: Number of finished epochs, 1 or above.
        class_parameters: Log temperature of each class, (C,), float32; (0,) where not learned.
        inst_parameters: Log temperature of each instance, (N,), float32; (0,) where not learned.
        margin: Logit of the given label minus the highest other one when the sample was trained
            on, (N,), float32; NaN for samples that took no part.
        loss: Cross-entropy without temperature at that moment, (N,), float32; NaN likewise.
        error_norm: Distance between the predicted probabilities and the given label's one-hot
            vector, (N,), float32; NaN likewise.
        rival: The class of the highest logit among those other than the given label, (N,), int32;
            -1 likewise.
        predicted: Predicted class, (N,), int32; -1 likewise.
        correct: Whether that is the given label, (N,), bool; False likewise.
    """

    epoch: int
    class_parameters: Tensor
    inst_parameters: Tensor
    margin: Tensor
    loss: Tensor
    error_norm: Tensor
    rival: Tensor
    predicted: Tensor
    correct: Tensor


@dataclass(frozen=True, eq=False)
class CleanedSamples:
    """The contents of a ``cleaned.parquet``: what to train on, and how that was decided.

    Attributes:
        samples: ``index``, ``id``, ``label`` (class number), ``weight`` (0 ... 1),
            ``label_source`` (one of ``LABEL_SOURCES``); a row per sample that is kept.
        made: How it was made: ``strategy`` and its settings; ``class_names``, ``fingerprint``,
            ``source`` and ``config`` of the run.
    """

    samples: pl.DataFrame
    made: dict[str, Any]

    def is_of_people(self) -> bool:
        """Whether what people decided is in it."""
        is_reviewed = (self.samples["label_source"] == "reviewed").any()
        return bool(is_reviewed or self.made.get("strategy") == "reviewed")

    def misfit(
        self, class_names: Sequence[str], fingerprint: object, image_size: object
    ) -> str | None:
        """Why these samples are not of some data; None where they may be.

        Args:
            class_names: Name of class 0, 1, ...
            fingerprint: Of the data. It tells of pixels, so nothing where ``image_size`` differs.
            image_size: To which the images were resized.
        """
        if list(class_names) != self.made["class_names"]:
            return "the classes differ"
        is_as_large = image_size == self.made["source"].get("image_size")
        if is_as_large and fingerprint != self.made["fingerprint"]:
            return "the fingerprints differ"
        return None


class RunFolder:
    """Reads and writes the files of one run; a path and nothing else.

    Every file is written under a temporary name, flushed to the disk, and renamed: whoever reads,
    and whoever comes after a crash, finds a whole file or the one before.

    Args:
        path: The folder.

    Example:
        >>> import tempfile
        >>> run = RunFolder(Path(tempfile.mkdtemp()) / "digits" / "first")
        >>> run.write_description({"status": "running"})
        >>> run.description()["status"], run.epochs()
        ('running', [])
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def figures(self) -> Path:
        """Where pictures for people lie."""
        return self.path / "figures"

    @property
    def report(self) -> Path:
        """Where the report lies."""
        return self.path / "report"

    @property
    def tensorboard(self) -> Path:
        """Where TensorBoard's event files lie."""
        return self.path / "tensorboard"

    @property
    def review(self) -> Path:
        """Where people's decisions lie; see :class:`dataparams.decisions.store.DecisionStore`."""
        return self.path / _REVIEW

    @property
    def cleaned(self) -> Path:
        """Where the samples lie that are kept by ``dataparams clean``; see :func:`read_cleaned`."""
        return self.path / _CLEANED

    def exists(self) -> bool:
        """Whether something lies there already."""
        return self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir()))

    def clear(self) -> None:
        """Remove what training made, before a restart.

        Raises:
            RunError: If the folder is no run folder, or holds what people made.
        """
        if not self.exists():
            return
        if not (self.path / "run.json").is_file():
            raise RunError(
                f"{self.path} is not a run folder (it has no run.json), so --restart does not "
                "clear it. Choose another --exp-prefix."
            )
        for file in (self.review, self.cleaned):
            if file.exists() and (file == self.review or is_of_people(file)):
                raise RunError(
                    f"{file} holds decisions that people made, so --restart does not "
                    "clear this folder. Choose another --exp-prefix, or move that file first."
                )
        made = [self.path / name for name in _MADE_BY_TRAINING if name != "run.json"]
        made += [self.cleaned, cleaned_classes(self.cleaned)]
        with _explained(self.path):
            for path in [*made, *self.path.glob("epoch_*.pth.tar"), self.path / "run.json"]:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

    def description(self) -> dict[str, Any]:
        """The contents of ``run.json``.

        Raises:
            RunError: If this is not a run folder or the file is damaged.
        """
        file = self.path / "run.json"
        if not file.is_file():
            raise RunError(
                f"{self.path} is not a run folder: {file} does not exist.{_nearest_runs(self.path)}"
            )
        try:
            description = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{file} cannot be read: {error}.") from error
        if not isinstance(description, dict):
            raise RunError(f"{file} is damaged: expected a JSON object.")
        return description

    def write_description(self, description: dict[str, Any]) -> None:
        """Write ``run.json``."""
        text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
        self._write("run.json", text.encode())

    def update_description(self, **changes: object) -> None:
        """Change some entries of ``run.json``, such as the status."""
        self.write_description({**self.description(), **changes})

    def samples(self, split: str = "train") -> pl.DataFrame:
        """``samples.parquet``: index, id, label; after injected noise true_label, is_corrupted too.

        Args:
            split: Which split's, ``"train"`` or ``"val"``.

        Raises:
            RunError: If it is missing or damaged.
        """
        file = self.path / "samples.parquet"
        samples = self._table("samples.parquet", partial(_samples_of_split, split=split))
        require_columns(samples, {"index": "integer", "id": "text", "label": "integer"}, file)
        for name in ("index", "label"):
            require_range(samples, name, None, file)
        if "is_corrupted" in samples.columns:
            require_columns(samples, {"is_corrupted": "truth"}, file)
        return samples

    def contents(self) -> pl.DataFrame:
        """``index``, ``id``, ``label`` and ``content`` of all samples; none of older runs.

        Raises:
            RunError: If ``samples.parquet`` is missing or damaged.
        """
        self.samples()
        if "content" not in self.columns():
            return pl.DataFrame(schema=dict.fromkeys(("index", "id", "label", "content"), pl.Null))
        names = ["index", "id", "label", "content"]
        return self._table("samples.parquet", partial(pl.read_parquet, columns=names))

    def columns(self) -> tuple[str, ...]:
        """The columns of ``samples.parquet``; runs of the first version have no ``content``.

        Raises:
            RunError: If it is missing or damaged.
        """
        return tuple(self._table("samples.parquet", pl.read_parquet_schema))

    def known_contents(self) -> KnownContents:
        """What ``samples.parquet`` has of the contents of all samples; older runs have nothing.

        Raises:
            RunError: If it is missing or damaged.
        """
        return self._table("samples.parquet", _known_contents)

    def write_samples(self, samples: pl.DataFrame) -> None:
        """Write ``samples.parquet``, a row per sample of either split."""
        self._write("samples.parquet", _parquet_bytes(samples))

    def write_unreadable(self, unreadable: tuple[UnreadableSample, ...]) -> None:
        """Write ``unreadable.csv``: the samples left out because their image is damaged."""
        rows = [(sample.index, sample.id, sample.reason) for sample in unreadable]
        table = pl.DataFrame(rows, schema=["index", "id", "reason"], orient="row")
        self._write("unreadable.csv", table.write_csv().encode())

    def unreadable(self) -> tuple[UnreadableSample, ...]:
        """``unreadable.csv``: the samples left out because their image is damaged; often none.

        Raises:
            RunError: If the file is damaged.
        """
        from dataparams.batches.labeled_images import UnreadableSample

        file = self.path / "unreadable.csv"
        if not file.is_file():
            return ()
        columns: dict[str, Kind] = {"index": "integer", "id": "text", "reason": "text"}
        table = self._table(file.name, _read_texts)
        require_columns(table, columns, file)
        return tuple(UnreadableSample(*row) for row in table.select(*columns).iter_rows())

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
        table = self._table_if_there("validation.parquet", _VALIDATION_COLUMNS)
        if table is None:
            return None
        for name in _VALIDATION_COLUMNS:
            require_range(table, name, None, self.path / "validation.parquet")
        return table.select(*_VALIDATION_COLUMNS)

    def write_validation(self, table: pl.DataFrame) -> None:
        """Write ``validation.parquet`` as a whole."""
        self._write("validation.parquet", _parquet_bytes(table))

    def held_out(self) -> pl.DataFrame | None:
        """``held_out.parquet``: what a model that did not see a sample says of it; None if missing.

        Returns:
            ``index``, ``id``, ``label``, ``probability`` (of the given label), ``classes`` (the ten
            likeliest, the likeliest first), ``probabilities`` (theirs), ``epoch``.

        Raises:
            RunError: If it is damaged.
        """
        return self._table_if_there("held_out.parquet", _HELD_OUT_COLUMNS)

    def write_held_out(self, table: pl.DataFrame) -> None:
        """Write ``held_out.parquet`` as a whole."""
        self._write("held_out.parquet", _parquet_bytes(table))

    def planted(self) -> pl.DataFrame | None:
        """``planted.parquet``: what became of labels made wrong to see how many are found.

        Returns:
            A row per label: ``index``, ``label`` (the wrong one), ``kind`` (how it was chosen),
            ``evidence`` (for it, as in ``held_out.parquet``); None if missing.

        Raises:
            RunError: If it is damaged.
        """
        return self._table_if_there("planted.parquet", _PLANTED_COLUMNS)

    def write_planted(self, table: pl.DataFrame) -> None:
        """Write ``planted.parquet`` as a whole."""
        self._write("planted.parquet", _parquet_bytes(table))

    def is_audit(self) -> bool:
        """Whether heads on features were trained, which judged samples that they never saw.

        Raises:
            RunError: If ``run.json`` is missing or damaged.
        """
        return isinstance(self.description().get("audit"), dict)

    def class_names(self) -> tuple[str, ...]:
        """The names of class 0, 1, ...

        Raises:
            RunError: If ``run.json`` is missing or does not have them.
        """
        names = self.description().get("class_names")
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            raise RunError(f"{self.path / 'run.json'} is damaged: expected 'class_names', words.")
        return tuple(names)

    def initial_log_temperature(self) -> float:
        """The log temperature from which every sample moved.

        That is the initial one or, where it lies beyond the clamp, the bound that it was moved to.

        Raises:
            RunError: If ``run.json`` is missing or has none that is a number above 0.
        """
        config = self.description().get("config", {})
        initial = config.get("init_inst_param", 1.0) if isinstance(config, dict) else None
        if not isinstance(initial, int | float) or not 0 < initial < math.inf:
            raise RunError(
                f"{self.path / 'run.json'} is damaged: expected an 'init_inst_param' above 0."
            )
        if config.get("skip_clamp_data_param"):
            return math.log(initial)
        return math.log(min(max(initial, CLAMP[0]), CLAMP[1]))

    @property
    def analysis_classes(self) -> Path:
        """Where the classes of an analysis lie as a table, where they are many."""
        return self.path / _ANALYSIS_CLASSES

    def analysis(self) -> tuple[pl.DataFrame, dict[str, Any]] | None:
        """``analysis.parquet``: a row per sample, and how it was made; None where there is none.

        Raises:
            RunError: If it is damaged.
        """
        file = self.path / "analysis.parquet"
        if not file.is_file():
            return None
        frame = self._table(file.name, pl.read_parquet)
        require_columns(frame, _ANALYSIS_COLUMNS, file)
        if "is_corrupted" in frame.columns:
            require_columns(frame, {"is_corrupted": "truth"}, file)
        count = len(self.class_names())
        for name, limit in (("index", None), ("label", count), ("suggested_label", count)):
            require_range(frame, name, limit, file)
        try:
            made = json.loads(pl.read_parquet_metadata(file)["dataparams"])
        except (KeyError, ValueError) as error:
            raise RunError(
                f"{file} does not say how it was made; expected what `dataparams analyze` writes."
            ) from error
        return frame, made if isinstance(made, dict) else {}

    def write_analysis(self, frame: pl.DataFrame, made: dict[str, Any]) -> None:
        """Write ``analysis.parquet``, with a word on how it was made."""
        self._write("analysis.parquet", _parquet_bytes(frame, made))

    def epochs(self) -> list[int]:
        """The epochs after which the data parameters were kept, in order."""
        found = (_EPOCH_FILE.fullmatch(path.name) for path in self._epoch_files())
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
        return _epoch_record(file, read_tensors(file, mapped=mapped))

    def write_epoch_record(self, record: EpochRecord) -> None:
        """Write ``epoch_<N>.pth.tar``."""
        self._write(f"epoch_{record.epoch}.pth.tar", _tensor_bytes(vars(record)))

    def checkpoint(self, name: str) -> dict[str, Any] | None:
        """What a run needs to go on, or None where there is no such checkpoint.

        Args:
            name: ``"last"``, ``"best"`` or ``"epoch_<N>"``.

        Raises:
            RunError: If the file is damaged.
        """
        # A crash between two renames leaves the whole epoch under its other name alone.
        for file in [self._checkpoint(name), *([self._last_epoch] if name == "last" else [])]:
            if file.is_file():
                return read_tensors(file)
        return None

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
        self._write(f"checkpoint/{name}.pt", _tensor_bytes(state))

    def keep_last_epoch(self) -> None:
        """Keep ``last.pt``, of the end of an epoch, while it is followed by ones within the next.

        Raises:
            RunError: If it cannot be renamed.
        """
        last = self._checkpoint("last")
        if last.is_file():
            with _explained(last):
                last.replace(self._last_epoch)

    def forget_last_epoch(self) -> None:
        """Remove what :meth:`keep_last_epoch` kept, when ``last.pt`` is of an epoch's end again."""
        self._last_epoch.unlink(missing_ok=True)

    def remove_remnants(self) -> None:
        """Remove what a killed training left half written."""
        for pattern in _HALF_WRITTEN:
            for path in self.path.glob(pattern):
                path.unlink(missing_ok=True)

    @property
    def _last_epoch(self) -> Path:
        return self._checkpoint("last_epoch")

    def _checkpoint(self, name: str) -> Path:
        return self.path / "checkpoint" / f"{name}.pt"

    def _epoch_files(self) -> list[Path]:
        return list(self.path.glob("epoch_*.pth.tar"))

    def _table(self, name: str, read: Callable[[Path], _Read]) -> _Read:
        file = self.path / name
        if not file.is_file():
            self.description()
            raise RunError(f"{file} does not exist (yet); the run has not come that far.")
        try:
            return read(file)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise RunError(f"{file} cannot be read; it is damaged ({error}).") from error

    def _table_if_there(self, name: str, columns: dict[str, Kind]) -> pl.DataFrame | None:
        """A table with these columns; None where the run has none of that name."""
        file = self.path / name
        if not file.is_file():
            return None
        table = self._table(name, pl.read_parquet)
        require_columns(table, columns, file)
        return table

    def _write(self, name: str, contents: bytes) -> None:
        write_whole(self.path / name, contents)


def write_whole(file: Path, contents: bytes) -> None:
    """Write a file so that a crash, or a full disk, leaves the one before.

    Args:
        file: Where to; its folder is made.
        contents: All of it.

    Raises:
        RunError: If it cannot be written.
    """
    temporary = file.with_name(f".{file.name}.{uuid4().hex}.tmp")
    with _explained(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                stream.write(contents)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def read_tensors(file: Path, *, mapped: bool = False) -> dict[str, Any]:
    """Read tensors and plain values, from a file that nobody vouches for.

    Args:
        file: The file.
        mapped: Leave the tensors on the disk until they are looked at.

    Raises:
        RunError: If it is not such a file, or is damaged, or wants to run code.
    """
    try:
        contents = torch.load(file, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # a hostile file may raise anything
        raise RunError(
            f"{file} cannot be read: it is damaged or not a file of this program "
            f"({type(error).__name__}). Nothing was changed."
        ) from error
    if not isinstance(contents, dict):
        raise RunError(f"{file} holds a {type(contents).__name__}; expected named tensors.")
    return contents


def read_epoch_record(file: Path) -> EpochRecord:
    """Read an ``epoch_<N>.pth.tar`` from anywhere, the first implementation's too.

    The first implementation numbers its files from 0: its ``epoch_80.pth.tar`` is the state after
    81 epochs, as the file itself says. Its data parameters are in the log domain, as ours are
    (it takes their ``exp`` in the loss; github.com/apple/ml-data-parameters, ``utils.py``).

    Args:
        file: The file.

    Returns:
        The record. From the first implementation it has the data parameters alone; everything else
        is as for samples that took no part.

    Raises:
        RunError: If it does not exist (the message names the nearest ones that do) or is damaged.
    """
    if not file.is_file():
        raise RunError(f"There is no checkpoint {file}.{_nearest_checkpoints(file)}")
    with torch.serialization.safe_globals([*STAND_INS]):
        contents = read_tensors(file)
    if contents.keys() >= _FIRST_IMPLEMENTATION and not contents.keys() & _OURS_ALONE:
        return _record_of_first_implementation(file, contents)
    return _epoch_record(file, contents)


def _epoch_record(file: Path, contents: dict[str, Any]) -> EpochRecord:
    missing = [name for name in EpochRecord.__annotations__ if name not in contents]
    if missing:
        raise RunError(f"{file} is not the record of an epoch: it lacks {', '.join(missing)}.")
    record = EpochRecord(**{name: contents[name] for name in EpochRecord.__annotations__})
    tensors = [value for name, value in vars(record).items() if name != "epoch"]
    if not isinstance(record.epoch, int) or not all(
        isinstance(value, torch.Tensor) and value.ndim == 1 for value in tensors
    ):
        raise RunError(f"{file} is damaged: expected an epoch and one-dimensional tensors.")
    return record


def _record_of_first_implementation(file: Path, contents: dict[str, Any]) -> EpochRecord:
    instances = _data_parameters(file, contents, "inst_parameters")
    count = len(instances)
    unknown = torch.full((count,), math.nan)
    nobody = torch.full((count,), -1, dtype=torch.int32)
    return _epoch_record(
        file,
        {
            "epoch": contents["epoch"],
            "class_parameters": _learned(_data_parameters(file, contents, "class_parameters")),
            "inst_parameters": _learned(instances),
            **dict.fromkeys(("margin", "loss", "error_norm"), unknown),
            **dict.fromkeys(("rival", "predicted"), nobody),
            "correct": torch.zeros(count, dtype=torch.bool),
        },
    )


def _data_parameters(file: Path, contents: dict[str, Any], name: str) -> Tensor:
    value = contents[name]
    try:
        values = value.tensor() if isinstance(value, StoredArray) else value
    except ValueError as error:
        raise RunError(f"{file} is damaged: {name} is {error}.") from error
    if not isinstance(values, torch.Tensor) or values.ndim != 1 or not values.is_floating_point():
        raise RunError(
            f"{file} is damaged: expected {name}, a one-dimensional array of float32 or float64."
        )
    return values.detach().float()


def _learned(values: Tensor) -> Tensor:
    """Nothing where nothing was learned: the first implementation then writes initial values."""
    return values if bool((values != values[:1]).any()) else values[:0]


def read_cleaned(file: Path) -> CleanedSamples:
    """Read a ``cleaned.parquet`` from anywhere.

    Raises:
        RunError: If it does not exist, is damaged, or is not what ``dataparams clean`` writes.
    """
    if not file.is_file():
        raise RunError(
            f"There is no file {file}; expected what `dataparams clean RUN` writes: "
            f"{_CLEANED} in the run folder, or its --out."
        )
    try:
        samples = pl.read_parquet(file)
        text = pl.read_parquet_metadata(file).get("dataparams", "null")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunError(f"{file} cannot be read; it is damaged ({error}).") from error
    made = _made_of_cleaned(file, text)
    require_columns(samples, _CLEANED_COLUMNS, file)
    for name, limit in (("index", None), ("label", len(made["class_names"]))):
        require_range(samples, name, limit, file)
    require_among(samples, "label_source", LABEL_SOURCES, file)
    if not samples["weight"].is_between(0, 1).all():
        raise RunError(f"{file} is damaged: its column weight has values outside 0 ... 1.")
    if not samples["weight"].sum() > 0:
        raise RunError(f"{file} is damaged: all weights are 0.")
    if samples["index"].is_duplicated().any():
        raise RunError(f"{file} is damaged: its column index names a sample twice.")
    plain = samples.select(*_CLEANED_COLUMNS).cast(
        {"index": pl.Int64, "label": pl.Int64, "weight": pl.Float64}
    )
    return CleanedSamples(plain.sort("index"), made)


def write_cleaned(file: Path, cleaned: CleanedSamples) -> None:
    """Write a ``cleaned.parquet``, with a word on how it was made."""
    samples = cleaned.samples.select(*_CLEANED_COLUMNS)
    write_whole(file, _parquet_bytes(samples, cleaned.made))


def cleaned_classes(file: Path) -> Path:
    """Where the table of classes lies beside a ``cleaned.parquet``, where they are many.

    Example:
        >>> cleaned_classes(Path("run/cleaned.parquet")).name
        'cleaned_classes.csv'
    """
    return file.with_name(f"{file.stem}_classes.csv")


def is_of_people(file: Path) -> bool:
    """Whether people's decisions are in a file named like a ``cleaned.parquet``.

    One that cannot be read is nobody's that this program may remove.
    """
    try:
        return read_cleaned(file).is_of_people()
    except RunError:
        return True


def _made_of_cleaned(file: Path, text: str) -> dict[str, Any]:
    try:
        made = json.loads(text)
    except ValueError:
        made = None
    kinds = {"class_names": list, "fingerprint": str, "source": dict, "config": dict}
    if not isinstance(made, dict) or not all(
        isinstance(made.get(name), kind) for name, kind in kinds.items()
    ):
        raise RunError(
            f"{file} does not say how it was made; expected what `dataparams clean` writes."
        )
    return made


def newest_run(folder: Path) -> RunFolder:
    """The run below a folder in which something was trained last.

    Raises:
        RunError: If there is none.
    """
    found = [path.parent for path in folder.rglob("run.json")]
    if not found:
        raise RunError(
            f"There is no run folder below {folder}. Train first, or give the run's folder."
        )
    return RunFolder(max(found, key=lambda path: (path / "run.json").stat().st_mtime_ns))


def _samples_of_split(file: Path, split: str) -> pl.DataFrame:
    """The samples of a split, without what tells their contents; older runs have one split."""
    lazy = pl.scan_parquet(file, glob=False)
    columns = lazy.collect_schema()
    if "split" in columns:
        lazy = lazy.filter(pl.col("split") == split)
    elif split != "train":
        lazy = lazy.clear()
    return lazy.drop("split", "content", strict=False).collect()


def _known_contents(file: Path) -> KnownContents:
    lazy = pl.scan_parquet(file, glob=False)
    if "content" not in lazy.collect_schema():
        lazy = pl.LazyFrame(schema={"id": pl.String, "content": pl.String})
    return KnownContents(lazy)


def _read_texts(file: Path) -> pl.DataFrame:
    """Ids may look like numbers."""
    return pl.read_csv(file, schema_overrides={"id": pl.String, "reason": pl.String})


def _parquet_bytes(table: pl.DataFrame, made: dict[str, Any] | None = None) -> bytes:
    """A table as a file, with a word on how it was made."""
    buffer = io.BytesIO()
    table.write_parquet(buffer, metadata=made and {"dataparams": json.dumps(made)})
    return buffer.getvalue()


def _tensor_bytes(contents: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(contents, buffer)
    return buffer.getvalue()


def _nearest_checkpoints(file: Path) -> str:
    found = [path.as_posix() for path in _search_root(file).rglob("epoch_*.pth.tar")]
    return _nearest(file, found, "checkpoint")


def _nearest_runs(path: Path) -> str:
    found = [found.parent.as_posix() for found in _search_root(path).rglob("run.json")]
    return _nearest(path, found, "run folder")


def _search_root(path: Path) -> Path:
    """The nearest ancestor that exists, but never as high as the working folder or the root."""
    for parent in path.parents:
        if parent.is_dir():
            is_too_high = parent.resolve() in (Path.cwd(), *Path.cwd().parents)
            return path.parent if is_too_high else parent
    return path.parent


def _nearest(path: Path, found: list[str], what: str) -> str:
    if not found:
        return f" There is no {what} near it either."
    wanted = path.as_posix()
    found.sort(key=lambda name: -difflib.SequenceMatcher(None, wanted, name).ratio())
    return f" The nearest {what}s there are:\n  " + "\n  ".join(found[:_NEAREST])


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal into a message that says what is safe."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{path} cannot be written: {error.strerror or error}. What was written before is "
            "whole. Make room, or see to the folder's rights, then run the command again (train "
            "with --resume)."
        ) from error
