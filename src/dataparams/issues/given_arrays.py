"""Arrays as people have them, from any library, as NumPy has them; and what must hold of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

_SUM_WITHIN = 0.01
_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class GivenArrays:
    """What was given of n samples, checked.

    Attributes:
        probabilities: Class probabilities, (n, C); None where none were given.
        logits: Of some epochs, (epochs, n, C); None where none were given.
        features: (n, d); None where none were given.
        has_probabilities: Whether a sample has them, (n,).
        has_logits: Whether a sample has those of an epoch or more, (n,).
        has_features: Whether a sample has them, (n,).
    """

    probabilities: Floats | None
    logits: Floats | None
    features: Floats | None
    has_probabilities: NDArray[np.bool_]
    has_logits: NDArray[np.bool_]
    has_features: NDArray[np.bool_]

    @property
    def is_judged(self) -> NDArray[np.bool_]:
        """Whether there is anything to judge a sample by, (n,)."""
        return self.has_probabilities | self.has_logits | self.has_features

    @property
    def num_columns(self) -> int | None:
        """Number of classes that probabilities or logits are of; None where neither was given."""
        for values in (self.probabilities, self.logits):
            if values is not None:
                return int(values.shape[-1])
        return None


def checked_arrays(pred_probs: Any, features: Any, logits: Any, count: int) -> GivenArrays:
    """Take what was given of the samples.

    Args:
        pred_probs: Class probabilities, (n, C), or None.
        features: (n, d), or None.
        logits: (n, C), or of some epochs (epochs, n, C), or None.
        count: Number of labels, n.

    Raises:
        ArgumentError: If nothing was given, shapes do not fit, or values are not as they must be.
    """
    if pred_probs is None and features is None and logits is None:
        raise ArgumentError(
            "There is nothing to judge the labels by. Give `pred_probs`, class probabilities of "
            "samples by a model that was not trained on them; or `features`, from which such "
            "models are trained; or `logits` of the epochs of a training."
        )
    probabilities = None if pred_probs is None else _probabilities(pred_probs, count)
    of_epochs = None if logits is None else _logits(logits, count)
    values = None if features is None else _table("features", features, count, "(samples, width)")
    if probabilities is not None and of_epochs is not None:
        _require_same_classes(probabilities, of_epochs)
    none = np.zeros(count, dtype=bool)
    has_logits = none
    if of_epochs is not None:
        has_logits = np.any(_given_by_epoch(of_epochs), axis=0)
    given = GivenArrays(
        probabilities,
        of_epochs,
        values,
        none if probabilities is None else _is_given("pred_probs", probabilities),
        has_logits,
        none if values is None else _is_given("features", values),
    )
    _require_any(given)
    return given


def as_array(name: str, values: Any) -> NDArray[Any]:
    """Values as NumPy has them: of lists, pandas, Polars, PyTorch, JAX and whatever NumPy knows.

    Args:
        name: The argument's.
        values: What was given for it.

    Raises:
        ArgumentError: If rows differ in length, or they cannot be taken for an array.

    Example:
        >>> import torch
        >>> as_array("pred_probs", torch.ones(1, 2, dtype=torch.bfloat16, requires_grad=True))
        array([[1., 1.]], dtype=float32)
    """
    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu()
            values = values.float() if values.dtype.itemsize == 2 else values
            array = np.asarray(values.numpy())
        elif hasattr(values, "to_numpy"):
            array = np.asarray(values.to_numpy())
        else:
            array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(
            f"`{name}` cannot be taken for an array: {error}. Expected an array, a table or lists "
            "of one length."
        ) from error
    return array


def _numbers(name: str, values: Any) -> Floats:
    array = as_array(name, values)
    if array.dtype.kind not in "fiub":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ArgumentError(
                f"`{name}` has values that are no numbers: {error}. Expected numbers, and NaN in "
                "all of a row where nothing is known of a sample."
            ) from error
    numbers: Floats = array if array.dtype.kind == "f" else array.astype(np.float32)
    return numbers


def _table(name: str, values: Any, count: int, expected: str) -> Floats:
    array = _numbers(name, values)
    if array.ndim != 2 or not array.size:
        hint = ""
        if name == "pred_probs" and array.ndim == 1:
            hint = " Of two classes, give a column for each: 1 - p and p."
        if name == "pred_probs" and array.ndim == 3:
            hint = " What a training said in several epochs is given as `logits`."
        if name == "features" and array.ndim > 2:
            hint = f" Give features.reshape({len(array)}, -1)."
        raise ArgumentError(f"`{name}` has shape {array.shape}; expected {expected}.{hint}")
    if len(array) != count:
        hint = f" Give {name}.T." if array.shape[1] == count else ""
        raise ArgumentError(
            f"`{name}` has {len(array):,} rows, but there are {count:,} labels; expected a row for "
            f"each label.{hint}"
        )
    return array


def _probabilities(values: Any, count: int) -> Floats:
    array = _table("pred_probs", values, count, "(samples, classes)")
    for start in range(0, count, _ROWS):
        rows = array[start : start + _ROWS].astype(np.float64)
        for is_bad, what in (
            ((rows < -_SUM_WITHIN) | (rows > 1 + _SUM_WITHIN), "goes beyond 0 ... 1"),
            (np.abs(rows.sum(axis=1)[:, None] - 1) > _SUM_WITHIN, "does not sum to 1"),
        ):
            bad = np.flatnonzero(is_bad.any(axis=1))
            if len(bad):
                row = start + int(bad[0])
                raise ArgumentError(
                    f"`pred_probs` {what} in row {row}, which is {_shown(array[row])} (sum "
                    f"{float(np.sum(array[row], dtype=np.float64)):.3g}). Expected the "
                    "probabilities of all classes; scores before the softmax are given as `logits`."
                )
    return array


def _logits(values: Any, count: int) -> Floats:
    array = _numbers("logits", values)
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or not array.size:
        raise ArgumentError(
            f"`logits` has shape {array.shape}; expected (epochs, samples, classes) or (samples, "
            "classes)."
        )
    if array.shape[1] != count:
        hint = ""
        if array.shape[0] == count:
            hint = " It seems to have the samples first: give logits.transpose(1, 0, 2)."
        raise ArgumentError(
            f"`logits` has shape {array.shape}, but there are {count:,} labels; expected (epochs, "
            f"samples, classes).{hint}"
        )
    return array


def _require_same_classes(probabilities: Floats, logits: Floats) -> None:
    if probabilities.shape[1] != logits.shape[2]:
        raise ArgumentError(
            f"`pred_probs` is of {probabilities.shape[1]} classes and `logits` of "
            f"{logits.shape[2]}; expected the same classes in the same order."
        )


def _is_given(name: str, values: Floats) -> NDArray[np.bool_]:
    """Whether each row has values; one that has only some is an error."""
    given = np.empty(len(values), dtype=bool)
    for start in range(0, len(values), _ROWS):
        rows = values[start : start + _ROWS]
        is_finite = np.isfinite(rows)
        given[start : start + _ROWS] = is_finite.all(axis=1)
        partly = np.flatnonzero(~is_finite.all(axis=1) & ~np.isnan(rows).all(axis=1))
        if len(partly):
            row = start + int(partly[0])
            raise ArgumentError(
                f"`{name}` has values that are not finite in row {row}: {_shown(values[row])}. "
                "Expected finite numbers, or NaN in all of a row where nothing is known of a "
                "sample."
            )
    return given


def _given_by_epoch(logits: Floats) -> list[NDArray[np.bool_]]:
    """Whether each sample has logits, by epoch; of several epochs none may be without any."""
    given = [_is_given("logits", epoch) for epoch in logits]
    if any(some.any() for some in given):
        for number, some in enumerate(given):
            if not some.any():
                raise ArgumentError(
                    f"`logits[{number}]` is NaN for all samples; expected finite numbers for some. "
                    "Leave out an epoch of which nothing is known."
                )
    return given


def _require_any(given: GivenArrays) -> None:
    if not given.is_judged.any():
        raise ArgumentError(
            "All rows of what was given are NaN; expected finite numbers for some samples."
        )
    if given.features is not None and given.has_features.sum() < 2:
        raise ArgumentError(
            f"`features` has {int(given.has_features.sum())} rows that are not NaN; expected two "
            "or more, since heads learn from other samples than the one that they judge."
        )


def _shown(row: Floats) -> str:
    numbers = ", ".join(f"{value:.3g}" for value in row[:6].tolist())
    return f"[{numbers}{', ...' if len(row) > 6 else ''}]"
