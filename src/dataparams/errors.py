"""The errors a user can cause and mend; the command line prints them without a traceback.

Messages speak of arguments, in backticks as Python has them: `val_frac`, `amp="bf16"`. The command
line makes flags of them (see :mod:`dataparams.terminal.flags`).
"""

from __future__ import annotations

import math
from numbers import Real


class UserError(Exception):
    """Something that the user gave cannot be used; the message says what, and what to do next.

    The command line prints the message and ends with ``exit_code``.

    Example:
        >>> raise UserError("There is no class 'dgo'; expected cat or dog.")
        Traceback (most recent call last):
        ...
        dataparams.errors.UserError: There is no class 'dgo'; expected cat or dog.
    """

    exit_code: int = 2


class ArgumentError(UserError, ValueError):
    """An argument is out of its range, or does not go with another.

    Example:
        >>> raise ArgumentError("`top` is 1.4; expected a share between 0 and 1.")
        Traceback (most recent call last):
        ...
        dataparams.errors.ArgumentError: `top` is 1.4; expected a share between 0 and 1.
    """


def is_finite(value: object) -> bool:
    """Whether a value is a number, and neither infinite nor NaN.

    Example:
        >>> is_finite(2), is_finite(float("nan")), is_finite("2")
        (True, False, False)
    """
    return isinstance(value, Real) and math.isfinite(value)


def require_share(name: str, value: object) -> None:
    """Check that the argument of this name is a number from 0 to 1.

    Raises:
        ArgumentError: If it is not.

    Example:
        >>> require_share("top", 5)
        Traceback (most recent call last):
        ...
        dataparams.errors.ArgumentError: `top` is 5; expected a share, 0 ... 1.
    """
    if not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise ArgumentError(f"`{name}` is {value!r}; expected a share, 0 ... 1.")


class DataError(UserError):
    """A data set cannot be found or read."""

    exit_code = 3


class RunError(UserError):
    """A run folder exists already, is missing, is damaged, or cannot be written."""

    exit_code = 4


class ChangedDataError(RunError):
    """Samples are not what a run was trained on; the message names them."""


class MissingPackageError(UserError, ImportError):
    """A package is not installed; the message names the extra of dataparams that brings it."""


class Stopped(KeyboardInterrupt):
    """A signal ended a training, which was written first; the message says how to go on.

    Like the interrupt that it is, it passes by ``except Exception``.

    Args:
        message: Where the training stopped and what to do next.
        signal_number: Which signal it was.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class LostProcessError(RuntimeError):
    """Another of the processes that work together has died, or cannot be reached any more."""
