"""The features of an audit's samples: of images, texts or rows, or ready ones."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.rows import Row
from dataparams.contents.texts import Text
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.features import Features, compute_features, features_of
from dataparams.encoders.measuring import FEWEST_FOR_PROCESSES
from dataparams.encoders.opening import open_encoder
from dataparams.encoders.pixel_encoder import PIXELS_NAME, PixelEncoder
from dataparams.encoders.ready_features import read_ready_features, ready_features_count
from dataparams.errors import ArgumentError, DataError
from dataparams.sources.labels_alone import labeled_rows
from dataparams.sources.source import SelectedContents
from dataparams.terminal.words import counted, duration_text, size_text
from dataparams.training.encoder_choice import encoder_for
from dataparams.training.signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dataparams.encoders.encoder import Encoder
    from dataparams.encoders.measuring import Measuring
    from dataparams.sources.source import Source
    from dataparams.terminal.progress import ProgressDisplay
    from dataparams.training.audit_config import AuditConfig
    from dataparams.training.processes import Processes

    MadeBy: TypeAlias = dict[str, str]
    """What made features: ``name`` and ``key``."""
    Assemble: TypeAlias = Callable[[], tuple[Features, MadeBy]]

_FIRST, _TIMED = 16, 64
_ROWS_AT_ONCE = 8192


def audited_features(
    config: AuditConfig,
    source: Source,
    wanted: NDArray[np.int64],
    given: NDArray[np.int64],
    display: ProgressDisplay,
    processes: Processes,
    measuring: Measuring | None = None,
) -> Assemble:
    """Have the features of samples computed, and say how long that will take.

    Args:
        config: What to do.
        source: All samples.
        wanted: Rows of those that are judged, ascending.
        given: The given labels of all, (n,).
        display: Where progress is shown.
        processes: Those that compute features together.
        measuring: What is measured of pictures while they are decoded.

    Returns:
        What gives the features, in memory or mapped from disk, and says what made them: called by
        the process that trains heads.

    Raises:
        UserError: If the encoder cannot be had, or the processes read different data.
        LostProcessError: If one of them has died.
    """
    if config.features is not None:
        file = config.features
        return lambda: _taken(*_ready_features(file, source, display), wanted)
    if len(wanted) == len(source):
        return _computed_features(config, source, given, display, processes, measuring)
    assemble = _computed_features(
        config, _selected(source, wanted), given[wanted], display, processes, measuring
    )
    return lambda: _renumbered(*assemble(), wanted)


def _selected(source: Source, rows: NDArray[np.int64]) -> Source:
    """Some samples as a source of their own, whose rows are numbered anew."""
    return replace(
        source,
        ids=source.ids.take(rows),
        labels=source.labels[rows],
        contents=SelectedContents(source.contents, rows),
        train_rows=None,
        split_numbers=None,
        unreadable={},
    )


def _renumbered(
    features: Features, made_by: MadeBy, rows: NDArray[np.int64]
) -> tuple[Features, MadeBy]:
    """Features of selected samples, by their rows among all."""
    unreadable = {int(rows[place]): reason for place, reason in features.unreadable.items()}
    return replace(features, rows=rows[features.rows], unreadable=unreadable), made_by


def _taken(features: Features, made_by: MadeBy, rows: NDArray[np.int64]) -> tuple[Features, MadeBy]:
    """Of the features of all samples those of some."""
    if len(rows) == len(features.rows):
        return features, made_by
    taken = replace(
        features, values=features.values[rows], rows=rows, digests=features.digests[rows]
    )
    return taken, made_by


def _computed_features(
    config: AuditConfig,
    source: Source,
    given: NDArray[np.int64],
    display: ProgressDisplay,
    processes: Processes,
    measuring: Measuring | None,
) -> Assemble:
    if source.contents.kind == "row":
        _require_no_encoder(config, source)
        return lambda: _row_features(source, display)
    cache = FeatureCache(on_notice=display.line)
    network = _encoder(config, source, given, cache, display, processes)
    _require_same(processes, source, network)
    if source.contents.kind != "image":
        measuring = None
    processes.on_main(
        lambda: _say_beforehand(source, network, cache, display, processes.count, measuring)
    )
    with StopSignals() as signals:
        computed = compute_features(
            source.contents,
            range(len(source)),
            network,
            cache,
            measuring=measuring,
            on_progress=lambda done, total: display.stage("features", done, total),
            should_stop=lambda: signals.received,
            companions=processes,
        )
    if source.contents.kind == "text":
        return lambda: _text_features(computed.assembled(), source, network, cache, display)
    made_by = {"name": network.name, "key": network.key}
    return lambda: (computed.assembled(), made_by)


def _require_no_encoder(config: AuditConfig, source: Source) -> None:
    for name in ("encoder", "weights"):
        value = getattr(config, name)
        if value is not None:
            raise ArgumentError(
                f"`{name}={value}` is given, but the samples of {source.place} are rows of a "
                "table, whose columns need no network: leave it out; or give features of your own "
                "(`features=FILE`), or a column of texts (`text_column=NAME`)."
            )


def _row_features(source: Source, display: ProgressDisplay) -> tuple[Features, MadeBy]:
    """Features of the rows of a table; what each column was taken for is said first."""
    from dataparams.encoders.row_columns import columns_in_words, columns_of
    from dataparams.encoders.row_features import FORMAT, row_features
    from dataparams.encoders.whole_features import features_of_whole, read_all

    with StopSignals() as signals:
        read = read_all(
            source.contents,
            on_progress=lambda done, total: display.stage("reading", done, total),
            should_stop=lambda: signals.received,
        )
    columns = columns_of([content for content in read.contents if isinstance(content, Row)])
    display.line(columns_in_words(columns))
    made = row_features(columns)
    cache = FeatureCache(on_notice=display.line)
    values, key = features_of_whole(
        f"rows-{FORMAT}", read.digests, made.values.shape[1], cache, lambda: made.values
    )
    features = Features(
        values,
        read.rows,
        read.digests,
        read.unreadable,
        computed=0,
        for_trees=made.for_trees,
        columns={column.name: column.kind for column in columns},
    )
    return features, {"name": counted(len(columns), "column"), "key": key}


def _text_features(
    features: Features,
    source: Source,
    network: Encoder,
    cache: FeatureCache,
    display: ProgressDisplay,
) -> tuple[Features, MadeBy]:
    """The features of texts; to those of words in a package the letters' frequencies are joined."""
    from dataparams.encoders.text_frequencies import (
        FORMAT,
        WEIGHT_OF_FREQUENCIES,
        WIDTH,
        joined,
        text_frequencies,
    )
    from dataparams.encoders.text_preparation import MOST_LETTERS, letters_of
    from dataparams.encoders.whole_features import features_of_whole
    from dataparams.encoders.word_embeddings import WORDS_NAME

    told = _truncated_words(source, MOST_LETTERS)
    if told:
        display.line(told)
    if network.name != WORDS_NAME:
        if truncated := getattr(network, "truncated", 0):
            verb = "is" if truncated == 1 else "are"
            display.line(
                f"{counted(truncated, 'text')} {verb} longer than {network.name} can take; it saw "
                "the beginning."
            )
        return features, {"name": network.name, "key": network.key}

    def make() -> NDArray[np.float16]:
        contents = source.read(features.rows.tolist())
        letters = [letters_of(each) for each in contents if isinstance(each, Text)]
        return joined(features.values, text_frequencies(letters), WEIGHT_OF_FREQUENCIES)

    name = f"{network.key}-letters-{FORMAT}"
    width = features.values.shape[1] + WIDTH
    values, key = features_of_whole(name, features.digests, width, cache, make)
    made_by = {"name": f"{network.name} and the letters' frequencies", "key": key}
    return replace(features, values=values), made_by


