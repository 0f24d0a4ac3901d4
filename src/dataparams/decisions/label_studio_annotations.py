"""Annotations exported from Label Studio, as JSON or JSON-MIN.

See https://labelstud.io/guide/export. The tasks are the ones that ``dataparams export --to
label-studio`` writes, which name the sample.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeGuard

import polars as pl

from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTROL = "label"
"""The name of the choice of a class in the labeling interface."""
SAMPLE_INDEX, SAMPLE_ID = "sample_index", "sample_id"
"""The keys of a sample's index and id in a task, which has an ``id`` of Label Studio's own."""

_LARGEST = 2**63 - 1
_COLUMNS: dict[str, Any] = {
    "task": pl.Int64,
    "index": pl.Int64,
    "id": pl.String,
    "label": pl.String,
    "annotator": pl.String,
    "time": pl.Datetime("us", "UTC"),
}


def read_label_studio(file: Path) -> pl.DataFrame:
    """Read the annotations of exported tasks.

    Args:
        file: Label Studio's export as JSON or as JSON-MIN, which lacks skipped tasks.

    Returns:
        A row per annotation, in the order of the file, which need not be that of the annotations:
        ``task`` (Label Studio's number, or the place in the file, from 1), ``index`` and ``id`` of
        the sample, ``label`` (name of the chosen class, null if the task was skipped),
        ``annotator`` (e-mail address or number, null if missing), ``time`` (UTC, of the last
        change, null if missing). Tasks without an annotation, and annotations without a choice,
        are left out.

    Raises:
        DataError: If it is not such a file, or its tasks are not from an export of this program.
    """
    try:
        tasks = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{file} cannot be read as JSON: {error}. Expected an export of Label Studio as "
            "JSON or JSON-MIN."
        ) from error
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise DataError(f"{file} is not an export of Label Studio: expected a JSON list of tasks.")
    rows = [row for place, task in enumerate(tasks, 1) for row in _annotations(task, place, file)]
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row")


def _annotations(
    task: dict[str, Any], place: int, file: Path
) -> Iterator[tuple[int, int, str, str | None, str | None, datetime | None]]:
    """The annotations of a task, in the order of ``_COLUMNS``."""
    data = task["data"] if isinstance(task.get("data"), dict) else task
    own = task.get("id")
    number = own if _is_number(own) else place
    index, sample = data.get(SAMPLE_INDEX), data.get(SAMPLE_ID)
    if not _is_number(index) or not _is_text(sample):
        raise DataError(
            f"{file}: task {number} has no {SAMPLE_INDEX} and {SAMPLE_ID}; expected tasks that "
            "`dataparams export --to label-studio` wrote."
        )
    is_minimal = data is task
    for annotation in [task] if is_minimal else task.get("annotations") or []:
        if not isinstance(annotation, dict):
            continue
        is_skipped = annotation.get("was_cancelled") is True
        chosen = annotation.get(CONTROL) if is_minimal else _choice(annotation.get("result"))
        label = None if is_skipped else chosen
        if label is None and not is_skipped:
            continue
        if label is not None and not _is_text(label):
            raise DataError(f"{file}: task {number} chooses {label!r}; expected one class.")
        who = _annotator(annotation.get("annotator" if is_minimal else "completed_by"))
        if who is not None and not _is_text(who):
            raise DataError(f"{file}: task {number} is by {who!r}; expected a name.")
        when = annotation.get("updated_at") or annotation.get("created_at")
        yield number, index, sample, label, who, _time(when, number, file)


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def _is_text(value: object) -> TypeGuard[str]:
    """Whether it is text that can be encoded as UTF-8; JSON can hold a lone surrogate."""
    return isinstance(value, str) and value == value.encode(errors="replace").decode()


def _choice(results: object) -> object:
    """The chosen class, a list where there are several, or None."""
    for result in results if isinstance(results, list) else []:
        is_ours = isinstance(result, dict) and result.get("from_name") == CONTROL
        value = result.get("value") if is_ours else None
        choices = value.get("choices") if isinstance(value, dict) else None
        if choices:
            return choices[0] if isinstance(choices, list) and len(choices) == 1 else choices
    return None


def _annotator(who: object) -> str | None:
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return None if who is None else str(who)


def _time(when: object, number: int, file: Path) -> datetime | None:
    if when is None:
        return None
    try:
        # Python 3.10 does not know the Z.
        time = datetime.fromisoformat(re.sub(r"Z$", "+00:00", str(when)))
    except ValueError as error:
        raise DataError(
            f"{file}: task {number} has the time {when!r}; expected ISO 8601."
        ) from error
    return time if time.tzinfo is not None else time.replace(tzinfo=timezone.utc)
