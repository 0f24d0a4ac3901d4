"""A folder for ``datasets.load_from_disk``, as ``Dataset.save_to_disk`` lays it out.

See https://huggingface.co/docs/datasets/process#save: an Arrow stream, ``dataset_info.json`` and
``state.json``; and a folder per split beside ``dataset_dict.json`` where there are two.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from dataparams.export.arrow import arrow_schema, arrow_tables, declared_features

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

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

    schema = arrow_schema(export.samples)
    writers: dict[str, tuple[Path, pa.RecordBatchStreamWriter]] = {}
    try:
        for split, table in arrow_tables(export, schema):
            if split not in writers:
                temporary = export.destination.temporary()
                writers[split] = temporary, pa.ipc.new_stream(temporary, schema)
            writers[split][1].write_table(table)
    finally:
        for _, writer in writers.values():
            writer.close()
    is_one = len(writers) == 1
    for split, (temporary, _) in writers.items():
        below = "" if is_one else f"{split}/"
        _describe(export.destination, export.samples, below, split, _digest(temporary))
        export.destination.place(temporary, f"{below}{_DATA}")
    if not is_one:
        _put_json(export.destination, "dataset_dict.json", {"splits": list(writers)})


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
