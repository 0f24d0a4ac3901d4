"""``contents.parquet``: what is shown of the samples of a run that has no source outside.

A column ``id``, and of texts ``text``; of rows their columns, in the order of
``source.row_columns`` in ``run.json``; of images ``path``, the whole path of a file, or
``picture``, a small one encoded.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.contents.content import UnreadableContentError
from dataparams.errors import ArgumentError, DataError, RunError
from dataparams.run.table_checks import require_columns
from dataparams.sources.source import Contents, SelectedContents
from dataparams.sources.table_contents import RowContents, TextContents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dataparams.contents.content import Content, ContentKind

CONTENTS = "contents.parquet"
"""The file's name in a run folder, and of the source in ``run.json``."""
_NO_PICTURE = UnreadableContentError("no picture of it was kept")


class NothingKept(Contents):
    """Samples of which a run keeps nothing to show.

    Args:
        count: How many, n.

    Example:
        >>> [str(reason) for reason in NothingKept(1).read([0])]
        ['the run keeps nothing of it to show']
    """

    kind: ContentKind | None = None

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Why there is none, as often as was asked."""
        return [UnreadableContentError("the run keeps nothing of it to show")] * len(rows)

    def sizes(self) -> NDArray[np.int64]:
        """-1 for each, (n,)."""
        return np.full(self._count, -1, dtype=np.int64)


class KeptImages(Contents):
    """Images in files of their own, or small ones in a column.

    Args:
        table: The columns ``path``, ``picture`` or both, n rows.
        folders: What the beginning of a path is replaced by, and by what; or None.
    """

    def __init__(self, table: pl.DataFrame, folders: tuple[str, str] | None = None) -> None:
        empty = pl.Series([None] * len(table), dtype=pl.String)
        self._paths = table["path"] if "path" in table.columns else empty
        self._pictures = table["picture"] if "picture" in table.columns else empty
        self._folders = folders

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Look up some images; no file is opened."""
        places = list(rows)
        found = zip(self._paths.gather(places), self._pictures.gather(places), strict=True)
        return [self._content(path, picture) for path, picture in found]

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each, (n,); -1 where there is none."""
        sizes = self._pictures.cast(pl.Binary).bin.size().fill_null(-1).to_list()
        for row, path in enumerate(self._paths):
            if path is not None:
                sizes[row] = _size(self._moved(path))
        return np.array(sizes, dtype=np.int64)

    def _content(self, path: str | None, picture: bytes | None) -> Content | UnreadableContentError:
        from dataparams.contents.images import EncodedImage

        if picture is not None:
            return EncodedImage(picture)
        if path is None:
            return _NO_PICTURE
        file = self._moved(path)
        try:
            # A named pipe would be waited for.
            is_file = stat.S_ISREG(os.stat(file).st_mode)  # noqa: PTH116 - a Path each is slow
        except FileNotFoundError:
            return UnreadableContentError("the file is missing")
        except (OSError, ValueError):
            is_file = True
        return EncodedImage(None, file) if is_file else UnreadableContentError("it is not a file")

    def _moved(self, path: str) -> str:
        if self._folders is None:
            return path
        before, now = self._folders
        return os.path.join(now, path.removeprefix(before).lstrip(os.sep))  # noqa: PTH118 - as above


def open_kept_contents(
    folder: Path, source: dict[str, Any], data: str | None = None
) -> Callable[[Sequence[str]], Contents]:
    """Open what a run keeps of its samples.

    Args:
        folder: The run folder, wherever it lies now.
        source: The entry ``source`` of its ``run.json``.
        data: Of image files, the folder that they lie in now; None for where they lay, from the
            root or, where they moved together with the run folder, from there.

    Returns:
        What gives the contents of samples by their ids.

    Raises:
        ArgumentError: If ``data`` is given and the contents lie in the run folder itself.
        DataError: If ``data`` is no folder.
        RunError: If the file is missing or damaged.
    """
    kind = source.get("content")
    folders = source.get("folders") or {}
    if data is not None and not folders:
        raise ArgumentError(
            f"`data` is {data}, but {folder} keeps itself what is shown of its samples; leave it "
            "out."
        )
    if kind is None:
        return lambda ids: NothingKept(len(ids))
    row_columns = source.get("row_columns")
    table = read_kept_contents(folder / CONTENTS, kind, row_columns)
    contents = _contents(table, kind, row_columns, _moved_folders(folder, folders, data))
    rows = _RowsOfIds(table["id"])
    return lambda ids: SelectedContents(contents, rows.of(ids))


def read_kept_contents(
    file: Path, kind: ContentKind, row_columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """A ``contents.parquet``: ``id``, and what there is of each sample, by the names of its kind.

    Raises:
        RunError: If it is missing or damaged.
    """
    if not file.is_file():
        raise RunError(
            f"{file} does not exist, which keeps what is shown of the samples. Restore it, or go "
            "on without: `pictures=False`."
        )
    try:
        table = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunError(f"{file} cannot be read; it is damaged ({error}).") from error
    require_columns(table, {"id": "text"}, file)
    of_kind = {"text": ["text"], "row": [], "image": ["path", "picture"]}
    dtypes = {"text": pl.String, "path": pl.String, "picture": pl.Binary}
    there = [name for name in of_kind.get(kind, []) if name in table.columns]
    is_damaged = any(table[name].dtype != dtypes[name] for name in there)
    if kind == "row":
        names = list(table.columns[1:] if row_columns is None else row_columns)
        is_damaged = table.columns[0] != "id" or len(names) != table.width - 1 or not names
        there = names
    if is_damaged or not there:
        raise RunError(f"{file} is damaged: its columns are not those of a kind {kind!r}.")
    return table


def row_names(columns: Sequence[str]) -> list[str]:
    """The names of a row's columns in the file, beside the column ``id``.

    Example:
        >>> row_names(["carat", "id"])
        ['carat', 'id of row']
    """
    other = "id of row"
    while other in columns:
        other += "_"
    return [other if name == "id" else name for name in columns]


def _contents(
    table: pl.DataFrame,
    kind: ContentKind,
    row_columns: Sequence[str] | None,
    folders: tuple[str, str] | None,
) -> Contents:
    if kind == "text":
        return TextContents(table["text"])
    if kind == "row":
        cells = table.drop("id")
        cells.columns = list(row_columns or cells.columns)
        return RowContents(cells)
    return KeptImages(table, folders)


def _moved_folders(run: Path, folders: dict[str, str], data: str | None) -> tuple[str, str] | None:
    """The folder that image files lay in, and where it is now; None where nothing moved."""
    if not folders:
        return None
    before, relative = folders["whole"], folders["from_run"]
    if data is not None:
        now = Path(data).expanduser()
        if not now.is_dir():
            raise DataError(f"`data` is {data}; expected the folder that the images lie in.")
        return before, str(now.resolve())
    if Path(before).is_dir():
        return None
    beside = (run.resolve() / relative).resolve()
    return (before, str(beside)) if beside.is_dir() else None


class _RowsOfIds:
    """The row of each id, without an object for each."""

    def __init__(self, ids: pl.Series) -> None:
        hashes = ids.hash(seed=0).to_numpy()
        self._order = np.argsort(hashes)
        self._hashes = hashes[self._order]
        self._ids = ids

    def of(self, ids: Sequence[str] | pl.Series) -> NDArray[np.int64]:
        """Rows, (n,); -1 where there is none of that id."""
        sought = ids if isinstance(ids, pl.Series) else pl.Series(list(ids), dtype=pl.String)
        places = np.searchsorted(self._hashes, sought.hash(seed=0).to_numpy())
        rows = self._order[np.minimum(places, len(self._order) - 1)]
        is_there = (self._ids.gather(rows) == sought).fill_null(value=False).to_numpy()
        return np.where(is_there, rows, -1).astype(np.int64)


def _size(file: str) -> int:
    try:
        return os.stat(file).st_size  # noqa: PTH116 - a Path for each is slow
    except (OSError, ValueError):
        return -1
