"""The audit: from a source to a run folder, by features of a frozen encoder and small heads."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from filelock import FileLock, Timeout

from dataparams.batches.labeled_images import UnreadableSample
from dataparams.contents.content import UnreadableContentError
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.features import Features, features_of
from dataparams.encoders.opening import open_encoder
from dataparams.encoders.pixel_encoder import PIXELS_NAME, PixelEncoder
from dataparams.encoders.ready_features import read_ready_features
from dataparams.errors import DataError, RunError
from dataparams.progress import ProgressDisplay, SilentProgress
from dataparams.runs import RunFolder
from dataparams.sources.builtin import builtin_name
from dataparams.sources.hub.token import token_file
from dataparams.sources.noise import corrupt_source, require_noise
from dataparams.sources.opening import local_path, open_source, whole_name
from dataparams.sources.understanding import understand
from dataparams.terminal import duration_text, size_text
from dataparams.training.audit_config import AuditConfig, require_valid
from dataparams.training.cross_fitting import CrossFittingSettings, cross_fit
from dataparams.training.encoder_choice import encoder_for
from dataparams.training.head_records import HeadRecords
from dataparams.training.heads import ScaledFeatures
from dataparams.training.held_out import held_out_table
from dataparams.training.opening import installed_versions, note_failure
from dataparams.training.outliers import outlier_scores
from dataparams.training.planting import plant_errors
from dataparams.training.signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from dataparams.contents.content import Content
    from dataparams.encoders.encoder import Encoder
    from dataparams.runs import EpochRecord
    from dataparams.sources.noise import CorruptedLabels
    from dataparams.sources.source import Source
    from dataparams.sources.understanding import Understanding

_OUTPUT = "weights_CL"
_ROWS_TO_TELL = 4096
_SMALL_FILE = 1 << 32
_MOST_FOLDERS = 10_000


@dataclass(frozen=True, eq=False)
class AuditedSamples:
    """The samples of an audit, and what heads are to be trained on.

    Attributes:
        source: All samples of the source.
        understanding: The same in words.
        features: Features of those that could be read.
        encoder: What made them: ``name`` and ``key``.
        labels: Given labels of these, (m,).
        truth: Labels of all rows of the source before and after, where some were made wrong on
            purpose.
    """

    source: Source
    understanding: Understanding
    features: Features
    encoder: dict[str, str]
    labels: NDArray[np.int64]
    truth: CorruptedLabels | None

    def table(self) -> pl.DataFrame:
        """The rows of ``samples.parquet``: all are trained on, and all are judged."""
        columns: dict[str, Any] = {
            "index": self.features.rows,
            "id": pl.from_arrow(self.source.ids.take(self.features.rows).arrow),
            "label": self.labels,
        }
        if self.truth is not None:
            columns["true_label"] = self.truth.true_labels.numpy()[self.features.rows]
            columns["is_corrupted"] = self.truth.is_corrupted.numpy()[self.features.rows]
        columns["content"] = self.features.digests
        return pl.DataFrame(columns).with_columns(split=pl.lit("train"))

    def key(self, config: AuditConfig) -> str:
        """What tells this audit from others: samples, contents, labels, encoder and settings."""
        table = self.table()
        known = [
            list(self.source.class_names),
            self.encoder["key"],
            asdict(CrossFittingSettings()),
            config.seed,
        ]
        digest = hashlib.sha256(json.dumps(known).encode())
        for name in ("id", "label", "content"):
            digest.update(table[name].cast(pl.String).fill_null("").str.join("\n")[0].encode())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Audited:
    """What an audit made.

    Attributes:
        run: The run folder.
        is_new: Whether heads were trained; otherwise all is as it was when that run was made.
        before: An earlier audit of the same data before they changed; None where there is none.
    """

    run: RunFolder
    is_new: bool
    before: RunFolder | None = None


def audit(config: AuditConfig, *, display: ProgressDisplay | None = None) -> Audited:
    """Judge every label of a data source by heads that never saw the sample.

    Args:
        config: What to do.
        display: Where progress is shown; nowhere by default.

    Returns:
        The run folder, which :func:`dataparams.analysis.analyze` understands.

    Raises:
        UserError: If something in the configuration, the data or the run folder is not as needed.
    """
    require_valid(config)
    require_noise(config.noise, config.rand_fraction)
    display = display or SilentProgress()
    with token_file(config.hf_token_file):
        samples = read_samples(config, display)
    key = samples.key(config)
    first = Path(config.out or f"{_OUTPUT}/{samples.source.name}/audit").expanduser()
    with _alone(first):
        run, before = _run_folder(first, key)
        if run.exists():
            return Audited(run, is_new=False)
        _write_beginning(run, config, samples, key)
        try:
            _judge(run, config, samples, display)
        except BaseException as error:
            note_failure(run, error)
            raise
        run.update_description(status="finished")
        return Audited(run, is_new=True, before=before)


@contextmanager
def _alone(first: Path) -> Iterator[None]:
    """Let no other audit write there at the same time; the lock of a process that died is gone."""
    try:
        first.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(first.with_name(f".{first.name}.lock"), timeout=0):
            yield
    except Timeout as error:
        raise RunError(
            f"Another audit is writing {first} at this moment. Wait until it is done, or give "
            "another --out."
        ) from error
    except OSError as error:
        raise RunError(f"{first} cannot be written: {error.strerror or error}.") from error


def read_samples(config: AuditConfig, display: ProgressDisplay) -> AuditedSamples:
    """Open the source, say what was understood, and get the features of all samples."""
    if config.offline:
        _require_here(config.dataset)
    source = open_source(
        config.dataset,
        data_dir=Path(config.data_dir),
        image_column=config.image_column,
        label_column=config.label_column,
        on_fetch=display.fetched,
    )
    understanding = understand(source)
    for line in understanding.lines():
        # All samples are judged, whatever the split.
        if not line.startswith("Split: "):
            display.line(line)
    _require_classes(source)
    truth = None
    if config.rand_fraction > 0 or config.noise.startswith("file:"):
        rows = torch.arange(len(source))
        truth = corrupt_source(source, rows, config.noise, config.rand_fraction, seed=config.seed)
    labels = (source.labels if truth is None else truth.labels).numpy()
    features, encoder = _features(config, source, labels, display)
    given = labels[features.rows]
    return AuditedSamples(source, understanding, features, encoder, given, truth)


def _require_here(name: str) -> None:
    """Refuse what may have to be fetched."""
    if local_path(name) is None and builtin_name(name) != "digits":
        raise DataError(
            f"--offline forbids asking for {name}, which is no file or folder here. Give the path "
            "of a local copy, or leave out --offline."
        )


def _require_classes(source: Source) -> None:
    if len(torch.unique(source.labels)) < 2:
        only = source.class_names[int(source.labels[0])] if len(source) else "none"
        raise DataError(
            f"{source.place} has samples of one class alone ({only}); labels are judged by telling "
            "classes apart, so expected two or more."
        )


def _features(
    config: AuditConfig, source: Source, labels: NDArray[np.int64], display: ProgressDisplay
) -> tuple[Features, dict[str, str]]:
    if config.features is not None:
        return _ready_features(config.features, source, display)
    cache = FeatureCache(on_notice=display.line)
    encoder = _encoder(config, source, labels, cache, display)
    display.line(_beforehand(source, encoder, cache))
    with StopSignals() as signals:
        features = features_of(
            source.contents,
            range(len(source)),
            encoder,
            cache,
            on_progress=lambda done, total: display.stage("features", done, total),
            should_stop=lambda: signals.received,
        )
    return features, {"name": encoder.name, "key": encoder.key}


def _encoder(
    config: AuditConfig,
    source: Source,
    labels: NDArray[np.int64],
    cache: FeatureCache,
    display: ProgressDisplay,
) -> Encoder:
    if config.encoder == PIXELS_NAME:
        return PixelEncoder()
    encoder = open_encoder(
        config.encoder,
        weights=None if config.weights is None else Path(config.weights),
        offline=config.offline,
        on_notice=display.line,
    )
    if config.encoder is not None or config.weights is not None:
        return encoder
    return encoder_for(source, labels, encoder, cache, seed=config.seed, on_line=display.line)


def _beforehand(source: Source, encoder: Encoder, cache: FeatureCache) -> str:
    """What is about to be done, how long it will take at most, and how much room."""
    rows = np.linspace(0, len(source) - 1, encoder.batch_size + 1).round().astype(int)[:-1]
    contents = source.read(np.unique(rows).tolist())
    seconds = _seconds_of(encoder, contents) * len(source) / max(len(contents), 1)
    size = cache.disk_needed(len(source), encoder.width)
    return (
        f"Features: {encoder.name}, {encoder.width:,} numbers of each sample; about "
        f"{duration_text(seconds)} and {size_text(size)} in {cache.folder} for what is not there "
        "yet. Nothing leaves this machine."
    )


def _seconds_of(encoder: Encoder, contents: Sequence[Content | UnreadableContentError]) -> float:
    """How long one batch takes; the first one, which takes longer, does not count."""
    seconds = 0.0
    for _ in range(2):
        started = time.perf_counter()
        prepared = []
        for content in contents:
            with suppress(UnreadableContentError):
                if not isinstance(content, UnreadableContentError):
                    prepared.append(encoder.prepare(content))
        if prepared:
            encoder.encode(prepared)
        seconds = time.perf_counter() - started
    return seconds


def _ready_features(
    file: str, source: Source, display: ProgressDisplay
) -> tuple[Features, dict[str, str]]:
    """Features from a file, and the digests of the contents, so that changes are seen."""
    path = Path(file).expanduser().resolve()
    values = read_ready_features(path, len(source))
    words: list[str | None] = [None] * len(source)
    done = 0
    for found in source.contents.sweep(range(len(source))):
        for place, content in zip(found.places, found.contents, strict=True):
            if not isinstance(content, UnreadableContentError):
                with suppress(UnreadableContentError):
                    words[place] = content.digest()
        done += len(found.places)
        display.stage("reading", done, len(source))
    digest = hashlib.sha256(np.ascontiguousarray(values[:_ROWS_TO_TELL]).data)
    digest.update(path.read_bytes() if path.stat().st_size < _SMALL_FILE else b"")
    features = Features(
        values=values,
        rows=np.arange(len(source)),
        digests=pl.Series("content", words, dtype=pl.String),
        unreadable={},
        computed=0,
    )
    return features, {"name": path.name, "key": digest.hexdigest(), "features": str(path)}


def _run_folder(first: Path, key: str) -> tuple[RunFolder, RunFolder | None]:
    """The folder of a finished audit of this key, or else a new one; and the newest other audit."""
    before = None
    for number in range(1, _MOST_FOLDERS):
        run = RunFolder(first if number == 1 else first.with_name(f"{first.name}-{number}"))
        if not run.exists():
            return run, before
        description = run.description()
        if "audit" not in description:
            raise RunError(f"{run.path} is the run folder of a training; give another --out.")
        if description["audit"].get("key") == key:
            if description.get("status") != "finished":
                # What an audit that was stopped knows is made again in the same time.
                run.clear()
            return run, before
        before = run
    raise RunError(f"{first} and its neighbors are {_MOST_FOLDERS:,} audits; give another --out.")


def _write_beginning(
    run: RunFolder, config: AuditConfig, samples: AuditedSamples, key: str
) -> None:
    run.write_description(_description(run, config, samples, key))
    run.write_samples(samples.table())
    if samples.features.unreadable:
        names = samples.source.ids
        run.write_unreadable(
            tuple(
                UnreadableSample(row, names[row], reason)
                for row, reason in sorted(samples.features.unreadable.items())
            )
        )


def _judge(
    run: RunFolder, config: AuditConfig, samples: AuditedSamples, display: ProgressDisplay
) -> None:
    settings = _settings(samples)
    num_classes = len(samples.source.class_names)
    rows: list[dict[str, float | int | None]] = []

    def write(record: EpochRecord, metrics: dict[str, float | int | None]) -> None:
        rows.append(metrics)
        run.write_epoch_record(record)
        run.write_metrics(rows)

    records = HeadRecords(
        samples.labels,
        samples.features.rows,
        len(samples.source),
        settings.heads.repeats * (settings.heads.folds - 1),
        write,
    )
    fit = cross_fit(
        samples.features.values,
        samples.labels,
        num_classes,
        settings,
        seed=config.seed,
        on_batch=records.on_batch,
        on_epoch=records.on_epoch,
        on_round=lambda done, total: display.stage("heads", done, total),
    )
    values, labels = samples.features.values, samples.labels
    outlier_score = outlier_scores(ScaledFeatures(values), fit.near, labels, num_classes)
    table = samples.table()
    held_out = held_out_table(
        fit,
        outlier_score,
        table["index"],
        table["id"],
        table["label"],
        epoch=settings.heads.epochs,
    )
    run.write_held_out(held_out)
    planted = plant_errors(labels, num_classes, fit, seed=config.seed)
    run.write_planted(planted.table(samples.features.rows))


def _settings(samples: AuditedSamples) -> CrossFittingSettings:
    """As many heads as suit the data."""
    count, width = samples.features.values.shape
    return CrossFittingSettings().fitting(count, width, len(samples.source.class_names))


def _description(
    run: RunFolder, config: AuditConfig, samples: AuditedSamples, key: str
) -> dict[str, Any]:
    source, features = samples.source, samples.features
    columns = {f"{purpose}_column": name for purpose, name in source.columns.items()}
    settings = _settings(samples)
    return {
        "status": "running",
        "epoch": settings.heads.epochs,
        "dataset": source.name,
        "source": {
            "name": whole_name(config.dataset),
            "loader": "memory",
            "cache": None,
            "data_dir": str(Path(config.data_dir).resolve()),
            "val_frac": 0.1,
            "seed": config.seed,
            "image_size": None,
            "image_column": None,
            "label_column": None,
            **columns,
            "identity": "content",
            "understood": samples.understanding.as_json(),
        },
        "fingerprint": source.fingerprint(),
        "class_names": list(source.class_names),
        "counts": {
            "instances": len(source),
            "trained_on": len(features.rows),
            "validation": 0,
            "unreadable": len(features.unreadable),
            "corrupted": int(samples.truth.is_corrupted.sum()) if samples.truth else None,
        },
        "seed": config.seed,
        "versions": installed_versions(),
        "audit": {
            "key": key,
            "encoder": samples.encoder,
            "width": int(features.values.shape[1]),
            "day": datetime.now(timezone.utc).date().isoformat(),
            "settings": asdict(settings),
        },
        "config": {
            "dataset": config.dataset,
            "image_column": config.image_column,
            "label_column": config.label_column,
            "data_dir": config.data_dir,
            "output_dir": _OUTPUT,
            "exp_prefix": run.path.name,
            "rand_fraction": config.rand_fraction,
            "noise": config.noise,
            "seed": config.seed,
        },
    }
