"""The folder of cached results."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "DATAPARAMS_CACHE"


def cache_folder() -> Path:
    """The user's cache folder; it need not exist.

    Returns:
        The first of these: the environment variable DATAPARAMS_CACHE; ``dataparams`` in
        XDG_CACHE_HOME; on Windows ``dataparams`` in LOCALAPPDATA; ``~/.cache/dataparams``.

    Example:
        >>> cache_folder().is_absolute()
        True
    """
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    if not base and sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache").absolute() / "dataparams"
