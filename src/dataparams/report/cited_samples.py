"""Samples that a report speaks of outside the pages of their classes, as they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from dataparams.report.shown_contents import NOTHING, Wanted, write_contents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dataparams.analysis.result import Analysis
    from dataparams.report.samples import ClassSamples
    from dataparams.report.shown_contents import ShownContent
    from dataparams.run.folder import RunFolder

FOLDER = "cited"
"""Folder of the pictures that no page of a class has."""


@dataclass(frozen=True)
class CitedSample:
    """A sample that is shown small.

    Attributes:
        index: Its number.
        id: Its name.
        label: What is said of its label; None for nothing.
        split: The split that it is of, where that matters; None where not.
        shown: What is shown of it.
        href: Where it is shown large; None where nowhere.
    """

    index: int
    id: str
    label: str | None
    split: str | None
    shown: ShownContent
    href: str | None


@dataclass(frozen=True)
class _Place:
    shown: ShownContent
    href: str


class CitedSamples:
    """What is known of samples that a report may cite, by index.

    Args:
        analysis: What is reported.
        wanted: The numbers of all samples that will be cited.
    """

    def __init__(self, analysis: Analysis, wanted: Iterable[int]) -> None:
        self._analysis = analysis
        self._wanted = frozenset(wanted)
        self._places: dict[int, _Place] = {}
        self._known = _known_samples(analysis, self._wanted)
        self._has_splits = len({one.get("split") for one in self._known.values()} - {None}) > 1

    def note(self, samples: ClassSamples, contents: Mapping[int, ShownContent]) -> None:
        """Remember which of them the page of a class shows, and where."""
        if not self._wanted:
            return
        numbers = samples.frame["index"].to_list()
        for position, reference in samples.references().items():
            number = numbers[position]
            if number in self._wanted:
                anchor = reference.replace(":", "-")
                shown = contents.get(number, NOTHING)
                self._places[number] = _Place(shown, f"{samples.page}#{anchor}")

    def write(self, report: Path) -> None:
        """Write what is shown of those that no page of a class has."""
        contents = self._analysis.contents
        missing = sorted(self._wanted & set(self._known) - set(self._places))
        if contents is None or not missing:
            return
        folder = report / FOLDER
        folder.mkdir()
        wanted = [
            Wanted(number, str(self._known[number]["id"]), folder, is_zoomed=False)
            for number in missing
        ]
        shown = write_contents(contents, wanted, on_written=lambda _: None)
        for number, content in shown.items():
            self._places[number] = _Place(content, content.small or "")

    def sample(
        self, index: int, label: str | None = None, *, has_split: bool = False
    ) -> CitedSample:
        """A sample as it is shown.

        Args:
            index: Its number.
            label: What is said of its label; None for its given one.
            has_split: Whether the split that it is of is said.
        """
        known = self._known.get(index, {})
        place = self._places.get(index)
        return CitedSample(
            index=index,
            id=str(known.get("id", index)),
            label=label or known.get("label_name"),
            split=known.get("split") if has_split and self._has_splits else None,
            shown=NOTHING if place is None else place.shown,
            href=None if place is None else place.href or None,
        )


def _known_samples(analysis: Analysis, wanted: frozenset[int]) -> dict[int, dict[str, str | None]]:
    """Id, label and split of some samples, judged or not."""
    if not wanted:
        return {}
    chosen = pl.col("index").is_in(list(wanted))
    frame = analysis.frame.filter(chosen)
    splits = frame["split"].to_list() if "split" in frame.columns else [None] * len(frame)
    rows = zip(frame["index"], frame["id"], frame["label_name"], splits, strict=True)
    known = {row[0]: {"id": row[1], "label_name": row[2], "split": row[3]} for row in rows}
    if analysis.run is None or not (analysis.run.path / "samples.parquet").is_file():
        return known
    names = dict(enumerate(analysis.class_names))
    for one in analysis.run.unreadable():
        if one.index in wanted:
            known[one.index] = {"id": one.id}
    for row in _stored_samples(analysis.run, wanted).iter_rows(named=True):
        before = known.get(row["index"], {})
        stored = {"id": row["id"], "label_name": names.get(row["label"]), "split": row["split"]}
        known[row["index"]] = {**stored, **{k: v for k, v in before.items() if v is not None}}
    return known


def _stored_samples(run: RunFolder, wanted: frozenset[int]) -> pl.DataFrame:
    """The same of those that the run folder knows, whatever their split."""
    chosen = pl.col("index").is_in(list(wanted))
    stored = run.contents().filter(chosen).select("index", "id", "label")
    return stored.join(run.splits(), on="index", how="left", maintain_order="left")
