"""Writing the pictures of an analysis into a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.errors import ArgumentError
from dataparams.figures.class_temperatures import draw_class_temperatures
from dataparams.figures.grid import draw_grid
from dataparams.figures.trajectories import draw_trajectories
from dataparams.figures.tsne import draw_tsne
from dataparams.run.safe_files import write_whole
from dataparams.sources.folder import as_folder_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dataparams.analysis.result import Analysis

_DPI = 150
_LONGEST_NAME = 60
GRIDS, MAPS, TRAJECTORIES, CLASSES = "grids", "maps", "trajectories", "classes"
KINDS = (GRIDS, MAPS, TRAJECTORIES, CLASSES)


def write_figures(
    analysis: Analysis,
    folder: Path,
    *,
    labels: Sequence[int] | None = None,
    kinds: Sequence[str] = KINDS,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write the grid and the map of each class, the trajectories, and the classes' temperatures.

    Args:
        analysis: The analysis.
        folder: The folder, which is made. Older pictures of the same names are replaced.
        labels: The numbers of the classes; by default of all that have samples.
        kinds: Which of ``grids``, ``maps``, ``trajectories``, ``classes``; the last is left out
            where class parameters were not learned, unless it is the only one.
        on_progress: Called with the number of pictures done and of all.

    Returns:
        The files: ``class_<k>_<name>_easy_hard_need_review.png``, ``class_<k>_<name>_tsne.png``,
        ``instance_trajectories.png``, ``class_temperatures.png``.

    Raises:
        ArgumentError: If there is no such class or kind.
        UserError: If nothing but the classes' temperatures is asked for, and there are none.
        RunError: If they cannot be written.
    """
    unknown = set(kinds) - set(KINDS)
    if unknown:
        raise ArgumentError(f"`kinds` has {min(unknown)!r}; expected some of {', '.join(KINDS)}.")
    if labels is not None:
        labels = [analysis.label_of(label) for label in labels]
    draws = _draws(analysis, labels, kinds)
    for done, (name, draw) in enumerate(draws):
        if on_progress is not None:
            on_progress(done, len(draws))
        write_whole(folder / name, draw())
    if on_progress is not None:
        on_progress(len(draws), len(draws))
    return [folder / name for name, _ in draws]


def _draws(
    analysis: Analysis, labels: Sequence[int] | None, kinds: Sequence[str]
) -> list[tuple[str, Callable[[], bytes]]]:
    """For each picture its file name and what draws it."""
    chosen = labels[0] if labels else None
    if labels is None:
        labels = analysis.frame["label"].unique().sort().to_list()
    draws: list[tuple[str, Callable[[], bytes]]] = []
    for label in labels:
        stem = f"class_{label}_{as_folder_name(analysis.class_names[label])[:_LONGEST_NAME]}"
        if GRIDS in kinds:
            name = f"{stem}_easy_hard_need_review.png"
            draws.append((name, lambda k=label: draw_grid(analysis, k).png(_DPI)))  # type: ignore[misc]
        if MAPS in kinds:
            name = f"{stem}_tsne.png"
            draws.append((name, lambda k=label: draw_tsne(analysis, k).png(_DPI)))  # type: ignore[misc]
    if TRAJECTORIES in kinds:
        draws.append(
            (
                "instance_trajectories.png",
                lambda: draw_trajectories(analysis, label=chosen).png(_DPI),
            )
        )
    if CLASSES in kinds and (analysis.class_temperatures is not None or set(kinds) == {CLASSES}):
        draws.append(
            ("class_temperatures.png", lambda: draw_class_temperatures(analysis).png(_DPI))
        )
    return draws
