"""FiftyOne's own format on disk, ``FiftyOneDataset``, with the map of trajectories as brain run.

See https://docs.voxel51.com/user_guide/dataset_creation/datasets.html#fiftyonedataset. FiftyOne
needs not be installed; in it, ``fo.Dataset.from_dir(DIR, dataset_type=fo.types.FiftyOneDataset)``
opens the export. Documents are those of its version 1.0, which later ones migrate by themselves.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.errors import RunError
from dataparams.export.tables import json_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.export.samples import LabeledSamples
    from dataparams.export.writing import Export

_VERSION = "1.0.0"
# FiftyOne wants to know when; what is exported twice has to be the same.
_TIME = {"$date": "2000-01-01T00:00:00Z"}
_LARGEST_MAP = 20_000
_BRAIN_KEY = "tsne"
_FIELDS = "fiftyone.core.fields."
_LABELS = {
    "label": "ground_truth",
    "given_label": "given_label",
    "suggested_label": "suggested",
}
_CONFIDENCE = {"suggested_label": "suggested_confidence"}
_OWN_NAMES = {"id": "sample_id", "index": "sample_index"}


def write_fiftyone(export: Export) -> None:
    """Write ``metadata.json``, ``samples.json``, ``data/`` and, for a run, ``brain/tsne.json``.

    Labels are ``Classification`` fields: ``ground_truth`` (the exported label), ``suggested`` with
    its confidence (none where that is the given label), and where there is one ``given_label``; the
    other columns are plain fields.

    Args:
        export: What and where to.

    Raises:
        RunError: If another file lies where one is to be written.
    """
    samples = export.samples
    dataset_id = _identity("dataset", samples.name)
    temporary = export.destination.temporary()
    exported: list[int] = []
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write('{"samples": [')
        separator = "\n"
        for piece in export.written_images("data/"):
            rows = [image.row for image, _ in piece]
            exported += rows
            for (_, path), line in zip(
                piece, json_lines(samples.named(rows)).splitlines(), strict=True
            ):
                document = _sample(json.loads(line), path, dataset_id)
                stream.write(f"{separator}{json.dumps(document, ensure_ascii=False)}")
                separator = ",\n"
        stream.write("]}\n")
    brain = _map(export, exported)
    export.destination.place(temporary, "samples.json")
    if brain is not None:
        _put_json(export, f"brain/{_BRAIN_KEY}.json", brain)
    _put_json(export, "metadata.json", _dataset(samples, dataset_id, has_map=brain is not None))
    export.notices.append(
        "In FiftyOne: fo.Dataset.from_dir("
        f"{str(export.destination.folder)!r}, dataset_type=fo.types.FiftyOneDataset)"
    )


def _sample(known: dict[str, Any], path: str, dataset_id: dict[str, str]) -> dict[str, Any]:
    sample_id = known["id"]
    document: dict[str, Any] = {
        "_id": _identity("sample", sample_id),
        "filepath": path,
        "tags": [known.pop("split")] if "split" in known else [],
        "metadata": None,
        "_media_type": "image",
        "_rand": int(_digest("rand", sample_id)[:12], 16) / 16**12,
        "_dataset_id": dataset_id,
        "created_at": _TIME,
        "last_modified_at": _TIME,
    }
    given = known.get("given_label", known.get("label"))
    for column, field in _LABELS.items():
        if column in known:
            confidence = known.pop(_CONFIDENCE.get(column, ""), None)
            label = known.pop(column)
            is_repeated = column == "suggested_label" and label == given
            shown = None if is_repeated else label
            document[field] = _classification(sample_id, field, shown, confidence)
    return document | {_OWN_NAMES.get(name, name): value for name, value in known.items()}


def _classification(
    sample_id: str, field: str, label: str | None, confidence: float | None
) -> dict[str, Any] | None:
    if label is None:
        return None
    named = {
        "_id": _identity(field, sample_id),
        "_cls": "Classification",
        "tags": [],
        "label": label,
    }
    return named if confidence is None else {**named, "confidence": confidence}


def _map(export: Export, rows: list[int]) -> dict[str, Any] | None:
    """The brain run's results: where the trajectories of samples lie on a map."""
    samples = export.samples
    if samples.run is None or not samples.run.epochs():
        return None
    from dataparams.analysis.trajectories import RunTrajectories
    from dataparams.figures import embed

    if len(rows) > _LARGEST_MAP:
        chosen = np.random.default_rng(0).choice(len(rows), _LARGEST_MAP, replace=False)
        rows = [rows[position] for position in sorted(chosen.tolist())]
        export.notices.append(f"The map shows {_LARGEST_MAP:,} samples, drawn at random.")
    table = samples.table[rows]
    try:
        trajectories = RunTrajectories(samples.run, table["index"].to_numpy())
    except RunError as error:
        export.notices.append(f"There is no map of trajectories: {error}")
        return None
    points: NDArray[np.float64] = embed(trajectories.of(np.arange(len(table))))
    return {
        "cls": "fiftyone.brain.visualization.VisualizationResults",
        "points": np.round(points, 4).tolist(),
        "sample_ids": [_digest("sample", sample)[:24] for sample in table["id"]],
        "label_ids": None,
    }


