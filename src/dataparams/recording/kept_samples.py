"""What a run keeps to show its samples later: texts, rows of a table, paths or small pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.errors import ArgumentError, RunError
from dataparams.recording.sample_kinds import (
    are_names_of_images,
    files_of,
    frame_of,
    is_label_column,
    plain_columns,
    texts_of,
)
from dataparams.recording.small_pictures import small_pictures
from dataparams.run.kept_contents import CONTENTS, KeptImages, read_kept_contents, row_names
from dataparams.sources.identity import size_words
from dataparams.sources.table_contents import RowContents, TextContents

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dataparams.contents.content import ContentKind
    from dataparams.sources.source import Contents

_MOST_READ = 1 << 30
_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class KeptSamples:
    """What is kept of n samples.

    Attributes:
        kind: What they are; None where nothing is kept.
        table: The columns of ``contents.parquet`` beside ``id``, n rows.
        words: What tells each from others: a digest or a size, (n,); null where nothing does.
        ids: Names of the samples, where they have some of their own.
        source: What the entry ``source`` of ``run.json`` says of them further.
        notice: What the user is told; None for nothing.
    """

    kind: ContentKind | None
    table: pl.DataFrame
    words: pl.Series
    ids: pl.Series | None = None
    source: dict[str, Any] = field(default_factory=dict)
    notice: str | None = None


def kept_samples(
    samples: Any,
    numbers: NDArray[np.int64],
    class_names: Sequence[str],
    run: Path,
    *,
    is_anew: bool = False,
) -> KeptSamples:
    """What is kept of samples, by what they are.

    Args:
        samples: Texts; a table of Polars, pandas or Arrow, or dicts; paths of images; a
            Hugging Face ``Dataset``; a data set of PyTorch that gives images; arrays of pixels;
            or None.
        numbers: The class of each, (n,).
        class_names: Names of the classes.
        run: The run folder, which image files are found from if both move together.
        is_anew: Whether small pictures that the folder has are not to be taken again.

    Raises:
        ArgumentError: If they are none of these, or not as many as there are labels.

    Example:
        >>> import numpy as np
        >>> found = kept_samples(["a text", "b"], np.array([0, 1]), ["x", "y"], Path("run"))
        >>> found.kind, found.table.columns
        ('text', ['text'])
    """
    count = len(numbers)
    if samples is None:
        return _nothing(count)
    if not hasattr(samples, "__len__") and not isinstance(samples, pl.LazyFrame):
        raise ArgumentError(
            f"`samples` is a {type(samples).__name__}, which has no length; expected texts, a "
            "table, paths of images, a data set, or None."
        )
    frame = frame_of(samples)
    given = len(samples) if frame is None else len(frame)
    if given != count:
        raise ArgumentError(
            f"`samples` has {given} samples and `labels` {count}; expected as many of both, in the "
            "same order."
        )
    if frame is not None:
        return _of_table(frame, numbers, class_names)
    files = files_of(samples)
    if files is not None:
        return _of_files(files, run)
    texts = texts_of(samples)
    if texts is not None:
        kept = _of_texts(texts)
        if are_names_of_images(listed := texts.to_list()):
            words = (
                "All of `samples` end as names of image files do, but there is no file "
                f"{listed[0]}: they are kept as texts. Give paths from {Path.cwd()}, or whole ones."
            )
            return replace(kept, notice=words)
        return kept
    return _of_pictures(samples, count, None if is_anew else run / CONTENTS)


def content_words(contents: Contents) -> pl.Series:
    """The digest of each content, (n,); null where there is none."""
    words: list[str | None] = []
    for start in range(0, len(contents), _AT_ONCE):
        some = contents.read(range(start, min(start + _AT_ONCE, len(contents))))
        words += map(_word, some)
    return pl.Series(words, dtype=pl.String)


def _word(content: Any) -> str | None:
    from dataparams.contents.content import UnreadableContentError

    try:
        return None if isinstance(content, UnreadableContentError) else content.digest()
    except UnreadableContentError:
        return None


def _nothing(count: int, notice: str | None = None) -> KeptSamples:
    words = pl.Series([None] * count, dtype=pl.String)
    return KeptSamples(None, pl.DataFrame(), words, notice=notice)


def _of_texts(texts: pl.Series, **source: object) -> KeptSamples:
    words = content_words(TextContents(texts))
    return KeptSamples(
        "text", pl.DataFrame({"text": texts}), words, source={"text_column": None, **source}
    )


def _of_table(
    frame: pl.DataFrame, numbers: NDArray[np.int64], class_names: Sequence[str]
) -> KeptSamples:
    labels = [
        column.name
        for column in frame.iter_columns()
        if is_label_column(column, numbers, class_names)
    ]
    cells = plain_columns(frame.drop(labels))
    label = labels[0] if labels else None
    if not cells.width:
        return _nothing(len(frame), "`samples` has the labels alone, so nothing is kept to show.")
    if cells.width == 1 and cells.dtypes[0] == pl.String:
        (name,) = cells.columns
        return _of_texts(cells[name], text_column=name, label_column=label)
    words = content_words(RowContents(cells))
    source = {"row_columns": cells.columns, "label_column": label}
    stored = cells.rename(dict(zip(cells.columns, row_names(cells.columns), strict=True)))
    return KeptSamples("row", stored, words, source=source)


def _of_files(files: Sequence[str], run: Path) -> KeptSamples:
    whole = [os.path.abspath(os.path.expanduser(file)) for file in files]  # noqa: PTH100, PTH111
    top = _common_folder(whole)
    table = pl.DataFrame({"path": whole}, schema={"path": pl.String})
    images = KeptImages(table)
    sizes = images.sizes()
    is_small = sizes.clip(min=0).sum() <= _MOST_READ
    ids = [Path(file).relative_to(top or "").as_posix() for file in whole]
    return KeptSamples(
        "image",
        table,
        content_words(images) if is_small else size_words(sizes),
        pl.Series(ids) if len(set(ids)) == len(ids) else None,
        source={} if top is None else {"folders": _folders(top, run)},
    )


def _common_folder(files: Sequence[str]) -> str | None:
    """The folder that all files lie below; None where they are on several drives."""
    try:
        return os.path.commonpath([os.path.dirname(file) for file in files])  # noqa: PTH120
    except ValueError:
        return None


def _folders(folder: str, run: Path) -> dict[str, str]:
    """Where the files lie, from the root and from the run folder."""
    try:
        from_run = os.path.relpath(folder, run.resolve())
    except ValueError:
        # On another drive.
        from_run = folder
    return {"whole": folder, "from_run": from_run}


def _of_pictures(samples: Any, count: int, file: Path | None) -> KeptSamples:
    """Small pictures of samples, or those that the file of an earlier start has of as many."""
    table = None if file is None or not file.is_file() else _pictures_in(file)
    notice = None
    if table is None or len(table) != count:
        found = small_pictures(samples, count)
        if found.pictures is None:
            return _nothing(count, found.notice)
        notice = found.notice
        table = pl.DataFrame({"picture": found.pictures}, schema={"picture": pl.Binary})
    words = content_words(KeptImages(table))
    return KeptSamples("image", table, words, source={"is_drawn": True}, notice=notice)


def _pictures_in(file: Path) -> pl.DataFrame | None:
    try:
        return read_kept_contents(file, "image").select("picture")
    except (RunError, pl.exceptions.ColumnNotFoundError):
        return None
