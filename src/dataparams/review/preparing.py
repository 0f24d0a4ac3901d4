"""What the server needs of an analysis, kept on the disk.

Reading the analysis of a million samples takes more memory than serving them, so a process of its
own does that, and gives it back by ending.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from dataparams.analysis import current_analysis
from dataparams.analysis.result import CATEGORIES
from dataparams.review.own_process import OwnProcess
from dataparams.review.ranked_facts import RankedFacts, ranked_facts, temperature_limits
from dataparams.review.samples import MOST_AT_ONCE
from dataparams.run.safe_files import write_whole
from dataparams.run.source import ContentsOfRun
from dataparams.terminal.progress import progress_display
from dataparams.web.charts import trajectory_chart

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis, SampleContents
    from dataparams.run.folder import RunFolder

_ARRAYS: dict[str, type[np.generic]] = {
    "index": np.int64,
    "label": np.int32,
    "suggested": np.int32,
    "confidence": np.float32,
    "category": np.int8,
    "subgroup": np.int32,
    "is_outlier": np.bool_,
    "split": np.int8,
    "found": np.float16,
    "trajectories": np.float16,
}
_NAMES = ("class_names", "subgroups", "splits", "epochs")
_LOOKING = "looking through the model"


@dataclass(frozen=True, eq=False)
class Prepared:
    """What the server needs of an analysis.

    Attributes:
        facts: What is known of the samples.
        overview: What does not change: classes, sub-groups, the chart's frame.
        contents: Where the samples' contents come from; None where they are not at hand.
    """

    facts: RankedFacts
    overview: dict[str, Any]
    contents: SampleContents | None = None


def prepared_of(analysis: Analysis) -> Prepared:
    """What the server needs of an analysis."""
    facts = ranked_facts(analysis)
    return Prepared(facts, _overview(analysis, facts), analysis.contents)


def prepare(run: RunFolder, *, data: str | None = None) -> None:
    """Prepare a run in a process of its own, where that was not done since the last epoch.

    Args:
        run: The run folder.
        data: Where the data lie now; None for where the run found them.

    Raises:
        UserError: If the run cannot be analyzed.
        RunError: If the process fails.
    """
    if load_prepared(run) is None:
        OwnProcess("what the review needs").run(_prepare_here, run, data)


def _prepare_here(run: RunFolder, data: str | None) -> None:
    with progress_display("analyzing") as display:
        analysis = current_analysis(
            run,
            data=data,
            on_progress=lambda done, total: display.step(done, total, _LOOKING),
            on_notice=display.line,
        )
    write_prepared(run, prepared_of(analysis))


def load_prepared(run: RunFolder, *, data: str | None = None) -> Prepared | None:
    """What was prepared of the last analysis; None where it was not, or is damaged.

    Args:
        run: The run folder.
        data: Where the data lie now; None for where the run found them.
    """
    folder = cache_of(run) / f"samples_{made_key(run)}"
    try:
        kept = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        if kept["run_epochs"] != run.epochs():
            return None
        ids = pl.read_parquet(folder / "ids.parquet")["id"]
        arrays = {
            name: _load(folder / f"{name}.npy").astype(kind, copy=False)
            for name, kind in _ARRAYS.items()
        }
        names = {name: tuple(kept[name]) for name in _NAMES}
        overview = dict(kept["overview"])
        if not isinstance(overview["warnings"], list) or "judged_by" not in overview:
            return None
    except (OSError, EOFError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
        return None
    parts: dict[str, Any] = {**names, **arrays, "ids": ids}
    facts = RankedFacts(**parts)
    return Prepared(facts, overview, ContentsOfRun(run, data)) if _fits(facts) else None


def piles_of(facts: RankedFacts) -> pl.DataFrame:
    """The piles from which an audit is drawn.

    Returns:
        ``index``, ``category``, and ``noise_probability``: by the confidence in another label, as
        far as the server knows it; a row per sample.
    """
    is_other = facts.suggested != facts.label
    confidence = np.nan_to_num(facts.confidence.astype(np.float64))
    return pl.DataFrame(
        {
            "index": facts.index,
            "category": np.array(CATEGORIES)[facts.category],
            "noise_probability": np.where(is_other, confidence, 1 - confidence),
        }
    )


def _load(file: Path) -> NDArray[np.generic]:
    # Most trajectories are never looked at: they stay on the disk.
    mode: Literal["r"] | None = "r" if file.stem == "trajectories" else None
    array: NDArray[np.generic] = np.load(file, mmap_mode=mode, allow_pickle=False)
    return array


def _fits(facts: RankedFacts) -> bool:
    """Whether the arrays fit each other: files are not trusted."""
    count, classes = len(facts.ids), len(facts.class_names)
    flat = (facts.index, facts.label, facts.suggested, facts.confidence, facts.category)
    return (
        count > 0
        and all(array.shape == (count,) for array in (*flat, facts.subgroup, facts.is_outlier))
        and facts.split.shape == (count,)
        and bool(0 <= facts.split.min() <= facts.split.max() < len(facts.splits))
        and facts.found.shape == (count, 2)
        and facts.trajectories.shape == (count, len(facts.epochs))
        and bool(0 <= facts.label.min() <= facts.label.max() < classes)
        and bool(0 <= facts.suggested.min() <= facts.suggested.max() < classes)
        and bool(0 <= facts.category.min() <= facts.category.max() < len(CATEGORIES))
        and bool(-1 <= facts.subgroup.min() <= facts.subgroup.max() < len(facts.subgroups))
    )


def write_prepared(run: RunFolder, prepared: Prepared) -> None:
    """Keep what was prepared; ``facts.json`` comes last, and without it nothing counts."""
    folder = cache_of(run) / f"samples_{made_key(run)}"
    facts = prepared.facts
    for name in _ARRAYS:
        write_whole(folder / f"{name}.npy", npy_of(getattr(facts, name)))
    buffer = io.BytesIO()
    pl.DataFrame({"id": facts.ids}).write_parquet(buffer)
    write_whole(folder / "ids.parquet", buffer.getvalue())
    kept = {
        "run_epochs": run.epochs(),
        "class_names": facts.class_names,
        "subgroups": facts.subgroups,
        "splits": facts.splits,
        "epochs": facts.epochs,
        "overview": prepared.overview,
    }
    write_whole(folder / "facts.json", json.dumps(kept).encode())


def npy_of(array: NDArray[np.generic]) -> bytes:
    """An array as the contents of an ``.npy`` file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def cache_of(run: RunFolder) -> Path:
    """Where the review keeps what can be made again."""
    return run.path / "review_cache"


