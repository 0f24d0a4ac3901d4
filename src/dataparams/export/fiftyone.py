"""FiftyOne's format on disk, ``FiftyOneDataset``: a file of samples that its importer reads.

See https://docs.voxel51.com/user_guide/dataset_creation/datasets.html#fiftyonedataset. FiftyOne
need not be installed; in it, ``fo.Dataset.from_dir(DIR, dataset_type=fo.types.FiftyOneDataset)``
opens the export. The files name no version of its database: the importer makes identities and
types of fields itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.errors import RunError
from dataparams.export.tables import json_lines

if TYPE_CHECKING:
    from dataparams.export.writing import Export

_LARGEST_MAP = 20_000
_LABELS = {
    "label": "ground_truth",
    "given_label": "given_label",
    "suggested_label": "suggested",
}
_CONFIDENCE = {"suggested_label": "suggested_confidence"}
# FiftyOne has an ``id`` of its own.
_OWN_NAMES = {"id": "sample_id", "index": "sample_index"}


def write_fiftyone(export: Export) -> None:
    """Write ``metadata.json``, ``samples.json`` and ``data/``.

    Labels are ``Classification`` fields: ``ground_truth`` (the exported label), ``suggested`` with
    its confidence (none where that is the given label), and where there is one ``given_label``; the
    other columns are plain fields. For a run, ``tsne`` is where the sample's trajectory lies on a
    map.

    Args:
        export: What and where to.

    Raises:
        RunError: If another file lies where one is to be written.
    """
    samples, destination = export.samples, export.destination
    points = _map(export)
    temporary = destination.temporary()
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write('{"samples": [')
        separator = "\n"
        for piece in export.written_images("data/"):
            rows = [image.row for image, _ in piece]
            lines = json_lines(samples.named(rows)).splitlines()
            for row, (_, path), line in zip(rows, piece, lines, strict=True):
                sample = _sample(json.loads(line), path)
                if points:
                    sample["tsne"] = points.get(row)
                stream.write(f"{separator}{json.dumps(sample, ensure_ascii=False)}")
                separator = ",\n"
        stream.write("]}\n")
    destination.place(temporary, "samples.json")
    about = {"name": samples.name, "media_type": "image", "info": {"classes": samples.class_names}}
    destination.put("metadata.json", f"{json.dumps(about, ensure_ascii=False)}\n".encode())
    export.notices.append(
        f"In FiftyOne: dataset = fo.Dataset.from_dir({str(destination.folder)!r}, "
        "dataset_type=fo.types.FiftyOneDataset)"
    )
    if points:
        export.notices.append(
            'The map: view = dataset.exists("tsne"); fob.compute_visualization(view, '
            'points=np.array(view.values("tsne")), brain_key="tsne")'
        )


def _sample(known: dict[str, Any], path: str) -> dict[str, Any]:
    tags = [known.pop("split")] if "split" in known else []
    sample: dict[str, Any] = {"filepath": path, "tags": tags}
    given = known.get("given_label", known.get("label"))
    for column, field in _LABELS.items():
        if column in known:
            confidence = known.pop(_CONFIDENCE.get(column, ""), None)
            label = known.pop(column)
            is_repeated = column == "suggested_label" and label == given
            sample[field] = None if is_repeated else _classification(label, confidence)
    return sample | {_OWN_NAMES.get(name, name): value for name, value in known.items()}


def _classification(label: str | None, confidence: float | None) -> dict[str, Any] | None:
    if label is None:
        return None
    named = {"_cls": "Classification", "label": label}
    return named if confidence is None else {**named, "confidence": confidence}


def _map(export: Export) -> dict[int, list[float]]:
    """Where the trajectories of samples lie on a map, by the samples' rows; empty without one."""
    samples = export.samples
    if samples.run is None or not samples.run.epochs():
        return {}
    from dataparams.analysis.trajectories import RunTrajectories
    from dataparams.figures import embed

    rows = np.arange(len(samples))
    if len(rows) > _LARGEST_MAP:
        rows = np.sort(np.random.default_rng(0).choice(len(rows), _LARGEST_MAP, replace=False))
        export.notices.append(f"The map shows {_LARGEST_MAP:,} samples, drawn at random.")
    try:
        trajectories = RunTrajectories(samples.run, samples.table["index"].to_numpy()[rows])
    except RunError as error:
        export.notices.append(f"There is no map of trajectories: {error}")
        return {}
    points = np.round(embed(trajectories.of(np.arange(len(rows)))), 4)
    return dict(zip(rows.tolist(), points.tolist(), strict=True))
