"""Analyses that the tests of the report make for themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.analysis.findings import Findings
from dataparams.analysis.judged_by import JudgedBy
from dataparams.analysis.noise_rate import NoiseEstimate
from dataparams.analysis.result import Analysis
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import PixelImage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from dataparams.analysis.result import SampleContents
    from dataparams.contents.content import Content

HOSTILE_FILE = "<img src=x onerror=alert(1)>.jpg"
HOSTILE_CLASS = "</script><script>alert(2)</script>"
EPOCHS = (1, 2, 3, 4, 6)
SIZES = ({"hard": 4, "review": 3, "easy": 9}, {"hard": 1, "review": 0, "easy": 12})
LAST = {"easy": -1.0, "hard": 1.0, "review": 0.1}


class ColoredContents:
    """Pictures of one color each, which remembers what it was asked for."""

    def __init__(self, size: tuple[int, int] = (24, 32), unreadable: Iterable[str] = ()) -> None:
        self.size, self.unreadable = size, set(unreadable)
        self.blocks: list[list[str]] = []

    def read(self, ids: Sequence[str]) -> list[Content | UnreadableContentError]:
        self.blocks.append(list(ids))
        return [self._content(one) for one in ids]

    def _content(self, one: str) -> Content | UnreadableContentError:
        if one in self.unreadable:
            return UnreadableContentError("the file is missing")
        color = np.frombuffer(one.encode().ljust(3)[-7:-4].ljust(3), np.uint8)[:3]
        return PixelImage(np.broadcast_to(color, (*self.size, 3)).astype(np.uint8))


class Trajectories:
    def __init__(self, values: NDArray[np.float32]) -> None:
        self.values = values

    def of(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return self.values[:, rows]


def made_analysis(
    sizes: Sequence[Mapping[str, int]] = SIZES,
    *,
    names: tuple[str, ...] = ("cat", "dog"),
    contents: SampleContents | None = None,
    has_truth: bool = False,
    hostile: bool = False,
    has_class_temperatures: bool = False,
    warnings: tuple[str, ...] = (),
) -> Analysis:
    """An analysis of some classes, each with a number of samples per category."""
    rng = np.random.default_rng(0)
    if hostile:
        names = (HOSTILE_CLASS, *names[1:])
    rows: list[dict[str, Any]] = []
    last: list[float] = []
    for label, counts in enumerate(sizes):
        for category, count in counts.items():
            for _ in range(count):
                last.append(LAST[category] + rng.uniform(-0.09, 0.09))
                rows.append(_row(len(rows), label, names, category, last[-1]))
    if hostile:
        rows[0]["id"] = HOSTILE_FILE
    frame = pl.DataFrame(rows, schema_overrides={"subgroup": pl.String})
    if has_truth:
        is_corrupted = frame["category"] == "hard"
        truth = pl.Series((frame["label"] + is_corrupted.cast(pl.Int64)) % len(names))
        frame = frame.with_columns(true_label=truth, is_corrupted=is_corrupted)
    frame = frame.with_columns(suspicion=np.argsort(np.argsort(last)) / len(last))
    values = np.outer(np.linspace(0.2, 1, len(EPOCHS)), last).astype(np.float32)
    return Analysis(
        name="made",
        frame=frame,
        class_names=names,
        epochs=EPOCHS,
        log_temperatures=Trajectories(values),
        classes=_classes(frame),
        confusions=_confusions(frame),
        subgroups=_subgroups(frame),
        bands=_bands(frame, values),
        findings=Findings(NoiseEstimate(0.123, 0.09, 0.154), warnings),
        contents=contents,
        class_temperatures=_class_temperatures(names) if has_class_temperatures else None,
    )


def as_audit(analysis: Analysis) -> Analysis:
    """The same as an audit of it: the first easy sample and the first hard one are far from all.

    Its sub-groups have their most typical samples last, and an easy one to compare with.
    """
    frame = analysis.frame
    far = [frame["category"].to_list().index(name) for name in ("easy", "hard")]
    rows = pl.int_range(pl.len())
    place = pl.int_range(pl.len(), 0, -1, dtype=pl.Int32).over("label", "subgroup") - 1
    easy = frame.group_by("label").agg(
        easy=pl.col("index").filter(pl.col("category") == "easy").last()
    )
    frame = (
        frame.join(easy, on="label", how="left", maintain_order="left")
        .with_columns(
            subgroup_place=pl.when(pl.col("subgroup").is_not_null()).then(place),
            is_outlier=rows.is_in(far),
            outlier_score=rows / pl.len(),
            held_out_probability=pl.lit(0.034, pl.Float32),
            neighbor_vote=pl.lit(0.25, pl.Float32),
            evidence=pl.lit(0.1, pl.Float32),
        )
        .with_columns(
            nearest_easy=pl.when((pl.col("subgroup_place") < 2).fill_null(value=False)).then("easy")
        )
        .drop("easy")
    )
    judge = JudgedBy("lite", 1280, 3, 20, 3, day="2026-01-31", unreadable=2)
    return replace(analysis, frame=frame, judged_by=judge)


def first_two(log_temperatures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Positions that need no computation: the first and the last level."""
    return np.stack([log_temperatures[0], log_temperatures[-1] ** 2], axis=1)


