"""What ``dataparams apply`` makes of discarded samples in the data: a folder, or a column.

A source leaves both out: what was discarded is no sample, and its folder is no class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.sources.table_files import TableFile

DISCARDED = "discarded_by_dataparams"
"""The name of the folder that discarded files lie in, and of the column that marks rows."""
WHY = "discarded by dataparams apply"
"""The reason for which they are left out."""


def discarded_folder(place: Path) -> Path:
    """Where discarded files of a folder of data lie: beside it, in a folder of its name.

    Args:
        place: The folder of the data.

    Example:
        >>> from pathlib import Path
        >>> discarded_folder(Path("/data/photos")).as_posix()
        '/data/discarded_by_dataparams/photos'
    """
    return place.parent / DISCARDED / place.name


def is_marked(files: Sequence[TableFile]) -> NDArray[np.bool_] | None:
    """Which rows of some files of a table are marked as discarded, (n,); None where none is.

    Args:
        files: The files, one after the other; those without such a column mark no row.
    """
    if not any(DISCARDED in file.schema.names for file in files):
        return None
    marks = [_marks_in(file) for file in files]
    return np.concatenate(marks) if any(some.any() for some in marks) else None


def _marks_in(file: TableFile) -> NDArray[np.bool_]:
    if DISCARDED not in file.schema.names:
        return np.zeros(file.num_rows, dtype=bool)
    # A plain installation has no Arrow, and knows the names above.
    import pyarrow as pa

    from dataparams.sources.arrow_types import plain_values

    column: Any = plain_values(file.read([DISCARDED]).column(0))
    if pa.types.is_boolean(column.type):
        return np.array([value is True for value in column.to_pylist()], dtype=bool)
    words = (str(value).strip().lower() for value in column.to_pylist())
    return np.array([word in ("true", "1") for word in words], dtype=bool)
