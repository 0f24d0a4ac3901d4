"""Reading a run folder: which samples are easy, hard, in need of review, and mislabeled."""

from dataparams.analysis.analyze import (
    analyze,
    current_analysis,
    load_analysis,
    noise_of_run,
    write_analysis,
)
from dataparams.analysis.arrays import analyze_trajectories
from dataparams.analysis.noise_rate import NoiseEstimate, estimate_noise_rate
from dataparams.analysis.result import CATEGORIES, Analysis, Category
from dataparams.analysis.temperature_ranking import Ranking, rank

__all__ = [
    "CATEGORIES",
    "Analysis",
    "Category",
    "NoiseEstimate",
    "Ranking",
    "analyze",
    "analyze_trajectories",
    "current_analysis",
    "estimate_noise_rate",
    "load_analysis",
    "noise_of_run",
    "rank",
    "write_analysis",
]
