"""The samples of an audit: a source, understood, with the features that heads are trained on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import torch

from dataparams.encoders.ready_features import ready_features_count
from dataparams.errors import DataError
from dataparams.sources.builtin import builtin_name
from dataparams.sources.labels_alone import open_labels
from dataparams.sources.noise import corrupt_source
from dataparams.sources.opening import local_path, open_source
from dataparams.sources.splits import (
    comes_split,
    names_of_splits,
    numbers_of_splits,
    rows_of_splits,
)
from dataparams.sources.understanding import understand
from dataparams.terminal.words import counted
from dataparams.training.audited_features import audited_features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dataparams.encoders.features import Features
    from dataparams.encoders.measuring import Measuring
    from dataparams.sources.noise import CorruptedLabels
    from dataparams.sources.source import Source
    from dataparams.sources.understanding import Understanding
    from dataparams.terminal.progress import ProgressDisplay
    from dataparams.training.audit_config import AuditConfig
    from dataparams.training.audited_features import Assemble
    from dataparams.training.processes import Processes


@dataclass(frozen=True, eq=False)
class AuditedSamples:
    """The samples of an audit, and what heads are to be trained on.

    Attributes:
        source: All samples of the source, of all its splits.
        understanding: The same in words.
        wanted: Rows of those that are judged, ascending.
        given: Given labels of all rows of the source, (n,).
        truth: Labels of all rows of the source before and after, where some were made wrong on
            purpose.
        assemble: Gives the features of the samples that can be read, and what made them.
    """

    source: Source
    understanding: Understanding
    wanted: NDArray[np.int64]
    given: NDArray[np.int64]
    truth: CorruptedLabels | None
    assemble: Assemble

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
        names = pl.Series(names_of_splits(self.source))
        columns["split"] = names[numbers_of_splits(self.source)[self.features.rows]]
        return pl.DataFrame(columns)

    @cached_property
    def key(self) -> str:
        """What tells these samples from others: ids, contents, labels, splits, names of classes."""
        digest = hashlib.sha256(json.dumps(list(self.source.class_names)).encode())
        told = ("id", "label", "content", *(("split",) if comes_split(self.source) else ()))
        for name in told:
            column = self.table[name].cast(pl.String).fill_null("")
            digest.update(column.str.join("\n")[0].encode())
        return digest.hexdigest()


def read_samples(
    config: AuditConfig,
    display: ProgressDisplay,
    processes: Processes,
    *,
    measuring: Measuring | None = None,
) -> AuditedSamples:
    """Open the source, say what was understood, and have the features of all samples computed.

    They are assembled in memory, or ready features read, when they are first asked for: by the
    process that trains heads.

    Args:
        config: What to do.
        display: Where progress is shown, and what was understood.
        processes: Those that compute features together. Each opens the source.
        measuring: What is measured of pictures while they are decoded for features.

    Raises:
        UserError: If the source cannot be used, or the processes read different ones. All
            processes raise the same.
        LostProcessError: If one of them has died.
    """
    opened = processes.first_on_each_machine(lambda: _open(config, display))
    assemble = audited_features(
        config, opened.source, opened.wanted, opened.given, display, processes, measuring
    )
    return AuditedSamples(*opened, assemble)


class _Opened(NamedTuple):
    """What is known before features are; see :class:`AuditedSamples`."""

    source: Source
    understanding: Understanding
    wanted: NDArray[np.int64]
    given: NDArray[np.int64]
    truth: CorruptedLabels | None


def _open(config: AuditConfig, display: ProgressDisplay) -> _Opened:
    source = _source(config, display)
    wanted = rows_of_splits(source, config.split)
    understanding = understand(source)
    for line in understanding.lines():
        # Where there is one split there is nothing to say of it.
        if not line.startswith("Split: "):
            display.line(line)
        elif comes_split(source):
            display.line(_splits_judged(line, source, config.split, len(wanted)))
    _require_classes(source, wanted)
    truth = None
    if config.rand_fraction > 0 or config.noise.startswith("file:"):
        truth = _corrupted(source, wanted, config)
    given = (source.labels if truth is None else truth.labels).numpy()
    return _Opened(source, understanding, wanted, given, truth)


def _splits_judged(line: str, source: Source, wanted: str, count: int) -> str:
    if count == len(source):
        return f"{line} All are judged."
    return f"{line} Judged: {wanted} ({counted(count, 'sample')})."


def _corrupted(source: Source, wanted: NDArray[np.int64], config: AuditConfig) -> CorruptedLabels:
    """Labels of all rows of the source, of which some of those wanted are made wrong."""
    rows = torch.from_numpy(wanted)
    made = corrupt_source(source, rows, config.noise, config.rand_fraction, seed=config.seed)
    if len(rows) == len(source):
        return made
    labels, is_corrupted = source.labels.clone(), torch.zeros(len(source), dtype=torch.bool)
    labels[rows], is_corrupted[rows] = made.labels, made.is_corrupted
    return replace(made, labels=labels, true_labels=source.labels, is_corrupted=is_corrupted)


def _source(config: AuditConfig, display: ProgressDisplay) -> Source:
    if config.labels is not None and config.features is not None:
        count = ready_features_count(Path(config.features).expanduser())
        return open_labels(Path(config.labels).expanduser(), config.label_column, count=count)
    if config.offline:
        require_here(config.place)
    return open_source(
        config.place,
        data_dir=Path(config.data_dir),
        image_column=config.image_column,
        text_column=config.text_column,
        label_column=config.label_column,
        row_columns=config.row_columns,
        all_splits=True,
        on_fetch=display.fetched,
    )


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


def _require_classes(source: Source, wanted: NDArray[np.int64]) -> None:
    labels = source.labels[torch.from_numpy(wanted)]
    if len(torch.unique(labels)) < 2:
        only = source.class_names[int(labels[0])] if len(labels) else "none"
        raise DataError(
            f"{source.place} has samples of one class alone ({only}); labels are judged by telling "
            "classes apart, so expected two or more."
        )
