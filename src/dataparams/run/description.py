"""``run.json``: how a run was made, and what other parts read in it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, cast

from dataparams.errors import RunError
from dataparams.method.data_parameters import CLAMP
from dataparams.run.nearest_paths import nearest_runs

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.contents.content import ContentKind


_KINDS = ("image", "text", "row")


def read_description(file: Path) -> dict[str, Any]:
    """Read a ``run.json``.

    Raises:
        RunError: If it does not exist (the message names the nearest runs) or is damaged.
    """
    if not file.is_file():
        folder = file.parent
        raise RunError(
            f"{folder} is not a run folder: {file} does not exist.{nearest_runs(folder)}"
        )
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{file} cannot be read: {error}.") from error
    if not isinstance(description, dict):
        raise RunError(f"{file} is damaged: expected a JSON object.")
    return description


def description_bytes(description: dict[str, Any]) -> bytes:
    """The bytes of a ``run.json``."""
    return (json.dumps(description, indent=2, ensure_ascii=False) + "\n").encode()


def class_names_in(file: Path) -> tuple[str, ...]:
    """The names of class 0, 1, ... in a ``run.json``.

    Raises:
        RunError: If it does not exist or does not have them.
    """
    names = read_description(file).get("class_names")
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise RunError(f"{file} is damaged: expected 'class_names', words.")
    return tuple(names)


def content_kind_in(file: Path) -> ContentKind | None:
    """What the samples are, by a ``run.json``; None where nothing was kept of them to show.

    Runs that do not say so are of images.

    Raises:
        RunError: If it does not exist, or says something else.
    """
    source = read_description(file).get("source")
    kind = source.get("content", "image") if isinstance(source, dict) else "image"
    if kind is None:
        return None
    if kind not in _KINDS:
        raise RunError(
            f"{file} is damaged: its samples are of a kind {kind!r}; expected one of "
            f"{', '.join(_KINDS)}."
        )
    return cast("ContentKind", kind)


def initial_log_temperature_in(file: Path) -> float:
    """The log temperature from which every sample moved, by a ``run.json``.

    That is the initial one or, where it lies beyond the clamp, the bound that it was moved to.

    Raises:
        RunError: If it does not exist or has none that is a number above 0.
    """
    config = read_description(file).get("config", {})
    initial = config.get("init_inst_param", 1.0) if isinstance(config, dict) else None
    if not isinstance(initial, int | float) or not 0 < initial < math.inf:
        raise RunError(f"{file} is damaged: expected an 'init_inst_param' above 0.")
    if config.get("skip_clamp_data_param"):
        return math.log(initial)
    return math.log(min(max(initial, CLAMP[0]), CLAMP[1]))
