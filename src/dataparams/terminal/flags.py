"""From the library's words to the command's: arguments become flags."""

from __future__ import annotations

import re

_ARGUMENT = re.compile(r"`([a-z][a-z0-9_]*)(?:=([^`]*))?`")
_PLACES = {"dataset": "PATH", "run": "RUN"}


def with_flags(text: str) -> str:
    """A message of the library as a command says it.

    Messages name arguments in backticks, as they are written in Python, alone or with a value. What
    a command takes by its place, such as the data set, has no flag, but a word of its own.

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


def _flag(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    if value is None and name in _PLACES:
        return _PLACES[name]
    flag = name.replace("_", "-")
    if value in (None, "True"):
        return f"--{flag}"
    if value == "False":
        return f"--no-{flag}"
    return f"--{flag} {value.strip(chr(34))}"
