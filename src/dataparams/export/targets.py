"""The targets of an export, by the names that the command line gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.export.cleanlab import write_cleanlab
from dataparams.export.cleanlab_studio import write_cleanlab_studio
from dataparams.export.coco import write_coco
from dataparams.export.fiftyone import write_fiftyone
from dataparams.export.hf_dataset import write_hf_dataset
from dataparams.export.image_folder import write_image_folder
from dataparams.export.label_studio import write_label_studio
from dataparams.export.parquet import write_parquet
from dataparams.export.tables import write_csv, write_jsonl

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataparams.export.config import Target
    from dataparams.export.writing import Export

TARGETS: dict[Target, Callable[[Export], None]] = {
    "cleanlab-studio": write_cleanlab_studio,
    "image-folder": write_image_folder,
    "csv": write_csv,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
    "hf-dataset": write_hf_dataset,
    "label-studio": write_label_studio,
    "fiftyone": write_fiftyone,
    "cleanlab": write_cleanlab,
    "coco": write_coco,
}
"""What writes each target; see there for the source of its format."""

WITH_FILES: frozenset[Target] = frozenset(
    ("cleanlab-studio", "image-folder", "label-studio", "fiftyone", "coco")
)
"""The targets that have a file per image."""

FOR_IMAGES: frozenset[Target] = frozenset(("cleanlab-studio", "image-folder", "fiftyone", "coco"))
"""The targets that hold nothing but images."""

SHOWING: frozenset[Target] = FOR_IMAGES | {"label-studio"}
"""The targets that have nothing to show where a run keeps nothing of its samples."""

WITH_TRUTH: frozenset[Target] = frozenset(("csv", "jsonl", "parquet"))
"""The targets that may have what is known of the truth: tables, and only where it is asked for."""
