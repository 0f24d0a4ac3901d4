"""Messages of the library as a command prints them: arguments become flags."""

from __future__ import annotations

import re
import sys

_ARGUMENT = re.compile(r"`([a-z][a-z0-9_]*)(?:=([^`]*))?`")
_PLACES = {"dataset": "PATH", "run": "RUN"}
_NAMES_OF_FLAGS = {"use_model": "model"}


def with_flags(text: str) -> str:
    """A message of the library with flags in place of arguments.

    Messages name arguments in backticks, as in Python, alone or with a value. A positional argument
    of the commands, such as the data set, becomes its name in their usage.

    Args:
        text: The message.

    Example:
        >>> with_flags("`val_frac` is 2; expected a share above 0 and below 1.")
        '--val-frac is 2; expected a share above 0 and below 1.'
        >>> with_flags('`amp="fp16"` needs a GPU; give `resume=True` or `offline=False`.')
        '--amp fp16 needs a GPU; give --resume or --no-offline.'
        >>> with_flags("`dataset` is ''; see `dataparams audit --help`.")
        "PATH is ''; see `dataparams audit --help`."
    """
    return _ARGUMENT.sub(_flag, text)


def say(text: str) -> None:
    """Print a message of the library with flags in place of arguments, at once."""
    sys.stdout.write(with_flags(text) + "\n")
    sys.stdout.flush()


def _flag(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    if value is None and name in _PLACES:
        return _PLACES[name]
    flag = _NAMES_OF_FLAGS.get(name, name).replace("_", "-")
    if value in (None, "True"):
        return f"--{flag}"
    if value == "False":
        return f"--no-{flag}"
    return f"--{flag} {value.strip(chr(34))}"
