"""Choosing the column of a table that holds the images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataparams.errors import DataError
from dataparams.sources.arrow_types import describe_type, holds_pictures, is_list, is_text
from dataparams.sources.folder import is_image_file
from dataparams.sources.table_columns import (
    first_named,
    list_names,
    plain_name,
    question,
    require_column,
    require_once,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from dataparams.sources.table_columns import TableColumns

IMAGE_NAMES = (
    "image", "img", "images", "picture", "photo", "jpg", "jpeg", "png", "bytes", "content",
    "pixels", "pixel_values",
)  # fmt: skip
PATH_NAMES = ("image_path", "file_name", "filename", "file", "path", "filepath", "file_path")
_PLAIN_IMAGES = tuple(map(plain_name, IMAGE_NAMES))
_PLAIN_PATHS = tuple(map(plain_name, PATH_NAMES))
_LOOKED_AT = 1000


def find_image_column(table: TableColumns, given: str | None) -> tuple[str | None, list[str]]:
    """Find the column of the images.

    Args:
        table: The columns.
        given: The one that the user names; None to find it.

    Returns:
        The column, None where there is none; and sentences on what might have been meant instead.

    Raises:
        DataError: If several could be it, or the one that was named cannot be.
    """
    kinds: dict[str, Any] = dict(zip(table.schema.names, table.schema.types, strict=True))
    if given is not None:
        return _require_images(table, given), []
    pictures = [name for name, kind in kinds.items() if holds_pictures(kind)]
    lists = [name for name, kind in kinds.items() if is_list(kind)]
    texts = [name for name, kind in kinds.items() if is_text(kind)]
    chosen = first_named([*pictures, *lists, *_paths(table, texts, _PLAIN_IMAGES)], _PLAIN_IMAGES)
    if chosen is None and len(pictures) == 1:
        chosen = pictures[0]
    if chosen is None:
        chosen = first_named(pictures or _paths(table, texts, _PLAIN_PATHS), _PLAIN_PATHS)
    if chosen is None and not pictures:
        paths = _paths(table, texts)
        chosen = paths[0] if len(paths) == 1 else None
    if chosen is None and pictures:
        raise DataError(question("images", "image_column", pictures, table, set(pictures)))
    if chosen is None:
        return None, []
    others = [name for name in pictures if name != chosen]
    note = (
        f"The images are those of the column {chosen!r}; {list_names(others)} can be taken "
        "instead by `image_column`."
    )
    return require_once(table, chosen), [note] if others else []


def _require_images(table: TableColumns, given: str) -> str:
    kind = table.type_of(require_column(table, given, "image_column"))
    if not (holds_pictures(kind) or is_text(kind) or is_list(kind)):
        raise DataError(
            f"`image_column` is {given!r}, which holds {describe_type(kind)}; expected "
            "encoded images, paths of image files, or lists of numbers."
        )
    return given


def _paths(
    table: TableColumns, texts: Sequence[str], names: Collection[str] | None = None
) -> list[str]:
    """The columns of text that hold paths of images; of some plain names, where these are given."""
    return [
        name
        for name in texts
        if (names is None or plain_name(name) in names) and _holds_paths(table, name)
    ]


def _holds_paths(table: TableColumns, name: str) -> bool:
    """Whether a column of text names image files and nothing else, as far as was looked."""
    if not table.is_once(name):
        return False
    some = table.read(name)[:_LOOKED_AT].drop_null().to_pylist()
    return bool(some) and all(map(is_image_file, some))
