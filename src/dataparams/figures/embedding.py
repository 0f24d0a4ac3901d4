"""Two-dimensional maps: of trajectories, and of whatever lies in many dimensions."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis

_PERPLEXITY = 30
_FEWEST = 8
_EARLY_ITERATIONS, _ITERATIONS = 250, 400
_FEW, _MANY = 3000, 6000
_TOLD_EVERY = 25


def report_map(analysis: Analysis) -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
    """What draws the maps of a report: t-SNE of a training, principal components of an audit.

    The heads of an audit have few epochs, in which little but height and slope differs; a layout
    that takes longer than the audit would show no more.
    """
    return principal_map if analysis.judged_by is not None else embed


def principal_map(log_temperature: NDArray[np.floating]) -> NDArray[np.float64]:
    """A map of samples by the first two principal components of their trajectories.

    Args:
        log_temperature: (epochs, m).

    Returns:
        Positions, (m, 2).

    Example:
        >>> places = principal_map(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]))
        >>> places.shape, bool(np.allclose(places[0], places[1]))
        ((3, 2), True)
    """
    return _principal(_points(log_temperature))


def embed(log_temperature: NDArray[np.floating], seed: int = 0) -> NDArray[np.float64]:
    """A map of samples on which those with similar trajectories lie near each other.

    t-SNE (van der Maaten, Hinton, JMLR 2008) on one log temperature per epoch: by openTSNE, or by
    scikit-learn on platforms that openTSNE has no wheels for.

    Args:
        log_temperature: (epochs, m).
        seed: Seed of the layout.

    Returns:
        Positions, (m, 2). Fewer than 8 samples, and samples that all moved alike, lie at their
        first two principal components.

    Example:
        >>> embed(np.random.default_rng(0).normal(size=(5, 3))).shape
        (3, 2)
    """
    points = _points(log_temperature)
    principal = _principal(points)
    return neighbor_embedding(points, principal, seed)


def neighbor_embedding(
    points: NDArray[np.floating],
    principal: NDArray[np.floating],
    seed: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> NDArray[np.float64]:
    """A map by t-SNE, begun at the first two principal components of what it lays out.

    Args:
        points: (m, d).
        principal: Their first two principal components, (m, 2), which keep far groups where they
            belong (Kobak, Berens, Nature Communications 2019).
        seed: Seed of the layout.
        on_progress: Told the share of the work that is done, 0 ... 1; not by scikit-learn.

    Returns:
        Positions, (m, 2); those components of fewer than 8 points, and of points that are all one.
    """
    if len(points) < _FEWEST or np.ptp(principal) == 0:
        return np.asarray(principal, dtype=np.float64)
    # Points that begin on a line would never leave it.
    noise = np.random.default_rng(seed).normal(0, 0.01, principal.shape)
    start = (principal / max(float(principal[:, 0].std()), 1e-300) + noise) * 1e-4
    perplexity = min(_PERPLEXITY, (len(points) - 1) / 3)
    if find_spec("openTSNE") is None:
        return _by_scikit_learn(points, start, perplexity, seed)
    return _by_opentsne(points, start, perplexity, seed, on_progress)


def _points(log_temperature: NDArray[np.floating]) -> NDArray[np.float64]:
    values = np.asarray(log_temperature, dtype=np.float64)
    points: NDArray[np.float64] = np.nan_to_num(values, posinf=0, neginf=0).T
    return points


def _by_opentsne(
    points: NDArray[np.floating],
    start: NDArray[np.floating],
    perplexity: float,
    seed: int,
    on_progress: Callable[[float], None] | None,
) -> NDArray[np.float64]:
    from openTSNE import TSNE

    layout = TSNE(
        perplexity=perplexity,
        initialization=start,
        early_exaggeration_iter=_EARLY_ITERATIONS,
        n_iter=_ITERATIONS,
        random_state=seed,
        n_jobs=1,
        neighbors="exact" if len(points) < _FEW else "auto",
        negative_gradient_method="bh" if len(points) < _MANY else "fft",
        callbacks=None if on_progress is None else _telling(on_progress),
        callbacks_every_iters=_TOLD_EVERY,
    ).fit(points)
    return np.asarray(layout, dtype=np.float64)


def _telling(on_progress: Callable[[float], None]) -> Callable[..., None]:
    """Tells the share that is done; the two phases each count their iterations from 1."""
    calls = count(1)

    def tell(*_: object) -> None:
        on_progress(next(calls) * _TOLD_EVERY / (_EARLY_ITERATIONS + _ITERATIONS))

    return tell


def _by_scikit_learn(
    points: NDArray[np.floating], start: NDArray[np.floating], perplexity: float, seed: int
) -> NDArray[np.float64]:
    from sklearn.manifold import TSNE

    layout = TSNE(
        perplexity=perplexity,
        init=start,
        max_iter=_EARLY_ITERATIONS + _ITERATIONS,
        random_state=seed,
        n_jobs=1,
    ).fit_transform(points)
    return np.asarray(layout, dtype=np.float64)


def _principal(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first two principal components, (m, 2); zeros where there are fewer."""
    centered = points - points.mean(axis=0) if len(points) else points
    left, scale, _ = np.linalg.svd(centered, full_matrices=False)
    principal = np.zeros((len(points), 2))
    known = min(2, len(scale))
    principal[:, :known] = left[:, :known] * scale[:known]
    return principal
