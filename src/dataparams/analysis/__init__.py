"""Reading a run folder: which samples are easy, hard, in need of review, and mislabeled."""

from dataparams.analysis.analyze import (
    analyze,
    analyze_trajectories,
    current_analysis,
    load_analysis,
    write_analysis,
)
from dataparams.analysis.ranking import Ranking, rank
from dataparams.analysis.result import CATEGORIES, Analysis, Category
from dataparams.analysis.threshold import NoiseEstimate, estimate_noise

__all__ = [
    "CATEGORIES",
    "Analysis",
    "Category",
    "NoiseEstimate",
    "Ranking",
    "analyze",
    "analyze_trajectories",
    "current_analysis",
    "estimate_noise",
    "load_analysis",
    "rank",
    "write_analysis",
]