def _dataset(
    samples: LabeledSamples, dataset_id: dict[str, str], *, has_map: bool
) -> dict[str, Any]:
    run: dict[str, Any] = {
        "key": _BRAIN_KEY,
        "version": _VERSION,
        "timestamp": _TIME,
        "config": {
            "cls": "fiftyone.brain.visualization.ManualVisualizationConfig",
            "type": "visualization",
            "method": "manual",
            "embeddings_field": None,
            "model": None,
            "patches_field": None,
            "num_dims": 2,
        },
        "view_stages": [],
        "results": None,
        "_id": _identity("run", samples.name),
        "_dataset_id": dataset_id,
    }
    return {
        "_id": dataset_id,
        "name": samples.name,
        "slug": "dataset",
        "version": _VERSION,
        "created_at": _TIME,
        "last_modified_at": _TIME,
        "last_loaded_at": _TIME,
        "sample_collection_name": f"samples.{dataset_id['$oid']}",
        "persistent": False,
        "media_type": "image",
        "group_media_types": {},
        "tags": [],
        "info": {},
        "app_config": {},
        "classes": {},
        "default_classes": list(samples.class_names),
        "mask_targets": {},
        "default_mask_targets": {},
        "skeletons": {},
        "sample_fields": _fields(samples.table),
        "frame_fields": [],
        "saved_views": [],
        "workspaces": [],
        "annotation_runs": {},
        "brain_methods": {_BRAIN_KEY: run} if has_map else {},
        "evaluations": {},
        "runs": {},
    }


def _fields(table: pl.DataFrame) -> list[dict[str, Any]]:
    fields = [
        _field("id", "ObjectIdField", stored_as="_id"),
        _field("filepath", "StringField"),
        _field("tags", "ListField", of=f"{_FIELDS}StringField"),
        _field("metadata", "EmbeddedDocumentField", document="fiftyone.core.metadata.ImageMetadata")
        | {
            "fields": [
                _field("size_bytes", "IntField"),
                _field("mime_type", "StringField"),
                _field("width", "IntField"),
                _field("height", "IntField"),
                _field("num_channels", "IntField"),
            ]
        },
        _field("_media_type", "StringField"),
        _field("_rand", "FloatField"),
        _field("_dataset_id", "ObjectIdField"),
        _field("created_at", "DateTimeField"),
        _field("last_modified_at", "DateTimeField"),
    ]
    for column, kind in table.schema.items():
        if column in _LABELS:
            fields.append(_label_field(_LABELS[column]))
        elif column not in (*_CONFIDENCE.values(), "split"):
            fields.append(_field(_OWN_NAMES.get(column, column), _kind(kind)))
    return fields


def _label_field(name: str) -> dict[str, Any]:
    document = "fiftyone.core.labels.Classification"
    return _field(name, "EmbeddedDocumentField", document=document) | {
        "fields": [
            _field("id", "ObjectIdField", stored_as="_id"),
            _field("tags", "ListField", of=f"{_FIELDS}StringField"),
            _field("label", "StringField"),
            _field("confidence", "FloatField"),
            _field("logits", "VectorField"),
        ]
    }


def _field(
    name: str,
    kind: str,
    *,
    stored_as: str | None = None,
    of: str | None = None,
    document: str | None = None,
) -> dict[str, Any]:
    return {
        "name": name,
        "ftype": _FIELDS + kind,
        "embedded_doc_type": document,
        "subfield": of,
        "fields": [],
        "db_field": stored_as or name,
        "description": None,
        "info": None,
        "read_only": kind == "DateTimeField",
        "created_at": _TIME,
    }


def _kind(kind: pl.DataType) -> str:
    if kind.is_integer():
        return "IntField"
    if kind.is_float():
        return "FloatField"
    return "BooleanField" if kind == pl.Boolean else "StringField"


def _identity(*words: str) -> dict[str, str]:
    """An identity of MongoDB's, made from what it stands for."""
    return {"$oid": _digest(*words)[:24]}


def _digest(*words: str) -> str:
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def _put_json(export: Export, name: str, value: object) -> None:
    export.destination.put(name, f"{json.dumps(value, ensure_ascii=False)}\n".encode())
