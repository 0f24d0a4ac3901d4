"""What a run folder holds of labels that were judged by arrays, made in memory."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.analysis.held_out_arrays import HeldOutTables
from dataparams.issues.noticed import noticed
from dataparams.run.versions import installed_versions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dataparams.issues.given_arrays import GivenArrays
    from dataparams.issues.given_labels import GivenLabels
    from dataparams.issues.judging import Evidence

NOT_JUDGED = "there is no prediction and no feature of it"
"""Why a sample is not judged of which all that was given is NaN."""
NAME = "arrays"


def tables_of(
    given: GivenArrays,
    labels: GivenLabels,
    evidence: Evidence,
    ids: pl.Series,
    *,
    seed: int,
    name: str = NAME,
) -> HeldOutTables:
    """Put together what a run folder would hold.

    Args:
        given: What was given of n samples.
        labels: Their labels.
        evidence: What was made of them.
        ids: Names of the samples, (n,).
        seed: What it was made by.
        name: What the data are called.
    """
    rows = pl.Series(evidence.rows)
    own = ids.gather(rows)
    samples = pl.DataFrame({"index": rows, "id": own, "label": labels.numbers[evidence.rows]})
    description = _description(given, labels, evidence, ids, seed, name)
    held_out = evidence.held_out.insert_column(1, own.alias("id"))
    return HeldOutTables(
        description,
        samples,
        held_out,
        evidence.planted.table(evidence.rows),
        evidence.records,
    )


def _description(
    given: GivenArrays,
    labels: GivenLabels,
    evidence: Evidence,
    ids: pl.Series,
    seed: int,
    name: str,
) -> dict[str, Any]:
    key = _fingerprint(labels, ids)
    return {
        "status": "finished",
        "epoch": len(evidence.records),
        "dataset": name,
        "source": {"name": None, "loader": "memory", "content": None, "label_column": None},
        "fingerprint": key,
        "class_names": list(labels.class_names),
        "counts": {
            "instances": len(labels.numbers),
            "trained_on": len(evidence.rows),
            "validation": 0,
            "unreadable": len(labels.numbers) - len(evidence.rows),
            "corrupted": None,
        },
        "seed": seed,
        "versions": installed_versions(),
        "noticed": list(noticed(given, labels)),
        "audit": {
            "key": None,
            "data": key,
            "encoder": {"name": "your own", "is_kept": True} if given.features is not None else {},
            "width": None if given.features is None else int(given.features.shape[1]),
            "given": {
                "features": given.features is not None,
                "probabilities": given.probabilities is not None,
                "epochs": 0 if given.logits is None else len(given.logits),
            },
            "day": datetime.now(timezone.utc).date().isoformat(),
            "settings": None if evidence.settings is None else asdict(evidence.settings),
        },
        "config": {"dataset": name, "seed": seed},
    }


def _fingerprint(labels: GivenLabels, ids: pl.Series) -> str:
    """SHA-256 of classes, labels and ids."""
    digest = hashlib.sha256("\0".join(labels.class_names).encode())
    digest.update(_bytes(labels.numbers))
    digest.update(_bytes(ids.hash(seed=0).to_numpy()))
    return digest.hexdigest()


def _bytes(values: NDArray[np.generic]) -> bytes:
    return values.tobytes()
