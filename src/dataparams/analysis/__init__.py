"""Reading a run folder: which samples are suspicious."""

from dataparams.analysis.ranking import Ranking, rank
from dataparams.analysis.threshold import NoiseEstimate, estimate_noise

__all__ = ["NoiseEstimate", "Ranking", "estimate_noise", "rank"]
