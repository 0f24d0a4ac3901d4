"""Label Studio: tasks with pre-annotations, the labeling interface, and annotations back.

Tasks follow https://labelstud.io/guide/predictions (``data`` and ``predictions`` with a ``choices``
result), the interface https://labelstud.io/tags/choices. What comes back is Label Studio's export
as JSON or JSON-MIN (https://labelstud.io/guide/export).
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import polars as pl

from dataparams.errors import DataError, UserError
from dataparams.export.tables import json_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dataparams.export.writing import Export

_IMAGES = "images"
_CONTROL = "label"
_OBJECT = "image"
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COLUMNS: dict[str, Any] = {
    "index": pl.Int64,
    "id": pl.String,
    "label": pl.String,
    "annotator": pl.String,
    "time": pl.Datetime("us", "UTC"),
}


def write_label_studio(export: Export) -> None:
    """Write ``tasks.json``, ``label_config.xml`` and ``images/``.

    Where there is an analysis the suggested label is the pre-annotation, with its confidence as
    score; where other labels than the given ones are exported, these are. Label Studio reads the
    images from its local storage: its document root has to be the folder of the export.

    Args:
        export: What and where to.

    Raises:
        UserError: If the name of a class cannot be written in XML.
        RunError: If another file lies where one is to be written.
    """
    config = labeling_config(export.samples.class_names)
    temporary = export.destination.temporary()
    with temporary.open("w", encoding="utf-8") as stream:
        separator = "[\n"
        for piece in export.written_images(f"{_IMAGES}/"):
            rows = export.samples.named([image.row for image, _ in piece])
            for (_, path), line in zip(piece, json_lines(rows).splitlines(), strict=True):
                task = _task(path, json.loads(line))
                stream.write(f"{separator}{json.dumps(task, ensure_ascii=False)}")
                separator = ",\n"
        stream.write("[]\n" if separator == "[\n" else "\n]\n")
    export.destination.place(temporary, "tasks.json")
    export.destination.put("label_config.xml", config)
    folder = export.destination.folder.resolve()
    export.notices.append(
        "Start Label Studio with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and "
        f"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={folder}, use label_config.xml as the labeling "
        f"interface, add {folder / _IMAGES} as local storage, and import tasks.json."
    )


def _task(path: str, known: dict[str, Any]) -> dict[str, Any]:
    """A task; ``id`` and ``index`` are words of Label Studio's own, hence the other names."""
    is_relabeled = "given_label" in known
    suggested = known["label"] if is_relabeled else known.get("suggested_label") or known["label"]
    prediction: dict[str, Any] = {
        "model_version": "dataparams",
        "result": [
            {
                "from_name": _CONTROL,
                "to_name": _OBJECT,
                "type": "choices",
                "value": {"choices": [suggested]},
            }
        ],
    }
    if suggested == known.get("suggested_label") and known.get("suggested_confidence") is not None:
        prediction["score"] = known["suggested_confidence"]
    data = {
        _OBJECT: f"/data/local-files/?d={quote(path)}",
        "sample_index": known.pop("index"),
        "sample_id": known.pop("id"),
        "given_label": known.pop("given_label", known["label"]),
    }
    known.pop("label")
    return {"data": {**data, **known}, "predictions": [prediction]}


def labeling_config(class_names: Sequence[str]) -> bytes:
    """The labeling interface: the picture, what it was given as, and one choice per class.

    Args:
        class_names: Names of the classes.

    Returns:
        XML.

    Raises:
        UserError: If a name has a character that XML has no way to write.

    Example:
        >>> b'<Choice value="cat &amp; dog"' in labeling_config(["cat & dog", "bird"])
        True
    """
    for name in class_names:
        if _NO_XML.search(name):
            raise UserError(
                f"The class {name!r} has a character that Label Studio's interface, which is XML, "
                "cannot hold. Rename the class."
            )
    view = ET.Element("View")
    ET.SubElement(view, "Image", name=_OBJECT, value=f"${_OBJECT}", zoom="true")
    ET.SubElement(view, "Header", value="Given label: $given_label")
    choices = ET.SubElement(
        view, "Choices", name=_CONTROL, toName=_OBJECT, choice="single", showInline="true"
    )
    for name in class_names:
        ET.SubElement(choices, "Choice", value=name)
    ET.indent(view)
    return f"{ET.tostring(view, encoding='unicode')}\n".encode()


def read_label_studio(file: Path) -> pl.DataFrame:
    """Read the annotations that people made of exported tasks.

    Args:
        file: Label Studio's export as JSON or as JSON-MIN.

    Returns:
        A row per annotation, in the order of the file: ``index`` and ``id`` of the sample,
        ``label`` (the name of the chosen class), ``annotator`` (e-mail address or number, null
        where it is not told), ``time`` (UTC, null likewise). Tasks that nobody annotated, skipped
        ones, and annotations that choose nothing are left out.

    Raises:
        DataError: If it is no such file, or its tasks are not from an export of this program.
    """
    try:
        tasks = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read as JSON: {error}.") from error
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise DataError(f"{file} is no export of Label Studio: expected a JSON list of tasks.")
    rows = [row for number, task in enumerate(tasks) for row in _annotations(task, number, file)]
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row")


def _annotations(
    task: dict[str, Any], number: int, file: Path
) -> Iterator[tuple[int, str, str, str | None, datetime | None]]:
    data = task["data"] if isinstance(task.get("data"), dict) else task
    index, sample = data.get("sample_index"), data.get("sample_id")
    if not isinstance(index, int) or isinstance(index, bool) or not isinstance(sample, str):
        raise DataError(
            f"{file}: task {number} has no sample_index and sample_id; expected tasks that "
            "`dataparams export --to label-studio` wrote."
        )
    is_minimal = data is task
    for annotation in [task] if is_minimal else task.get("annotations") or []:
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        label = annotation.get(_CONTROL) if is_minimal else _choice(annotation.get("result"))
        if label is None:
            continue
        if not isinstance(label, str):
            raise DataError(f"{file}: task {number} chooses {label!r}; expected one class.")
        who = annotation.get("annotator" if is_minimal else "completed_by")
        when = annotation.get("updated_at") or annotation.get("created_at")
        yield index, sample, label, _person(who), _time(when, number, file)


def _choice(results: object) -> object:
    """The chosen class, a list where there are several, or None."""
    for result in results if isinstance(results, list) else []:
        is_ours = isinstance(result, dict) and result.get("from_name") == _CONTROL
        value = result.get("value") if is_ours else None
        choices = value.get("choices") if isinstance(value, dict) else None
        if choices:
            return choices[0] if isinstance(choices, list) and len(choices) == 1 else choices
    return None


def _person(who: object) -> str | None:
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
