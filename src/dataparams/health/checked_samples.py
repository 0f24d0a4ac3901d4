"""What is known of the samples whose health is checked: from a run folder, or from data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.rows import Row
from dataparams.contents.texts import Text
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.measuring import StoredMeasurements, measure_all
from dataparams.errors import DataError, RunError
from dataparams.health.picture_measuring import KeptPictures, PictureMeasuring
from dataparams.health.sentences import sentence
from dataparams.run.features import features_of_run
from dataparams.run.neighbors import read_neighbors
from dataparams.run.sample_splits import sample_splits
from dataparams.run.source import ContentsOfRun
from dataparams.sources.source import SelectedContents
from dataparams.training.heads import ScaledFeatures
from dataparams.training.neighbors import nearest_neighbors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from dataparams.batches.labeled_images import UnreadableSample
    from dataparams.contents.content import Content, ContentKind
    from dataparams.health.picture_likeness import FeaturesByPlace
    from dataparams.run.folder import RunFolder
    from dataparams.sources.source import Contents
    from dataparams.training.audited_samples import AuditedSamples

    OnProgress = Callable[[int, int], None]

_NEIGHBORS = 6
_MOST_COMPUTED = 200_000
_DIGITS = 32


@dataclass(frozen=True, eq=False)
class CheckedSamples:
    """Samples whose health is checked, n of them; a place is a number 0 ... n - 1.

    Attributes:
        kind: What they are; None where nothing is known of them.
        index: Row of each in the source, (n,).
        labels: Class of each, (n,).
        class_names: Name of class 0, 1, ...
        splits: What the source calls the split of each, (n,).
        digests: Digest of each content, (n,) of 32 hexadecimal digits; null where not known.
        unreadable: The samples beside these that cannot be read.
        features: Of each, where they are at hand.
        near: Places of the nearest neighbors of each by its features, (n, k), the nearest first.
        pictures: What was measured of pictures.
        pictured: Places of these pictures.
        texts: The texts.
        rows: The rows of a table.
        contents: Where contents can be read, by place.
        reasons: Why something of these is not here, by its name.
        decodes: Whether pictures may be decoded whole, to see whether no pixel of two differs.
        run: The run folder that they are of; None where they are of data alone.
    """

    kind: ContentKind | None
    index: NDArray[np.int64]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    splits: pl.Series
    digests: pl.Series
    unreadable: tuple[UnreadableSample, ...] = ()
    features: FeaturesByPlace | None = None
    near: NDArray[np.integer] | None = None
    pictures: KeptPictures | None = None
    pictured: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    texts: list[str] | None = None
    rows: list[Row] | None = None
    contents: Contents | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    decodes: bool = True
    run: RunFolder | None = None

    def __len__(self) -> int:
        return len(self.index)


def checked_samples_of_run(
    run: RunFolder,
    *,
    data: str | None = None,
    most_decoded: int | None = None,
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], int] = lambda: 0,
) -> CheckedSamples:
    """What is known of the samples of a run; the data may be gone.

    Args:
        run: The run folder.
        data: Where the data lie now; None for where they lay.
        most_decoded: How many pictures may be decoded that no audit has decoded before; None for
            all of them.
        on_progress: Called with the number of contents read and of all.
        should_stop: The number of the signal that asks to stop, 0 for none.

    Raises:
        RunError: If the run folder is damaged.
        DataError: If the data are not where ``data`` says.
        Stopped: If ``should_stop`` said so.
    """
    known = run.contents()
    if not len(known):
        known = run.samples().select("index", "id", "label", content=pl.lit(None, pl.String))
    kind = run.content_kind()
    features = features_of_run(run)
    parts = _Parts.of(
        kind,
        _digests(known["content"]),
        _contents_of_run(run, known["id"], data),
        most_decoded,
        on_progress,
        should_stop,
    )
    near: NDArray[np.integer] | None = read_neighbors(run, len(known))
    if near is None and features is not None and len(features) <= _MOST_COMPUTED:
        near = _neighbors(kind, features[np.arange(len(features))])
    return CheckedSamples(
        kind,
        known["index"].to_numpy().astype(np.int64),
        known["label"].to_numpy().astype(np.int64),
        run.class_names(),
        sample_splits(run),
        _digests(known["content"]),
        run.unreadable(),
        features,
        near,
        parts.pictures,
        parts.pictured,
        parts.texts,
        parts.rows,
        parts.contents,
        parts.reasons,
        most_decoded != 0,
        run,
    )


def samples_of_data(
    samples: AuditedSamples,
    unreadable: tuple[UnreadableSample, ...],
    *,
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], int] = lambda: 0,
) -> CheckedSamples:
    """What is known of the samples of a source that was opened for it.

    Args:
        samples: The samples, with their features.
        unreadable: Those that cannot be read.
        on_progress: Called with the number of contents read and of all.
        should_stop: The number of the signal that asks to stop, 0 for none.

    Raises:
        Stopped: If ``should_stop`` said so.
    """
    source, features = samples.source, samples.features
    digests = _digests(features.digests)
    contents = SelectedContents(source.contents, features.rows)
    kind = source.contents.kind
    parts = _Parts.of(kind, digests, contents, None, on_progress, should_stop)
    return CheckedSamples(
        kind,
        features.rows,
        samples.labels,
        tuple(source.class_names),
        samples.table["split"],
        digests,
        unreadable,
        features.values,
        _neighbors(kind, features.values),
        parts.pictures,
        parts.pictured,
        parts.texts,
        parts.rows,
        parts.contents,
        parts.reasons,
    )


@dataclass(frozen=True, eq=False)
class _Parts:
    """What is read of contents, whatever their kind."""

    contents: Contents | None
    pictures: KeptPictures | None = None
    pictured: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    texts: list[str] | None = None
    rows: list[Row] | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        kind: ContentKind | None,
        digests: pl.Series,
        contents: Contents | str,
        most_decoded: int | None,
        on_progress: OnProgress | None,
        should_stop: Callable[[], int],
    ) -> _Parts:
        """Of contents, or why there are none."""
        if kind == "image":
            return _pictures(digests, contents, most_decoded, on_progress, should_stop)
        if isinstance(contents, str):
            return cls(None, reasons={"contents": contents})
        try:
            found = _read_whole(contents, len(digests), on_progress)
        except DataError as error:
            return cls(None, reasons={"contents": sentence("data_gone", error=str(error))})
        if kind == "text":
            return cls(contents, texts=[one.text if isinstance(one, Text) else "" for one in found])
        rows = [one for one in found if isinstance(one, Row)]
        if kind == "row" and rows and len(rows) == len(found):
            return cls(contents, rows=rows)
        return cls(contents, reasons={"contents": sentence("rows_gone")})


def _contents_of_run(run: RunFolder, ids: pl.Series, data: str | None) -> Contents | str:
    """Where the contents of a run's samples can be read, or why they cannot.

    Raises:
        UserError: If they are not where they are said to be.
    """
    if run.content_kind() is None:
        return sentence("run_keeps_nothing")
    try:
        return ContentsOfRun(run, data).of(ids)
    except (DataError, RunError) as error:
        if data is not None:
            raise
        return sentence("data_gone", error=str(error))


def _pictures(
    digests: pl.Series,
    contents: Contents | str,
    most_decoded: int | None,
    on_progress: OnProgress | None,
    should_stop: Callable[[], int],
) -> _Parts:
    """What was measured of pictures, and of those that may be decoded for it."""
    readable = None if isinstance(contents, str) else contents
    reasons = {"contents": contents} if isinstance(contents, str) else {}
    places = np.flatnonzero(digests.is_not_null().to_numpy()).astype(np.int64)
    if not len(places):
        told = sentence("run_without_digests")
        return _Parts(readable, reasons={**reasons, "pictures": told})
    measuring = PictureMeasuring()
    kept = StoredMeasurements(FeatureCache(), measuring)
    words = _bytes(digests.gather(places))
    missing = places[~kept.has(words)]
    may_decode = most_decoded is None or len(missing) <= most_decoded
    if len(missing) and readable is not None and may_decode:
        measure_all(
            readable, missing, measuring, kept, on_progress=on_progress, should_stop=should_stop
        )
    is_there = kept.has(words)
    if not is_there.all():
        count = int((~is_there).sum())
        why = reasons.get("contents", sentence("health_decodes"))
        reasons["pictures"] = sentence("not_decoded", count=count, total=len(words)) + why
    if not is_there.any():
        return _Parts(readable, reasons=reasons)
    pictures = KeptPictures(kept.read(words[is_there]))
    return _Parts(readable, pictures, places[is_there], reasons=reasons)


def _read_whole(contents: Contents, count: int, on_progress: OnProgress | None) -> list[Content]:
    """All contents, in their order.

    Raises:
        UnreadableContentError: If one can no longer be read.
    """
    found: list[Content | None] = [None] * count
    done = 0
    for some in contents.sweep(range(count)):
        for place, content in zip(some.places, some.contents, strict=True):
            if isinstance(content, UnreadableContentError):
                raise content.with_traceback(None)
            found[place] = content
        done += len(some.places)
        if on_progress is not None:
            on_progress(done, count)
    return [content for content in found if content is not None]


def _digests(words: pl.Series) -> pl.Series:
    """Digests among the words that are kept of contents; others are sizes, and say too little."""
    is_digest = (
        words.cast(pl.String).str.contains(rf"^[0-9a-f]{{{_DIGITS}}}$").fill_null(value=False)
    )
    digests: pl.Series = words.cast(pl.String).set(~is_digest, None)
    return digests


def _bytes(digests: pl.Series) -> NDArray[np.uint8]:
    letters = digests.str.join("")[0] if len(digests) else ""
    return np.frombuffer(bytes.fromhex(letters), np.uint8).reshape(len(digests), -1)


def _neighbors(
    kind: ContentKind | None, values: NDArray[np.floating]
) -> NDArray[np.integer] | None:
    """Neighbors by features; rows of tables are compared by their columns instead."""
    if kind not in ("image", "text") or len(values) < 2:
        return None
    return nearest_neighbors(ScaledFeatures(values), _NEIGHBORS)
