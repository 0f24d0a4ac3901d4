"""Opening a source by what the user calls it: a known name, a path, or a name on the hub."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from dataparams.errors import ArgumentError, DataError
from dataparams.sources.builtin import BUILTIN_NAMES, builtin_name, open_builtin
from dataparams.sources.cache import open_cache
from dataparams.sources.columns import WantedColumns
from dataparams.sources.folder import FileContents, open_folder, require_images
from dataparams.sources.hub.names import hub_repository, is_hub_name
from dataparams.sources.hub.opening import open_hub, open_hub_contents
from dataparams.sources.hub.refusals import NotOnHubError
from dataparams.sources.saved_dataset import (
    is_saved_dataset,
    open_saved_contents,
    open_saved_dataset,
)
from dataparams.sources.source import SelectedContents
from dataparams.sources.table_files import has_tables
from dataparams.sources.table_kinds import require_table_file
from dataparams.sources.tables import open_table_contents, open_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataparams.sources.cache import ImageCache
    from dataparams.sources.hub.download import FetchProgress
    from dataparams.sources.source import Contents, Source

    ContentsOf: TypeAlias = Callable[[Sequence[str]], Contents]
    """What gives the contents of samples by their ids; row i is that of the i-th."""

_Opened = TypeVar("_Opened")


def open_source(
    name: str,
    *,
    data_dir: Path = Path("data"),
    image_column: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    row_columns: Sequence[str] = (),
    is_streamed: bool = False,
    all_splits: bool = False,
    on_fetch: FetchProgress | None = None,
) -> Source:
    """Open a source of labeled samples, reading none of their contents.

    Args:
        name: What to open, the first of these that fits: the name of a built-in data set
            (``digits``, ``cifar10``, ``cifar100``, ``mnist``, ``fashion-mnist``; case, hyphens and
            underscores do not matter); the path of an image folder (``<class>/<image>``, perhaps
            below ``train/`` and ``val/``), of a table (Parquet, CSV, JSON lines, a
            spreadsheet), of a folder of tables, or of what the library ``datasets`` saved to disk;
            the name of a data set on the Hugging Face hub
            (``imagenet-1k`` for short). A path that is named like a built-in data set is written
            with a separator: ``./digits``.
        data_dir: Where built-in data sets are kept and downloaded to.
        image_column: Which column of a table has the images; None to find it.
        text_column: Likewise the texts; of several columns, with commas between their names, which
            are joined.
        label_column: Likewise the labels.
        row_columns: Which columns of a table belong to a row, where a sample is a row; ``*`` for
            all but the labels. Nothing chooses, and leaves out what gives the label away.
        is_streamed: Whether contents are to be read one by one in any order, again and again:
            tables are then copied to where that is quick.
        all_splits: Whether all splits are wanted that have labels, ``test`` beside ``val``, too;
            and those that a column of a table tells of. Otherwise there is one to
            train on and one to validate on.
        on_fetch: Called while a data set of the hub is downloaded and prepared, with what is being
            done, the number of bytes done and of all bytes; not always in the calling thread.

    Raises:
        DataError: If nothing of that name is found, or what is found cannot be read.
        ArgumentError: If a column is named where there are none.

    Example:
        >>> source = open_source("digits")
        >>> source.kind, len(source), source.read([0])[0].array.shape
        ('built-in data set', 1797, (8, 8))
    """
    wanted = WantedColumns(image_column, text_column, label_column, tuple(row_columns))
    builtin = builtin_name(name)
    if builtin is not None:
        _require_no_columns(name, "is built in", wanted)
        return open_builtin(builtin, data_dir=data_dir)
    path = local_path(name)
    if path is None:
        return _from_hub(
            name, lambda: open_hub(name, wanted, all_splits=all_splits, on_fetch=on_fetch)
        )
    if is_saved_dataset(path):
        return open_saved_dataset(path, wanted)
    if is_table(path):
        return open_tables(path, wanted, mapped=is_streamed, all_splits=all_splits)
    _require_no_columns(name, "is an image folder", wanted)
    return open_folder(path, all_splits=all_splits)


def open_contents(
    name: str,
    *,
    data_dir: Path = Path("data"),
    image_column: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    row_columns: Sequence[str] = (),
    cache: Path | None = None,
    all_splits: bool = False,
) -> ContentsOf:
    """Open the contents of samples by their ids, listing as little as possible.

    Args:
        name: As of :func:`open_source`.
        data_dir: Where built-in data sets are kept and downloaded to.
        image_column: Which column of a table has the images; None to find it.
        text_column: Likewise the texts.
        label_column: Which column has the labels; looked at where it is not said what a sample is.
        row_columns: Which columns of a table belong to a row, as a source of rows says.
        cache: A file of ``write_cache`` to read from where the source is not a local path that is
            still there.
        all_splits: As of :func:`open_source`.

    Returns:
        What gives the contents of ids; one whose id the source has not is known to be missing.

    Raises:
        DataError: If nothing of that name is found, or what is found cannot be read.

    Example:
        >>> contents = open_contents("digits")(["digits/7", "digits/5000"])
        >>> image, missing = contents.read([0, 1])
        >>> image.pixels(640).shape, str(missing)
        ((8, 8, 3), 'the source has no row of this id')
    """
    wanted = WantedColumns(image_column, text_column, label_column, tuple(row_columns))
    contents_of = _contents_of(name, data_dir, wanted, cache, all_splits=all_splits)
    # What is no text, as it may come from a stranger's file, is the id of nothing.
    return lambda ids: contents_of([sample if _is_text(sample) else "" for sample in ids])


def _contents_of(
    name: str,
    data_dir: Path,
    wanted: WantedColumns,
    cache: Path | None,
    *,
    all_splits: bool,
) -> ContentsOf:
    builtin = builtin_name(name)
    path = local_path(name)
    if builtin is not None:
        return _of_listed(open_builtin(builtin, data_dir=data_dir))
    if path is None and cache is not None:
        return _of_listed(open_cache(cache).source)
    if path is None:
        return _from_hub(name, lambda: open_hub_contents(name, wanted, all_splits=all_splits))
    if is_saved_dataset(path):
        return open_saved_contents(path, wanted)
    if is_table(path):
        return open_table_contents(path, wanted, all_splits=all_splits)
    require_images(path)
    return lambda ids: FileContents(path, ids)


def _is_text(sample: str) -> bool:
    return sample.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in sample)


def _of_listed(source: Source) -> ContentsOf:
    return lambda ids: SelectedContents(source.contents, source.ids.find(ids))


def is_without_labels(name: str) -> bool:
    """Whether a source's labels can be derived from its ids or are built in.

    Args:
        name: As of :func:`open_source`.
    """
    path = local_path(name)
    return builtin_name(name) is not None or (path is not None and not is_table(path))


def open_cached(
    cache: Path,
    name: str,
    *,
    image_column: str | None = None,
    label_column: str | None = None,
) -> ImageCache:
    """Open a cache in place of the source that it was made from.

    A name on the hub stands for its contents: looking at them would download them.

    Args:
        cache: A file of ``write_cache``.
        name: What the source is called now.
        image_column: As of :func:`open_source`.
        label_column: As of :func:`open_source`.

    Raises:
        DataError: If the cache is damaged, was made from another source, or from the same before
            it changed.
    """
    prepared = open_cache(cache)
    if local_path(name) is None:
        if not _is_named(prepared, name):
            raise DataError(
                f"The cache {cache} was made from {prepared.source_name}, not from {name}. Name "
                f"{prepared.source_name} as the data set, or make a cache of {name}: dataparams "
                f"cache {name} --out FILE."
            )
        return prepared
    source = open_source(
        name, image_column=image_column, label_column=label_column, is_streamed=True
    )
    if source.fingerprint() != prepared.source_fingerprint:
        raise DataError(
            f"The cache {cache} is not of {name} as it is now: it was made from "
            f"{prepared.source_name}, and names, labels or sizes of the images differ. Make it "
            f"again: dataparams cache {name} --out FILE."
        )
    return prepared


def local_path(name: str) -> Path | None:
    """The file or folder that a data set's name means, or None where there is none."""
    path = Path(name).expanduser()
    return path if name and path.exists() else None