def _row(
    index: int, label: int, names: tuple[str, ...], category: str, last: float
) -> dict[str, Any]:
    suggested = label if category == "easy" else (label + 1) % len(names)
    posterior = {name: 0.9 if name == category else 0.05 for name in LAST}
    return {
        "index": 3 * index + 1,
        "id": f"{names[label]}/{index:04}.jpg",
        "label": label,
        "label_name": names[label],
        "category": category,
        **{f"p_{name}": value for name, value in posterior.items()},
        "suggested_label": suggested,
        "suggested_name": names[suggested],
        "suggested_confidence": 0.75 + 0.1 * last,
        "subgroup": "night & fog" if category == "hard" else None,
    }


def _classes(frame: pl.DataFrame) -> pl.DataFrame:
    counts = {name: (pl.col("category") == name).sum() for name in LAST}
    classes = frame.group_by("label", "label_name").agg(count=pl.len(), **counts)
    return classes.with_columns(
        noise_rate=pl.col("hard") / pl.col("count"), unjudged=pl.lit(None, pl.String)
    ).sort("label")


def _class_temperatures(names: tuple[str, ...]) -> pl.DataFrame:
    """The second class ends highest, the first one lowest."""
    count = len(names)
    last = np.roll(np.linspace(0.8, -0.8, count), 1)
    values = np.exp(np.outer(np.linspace(0.2, 1, len(EPOCHS)), last))
    return pl.DataFrame(
        {
            "epoch": np.repeat(EPOCHS, count),
            "label": np.tile(np.arange(count), len(EPOCHS)),
            "label_name": list(names) * len(EPOCHS),
            "temperature": values.ravel(),
        }
    )


def _confusions(frame: pl.DataFrame) -> pl.DataFrame:
    keys = ("label", "label_name", "suggested_label", "suggested_name")
    differing = frame.filter(pl.col("suggested_label") != pl.col("label"))
    return differing.group_by(keys).agg(count=pl.len()).sort("count", *keys, descending=True)


def _subgroups(frame: pl.DataFrame) -> pl.DataFrame:
    counts = {name: (pl.col("category") == name).sum() for name in LAST}
    return (
        frame.drop_nulls("subgroup")
        .group_by("label", "label_name", "subgroup")
        .agg(count=pl.len(), **counts, suggested_name=pl.col("suggested_name").first())
        .with_columns(share_of_hard=pl.lit(1.0), share_of_review=pl.lit(0.0))
        .sort("label")
    )


def _bands(frame: pl.DataFrame, values: NDArray[np.float32]) -> pl.DataFrame:
    groups = {name: frame["category"] == name for name in LAST}
    if "is_corrupted" in frame.columns:
        groups |= {"clean": ~frame["is_corrupted"], "corrupted": frame["is_corrupted"]}
    rows: list[tuple[Any, ...]] = []
    for name, is_member in groups.items():
        if not is_member.any():
            continue
        of_group = np.exp(np.quantile(values[:, is_member.to_numpy()], [0.05, 0.5, 0.95], axis=1))
        rows += [(name, *row) for row in zip(EPOCHS, *of_group.tolist(), strict=True)]
    return pl.DataFrame(rows, schema=["group", "epoch", "low", "median", "high"], orient="row")
