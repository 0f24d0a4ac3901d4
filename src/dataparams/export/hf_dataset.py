"""A folder for ``datasets.load_from_disk``, as ``Dataset.save_to_disk`` lays it out.

See https://huggingface.co/docs/datasets/process#save: an Arrow stream, ``dataset_info.json`` and
``state.json``; and a folder per split beside ``dataset_dict.json`` where there are two.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from dataparams.export.arrow import declared_features, write_splits

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.export.destination import Destination
    from dataparams.export.samples import LabeledSamples
    from dataparams.export.writing import Export

_DATA = "data-00000-of-00001.arrow"
_PIECE = 1 << 20


def write_hf_dataset(export: Export) -> None:
    """Write a data set that ``load_from_disk`` opens: images as they are, labels as ClassLabel.

    Args:
        export: What and where to.

    Raises:
        RunError: If another file lies where one is to be written.
    """
    import pyarrow as pa

    files = write_splits(export, pa.ipc.new_stream)
    is_one = len(files) == 1
    for split, file in files.items():
        below = "" if is_one else f"{split}/"
        _describe(export.destination, export.samples, below, split, _digest(file))
        export.destination.place(file, f"{below}{_DATA}")
    if not is_one:
        _put_json(export.destination, "dataset_dict.json", {"splits": list(files)})


def _describe(
    destination: Destination, samples: LabeledSamples, below: str, split: str, fingerprint: str
) -> None:
    """Write what ``load_from_disk`` reads beside the data."""
    info = {"citation": "", "description": "", "features": declared_features(samples)}
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
