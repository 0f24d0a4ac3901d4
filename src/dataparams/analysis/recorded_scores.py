"""Scores of every sample from the trajectories that training recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.analysis import scores
from dataparams.analysis.trajectories import parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.analysis.trajectories import TrajectorySource

    Columns = dict[str, NDArray[Any]]


def recorded_scores(
    source: TrajectorySource, count: int
) -> tuple[Columns, NDArray[np.float64] | None]:
    """All scores of single quantities, and the accuracy of each epoch where margins are known."""
    pieces: list[Columns] = []
    correct_counts = np.zeros(len(source.epochs))
    for rows in parts(count):
        piece = source.part(rows)
        values: Columns = {
            "final_temperature": scores.final_temperature(piece.log_temperature),
            "mean_temperature": scores.mean_temperature(piece.log_temperature),
        }
        if piece.margin is not None:
            correct = piece.margin >= 0
            correct_counts += correct.sum(axis=1)
            values |= {
                "area_under_margin": scores.area_under_margin(piece.margin),
                "forgetting_events": scores.forgetting_events(correct),
                "first_learned_epoch": scores.first_learned_epoch(correct, source.epochs),
            }
        if piece.loss is not None:
            values |= {
                "mean_loss": scores.mean_loss(piece.loss),
                "last_loss": scores.last_loss(piece.loss),
                "confidence": scores.confidence(piece.loss),
                "variability": scores.variability(piece.loss),
            }
        if piece.error_norm is not None:
            values["error_norm"] = scores.error_norm(piece.error_norm)
        pieces.append(values)
    joined = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    accuracy = correct_counts / count if "area_under_margin" in joined else None
    return {name: _narrow(values) for name, values in joined.items()}, accuracy


def recorded_accuracy(source: TrajectorySource, count: int) -> NDArray[np.float64] | None:
    """The share of labels that the model agreed with in each epoch; None where margins lack."""
    correct = np.zeros(len(source.epochs))
    for rows in parts(count):
        margin = source.part(rows).margin
        if margin is None:
            return None
        correct += (margin >= 0).sum(axis=1)
    return correct / count


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.float32) if values.dtype == np.float64 else values
