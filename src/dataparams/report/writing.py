"""Writing the report: some classes at a time, into a folder that appears when it is whole."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis.sample_words import kind_of_analysis
from dataparams.analysis.suggestions import weighs_other_classes
from dataparams.errors import ArgumentError
from dataparams.extras import missing_packages_named
from dataparams.report.case import case_of
from dataparams.report.changes_pages import CHANGES_FILE, changes_csv, changes_pages
from dataparams.report.cited_samples import CitedSamples
from dataparams.report.class_page import (
    DrawnMap,
    class_page,
    outliers_of_class,
    suspects_of_class,
)
from dataparams.report.confused_page import confused_page, confusions_with_samples
from dataparams.report.corrected_samples import corrected_indices, corrected_samples
from dataparams.report.extent import report_extent
from dataparams.report.health_findings import samples_shown, shown_health
from dataparams.report.language import language
from dataparams.report.overview import ShownSamples, overview_page, report_title
from dataparams.report.pages import ASSETS, render, sample_words, script, style
from dataparams.report.replaced_folder import replaced
from dataparams.report.samples import (
    CHUNK,
    MOST_ON_MAP,
    SHOWN_ORDER,
    ClassSamples,
    class_samples,
    map_choice,
)
from dataparams.report.scripts import chunk_script
from dataparams.report.shown_contents import Wanted, write_contents
from dataparams.web.unusual_values import class_norms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis
    from dataparams.report.case import Case
    from dataparams.report.extent import ReportExtent
    from dataparams.report.language import Language
    from dataparams.report.overview import Suspect
    from dataparams.report.shown_contents import ShownContent

    Embed = Callable[[NDArray[np.float32]], NDArray[np.floating]]

_SUSPECTS = 12
_FEWEST_ON_MAP = 10
_SHOWN_AT_ONCE = 100_000


@missing_packages_named()
def write_report(
    analysis: Analysis,
    folder: Path,
    *,
    embed: Embed,
    on_progress: Callable[[int, int], None] | None = None,
    pile_limit: int | None = None,
    case: Case | None = None,
) -> Path:
    """Write the overview and a page per class; an older report in the folder is replaced.

    The pages need no network and no server. Classes are written some at a time, so that memory does
    not grow with their number, and what their contents are stored in is read once for all of them.

    Args:
        analysis: What to show.
        folder: Where the report will lie; its parent is made.
        embed: Takes the log temperatures of some samples of a class, (epochs, m), and gives their
            positions on a map, (m, 2).
        on_progress: Told how many samples are done, and how many there are.
        pile_limit: The most samples of a category to show on the page of a class. By default
            2,000, and fewer of more than 50,000 samples; see
            :func:`dataparams.report.extent.report_extent`.
        case: What to tell beside the analysis, title and language among it. By default what the run
            folder has; see :func:`dataparams.report.case.case_of`.

    Returns:
        The path of ``index.html``.

    Raises:
        ArgumentError: If ``pile_limit`` is less than 1.
        RunError: If something other than a report lies there, or it cannot be written.
    """
    if pile_limit is not None and pile_limit < 1:
        raise ArgumentError(f"`pile_limit` is {pile_limit}; expected 1 or more.")
    case = case or case_of(analysis)
    classes = _rows_by_class(analysis.frame["label"].to_numpy())
    is_doubtful = (analysis.frame["category"] != "easy").to_numpy()
    extent = report_extent(classes, is_doubtful, pile_limit)
    progress = _Progress(len(analysis.frame), on_progress)
    with replaced(folder) as temporary:
        report = _Report(
            analysis,
            case,
            language(case.settings.language),
            temporary,
            extent,
            embed,
            list(classes),
            CitedSamples(analysis, _cited(case)),
        )
        report.write_assets()
        suspects: list[Suspect] = []
        far: list[Suspect] = []
        for some in _parts(classes, extent.pile_limit):
            shown = _write_contents(report, some, progress)
            for label, rows in some.items():
                # Made a second time, so that the trajectories of one class alone are in memory.
                found = _write_class(report, _shown_samples(report, label, rows), shown)
                suspects = _most([*suspects, *found.suspects])
                far = _most([*far, *found.outliers])
            progress.finish(sum(map(len, some.values())))
        _write_closing(report, suspects, far)
    return folder / "index.html"


@dataclass(frozen=True, eq=False)
class _Report:
    """A report that is being written.

    Attributes:
        analysis: What it shows.
        case: What it tells beside that.
        shown_in: Its language.
        folder: Where it is written.
        extent: How much of each class is shown.
        embed: Gives positions on a map.
        present: The classes that have samples, and so a page.
        cited: Samples that are shown beside the pages of their classes.
    """

    analysis: Analysis
    case: Case
    shown_in: Language
    folder: Path
    extent: ReportExtent
    embed: Embed
    present: list[int]
    cited: CitedSamples

    @property
    def title(self) -> str:
        return report_title(self.analysis, self.case)

    def write(self, name: str, text: str) -> None:
        # A name that is no valid Unicode (it can come from a file system) must not stop the report.
        (self.folder / name).write_bytes(text.encode("utf-8", errors="replace"))

    def write_assets(self) -> None:
        (self.folder / ASSETS).mkdir()
        self.write(f"{ASSETS}/style.css", style())
        self.write(f"{ASSETS}/report.js", script(self.shown_in))


def _cited(case: Case) -> set[int]:
    """The numbers of the samples that are shown beside the pages of their classes."""
    of_findings = set() if case.health is None else samples_shown(case.health)
    return of_findings | (set() if case.people is None else corrected_indices(case.people))


def _write_closing(report: _Report, suspects: list[Suspect], far: list[Suspect]) -> None:
    """Write the first page, when all others are known, and those that belong to it."""
    analysis, case, shown_in = report.analysis, report.case, report.shown_in
    report.cited.write(report.folder)
    health = None
    if case.health is not None:
        health = shown_health(case.health, report.cited, analysis.class_names)
        if health.has_page:
            words = sample_words(analysis)
            page = render(
                "health.html",
                shown_in,
                **words,
                title=report.title,
                health=health,
                present=set(report.present),
            )
            report.write("health.html", page)
    if case.changes is not None:
        (report.folder / CHANGES_FILE).write_bytes(changes_csv(case.changes))
        for name, page in changes_pages(case.changes, report.title, shown_in):
            report.write(name, page)
    corrected = []
    if case.people is not None:
        corrected = corrected_samples(case.people, report.cited, analysis.class_names)
    confused = confusions_with_samples(analysis.frame)
    samples = ShownSamples(suspects, far, corrected, health, confused)
    report.write("index.html", overview_page(analysis, case, report.present, samples, shown_in))


def _parts(
    classes: Mapping[int, NDArray[np.intp]], pile_limit: int
) -> Iterator[dict[int, NDArray[np.intp]]]:
    """Classes that are written together, so that no more is in memory than of some samples."""
    part: dict[int, NDArray[np.intp]] = {}
    room = _SHOWN_AT_ONCE
    for label, rows in classes.items():
        count = min(len(rows), len(SHOWN_ORDER) * pile_limit + MOST_ON_MAP)
        if part and count > room:
            yield part
            part, room = {}, _SHOWN_AT_ONCE
        part[label] = rows
        room -= count
    if part:
        yield part


@dataclass(frozen=True, eq=False)
class _ShownSamples:
    """The samples of a class, and which of them are on its map; None for no map.

    Attributes:
        is_map_left_out: Whether there would be one, were there not so many samples in all.
    """

    samples: ClassSamples
    on_map: NDArray[np.intp] | None
    is_map_left_out: bool


def _shown_samples(report: _Report, label: int, rows: NDArray[np.intp]) -> _ShownSamples:
    samples = class_samples(
        report.analysis,
        label,
        rows,
        report.extent.pile_limit,
        are_weighed=weighs_other_classes(report.analysis.frame),
        shown_in=report.shown_in,
        decided={} if report.case.people is None else report.case.people.new_labels,
    )
    on_map = map_choice(samples)
    is_left_out = label in report.extent.without_map
    if is_left_out or len(on_map) < _FEWEST_ON_MAP:
        return _ShownSamples(samples.with_further(on_map[:0]), None, is_left_out)
    return _ShownSamples(samples.with_further(on_map), on_map, is_left_out)


def _write_class(
    report: _Report, shown_samples: _ShownSamples, shown: Mapping[int, ShownContent]
) -> _Found:
    """Write the chunks and the pages of a class; gives what the overview shows of it."""
    samples, on_map = shown_samples.samples, shown_samples.on_map
    for pile in samples.piles:
        for number, start in enumerate(range(0, len(pile.positions), CHUNK)):
            details = samples.details(pile.positions[start : start + CHUNK], shown)
            chunk = chunk_script(pile.name, number, details)
            report.write(f"{samples.folder}/{pile.name}_{number}.js", chunk)
    drawn = None
    if on_map is not None:
        places = np.asarray(report.embed(samples.log_temperatures[:, on_map]), dtype=np.float64)
        drawn = DrawnMap(on_map, places)
    page = class_page(
        report.analysis,
        samples,
        report.present,
        shown,
        drawn,
        is_map_left_out=shown_samples.is_map_left_out,
    )
    report.write(samples.page, page)
    confused = confused_page(report.analysis, samples, shown, report.title)
    if confused is not None:
        report.write(f"confused_{samples.label}.html", confused)
    report.cited.note(samples, shown)
    return _Found(
        suspects_of_class(samples, shown, _SUSPECTS),
        outliers_of_class(samples, shown, _SUSPECTS),
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """What the overview shows of a class."""

    suspects: list[Suspect]
    outliers: list[Suspect]


def _most(suspects: list[Suspect]) -> list[Suspect]:
    return heapq.nlargest(_SUSPECTS, suspects, key=attrgetter("suspicion"))


def _write_contents(
    report: _Report, classes: Mapping[int, NDArray[np.intp]], progress: _Progress
) -> dict[int, ShownContent]:
    """Write the contents of all samples of some classes that are shown; gives them by index."""
    analysis = report.analysis
    wanted: list[Wanted] = []
    has_contents = analysis.contents is not None and kind_of_analysis(analysis) is not None
    for label, rows in classes.items():
        samples = _shown_samples(report, label, rows).samples
        (report.folder / samples.folder).mkdir()
        if has_contents:
            wanted += _wanted(analysis, samples, report.folder / samples.folder)
    if analysis.contents is None or not has_contents:
        return {}
    return write_contents(analysis.contents, wanted, on_written=progress.advance)


def _wanted(analysis: Analysis, samples: ClassSamples, folder: Path) -> list[Wanted]:
    indices = samples.frame["index"].to_list()
    ids = samples.frame["id"].to_list()
    norms = None
    if analysis.contents is not None and kind_of_analysis(analysis) == "row":
        norms = class_norms(analysis.contents, ids)
    return [
        Wanted(indices[place], ids[place], folder, pile.name in ("hard", "review"), norms)
        for pile in samples.piles
        for place in pile.positions.tolist()
    ]


class _Progress:
    """Counts samples: contents within a class, then the class as a whole."""

    def __init__(self, total: int, on_progress: Callable[[int, int], None] | None) -> None:
        self._total, self._tell = total, on_progress
        self._finished, self._within = 0, 0

    def advance(self, count: int) -> None:
        self._within += count
        self._report(self._finished + self._within)

    def finish(self, count: int) -> None:
        self._finished += count
        self._within = 0
        self._report(self._finished)

    def _report(self, done: int) -> None:
        if self._tell is not None:
            self._tell(done, self._total)


def _rows_by_class(labels: NDArray[np.integer]) -> dict[int, NDArray[np.intp]]:
    """The rows of each class that has any, in the order of the classes."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    parts = [rows for rows in np.split(order, starts) if len(rows)]
    return {int(labels[rows[0]]): rows for rows in parts}