def made_key(run: RunFolder) -> str:
    """A name for the analysis that was written last."""
    return _key_of(run.path / "analysis.parquet")


def health_key(run: RunFolder) -> str:
    """A name for the findings beside the labels that were written last."""
    return _key_of(run.health_file)


def _key_of(file: Path) -> str:
    try:
        facts = str(file.stat().st_mtime_ns)
    except FileNotFoundError:
        facts = "none"
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def is_large(run: RunFolder) -> bool:
    """Whether a run has so many samples that a process of its own should read them."""
    run.description()
    try:
        count = pl.scan_parquet(run.path / "samples.parquet").select(pl.len()).collect().item()
    except (OSError, pl.exceptions.PolarsError):
        return False  # what is wrong is told where they are read
    return int(count) > MOST_AT_ONCE


def _splits(facts: RankedFacts) -> list[dict[str, Any]]:
    """Names and counts of the splits; nothing where there is one."""
    if len(facts.splits) == 1:
        return []
    counts = np.bincount(facts.split, minlength=len(facts.splits)).tolist()
    return [
        {"name": name, "count": count} for name, count in zip(facts.splits, counts, strict=True)
    ]


def _overview(analysis: Analysis, facts: RankedFacts) -> dict[str, Any]:
    low, high = temperature_limits(facts.trajectories)
    counts = analysis.classes.select("count", *CATEGORIES, "unjudged")
    return {
        "name": analysis.name,
        "warnings": list(analysis.warnings),
        "judged_by": None if analysis.judged_by is None else analysis.judged_by.sentence(),
        "outliers": int(facts.is_outlier.sum()),
        "splits": _splits(facts),
        "classes": [
            {"name": name, **row}
            for name, row in zip(analysis.class_names, counts.iter_rows(named=True), strict=True)
        ],
        "subgroups": [
            {
                "label": row["label"],
                "name": str(row["subgroup"]),
                "count": row["count"],
                "easy": row["easy"],
            }
            for row in analysis.subgroups.sort(
                "label", "count", descending=[False, True], maintain_order=True
            ).iter_rows(named=True)
        ],
        "chart": trajectory_chart(analysis.bands, facts.epochs, low, high),
    }
