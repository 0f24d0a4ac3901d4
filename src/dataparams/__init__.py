"""Data parameters: find mislabeled, hard and under-represented samples by training once.

The names in ``__all__`` are public. Everything else is private by its place, and may change from
one version to the next.

- In a training loop of one's own: :class:`DataParameters`, :class:`IndexedDataset` and
  :func:`instance_learning_rate`; as pure functions :func:`temperature_cross_entropy` and
  :func:`sparse_momentum_step`.
- From a training loop of one's own to a run folder: :class:`Recording`.
- From data to a run folder: :func:`audit`, or :func:`train` by a :class:`TrainConfig`.
- From labels and predictions or features that are at hand: :func:`find_issues`, which gives
  :class:`Issues`.
- From a run folder, or from arrays, to a verdict: :func:`analyze`, :func:`analyze_trajectories`,
  which give an :class:`Analysis`, and :func:`rank`; :class:`RunFolder` reads the folder itself.
- From a verdict to the next training of one's own loop: :func:`cleaned`.
- Errors that a user can correct are :class:`UserError`.

``audit``, ``train`` and drawing need ``pip install "dataparams[app]"``; the others do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.lazy_names import lazy_names

if TYPE_CHECKING:
    from dataparams.analysis import Analysis, Ranking, analyze, analyze_trajectories, rank
    from dataparams.batches.indexed import IndexedDataset
    from dataparams.cleaning.kept_samples import cleaned
    from dataparams.errors import (
        ArgumentError,
        ChangedDataError,
        DataError,
        MissingPackageError,
        RunError,
        Stopped,
        UserError,
    )
    from dataparams.issues import Issues, find_issues
    from dataparams.making_runs import audit, train
    from dataparams.method.data_parameters import DataParameters
    from dataparams.method.functional import sparse_momentum_step, temperature_cross_entropy
    from dataparams.method.learning_rate import instance_learning_rate
    from dataparams.recording.recording import Recording
    from dataparams.run.folder import RunFolder
    from dataparams.training.config import TrainConfig

__version__ = "0.1.0"

__all__ = [
    "Analysis",
    "ArgumentError",
    "ChangedDataError",
    "DataError",
    "DataParameters",
    "IndexedDataset",
    "Issues",
    "MissingPackageError",
    "Ranking",
    "Recording",
    "RunError",
    "RunFolder",
    "Stopped",
    "TrainConfig",
    "UserError",
    "analyze",
    "analyze_trajectories",
    "audit",
    "cleaned",
    "find_issues",
    "instance_learning_rate",
    "rank",
    "sparse_momentum_step",
    "temperature_cross_entropy",
    "train",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        **dict.fromkeys(
            ("Analysis", "Ranking", "analyze", "analyze_trajectories", "rank"),
            "dataparams.analysis",
        ),
        "IndexedDataset": "dataparams.batches.indexed",
        "cleaned": "dataparams.cleaning.kept_samples",
        **dict.fromkeys(
            (
                *("ArgumentError", "ChangedDataError", "DataError", "MissingPackageError"),
                *("RunError", "Stopped", "UserError"),
            ),
            "dataparams.errors",
        ),
        **dict.fromkeys(("Issues", "find_issues"), "dataparams.issues"),
        **dict.fromkeys(("audit", "train"), "dataparams.making_runs"),
        "DataParameters": "dataparams.method.data_parameters",
        **dict.fromkeys(
            ("sparse_momentum_step", "temperature_cross_entropy"), "dataparams.method.functional"
        ),
        "instance_learning_rate": "dataparams.method.learning_rate",
        "Recording": "dataparams.recording.recording",
        "RunFolder": "dataparams.run.folder",
        "TrainConfig": "dataparams.training.config",
    },
)
