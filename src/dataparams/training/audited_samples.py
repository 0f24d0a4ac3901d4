"""The samples of an audit: a source, understood, with the features that heads are trained on."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
import torch

from dataparams.contents.content import UnreadableContentError
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.features import Features, compute_features, features_of
from dataparams.encoders.opening import open_encoder
from dataparams.encoders.pixel_encoder import PIXELS_NAME, PixelEncoder
from dataparams.encoders.ready_features import read_ready_features
from dataparams.errors import DataError
from dataparams.sources.builtin import builtin_name
from dataparams.sources.noise import corrupt_source
from dataparams.sources.opening import local_path, open_source
from dataparams.sources.understanding import understand
from dataparams.terminal.words import duration_text, size_text
from dataparams.training.encoder_choice import encoder_for
from dataparams.training.signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dataparams.encoders.encoder import Encoder
    from dataparams.sources.noise import CorruptedLabels
    from dataparams.sources.source import Source
    from dataparams.sources.understanding import Understanding
    from dataparams.terminal.progress import ProgressDisplay
    from dataparams.training.audit_config import AuditConfig
    from dataparams.training.processes import Processes

_FIRST, _TIMED = 16, 64
_ROWS_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class AuditedSamples:
    """The samples of an audit, and what heads are to be trained on.

    Attributes:
        source: All samples of the source.
        understanding: The same in words.
        given: Given labels of all rows of the source, (n,).
        truth: Labels of all rows of the source before and after, where some were made wrong on
            purpose.
        assemble: Gives the features of the samples that can be read, and what made them.
    """

    source: Source
    understanding: Understanding
    given: NDArray[np.int64]
    truth: CorruptedLabels | None
    assemble: Callable[[], tuple[Features, dict[str, str]]]

    @property
    def features(self) -> Features:
        """Features of the samples that could be read."""
        return self._assembled[0]

    @property
    def encoder(self) -> dict[str, str]:
        """What made them: ``name`` and ``key``."""
        return self._assembled[1]

    @cached_property
    def _assembled(self) -> tuple[Features, dict[str, str]]:
        return self.assemble()

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Given labels of these, (m,)."""
        return self.given[self.features.rows]

    @cached_property
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

    @cached_property
    def key(self) -> str:
        """What tells these samples from others: ids, contents, labels and names of classes."""
        digest = hashlib.sha256(json.dumps(list(self.source.class_names)).encode())
        for name in ("id", "label", "content"):
            column = self.table[name].cast(pl.String).fill_null("")
            digest.update(column.str.join("\n")[0].encode())
        return digest.hexdigest()


def read_samples(
    config: AuditConfig, display: ProgressDisplay, processes: Processes
) -> AuditedSamples:
    """Open the source, say what was understood, and have the features of all samples computed.

    They are assembled in memory, or ready features read, when they are first asked for: by the
    process that trains heads.

    Args:
        config: What to do.
        display: Where progress is shown, and what was understood.
        processes: Those that compute features together. Each opens the source.

    Raises:
        UserError: If the source cannot be used, or the processes read different ones. All
            processes raise the same.
        LostProcessError: If one of them has died.
    """
    opened = processes.first_on_each_machine(lambda: _open(config, display))
    if config.features is not None:
        file = config.features
        return AuditedSamples(*opened, lambda: _ready_features(file, opened.source, display))
    cache = FeatureCache(on_notice=display.line)
    network = _encoder(config, opened.source, opened.given, cache, display, processes)
    _require_same(processes, opened.source, network)
    processes.on_main(
        lambda: _say_beforehand(opened.source, network, cache, display, processes.count)
    )
    with StopSignals() as signals:
        computed = compute_features(
            opened.source.contents,
            range(len(opened.source)),
            network,
            cache,
            on_progress=lambda done, total: display.stage("features", done, total),
            should_stop=lambda: signals.received,
            companions=processes,
        )
    made_by = {"name": network.name, "key": network.key}
    return AuditedSamples(*opened, lambda: (computed.assembled(), made_by))


class _Opened(NamedTuple):
    """What is known before features are; see :class:`AuditedSamples`."""

    source: Source
    understanding: Understanding
    given: NDArray[np.int64]
    truth: CorruptedLabels | None


