"""The errors a user can cause and mend; the command line prints them without a traceback."""

from __future__ import annotations


class UserError(Exception):
    """Something that the user gave cannot be used; the message says what, and what to do next.

    The command line prints the message and ends with ``exit_code``.

    Example:
        >>> raise UserError("--top is 1.4; expected a share between 0 and 1.")
        Traceback (most recent call last):
        ...
        dataparams.errors.UserError: --top is 1.4; expected a share between 0 and 1.
    """

    exit_code: int = 2


class DataError(UserError):
    """A data set cannot be found or read."""

    exit_code = 3


class RunError(UserError):
    """A run folder exists already, is missing, is damaged, or cannot be written."""

    exit_code = 4


class ChangedDataError(RunError):
    """Samples are not what a run was trained on; the message names them."""


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
