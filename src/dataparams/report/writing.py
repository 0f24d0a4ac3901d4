"""Writing the report: some classes at a time, into a folder that appears when it is whole."""

from __future__ import annotations

import heapq
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from dataparams.analysis.sample_words import kind_of_analysis
from dataparams.analysis.suggestions import weighs_other_classes
from dataparams.errors import ArgumentError, RunError
from dataparams.extras import missing_packages_named
from dataparams.report.class_page import (
    DrawnMap,
    class_page,
    outliers_of_class,
    suspects_of_class,
)
from dataparams.report.extent import report_extent
from dataparams.report.overview import overview_page
from dataparams.report.pages import ASSETS, GENERATOR, script, style
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
    from dataparams.report.extent import ReportExtent
    from dataparams.report.overview import Suspect
    from dataparams.report.shown_contents import ShownContent

    Embed = Callable[[NDArray[np.float32]], NDArray[np.floating]]

_SUSPECTS = 10
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

    Returns:
        The path of ``index.html``.

    Raises:
        ArgumentError: If ``pile_limit`` is less than 1.
        RunError: If something other than a report lies there, or it cannot be written.
    """
    if pile_limit is not None and pile_limit < 1:
        raise ArgumentError(f"`pile_limit` is {pile_limit}; expected 1 or more.")
    progress = _Progress(len(analysis.frame), on_progress)
    with _replacing(folder) as temporary:
        (temporary / ASSETS).mkdir()
        _write_text(temporary / ASSETS / "style.css", style())
        _write_text(temporary / ASSETS / "report.js", script())
        classes = _rows_by_class(analysis.frame["label"].to_numpy())
        is_doubtful = (analysis.frame["category"] != "easy").to_numpy()
        extent = report_extent(classes, is_doubtful, pile_limit)
        suspects: list[Suspect] = []
        far: list[Suspect] = []
        for some in _parts(classes, extent.pile_limit):
            shown = _write_contents(analysis, some, extent, temporary, progress)
            for label, rows in some.items():
                # Made a second time, so that the trajectories of one class alone are in memory.
                samples = _shown_samples(analysis, label, rows, extent)
                found = _write_class(analysis, samples, list(classes), shown, embed, temporary)
                suspects = _most([*suspects, *found.suspects])
                far = _most([*far, *found.outliers])
            progress.finish(sum(map(len, some.values())))
        _write_text(temporary / "index.html", overview_page(analysis, list(classes), suspects, far))
    return folder / "index.html"


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


def _shown_samples(
    analysis: Analysis, label: int, rows: NDArray[np.intp], extent: ReportExtent
) -> _ShownSamples:
    are_weighed = weighs_other_classes(analysis.frame)
    samples = class_samples(analysis, label, rows, extent.pile_limit, are_weighed=are_weighed)
    on_map = map_choice(samples)
    is_left_out = label in extent.without_map
    if is_left_out or len(on_map) < _FEWEST_ON_MAP:
        return _ShownSamples(samples.with_further(on_map[:0]), None, is_left_out)
    return _ShownSamples(samples.with_further(on_map), on_map, is_left_out)


def _write_class(
    analysis: Analysis,
    shown_samples: _ShownSamples,
    present: list[int],
    shown: Mapping[int, ShownContent],
    embed: Embed,
    report: Path,
) -> _Found:
    """Write the chunks and the page of a class; gives what the overview shows of it."""
    samples, on_map = shown_samples.samples, shown_samples.on_map
    for pile in samples.piles:
        for number, start in enumerate(range(0, len(pile.positions), CHUNK)):
            details = samples.details(pile.positions[start : start + CHUNK], shown)
            script = chunk_script(pile.name, number, details)
            _write_text(report / samples.folder / f"{pile.name}_{number}.js", script)
    drawn = None
    if on_map is not None:
        places = np.asarray(embed(samples.log_temperatures[:, on_map]), dtype=np.float64)
        drawn = DrawnMap(on_map, places)
    page = class_page(
        analysis,
        samples,
        present,
        shown,
        drawn,
        is_map_left_out=shown_samples.is_map_left_out,
    )
    _write_text(report / samples.page, page)
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
    analysis: Analysis,
    classes: Mapping[int, NDArray[np.intp]],
    extent: ReportExtent,
    report: Path,
    progress: _Progress,
) -> dict[int, ShownContent]:
    """Write the contents of all samples of some classes that are shown; gives them by index."""
    wanted: list[Wanted] = []
    has_contents = analysis.contents is not None and kind_of_analysis(analysis) is not None
    for label, rows in classes.items():
        samples = _shown_samples(analysis, label, rows, extent).samples
        (report / samples.folder).mkdir()
        if has_contents:
            wanted += _wanted(analysis, samples, report / samples.folder)
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


def _write_text(file: Path, text: str) -> None:
    # A name that is no valid Unicode (it can come from a file system) must not stop the report.
    file.write_bytes(text.encode("utf-8", errors="replace"))


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A new folder beside the wanted one, which takes its place where nothing goes wrong."""
    target = folder.resolve()
    _require_report_or_nothing(target)
    mark = uuid4().hex
    temporary = target.with_name(f".{target.name}.{mark}.tmp")
    previous = target.with_name(f".{target.name}.{mark}.old")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if target.exists():
            target.rename(previous)
        temporary.rename(target)
    except OSError as error:
        raise RunError(
            f"The report cannot be written to {folder}: {error}. "
            "What lay there before is whole. Make room, or see to the folder's rights."
        ) from error
    finally:
        if previous.exists() and not target.exists():
            previous.rename(target)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(previous, ignore_errors=True)


def _require_report_or_nothing(folder: Path) -> None:
    """Only a report, or an empty folder, is replaced.

    Raises:
        RunError: If something else lies there.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    page = folder / "index.html"
    if not page.is_file() or GENERATOR.encode() not in page.read_bytes()[:2000]:
        raise RunError(
            f"{folder} exists and holds no report, so it is not replaced. Choose another folder."
        )
