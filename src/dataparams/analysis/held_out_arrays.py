"""An analysis of held-out evidence in memory, without a run folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.analysis.analyze import assembled, noticed_in
from dataparams.analysis.audit_judgment import judge_held_out
from dataparams.analysis.feature_space import FeatureSpace
from dataparams.analysis.findings import findings_of
from dataparams.analysis.held_out_evidence import evidence_in
from dataparams.analysis.judged_by import judged_by
from dataparams.analysis.trajectories import (
    ArrayTrajectories,
    Trajectories,
    log_temperatures_from_margins,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis
    from dataparams.run.epoch_record import EpochRecord


@dataclass(frozen=True, eq=False)
class HeldOutTables:
    """What a run folder of held-out evidence would hold.

    Attributes:
        description: The contents of ``run.json``.
        samples: ``index``, ``id``, ``label`` of the samples that are judged.
        held_out: The contents of ``held_out.parquet``.
        planted: Those of ``planted.parquet``.
        records: Those of the epoch files.
    """

    description: dict[str, Any]
    samples: pl.DataFrame
    held_out: pl.DataFrame
    planted: pl.DataFrame
    records: Sequence[EpochRecord]


def analyze_held_out(
    tables: HeldOutTables, features: NDArray[np.floating] | None = None
) -> Analysis:
    """The analysis that :func:`dataparams.analysis.analyze` makes of a run folder of these tables.

    Args:
        tables: What it would hold.
        features: Of the samples, (n, d), which sub-groups are told apart by; trajectories do where
            there are none.
    """
    names = tuple(tables.description["class_names"])
    source = ArrayTrajectories(_trajectories(tables))
    found = evidence_in(
        tables.held_out, tables.planted, tables.samples, len(names), Path("held_out.parquet")
    )
    space = None if features is None else FeatureSpace(features)
    judgment = judge_held_out(
        tables.samples,
        names,
        source,
        found,
        describe=(lambda rows: source.of(rows).T) if space is None else space,
    )
    findings = findings_of(judgment.noise, None, noticed_in(tables.description))
    analysis = assembled(
        str(tables.description["dataset"]), judgment.frame, names, source, None, findings
    )
    return replace(
        analysis,
        has_temperatures=bool(len(tables.records[0].instance_log_temperature)),
        judged_by=judged_by(tables.description),
    )


def _trajectories(tables: HeldOutTables) -> Trajectories:
    index = tables.samples["index"].to_numpy()
    margin, loss, error_norm, rival, log_temperature = (
        np.stack([getattr(record, name).numpy() for record in tables.records])
        for name in ("margin", "loss", "error_norm", "rival", "instance_log_temperature")
    )
    margin, loss = margin[:, index], loss[:, index]
    if log_temperature.shape[1]:
        log_temperature = log_temperature[:, index]
    else:
        log_temperature = log_temperatures_from_margins(margin, loss)
    return Trajectories(log_temperature, margin, loss, error_norm[:, index], rival[:, index])
