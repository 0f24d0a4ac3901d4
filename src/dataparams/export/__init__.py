"""Ways out: samples, labels and analysis, for the tools that people go on with."""

from dataparams.export.config import ExportConfig
from dataparams.export.exporting import export
from dataparams.export.targets import TARGETS
from dataparams.label_studio_annotations import read_label_studio

__all__ = ["TARGETS", "ExportConfig", "export", "read_label_studio"]
