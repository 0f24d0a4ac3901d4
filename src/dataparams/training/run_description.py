"""What ``run.json`` says of a training when it begins."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataparams.run.versions import installed_versions
from dataparams.sources.opening import whole_name
from dataparams.training.cleaned import digest_of_cleaned

if TYPE_CHECKING:
    from dataparams.sources.understanding import Understanding
    from dataparams.training.preparation import TrainingData
    from dataparams.training.source_settings import SourceSettings
    from dataparams.training.starting_weights import StartingWeights


def run_description(
    settings: dict[str, Any],
    data: TrainingData,
    start: StartingWeights | None = None,
) -> dict[str, Any]:
    """Describe a run.

    Args:
        settings: All settings of the run, as JSON has them, ``seed`` among them.
        data: What is trained on.
        start: The weights that training starts from, where others have trained them.
    """
    return {
        "status": "running",
        "epoch": 0,
        "dataset": data.dataset.name,
        "source": _source(data.source, data.understanding) | {"identity": data.identity},
        "image_shape": list(data.train.image_shape),
        "fingerprint": data.dataset.fingerprint,
        "validation_fingerprint": _validation_fingerprint(data),
        "cleaned": None if data.cleaned is None else digest_of_cleaned(data.cleaned),
        "class_names": list(data.dataset.class_names),
        "counts": {
            "instances": data.dataset.train.num_instances,
            "trained_on": len(data.train),
            "validation": len(data.dataset.val),
            "unreadable": len(data.unreadable),
            "corrupted": int(data.truth.is_corrupted.sum()) if data.truth else None,
        },
        "seed": settings["seed"],
        "versions": installed_versions(),
        "config": settings,
        "pretrained": None if start is None else start.as_json(),
    }


def _source(source: SourceSettings, understanding: Understanding | None) -> dict[str, Any]:
    """Where the data came from, so that it is found again from any working folder."""
    cache = source.cache
    known = {
        "name": whole_name(source.location),
        "loader": source.loader,
        "cache": None if cache is None else str(Path(cache).expanduser().resolve()),
        "data_dir": str(Path(source.data_dir).resolve()),
        "val_frac": source.val_frac,
        "seed": source.seed,
        "image_size": source.image_size,
        "image_column": source.image_column,
        "label_column": source.label_column,
        "all_splits": source.all_splits,
    }
    if understanding is None:
        return known
    columns = {f"{purpose}_column": name for purpose, name in understanding.columns.items()}
    return known | columns | {"understood": understanding.as_json()}


def _validation_fingerprint(data: TrainingData) -> str:
    """What tells the validation samples and their labels from others, whatever their size."""
    val = data.dataset.val
    return hashlib.sha256(json.dumps([list(val.ids), val.labels.tolist()]).encode()).hexdigest()