def _open(config: AuditConfig, display: ProgressDisplay) -> _Opened:
    if config.offline:
        require_here(config.dataset)
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
    given = (source.labels if truth is None else truth.labels).numpy()
    return _Opened(source, understanding, given, truth)


def require_here(name: str) -> None:
    """Refuse a data set that may have to be fetched.

    Raises:
        DataError: If it is neither a path nor part of the installation.
    """
    if local_path(name) is None and builtin_name(name) != "digits":
        raise DataError(
            f"`offline=True` forbids asking for {name}, which is no file or folder here. Give the "
            "path of a local copy, or leave out `offline`."
        )


def _require_classes(source: Source) -> None:
    if len(torch.unique(source.labels)) < 2:
        only = source.class_names[int(source.labels[0])] if len(source) else "none"
        raise DataError(
            f"{source.place} has samples of one class alone ({only}); labels are judged by telling "
            "classes apart, so expected two or more."
        )


def _encoder(
    config: AuditConfig,
    source: Source,
    labels: NDArray[np.int64],
    cache: FeatureCache,
    display: ProgressDisplay,
    processes: Processes,
) -> Encoder:
    if config.encoder == PIXELS_NAME:
        return PixelEncoder()
    encoder = processes.first_on_each_machine(
        lambda: open_encoder(
            config.encoder,
            weights=None if config.weights is None else Path(config.weights),
            offline=config.offline,
            on_notice=display.line,
        )
    )
    if config.encoder is not None or config.weights is not None:
        return encoder

    def suits_pixels() -> bool:
        chosen = encoder_for(source, labels, encoder, cache, seed=config.seed, on_line=display.line)
        return chosen.name == PIXELS_NAME

    return PixelEncoder() if processes.on_main(suits_pixels) else encoder


def _require_same(processes: Processes, source: Source, encoder: Encoder) -> None:
    """Each machine may have copies of its own."""
    if processes.count == 1:
        return
    every = processes.gathered((source.fingerprint(), encoder.key))
    for what, values in zip(("data", "encoders"), zip(*every, strict=True), strict=True):
        for rank, value in enumerate(values):
            if value != values[0]:
                raise DataError(
                    f"Processes 0 and {rank} have different {what} under the same name; expected "
                    "the same data, weights and kind of device on every machine."
                )


def _say_beforehand(
    source: Source,
    encoder: Encoder,
    cache: FeatureCache,
    display: ProgressDisplay,
    processes: int,
) -> None:
    """Say how long it will take and how much room, by what a few samples take.

    Their features are kept like all others, so that nothing is computed twice. The first of them,
    which wait for the network to be loaded, do not count.
    """
    rows = np.unique(np.linspace(0, len(source) - 1, _FIRST + _TIMED).astype(np.int64))
    first, timed = rows[: -_TIMED or None], rows[-_TIMED:]
    if len(rows) < _FIRST + _TIMED:
        first, timed = rows[:1], rows[1:]
    features_of(source.contents, first, encoder, cache)
    started = time.perf_counter()
    computed = features_of(source.contents, timed, encoder, cache).computed
    seconds = (time.perf_counter() - started) * len(source) / max(len(timed), 1) / processes
    told = f"Features: {encoder.name}, {encoder.width:,} numbers of each sample; "
    if computed:
        size = cache.disk_needed(len(source), encoder.width)
        told += (
            f"about {duration_text(seconds)}, and at most {size_text(size)} in {cache.folder}. "
            "Nothing leaves this machine."
        )
    else:
        told += f"those that are known are in {cache.folder}. Nothing leaves this machine."
    display.line(told)


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
    digest = hashlib.sha256(str(values.shape).encode())
    for start in range(0, len(values), _ROWS_AT_ONCE):
        digest.update(np.ascontiguousarray(values[start : start + _ROWS_AT_ONCE]).data)
    features = Features(
        values=values,
        rows=np.arange(len(source)),
        digests=pl.Series("content", words, dtype=pl.String),
        unreadable={},
        computed=0,
    )
    return features, {"name": path.name, "key": digest.hexdigest(), "features": str(path)}