def _truncated_words(source: Source, most: int) -> str | None:
    """A sentence on texts that are longer than an encoder looks at; None where there are none."""
    candidates = np.flatnonzero(source.contents.sizes() > most).tolist()
    longer = [
        row
        for row, content in zip(candidates, source.read(candidates), strict=True)
        if isinstance(content, Text) and len(content.text) > most
    ]
    if not longer:
        return None
    verb = "is" if len(longer) == 1 else "are"
    return (
        f"{counted(len(longer), 'text')} of {len(source):,} {verb} longer than {most:,} letters, "
        f"the first of them {source.ids[longer[0]]}; what comes after these is not looked at."
    )


def _encoder(
    config: AuditConfig,
    source: Source,
    labels: NDArray[np.int64],
    cache: FeatureCache,
    display: ProgressDisplay,
    processes: Processes,
) -> Encoder:
    is_image = source.contents.kind == "image"
    if config.encoder == PIXELS_NAME and is_image:
        return PixelEncoder()
    encoder = processes.first_on_each_machine(
        lambda: open_encoder(
            config.encoder,
            kind=source.contents.kind or "image",
            weights=None if config.weights is None else Path(config.weights),
            offline=config.offline,
            on_notice=display.line,
        )
    )
    if config.encoder is not None or config.weights is not None or not is_image:
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
    measuring: Measuring | None,
) -> None:
    """Say how long it will take and how much room, by what a few samples take.

    Their features are kept like all others, so that nothing is computed twice. The first of them,
    which wait for the network to be loaded, do not count.
    """
    rows = np.unique(np.linspace(0, len(source) - 1, _FIRST + _TIMED).astype(np.int64))
    first, timed = rows[: -_TIMED or None], rows[-_TIMED:]
    if len(rows) < _FIRST + _TIMED:
        first, timed = rows[:1], rows[1:]
    features_of(source.contents, first, encoder, cache, measuring=measuring)
    started = time.perf_counter()
    computed = features_of(source.contents, timed, encoder, cache, measuring=measuring).computed
    seconds = (time.perf_counter() - started) * len(source) / max(len(timed), 1) / processes
    told = f"Features: {encoder.name}, {encoder.width:,} numbers of each sample; "
    if computed:
        size = cache.disk_needed(len(source), encoder.width)
        # Processes, which prepare many, are quicker than the threads that prepared these.
        are_many = len(source) >= FEWEST_FOR_PROCESSES * processes
        roughly = "at most" if encoder.processes and are_many else "about"
        told += (
            f"{roughly} {duration_text(seconds)}, and at most {size_text(size)} in {cache.folder}. "
            "Nothing leaves this machine."
        )
    else:
        told += f"those that are known are in {cache.folder}. Nothing leaves this machine."
    display.line(told)


def _rows_of_features(path: Path, source: Source) -> int:
    """How many rows a file of features is to have: those without a label are in it as well."""
    return len(source) if source.contents.kind is not None else ready_features_count(path)


def _ready_features(
    file: str, source: Source, display: ProgressDisplay
) -> tuple[Features, dict[str, str]]:
    """Features from a file, and the digests of the contents, so that changes are seen."""
    path = Path(file).expanduser().resolve()
    values = read_ready_features(path, _rows_of_features(path, source))
    if source.contents.kind is None:
        values = values[labeled_rows(source, len(values))]
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
