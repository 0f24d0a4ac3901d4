"""Data parameters: find mislabeled, hard and under-represented samples by training once."""

from dataparams.data.indexed import IndexedDataset
from dataparams.errors import DataError, RunError, UserError
from dataparams.parameters import DataParameters, sparse_momentum_step, temperature_cross_entropy

__all__ = [
    "DataError",
    "DataParameters",
    "IndexedDataset",
    "RunError",
    "UserError",
    "sparse_momentum_step",
    "temperature_cross_entropy",
]
