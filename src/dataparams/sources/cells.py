"""The contents of a table's cells: encoded images, paths of image files, or lists of numbers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import EncodedImage, image_of_numbers
from dataparams.sources.arrow_types import arrow_array, is_list, is_text, numpy_array
from dataparams.sources.source import Contents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.contents.content import Content

_NO_IMAGE = UnreadableContentError("there is no image")


def cell_contents(cells: Any, folder: str) -> list[Content | UnreadableContentError]:
    """The contents of a few cells of a column of images.

    Args:
        cells: An Arrow array: of bytes, of structs with ``bytes`` and ``path``, of paths, or of
            lists of numbers.
        folder: What paths are relative to.

    Returns:
        The content of each, or why there is none.

    Example:
        >>> cell_contents(pa.array([b"...", None]), "")
        [EncodedImage(stored=b'...', file=None), UnreadableContentError('there is no image')]
    """
    kind = cells.type
    if pa.types.is_dictionary(kind):
        cells, kind = cells.dictionary_decode(), kind.value_type
    if pa.types.is_struct(kind):
        return _struct_contents(cells, folder)
    if is_list(kind):
        return [_pixels(cells[place]) for place in range(len(cells))]
    if pa.types.is_null(kind):
        return [_NO_IMAGE] * len(cells)
    if is_text(kind):
        return [_in_file(path, folder) for path in cells.to_pylist()]
    return [_NO_IMAGE if data is None else EncodedImage(data) for data in cells.to_pylist()]


def cell_sizes(cells: Any) -> NDArray[np.int64]:
    """Bytes of each cell of a column of images, (n,), -1 where there is only a path, or nothing.

    Args:
        cells: As in ``cell_contents``.
    """
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_struct(cells.type):
        cells = pc.struct_field(cells, "bytes")
    kind = cells.type
    if pa.types.is_null(kind) or is_text(kind):
        return np.full(len(cells), -1, dtype=np.int64)
    if is_list(kind):
        return _list_sizes(cells)
    if pa.types.is_binary_view(kind):
        cells = cells.cast(pa.large_binary())
    lengths = pc.fill_null(pc.binary_length(cells), -1)
    return np.asarray(numpy_array(lengths), dtype=np.int64)


class ImageContents(Contents):
    """Images in a column in memory, or files whose paths are in it.

    Args:
        cells: The column, an Arrow chunked array such as :func:`cell_contents` takes pieces of.
        folder: What paths are relative to.

    Example:
        >>> contents = ImageContents(pa.chunked_array([["a.png"]]), "pets")
        >>> contents.read([0])[0].file, contents.sizes().tolist()
        ('pets/a.png', [-1])
    """

    def __init__(self, cells: Any, folder: str) -> None:
        self._cells, self._folder = cells, folder

    def __len__(self) -> int:
        return len(self._cells)

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Look up some images; no file is opened."""
        if not len(rows):
            return []
        wanted = self._cells.take(arrow_array(np.asarray(rows, dtype=np.int64)))
        return [
            content for piece in wanted.chunks for content in cell_contents(piece, self._folder)
        ]

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each image, (n,); -1 where there is only a path, or nothing."""
        none = np.empty(0, dtype=np.int64)
        return np.concatenate([none, *map(cell_sizes, self._cells.chunks)])


def _struct_contents(cells: Any, folder: str) -> list[Content | UnreadableContentError]:
    fields = dict(zip((field.name for field in cells.type), cells.flatten(), strict=True))
    stored = fields["bytes"].to_pylist()
    if None not in stored or "path" not in fields:
        return [_NO_IMAGE if data is None else EncodedImage(data) for data in stored]
    return [
        _in_file(path, folder) if data is None else EncodedImage(data)
        for data, path in zip(stored, fields["path"].to_pylist(), strict=True)
    ]


def _in_file(path: str | None, folder: str) -> Content | UnreadableContentError:
    return EncodedImage(None, os.path.join(folder, path)) if path else _NO_IMAGE  # noqa: PTH118 - a Path per image costs more than this


# --- lists of numbers ----------------------------------------------------------------------------


def _pixels(cell: Any) -> Content | UnreadableContentError:
    if not cell.is_valid:
        return _NO_IMAGE
    try:
        return image_of_numbers(_to_array(cell.values))
    except UnreadableContentError as error:
        return error


def _to_array(values: Any) -> NDArray[Any]:
    """Make an array of lists in lists of numbers, all of a level as long as each other."""
    shape = [len(values)]
    while is_list(values.type):
        lengths = pc.unique(pc.list_value_length(values)).to_pylist()
        if len(lengths) != 1 or lengths[0] is None:
            raise UnreadableContentError("the lists of the image differ in length")
        shape.append(lengths[0])
        values = values.flatten()
    if values.null_count:
        raise UnreadableContentError("a number of the image is missing")
    numbers: NDArray[Any] = np.array(values.to_numpy(zero_copy_only=False)).reshape(shape)
    return numbers


def _list_sizes(cells: Any) -> NDArray[np.int64]:
    leaf = cells.type
    while is_list(leaf):
        leaf = leaf.value_type
    sizes = _count_numbers(cells) * (leaf.bit_width // 8)
    return np.where(numpy_array(cells.is_valid()), sizes, -1)


def _count_numbers(cells: Any) -> NDArray[np.int64]:
    """How many numbers there are in each cell, however deep."""
    counts = numpy_array(pc.fill_null(pc.list_value_length(cells), 0))
    values = cells.flatten()
    if not is_list(values.type):
        return np.asarray(counts, dtype=np.int64)
    inner = np.concatenate([[0], np.cumsum(_count_numbers(values))])
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return np.asarray(inner[bounds[1:]] - inner[bounds[:-1]], dtype=np.int64)
