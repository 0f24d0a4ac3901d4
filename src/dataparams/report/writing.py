"""Writing the report: one class at a time, into a folder that appears when it is whole."""

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
from dataparams.report.class_page import class_page, outliers_of_class, suspects_of_class
from dataparams.report.overview import overview_page
from dataparams.report.pages import ASSETS, GENERATOR, script, style
from dataparams.report.samples import CHUNK, ClassSamples, class_samples, map_choice
from dataparams.report.scripts import chunk_script
from dataparams.report.shown_contents import Wanted, write_contents
from dataparams.web.unusual_values import class_norms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis
    from dataparams.report.overview import Suspect
    from dataparams.report.shown_contents import ShownContent

    Embed = Callable[[NDArray[np.float32]], NDArray[np.floating]]

_SUSPECTS = 10
_FEWEST_ON_MAP = 10


@missing_packages_named()
def write_report(
    analysis: Analysis,
    folder: Path,
    *,
    embed: Embed,
    on_progress: Callable[[int, int], None] | None = None,
    pile_limit: int = 2000,
) -> Path:
    """Write the overview and a page per class; an older report in the folder is replaced.

    The pages need no network and no server. Nothing is held for longer than the class at hand, so
    memory does not grow with the number of classes.

    Args:
        analysis: What to show.
        folder: Where the report will lie; its parent is made.
        embed: Takes the log temperatures of some samples of a class, (epochs, m), and gives their
            positions on a map, (m, 2).
        on_progress: Told how many samples are done, and how many there are.
        pile_limit: The most samples of a category to show on the page of a class.

    Returns:
        The path of ``index.html``.

    Raises:
        ArgumentError: If ``pile_limit`` is less than 1.
        RunError: If something other than a report lies there, or it cannot be written.
    """
    if pile_limit < 1:
        raise ArgumentError(f"`pile_limit` is {pile_limit}; expected 1 or more.")
    progress = _Progress(len(analysis.frame), on_progress)
    with _replacing(folder) as temporary:
        (temporary / ASSETS).mkdir()
        _write_text(temporary / ASSETS / "style.css", style())
        _write_text(temporary / ASSETS / "report.js", script())
        suspects: list[Suspect] = []
        far: list[Suspect] = []
        are_weighed = weighs_other_classes(analysis.frame)
        labels = analysis.frame["label"].to_numpy()
        present = [int(label) for label in np.unique(labels)]
        for label, rows in zip(present, _rows_by_class(labels), strict=True):
            samples = class_samples(analysis, label, rows, pile_limit, are_weighed=are_weighed)
            found = _write_class(analysis, samples, present, embed, temporary, progress)
            suspects = _most([*suspects, *found.suspects])
            far = _most([*far, *found.outliers])
            progress.finish(len(rows))
        page = overview_page(analysis, present, suspects, far)
        _write_text(temporary / "index.html", page)
    return folder / "index.html"


def _write_class(
    analysis: Analysis,
    samples: ClassSamples,
    present: list[int],
    embed: Embed,
    report: Path,
    progress: _Progress,
) -> _Found:
    """Write the contents, chunks and page of a class; gives what the overview shows of it."""
    (report / samples.folder).mkdir()
    on_map = map_choice(samples)
    has_map = len(on_map) >= _FEWEST_ON_MAP
    samples = samples.with_further(on_map if has_map else on_map[:0])
    shown = _write_contents(analysis, samples, report, progress)
    for pile in samples.piles:
        for number, start in enumerate(range(0, len(pile.positions), CHUNK)):
            details = samples.details(pile.positions[start : start + CHUNK], shown)
            script = chunk_script(pile.name, number, details)
            _write_text(report / samples.folder / f"{pile.name}_{number}.js", script)
    positions = None
    if has_map:
        positions = np.asarray(embed(samples.log_temperatures[:, on_map]), dtype=np.float64)
    page = class_page(analysis, samples, present, shown, on_map, positions)
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
    analysis: Analysis, samples: ClassSamples, report: Path, progress: _Progress
) -> dict[int, ShownContent]:
    """Write the contents of all samples that are shown; gives them by index of the sample."""
    if analysis.contents is None or kind_of_analysis(analysis) is None:
        return {}
    indices = samples.frame["index"].to_list()
    ids = samples.frame["id"].to_list()
    wanted = [
        Wanted(indices[position], ids[position], is_zoomed=pile.name in ("hard", "review"))
        for pile in samples.piles
        for position in pile.positions.tolist()
    ]
    is_table = kind_of_analysis(analysis) == "row"
    return write_contents(
        analysis.contents,
        wanted,
        report / samples.folder,
        norms=class_norms(analysis.contents, ids) if is_table else None,
        on_written=progress.advance,
    )


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


def _rows_by_class(labels: NDArray[np.integer]) -> Iterator[NDArray[np.intp]]:
    """The rows of each class that has any, in the order of the classes."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    yield from (rows for rows in np.split(order, starts) if len(rows))


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
