"""COCO's JSON (https://cocodataset.org/#format-data), with one category per image.

COCO has no format for classification. As others do, each image has one annotation, whose box is
the whole image, so that what reads object detection reads this too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dataparams.export.tables import json_lines

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.export.writing import Export


def write_coco(export: Export) -> None:
    """Write ``images/<class>/<image>`` and ``annotations.json``.

    Categories are numbered from 1, as COCO's are. An image has its ``sample_id``; its annotation
    has the columns of the analysis, under ``attributes``.

    Args:
        export: What and where to.

    Raises:
        RunError: If another file lies where one is to be written.
    """
    temporary = export.destination.temporary()
    annotations = export.destination.temporary()
    with temporary.open("w", encoding="utf-8") as stream, annotations.open("w") as others:
        stream.write(f'{{"info": {json.dumps({"description": export.samples.name})},\n')
        stream.write('"licenses": [],\n"categories": ')
        stream.write(json.dumps(_categories(export.samples.class_names)))
        stream.write(',\n"images": [')
        separator = "\n"
        for piece in export.written_images("images/"):
            rows = [image.row for image, _ in piece]
            attributes = json_lines(export.samples.named(rows)).splitlines()
            labels = export.samples.table["label"][rows].to_list()
            for (image, path), label, told in zip(piece, labels, attributes, strict=True):
                known = json.loads(told)
                number = image.row + 1
                size = {"width": image.header.width, "height": image.header.height}
                entry = {"id": number, "file_name": path, **size, "sample_id": known.pop("id")}
                stream.write(f"{separator}{json.dumps(entry)}")
                others.write(f"{separator}{json.dumps(_annotation(number, label, size, known))}")
                separator = ",\n"
    _join(temporary, annotations)
    export.destination.place(temporary, "annotations.json")


def _categories(names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"id": label + 1, "name": name, "supercategory": ""} for label, name in enumerate(names)
    ]


def _annotation(
    number: int, label: int, size: dict[str, int], known: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": number,
        "category_id": label + 1,
        "bbox": [0, 0, size["width"], size["height"]],
        "area": size["width"] * size["height"],
        "iscrowd": 0,
        "attributes": known,
    }


def _join(images: Path, annotations: Path) -> None:
    with images.open("a", encoding="utf-8") as stream, annotations.open() as others:
        stream.write('],\n"annotations": [')
        for line in others:
            stream.write(line)
        stream.write("]}\n")
    annotations.unlink()
