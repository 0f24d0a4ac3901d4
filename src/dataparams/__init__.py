"""Data parameters: find mislabeled, hard and under-represented samples by training once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.lazy_names import lazy_names

if TYPE_CHECKING:
    from dataparams.analysis import Analysis, analyze, analyze_trajectories
    from dataparams.batches.indexed import IndexedDataset
    from dataparams.errors import DataError, RunError, UserError
    from dataparams.method.data_parameters import DataParameters
    from dataparams.method.functional import sparse_momentum_step, temperature_cross_entropy

__all__ = [
    "Analysis",
    "DataError",
    "DataParameters",
    "IndexedDataset",
    "RunError",
    "UserError",
    "analyze",
    "analyze_trajectories",
    "sparse_momentum_step",
    "temperature_cross_entropy",
]

__getattr__ = lazy_names(
    __name__,
    {
        "IndexedDataset": "dataparams.batches.indexed",
        **dict.fromkeys(("DataError", "RunError", "UserError"), "dataparams.errors"),
        **dict.fromkeys(("Analysis", "analyze", "analyze_trajectories"), "dataparams.analysis"),
        "DataParameters": "dataparams.method.data_parameters",
        **dict.fromkeys(
            ("sparse_momentum_step", "temperature_cross_entropy"), "dataparams.method.functional"
        ),
    },
)
