"""Pictures of an analysis: representative samples, the map of a class, temperatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.lazy_names import lazy_names

if TYPE_CHECKING:
    from dataparams.figures.class_temperatures import draw_class_temperatures
    from dataparams.figures.comparison import draw_comparison
    from dataparams.figures.embedding import embed, report_map
    from dataparams.figures.grid import draw_grid
    from dataparams.figures.trajectories import draw_trajectories
    from dataparams.figures.tsne import draw_tsne
    from dataparams.figures.writing import write_figures

__all__ = [
    "draw_class_temperatures",
    "draw_comparison",
    "draw_grid",
    "draw_trajectories",
    "draw_tsne",
    "embed",
    "report_map",
    "write_figures",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "draw_class_temperatures": "dataparams.figures.class_temperatures",
        "draw_comparison": "dataparams.figures.comparison",
        "draw_grid": "dataparams.figures.grid",
        "draw_trajectories": "dataparams.figures.trajectories",
        "draw_tsne": "dataparams.figures.tsne",
        "embed": "dataparams.figures.embedding",
        "report_map": "dataparams.figures.embedding",
        "write_figures": "dataparams.figures.writing",
    },
)
