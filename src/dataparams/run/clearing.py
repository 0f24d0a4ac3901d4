"""Removing what training made in a run folder, and nothing that people made."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from dataparams.errors import RunError
from dataparams.run.cleaned_samples import CLEANED, cleaned_classes, is_of_people
from dataparams.run.safe_files import explained_refusals

if TYPE_CHECKING:
    from pathlib import Path

APPLIED = "applied"
"""The folder of what was changed in the data, in a run folder."""
REVIEW = "review.sqlite"
"""The file of people's decisions in a run folder."""
_MADE_BY_TRAINING = (
    "samples.parquet",
    "contents.parquet",
    "unreadable.csv",
    "metrics.csv",
    "validation.parquet",
    "held_out.parquet",
    "planted.parquet",
    "features.npy",
    "neighbors.npy",
    "checkpoint",
    "tensorboard",
    "analysis.parquet",
    "analysis_classes.csv",
    "health.parquet",
)
_HALF_WRITTEN = (
    *(f".{name}.*.tmp" for name in ("run.json", "samples.parquet", "unreadable.csv")),
    *(f".{name}.*.tmp" for name in ("metrics.csv", "*.parquet", "epoch_*.pth.tar")),
    ".features.npy.*.tmp",
    ".neighbors.npy.*.tmp",
    "checkpoint/.*.tmp",
)


def clear_run(folder: Path) -> None:
    """Remove what training made in a folder; ``run.json`` goes last.

    Raises:
        RunError: If it is no run folder, or holds what people made.
    """
    if not (folder / "run.json").is_file():
        raise RunError(
            f"{folder} is not a run folder (it has no run.json), so `restart=True` does not clear "
            "it. Choose another folder for the run."
        )
    review, cleaned = folder / REVIEW, folder / CLEANED
    if (folder / APPLIED).exists():
        raise RunError(
            f"{folder / APPLIED} knows what was changed in the data, and how to undo it, so "
            "`restart=True` does not clear this folder. Choose another folder for the run."
        )
    for file in (review, cleaned):
        if file.exists() and (file == review or is_of_people(file)):
            raise RunError(
                f"{file} holds decisions that people made, so `restart=True` does not clear this "
                "folder. Choose another folder for the run, or move that file first."
            )
    made = [folder / name for name in _MADE_BY_TRAINING] + [cleaned, cleaned_classes(cleaned)]
    with explained_refusals(folder):
        for path in [*made, *folder.glob("epoch_*.pth.tar"), folder / "run.json"]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def remove_half_written(folder: Path) -> None:
    """Remove the temporary files that a killed training left."""
    for pattern in _HALF_WRITTEN:
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
