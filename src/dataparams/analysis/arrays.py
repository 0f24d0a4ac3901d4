"""An analysis of arrays, from any training loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.analyze import assembled
from dataparams.analysis.findings import findings_of
from dataparams.analysis.training_judgment import judge
from dataparams.analysis.trajectories import ArrayTrajectories, Trajectories
from dataparams.errors import ArgumentError, require_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis, SampleContents

_NEAR_ONE = (0.7, 1.4)


def analyze_trajectories(
    log_temperature: NDArray[np.floating],
    labels: NDArray[np.integer] | Sequence[int] | Sequence[str],
    *,
    initial: float = 0.0,
    margin: NDArray[np.floating] | None = None,
    loss: NDArray[np.floating] | None = None,
    rival: NDArray[np.integer] | None = None,
    class_names: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    contents: SampleContents | None = None,
    review_budget: float | None = None,
) -> Analysis:
    """An analysis of arrays from any training loop, without a run folder.

    Args:
        log_temperature: Log of ``DataParameters.instance_parameters`` after every epoch,
            (epochs, n).
        initial: Log temperature at the start.
        labels: Given labels, (n,): class numbers, 0 or above, or names of classes.
        margin: Logit of the given label minus the highest other one, (epochs, n), if known.
        loss: Cross-entropy without temperature, (epochs, n), if known.
        rival: Class of the highest logit other than the given label's, (epochs, n), if known.
            Labels are suggested only where margin, loss and rival are all known.
        class_names: Names of the classes; by default their numbers, or the names among ``labels``
            in alphabetical order.
        ids: Names of the samples; their numbers by default.
        contents: Where the samples' contents come from, by id; needed for drawing grids.
        review_budget: The largest share that may need review, 0 ... 1; None for no limit.

    Raises:
        ArgumentError: If shapes do not fit, values are not finite or out of their range, or no
            temperature ever moved.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> labels = rng.integers(0, 2, 300)
        >>> drift = np.where(np.arange(300) < 30, 0.1, -0.1)
        >>> log_temperature = np.cumsum(drift + rng.normal(0, 0.02, (20, 300)), axis=0)
        >>> analysis = analyze_trajectories(log_temperature, labels)
        >>> analysis.frame["category"].value_counts().sort("count")["category"].to_list()
        ['hard', 'easy']
    """
    if review_budget is not None:
        require_share("review_budget", review_budget)
    log_temperature = np.asarray(log_temperature)
    given = np.asarray(labels)
    _require_trajectories(log_temperature, given, initial)
    for name, values in {"margin": margin, "loss": loss, "rival": rival}.items():
        _require_like(name, values, log_temperature)
    numbers, names = _numbered(given, rival, class_names)
    count = len(numbers)
    sample_ids = list(map(str, range(count) if ids is None else ids))
    if len(sample_ids) != count:
        raise ArgumentError(
            f"`ids` has {len(sample_ids)} names; expected {count}, one per instance."
        )
    source = ArrayTrajectories(
        Trajectories(
            log_temperature.astype(np.float32),
            margin=None if margin is None else np.asarray(margin, np.float32),
            loss=None if loss is None else np.asarray(loss, np.float32),
            rival=None if rival is None else np.asarray(rival),
        )
    )
    samples = pl.DataFrame({"index": np.arange(count), "id": sample_ids, "label": numbers})
    judgment = judge(samples, names, source, initial=initial, review_budget=review_budget)
    findings = findings_of(judgment.noise, len(source.epochs))
    return assembled("arrays", judgment.frame, names, source, contents, findings)


def _require_trajectories(
    values: NDArray[np.floating], labels: NDArray[np.generic], initial: float
) -> None:
    if values.ndim != 2 or not values.size:
        raise ArgumentError(
            f"`log_temperature` has shape {values.shape}; expected (epochs, instances)."
        )
    if labels.shape != values.shape[1:]:
        hint = ""
        if labels.shape == values.shape[:1]:
            hint = " It seems to have the instances first: give log_temperature.T."
        raise ArgumentError(
            f"`labels` has shape {labels.shape} and `log_temperature` {values.shape}; expected "
            f"(instances,) and (epochs, instances).{hint}"
        )
    if not np.isfinite(values).all():
        raise ArgumentError(
            "`log_temperature` has values that are not finite; expected finite numbers."
        )
    if (np.abs(values - initial) < 1e-9).all():
        raise ArgumentError(
            f"`log_temperature` never moves from {initial:g}, its start; expected what training "
            "makes of it. Is step() called after backward(), and in train() mode?"
        )
    if not np.diff(values, axis=0).any() and len(values) > 1:
        raise ArgumentError(
            "`log_temperature` is the same in every epoch; expected its course over the epochs. "
            "Keep a copy of the parameters after each epoch, not the tensor that goes on changing."
        )
    if initial == 0 and (values > 0).all() and _NEAR_ONE[0] < np.median(values[0]) < _NEAR_ONE[1]:
        raise ArgumentError(
            "`log_temperature` looks like temperatures, not like their logs: all values are above "
            "0, and those of the first epoch are near 1. Give np.log of them."
        )


def _require_like(
    name: str, values: NDArray[np.generic] | None, like: NDArray[np.floating]
) -> None:
    if values is None:
        return
    if np.shape(values) != like.shape:
        raise ArgumentError(f"`{name}` has shape {np.shape(values)}; expected {like.shape}.")
    if not np.isfinite(values).all():
        raise ArgumentError(f"`{name}` has values that are not finite; expected finite numbers.")


def _numbered(
    labels: NDArray[np.generic],
    rival: NDArray[np.integer] | None,
    class_names: Sequence[str] | None,
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Class numbers of the labels, and the names of the classes."""
    if labels.dtype.kind in "US" or (labels.dtype == object and isinstance(labels[0], str)):
        words = labels.astype(str)
        names = tuple(sorted(set(words.tolist())) if class_names is None else map(str, class_names))
        unknown = sorted(set(words.tolist()) - set(names))
        if unknown:
            raise ArgumentError(
                f"`labels` contains {unknown[0]!r}; expected the names in `class_names`: "
                f"{', '.join(names[:10])}{', ...' if len(names) > 10 else ''}."
            )
        number = {name: k for k, name in enumerate(names)}
        numbers = np.array([number[word] for word in words.tolist()], dtype=np.int64)
    else:
        names, numbers = _whole(labels, rival, class_names)
    for what, values in (("labels", numbers), ("rival", rival)):
        if values is not None and not 0 <= np.min(values) <= np.max(values) < len(names):
            raise ArgumentError(
                f"`{what}` runs from {np.min(values)} to {np.max(values)}; expected "
                f"0 ... {len(names) - 1}, since there are {len(names)} classes."
            )
    return numbers, names


def _whole(
    labels: NDArray[np.generic],
    rival: NDArray[np.integer] | None,
    class_names: Sequence[str] | None,
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    if labels.dtype.kind not in "iub":
        raise ArgumentError(
            f"`labels` has dtype {labels.dtype}; expected class numbers (integers) or names (text)."
        )
    numbers = labels.astype(np.int64)
    most = max(int(numbers.max()), 0 if rival is None else int(np.max(rival)))
    return tuple(map(str, range(most + 1) if class_names is None else class_names)), numbers
