"""Audits side by side, or audits and trainings: what each takes for mislabeled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.analysis.comparison import require_several, short_names
from dataparams.errors import RunError
from dataparams.run.error_detection import detection_figures
from dataparams.run.spreadsheet_cells import guarded
from dataparams.terminal.words import counted, text_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.analysis.result import Analysis
    from dataparams.run.folder import RunFolder

_COLUMNS = ("noise_probability", "suspicion", "category", "suggested_name")


@dataclass(frozen=True, eq=False)
class VerdictComparison:
    """What several runs say of the same labels.

    Attributes:
        runs: A row per run: ``name``, ``judged_by``, ``judged`` (number of samples), ``rate``,
            ``low``, ``high`` (its estimated share of wrong labels with the 90 % interval; null
            where nothing can be said), and of the samples that all runs judged: ``wrong`` (how
            many labels it takes for wrong), ``alone`` (how many of these no other run does),
            ``recall`` and ``average_precision`` (of finding the labels that are known to be wrong,
            by suspicion; null where that is not known).
        samples: A row for each sample that all runs judged with the same label: ``id``,
            ``label_name``, ``is_corrupted`` where known, and for each run, by its number from 0:
            ``noise_probability_0``, ``suspicion_0``, ``category_0``, ``suggested_name_0``; at the
            end the ``split`` where that is known.
    """

    runs: pl.DataFrame
    samples: pl.DataFrame

    @property
    def wrong_by_all(self) -> int:
        """How many labels all runs take for wrong."""
        numbers = range(len(self.runs))
        return int(np.all([_is_wrong(self.samples, number) for number in numbers], axis=0).sum())


def compare_verdicts(runs: Sequence[RunFolder], analyses: Sequence[Analysis]) -> VerdictComparison:
    """Put what several runs say of the same labels side by side.

    Args:
        runs: Two or more run folders, of any kind.
        analyses: The analysis of each.

    Raises:
        UserError: If there are fewer than two runs, or one twice.
        RunError: If no sample was judged by all, with the same label.
    """
    require_several(runs)
    samples = _common_samples(analyses)
    if not len(samples):
        raise RunError(
            f"{' and '.join(str(run.path) for run in runs)} have no sample with the same label in "
            "common; expected runs on the same data, with the same `noise`, `rand_fraction` and "
            "`seed` where labels were made wrong on purpose."
        )
    names = short_names([run.path.resolve() for run in runs])
    rows = [
        _row(number, name, analysis, samples)
        for number, (name, analysis) in enumerate(zip(names, analyses, strict=True))
    ]
    is_wrong = np.stack([_is_wrong(samples, number) for number in range(len(runs))])
    alone = (is_wrong & (is_wrong.sum(axis=0) == 1)).sum(axis=1)
    kinds = dict.fromkeys(("rate", "low", "high", "recall", "average_precision"), pl.Float64)
    table = pl.DataFrame(rows, schema_overrides=kinds).with_columns(alone=pl.Series(alone))
    return VerdictComparison(table, samples)


def _common_samples(analyses: Sequence[Analysis]) -> pl.DataFrame:
    """The samples that all judged with the same label; the truth is the first run's."""
    first = analyses[0].frame
    known = [name for name in ("is_corrupted", "split") if name in first.columns]
    samples = first.select("id", "label_name", *known)
    for number, analysis in enumerate(analyses):
        values = {f"{name}_{number}": pl.col(name) for name in _COLUMNS}
        judged = analysis.frame.select("id", "label_name", **values)
        samples = samples.join(judged, on=["id", "label_name"], how="inner", maintain_order="left")
    at_end = [name for name in ("split",) if name in samples.columns]
    return samples.select(pl.exclude(at_end), *at_end)


def _is_wrong(samples: pl.DataFrame, number: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return samples.select(pl.col(f"category_{number}") == "hard").to_series().to_numpy()


def _row(number: int, name: str, analysis: Analysis, samples: pl.DataFrame) -> dict[str, Any]:
    noise, judged_by = analysis.noise, analysis.judged_by
    figures = None
    if "is_corrupted" in samples.columns:
        suspicion = samples[f"suspicion_{number}"].to_numpy()
        figures = detection_figures(suspicion, samples["is_corrupted"].to_numpy())
    return {
        "name": name,
        "judged_by": "a training" if judged_by is None else judged_by.encoder,
        "judged": len(analysis.frame),
        "rate": noise.rate if noise.is_known else None,
        "low": noise.low if noise.is_known else None,
        "high": noise.high if noise.is_known else None,
        "wrong": int(_is_wrong(samples, number).sum()),
        "recall": None if figures is None else figures.recall_at_noise_rate,
        "average_precision": None if figures is None else figures.average_precision,
    }


def verdicts_text(comparison: VerdictComparison) -> str:
    """The runs as a table for a terminal, and what they agree on."""
    header = ["run", "judged by", "samples", "wrong labels (90 %)", "taken for wrong", "alone"]
    is_known = comparison.runs["recall"].is_not_null().any()
    header += ["found", "average precision"] if is_known else []
    rows = []
    for row in comparison.runs.iter_rows(named=True):
        estimate = "unknown"
        if row["rate"] is not None:
            estimate = f"{row['rate']:.1%} ({row['low']:.1%} to {row['high']:.1%})"
        cells = [row["name"], row["judged_by"], f"{row['judged']:,}", estimate]
        cells += [f"{row['wrong']:,}", f"{row['alone']:,}"]
        cells += [f"{row['recall']:.1%}", f"{row['average_precision']:.3f}"] if is_known else []
        rows.append(cells)
    common = counted(len(comparison.samples), "sample")
    by_all = counted(comparison.wrong_by_all, "label")
    title = (
        "Not every run has validation samples: labels are compared in place of accuracies.\n"
        f"What each run takes for wrong, among {common} that all judged with the same label:"
    )
    agreed = f"All take {by_all} for wrong; alone: those that no other run takes for wrong."
    parts = [title, text_table(header, rows), agreed]
    if (comparison.runs["judged"] > len(comparison.samples)).any():
        parts.append("Left out: samples that one run did not judge, or that have another label.")
    if is_known:
        parts.append(
            "Found: the share of the labels known to be wrong among the most suspicious samples, "
            "as many as there are wrong ones."
        )
    return "\n".join(parts) + "\n"


def verdicts_csv(comparison: VerdictComparison) -> bytes:
    """A row per sample that all runs judged, for people."""
    names = comparison.runs["name"]
    renamed = {
        f"{column}_{number}": f"{column} of {name}"
        for number, name in enumerate(names)
        for column in _COLUMNS
    }
    text = [name for name, kind in comparison.samples.schema.items() if kind == pl.String]
    safe = pl.col(text).map_elements(guarded, return_dtype=pl.String)
    return comparison.samples.with_columns(safe).rename(renamed).write_csv().encode()


def verdicts_json(comparison: VerdictComparison) -> bytes:
    """The runs, and what they agree on, as JSON."""
    contents = {
        "samples": len(comparison.samples),
        "wrong_by_all": comparison.wrong_by_all,
        "runs": comparison.runs.to_dicts(),
    }
    return (json.dumps(contents, indent=2, ensure_ascii=False) + "\n").encode()
