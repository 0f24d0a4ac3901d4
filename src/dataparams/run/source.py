"""The source of a run, opened again and compared with what the run recorded of its samples."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from dataparams.contents.content import UnreadableContentError
from dataparams.errors import ChangedDataError, DataError, RunError
from dataparams.run.applied_changes import applied_changes, contents_after, journal_mark
from dataparams.run.kept_contents import CONTENTS, open_kept_contents
from dataparams.run.table_checks import require_range
from dataparams.sources.builtin import builtin_name
from dataparams.sources.identity import named
from dataparams.sources.labels_alone import open_labels
from dataparams.sources.opening import (
    is_without_labels,
    local_path,
    open_cached,
    open_contents,
    open_source,
)
from dataparams.sources.source import Found
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataparams.contents.content import Content
    from dataparams.run.folder import RunFolder
    from dataparams.sources.identity import KnownContents
    from dataparams.sources.opening import ContentsOf
    from dataparams.sources.source import Contents, Source

MOVED = "If the data have moved, say where they are: `data=PATH`."
"""What to do where the data of a run are not found."""
_LOOKED_AT = 256
_AT_ONCE = 16
_MOST_LABELS = 200_000


def source_of(description: dict[str, Any], data: str | None = None) -> dict[str, Any]:
    """What a run's source is opened by.

    Args:
        description: The contents of ``run.json``.
        data: Where the data lie now, in place of where they lay.

    Returns:
        ``name``, ``data_dir``, ``image_column``, ``text_column``, ``label_column``, ``row_columns``
        and ``all_splits``, as ``open_source`` takes them.

    Raises:
        RunError: If it does not tell where the data came from.
    """
    source = description.get("source")
    if not isinstance(source, dict) or not isinstance(source.get("name"), str):
        raise RunError("run.json does not say where the data came from; expected a 'source'.")
    name = source["name"] if data is None else data
    # A table may have been written as a folder since.
    has_columns = data is None or is_of_label_file(description) or not is_without_labels(data)
    return {
        "name": name,
        "data_dir": Path(source.get("data_dir", "data")),
        "image_column": source.get("image_column") if has_columns else None,
        "text_column": source.get("text_column") if has_columns else None,
        "label_column": source.get("label_column") if has_columns else None,
        "row_columns": tuple(source.get("row_columns") or ()) if has_columns else (),
        "all_splits": bool(source.get("all_splits")),
    }


def is_kept(description: dict[str, Any]) -> bool:
    """Whether a run has no source outside, and keeps itself what is shown of its samples.

    Args:
        description: The contents of ``run.json``.
    """
    source = description.get("source")
    return isinstance(source, dict) and bool(source.get("is_kept"))


def is_of_label_file(description: dict[str, Any]) -> bool:
    """Whether a run was made of a file of labels, beside features, of which no contents are known.

    Args:
        description: The contents of ``run.json``.
    """
    if not is_kept(description):
        return False
    source = description["source"]
    return source.get("content") is None and source.get("name") != CONTENTS


class ContentsOfRun:
    """The contents of a run's samples; one that changed since is an error.

    The source is opened when the first content is read.

    Args:
        run: The run folder.
        data: Where the data lie now; None for where they lay.
    """

    def __init__(self, run: RunFolder, data: str | None = None) -> None:
        self._run, self._data = run, data
        self._opened: tuple[str, ContentsOf] | None = None

    def read(self, ids: Sequence[str]) -> list[Content | UnreadableContentError]:
        """Read the contents of some samples.

        Raises:
            DataError: If the source is gone.
            RunError: If samples are not what the run was trained on; the message names them.
        """
        contents_of = self._contents_of
        self._require_there()
        contents = contents_of(ids).read(range(len(ids)))
        self._verify(ids, contents)
        return contents

    def of(self, ids: Sequence[str] | pl.Series) -> Contents:
        """The contents of some samples as they lie in the source, changed or not.

        Raises:
            DataError: If the source is gone.
        """
        # A column of a million ids is no million objects.
        return self._contents_of(cast("Sequence[str]", ids))

    def sweep(self, ids: Sequence[str]) -> Iterator[Found]:
        """Read the contents of many samples, a few at a time, as :meth:`read` does.

        Yields:
            All of them; see :meth:`dataparams.sources.source.Contents.sweep`.
        """
        for found in self._contents_of(ids).sweep(range(len(ids))):
            # Readers of all contents need their bytes, which are read once.
            loaded = list(map(_loaded, found.contents))
            self._verify([ids[place] for place in found.places], loaded)
            yield Found(found.places, loaded)

    def check(self, ids: Sequence[str] | pl.Series) -> list[str]:
        """Check some samples, and all labels where that is quick, before they are used.

        Args:
            ids: Samples, in the order in which they are used; the first of them are checked.

        Returns:
            Sentences about changes that do not prevent their use.

        Raises:
            DataError: If the source is gone.
            RunError: If samples are not what the run was trained on; the message names them.
        """
        if self._run.content_kind() is None:
            return [f"{self._run.path} keeps nothing of its samples to show."]
        some = list(ids[:_LOOKED_AT])
        reasons: dict[str, str] = {}
        for start in range(0, len(some), _AT_ONCE):
            piece = some[start : start + _AT_ONCE]
            found = zip(piece, map(_why_unreadable, self.read(piece)), strict=True)
            reasons |= {sample: reason for sample, reason in found if reason is not None}
        if reasons and len(reasons) == len(some):
            raise RunError(
                f"None of the first {counted(len(some), 'sample')} of {self._run.path} can be read "
                f"from {self._place} ({next(iter(reasons.values()))}). {MOVED}"
            )
        gone = [_gone_words(reasons, len(some), self._place)] if reasons else []
        return gone + self.changed_labels()

    @property
    def _contents_of(self) -> ContentsOf:
        """Opened once, and again after the data were changed by ourselves."""
        mark = journal_mark(self._run.applied_folder)
        if self._opened is None or self._opened[0] != mark:
            self._opened = mark, self._open()
        return self._opened[1]

    def _open(self) -> ContentsOf:
        description = self._run.description()
        if is_kept(description):
            return open_kept_contents(self._run.path, description["source"], self._data)
        arguments = source_of(description, self._data)
        changes = applied_changes(self._run.applied_folder, self._run.path)
        with _moved_hint():
            opened = open_contents(**arguments, cache=self._cache)
        place = local_path(self._place)
        if changes.is_empty or place is None or not is_without_labels(self._place):
            return opened
        return contents_after(opened, place, changes)

    def _require_there(self) -> None:
        """Raise DataError if the file or folder went away since it was opened."""
        if not self._is_kept and self._was_local and local_path(self._place) is None:
            raise DataError(f"{self._place} was there, and is gone.")

    @cached_property
    def _was_local(self) -> bool:
        return builtin_name(self._place) is None and local_path(self._place) is not None

    @cached_property
    def _cache(self) -> Path | None:
        return cache_of(self._run.description(), self._data)

    @cached_property
    def _known(self) -> KnownContents:
        return self._run.known_contents()

    @cached_property
    def _is_kept(self) -> bool:
        return is_kept(self._run.description())

    @cached_property
    def _place(self) -> str:
        if self._is_kept and self._data is None:
            return str(self._run.path / CONTENTS)
        return str(source_of(self._run.description(), self._data)["name"])

    def _verify(
        self, ids: Sequence[str], contents: Sequence[Content | UnreadableContentError]
    ) -> None:
        """Raise an error where contents changed; files are read for it, and none is kept."""
        changed = self._known.changed(ids, contents)
        if changed:
            raise changed_error(self._run, self._place, changed)

    def changed_labels(self) -> list[str]:
        """Compare the labels of a table, where that is quick, with those that the run was given.

        Returns:
            Nothing, or a sentence about those that differ.

        Raises:
            DataError: If the source is gone.
            RunError: If labels differ, and the run recorded no contents.
        """
        arguments = source_of(self._run.description(), self._data)
        if self._is_kept or is_without_labels(arguments["name"]):
            return []
        samples = self._run.judged_samples()
        if len(samples) > _MOST_LABELS:
            notice = "Whether labels have changed is not checked: there are more than"
            return [f"{notice} {_MOST_LABELS:,} in {self._place}."]
        source = opened_source(self._run, self._data)
        differing = differing_labels(self._run, samples, source)
        if not len(differing):
            return []
        if self._known.is_empty:
            raise changed_error(self._run, self._place, differing.to_list())
        verb = "has" if len(differing) == 1 else "have"
        return [
            (
                f"{counted(len(differing), 'sample')} {verb} another label in {self._place} than "
                f"when the run was trained ({named(differing.to_list())}); the labels are here "
                "as they were then."
            )
        ]


def opened_source(run: RunFolder, data: str | None = None) -> Source:
    """The source of a run, opened again as the run opened it, perhaps with further splits.

    Args:
        run: The run folder, of a run that has a source outside.
        data: Where the data lie now; None for where they lay.

    Raises:
        DataError: If the source is gone or cannot be read.
    """
    description = run.description()
    arguments, cache = source_of(description, data), cache_of(description, data)
    with _moved_hint():
        if is_of_label_file(description):
            return open_labels(Path(arguments["name"]), arguments["label_column"])
        if cache is not None and local_path(arguments["name"]) is None:
            return open_cached(cache, arguments["name"]).source
        return open_source(**arguments)


@contextmanager
def _moved_hint() -> Iterator[None]:
    """Add to an error about data that are not found what to do."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{error} {MOVED}") from error