def is_table(path: Path) -> bool:
    """Tell a table from an image folder.

    Args:
        path: A file or folder that exists.

    Returns:
        Whether it is a file of a table or a folder of such; otherwise it is a folder of images.

    Raises:
        DataError: If it is a file of another kind.
    """
    if path.is_dir():
        return is_saved_dataset(path) or has_tables(path)
    require_table_file(path)
    return True


def whole_name(name: str) -> str:
    """A name that means the same data source from any folder.

    Args:
        name: A built-in data set, a path, or a name on the hub.
    """
    if builtin_name(name) is not None:
        return name
    path = local_path(name)
    return hub_repository(name) if path is None else str(path.resolve())


def _from_hub(name: str, open_named: Callable[[], _Opened]) -> _Opened:
    """Open on the hub what is neither built in nor a path, or say all that was tried."""
    nearest = difflib.get_close_matches(name.lower(), BUILTIN_NAMES, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    sought = (
        f"There is no data set {name!r}.{hint} It is none of the built-in ones "
        f"({', '.join(BUILTIN_NAMES)}), and there is no such file or folder"
    )
    if not is_hub_name(name):
        raise DataError(f"{sought}; nor can it be a name on the Hugging Face hub (owner/name).")
    try:
        return open_named()
    except NotOnHubError as error:
        raise DataError(f"{sought}. {error}") from error


def _require_no_columns(name: str, what: str, wanted: WantedColumns) -> None:
    for argument, given in wanted.arguments().items():
        raise ArgumentError(
            f"`{argument}` is {given!r}, but {name} {what} and has no columns; leave it out."
        )


def _is_named(prepared: ImageCache, name: str) -> bool:
    """Whether a cache was made from what has this name, though it may no longer be there."""
    return prepared.source_name in (hub_repository(name), str(Path(name).expanduser().resolve()))
