"""A folder for ``datasets.load_from_disk``, as ``Dataset.save_to_disk`` lays it out.

See https://huggingface.co/docs/datasets/process#save: an Arrow stream, ``dataset_info.json`` and
``state.json``; and a folder per split beside ``dataset_dict.json`` where there are two.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from dataparams.export.arrow import write_splits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dataparams.export.destination import Destination
    from dataparams.export.writing import Export

_DATA = "data-00000-of-00001.arrow"
_PIECE = 1 << 20


def write_hf_dataset(export: Export) -> None:
    """Write a data set that ``load_from_disk`` opens, with labels as ClassLabel.

    Images are as they are stored; texts are in a column ``text``, rows in columns of their own.

    Args:
        export: What and where to.

    Raises:
        RunError: If another file lies where one is to be written.
    """
    import pyarrow as pa

    written = write_splits(export, pa.ipc.new_stream)
    if not written.files:
        return
    is_one = len(written.files) == 1
    for split, file in written.files.items():
        below = "" if is_one else f"{split}/"
        _describe(export.destination, written.features, below, split, _digest(file))
        export.destination.place(file, f"{below}{_DATA}")
    if not is_one:
        _put_json(export.destination, "dataset_dict.json", {"splits": list(written.files)})


def _describe(
    destination: Destination, features: Mapping[str, Any], below: str, split: str, fingerprint: str
) -> None:
    """Write what ``load_from_disk`` reads beside the data."""
    info = {"citation": "", "description": "", "features": features}
    state: dict[str, object] = {
        "_data_files": [{"filename": _DATA}],
        "_fingerprint": fingerprint,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": split,
    }
    _put_json(destination, f"{below}dataset_info.json", info)
    _put_json(destination, f"{below}state.json", state)


def _put_json(destination: Destination, name: str, value: object) -> None:
    destination.put(name, f"{json.dumps(value, indent=2)}\n".encode())


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()[:16]