def _gone_words(reasons: dict[str, str], looked_at: int, place: str) -> str:
    """A sentence about the checked samples that cannot be read any more, and why."""
    first = next(iter(reasons.values()))
    return (
        f"{len(reasons):,} of the first {counted(looked_at, 'sample')} cannot be read from {place} "
        f"({named(list(reasons))}; the first: {first}); there are no pictures of them. {MOVED}"
    )


def changed_error(run: RunFolder, place: str, changed: Sequence[str]) -> ChangedDataError:
    """The error about samples that are not what a run was trained on.

    Args:
        run: The run folder.
        place: Where the data lie.
        changed: Ids of the samples.
    """
    subject = "1 sample" if len(changed) == 1 else f"{len(changed):,} samples"
    verb = "is" if len(changed) == 1 else "are"
    made, again = ("judged", "audit") if run.is_audit() else ("was trained on", "train")
    return ChangedDataError(
        f"{subject} in {place} {verb} not what {run.path} {made} ({named(changed)}). "
        f"Restore the data, say with `data=PATH` where they lie as they were, or {again} again."
    )


def differing_labels(run: RunFolder, samples: pl.DataFrame, source: Source) -> pl.Series:
    """The ids of samples whose label in the source is not the run's, nor applied by ourselves."""
    if "true_label" not in samples.columns and run.description().get("cleaned") is not None:
        # The run was trained on labels that people decided; the source's are not recorded.
        return samples["id"].clear()
    names = pl.Series(run.class_names())
    column = "true_label" if "true_label" in samples.columns else "label"
    require_range(samples, column, len(names), run.path / "samples.parquet")
    changes = applied_changes(run.applied_folder, run.path)
    rows = pl.Series(source.ids.find(changes.ids_now(samples["id"])))
    is_there = rows >= 0
    labels = source.labels.numpy()[rows.filter(is_there).to_numpy()]
    now = pl.Series(source.class_names)[labels]
    # What we corrected ourselves is no change.
    given = samples.select("id", given=names[samples[column]]).join(
        changes.labels(), on="id", how="left", maintain_order="left"
    )
    before = given.select(pl.coalesce("applied_label", "given")).to_series().filter(is_there)
    differing: pl.Series = samples["id"].filter(is_there).filter(now != before)
    return differing


def _loaded(content: Content | UnreadableContentError) -> Content | UnreadableContentError:
    if isinstance(content, UnreadableContentError):
        return content
    try:
        return content.loaded()
    except UnreadableContentError as error:
        return error


def _why_unreadable(content: Content | UnreadableContentError) -> str | None:
    if isinstance(content, UnreadableContentError):
        return str(content)
    try:
        content.size()
    except UnreadableContentError as error:
        return str(error)
    return None


def cache_of(description: dict[str, Any], data: str | None) -> Path | None:
    """The file of prepared images that a run was trained from, unless other data are named."""
    cache = description["source"].get("cache")
    return Path(cache) if isinstance(cache, str) and data is None else None
