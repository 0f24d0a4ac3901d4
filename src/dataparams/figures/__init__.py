"""Pictures of an analysis: representative samples, the map of a class, temperatures."""

from dataparams.figures.class_temperatures import draw_class_temperatures
from dataparams.figures.embedding import embed
from dataparams.figures.grid import draw_grid
from dataparams.figures.trajectories import draw_trajectories
from dataparams.figures.tsne import draw_tsne
from dataparams.figures.writing import write_figures

__all__ = [
    "draw_class_temperatures",
    "draw_grid",
    "draw_trajectories",
    "draw_tsne",
    "embed",
    "write_figures",
]
