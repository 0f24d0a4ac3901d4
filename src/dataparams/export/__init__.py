"""Exports of samples, labels and analysis, for other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.lazy_names import lazy_names

if TYPE_CHECKING:
    from dataparams.decisions.label_studio_annotations import read_label_studio
    from dataparams.export.config import ExportConfig
    from dataparams.export.exporting import export
    from dataparams.export.targets import TARGETS

__all__ = ["TARGETS", "ExportConfig", "export", "read_label_studio"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "TARGETS": "dataparams.export.targets",
        "ExportConfig": "dataparams.export.config",
        "export": "dataparams.export.exporting",
        "read_label_studio": "dataparams.decisions.label_studio_annotations",
    },
)
