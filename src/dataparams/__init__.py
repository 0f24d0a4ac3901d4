"""Data parameters: find mislabeled, hard and under-represented samples by training once."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataparams.analysis import Analysis, analyze, analyze_trajectories
    from dataparams.data.indexed import IndexedDataset
    from dataparams.errors import DataError, RunError, UserError
    from dataparams.parameters import (
        DataParameters,
        sparse_momentum_step,
        temperature_cross_entropy,
    )

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

_MODULES = {
    "IndexedDataset": "data.indexed",
    **dict.fromkeys(("DataError", "RunError", "UserError"), "errors"),
    **dict.fromkeys(("Analysis", "analyze", "analyze_trajectories"), "analysis"),
}


def __getattr__(name: str) -> object:
    """Import a name when it is first used: the command line's help need not wait for PyTorch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'parameters')}"), name)
