"""Label Studio: tasks with pre-annotations, and the labeling interface.

Tasks follow https://labelstud.io/guide/predictions (``data`` and ``predictions`` with a ``choices``
result), the interface https://labelstud.io/tags/choices, with what is shown in
https://labelstud.io/tags/image, https://labelstud.io/tags/text or https://labelstud.io/tags/table.
What comes back is read by :mod:`dataparams.decisions.label_studio_annotations`.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from dataparams.analysis.suggestions import suggestion
from dataparams.contents.texts import Text
from dataparams.decisions.label_studio_annotations import CONTROL, SAMPLE_ID, SAMPLE_INDEX
from dataparams.errors import UserError
from dataparams.export.tables import json_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataparams.contents.content import Content, ContentKind
    from dataparams.export.writing import Export

_IMAGES = "images"
_TAGS: dict[ContentKind, tuple[str, dict[str, str]]] = {
    "image": ("Image", {"zoom": "true"}),
    # Not a URL, whatever the text looks like.
    "text": ("Text", {"valueType": "text"}),
    "row": ("Table", {}),
}
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_label_studio(export: Export) -> None:
    """Write ``tasks.json`` and ``label_config.xml``, and of images ``images/``.

    Texts are in the tasks themselves, whole; rows are there as objects of name and value.
    Where an analysis suggests another label, and that is likelier right than not, it is the
    pre-annotation, with its confidence as score; where other labels than the given ones are
    exported, these are. The given label itself is never a pre-annotation. Label Studio reads
    images from its local storage: its document root has to be the folder of the export.

    Args:
        export: What and where to.

    Raises:
        UserError: If the name of a class cannot be written in XML.
        RunError: If another file lies where one is to be written.
    """
    kind = export.samples.kind or "image"
    config = labeling_config(export.samples.class_names, kind)
    temporary = export.destination.temporary()
    with temporary.open("w", encoding="utf-8") as stream:
        separator = "[\n"
        for rows, values in _shown(export, kind):
            known = json_lines(export.samples.named(rows)).splitlines()
            for value, line in zip(values, known, strict=True):
                task = _task(kind, value, json.loads(line))
                stream.write(f"{separator}{json.dumps(task, ensure_ascii=False)}")
                separator = ",\n"
        stream.write("\n]\n")
    if not export.count:
        return
    export.destination.place(temporary, "tasks.json")
    export.destination.put("label_config.xml", config)
    export.notices.append(_how_to_open(export, kind))


def _shown(export: Export, kind: ContentKind) -> Iterator[tuple[list[int], list[object]]]:
    """All samples, a few at a time: their rows, and what a task shows of each."""
    if kind != "image":
        for rows, contents in export.contents():
            yield rows, list(map(_value, contents))
        return
    for piece in export.written_images(f"{_IMAGES}/"):
        paths: list[object] = [f"/data/local-files/?d={quote(path)}" for _, path in piece]
        yield [image.row for image, _ in piece], paths


def _value(content: Content) -> object:
    if isinstance(content, Text):
        return content.text
    # JSON has neither NaN nor infinity, which this view does not write.
    return dict(json.loads(content.views([sys.maxsize])[0].data))


def _how_to_open(export: Export, kind: ContentKind) -> str:
    folder = export.destination.folder.resolve()
    if kind != "image":
        return (
            "In Label Studio, use label_config.xml as the labeling interface, and import "
            f"{folder / 'tasks.json'}."
        )
    return (
        "Start Label Studio with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and "
        f"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={folder}, use label_config.xml as the labeling "
        f"interface, add {folder / _IMAGES} as local storage, and import tasks.json."
    )


def _task(kind: ContentKind, value: object, known: dict[str, Any]) -> dict[str, Any]:
    """A task; Label Studio has fields ``id`` and ``index`` of its own, hence the other names."""
    label = known.pop("label")
    given = known.pop("given_label", None)
    chosen = _suggested(label, known) if given is None else (label if label != given else None)
    data = {
        kind: value,
        SAMPLE_INDEX: known.pop("index"),
        SAMPLE_ID: known.pop("id"),
        "given_label": label if given is None else given,
    }
    predictions = [] if chosen is None else [_prediction(kind, chosen, known)]
    return {"data": {**data, **known}, "predictions": predictions}


def _suggested(given: str, known: dict[str, Any]) -> str | None:
    """The class that an analysis suggests in place of the given one, where it is likely."""
    found = suggestion(
        given,
        known.get("suggested_label"),
        known.get("suggested_confidence"),
        known.get("category", ""),
    )
    return found.label if found.is_likely else None


def _prediction(kind: ContentKind, label: str, known: dict[str, Any]) -> dict[str, Any]:
    """The choice that Label Studio shows as a prediction."""
    prediction: dict[str, Any] = {
        "model_version": "dataparams",
        "result": [
            {
                "from_name": CONTROL,
                "to_name": kind,
                "type": "choices",
                "value": {"choices": [label]},
            }
        ],
    }
    if label == known.get("suggested_label") and known.get("suggested_confidence") is not None:
        prediction["score"] = known["suggested_confidence"]
    return prediction


def labeling_config(class_names: Sequence[str], kind: ContentKind = "image") -> bytes:
    """The labeling interface: what a sample holds, its given label, and one choice per class.

    Args:
        class_names: Names of the classes.
        kind: What the samples are.

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
    tag, further = _TAGS[kind]
    ET.SubElement(view, tag, {"name": kind, "value": f"${kind}", **further})
    ET.SubElement(view, "Header", value="Given label: $given_label")
    choices = ET.SubElement(view, "Choices", name=CONTROL, toName=kind)
    # An annotator who is not sure skips the task, so that every annotation has a choice.
    choices.attrib |= {"choice": "single", "required": "true", "showInline": "true"}
    for name in class_names:
        ET.SubElement(choices, "Choice", value=name)
    ET.indent(view)
    return f"{ET.tostring(view, encoding='unicode')}\n".encode()
