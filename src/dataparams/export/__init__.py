"""Ways out: samples, labels and analysis, for the tools that people go on with."""

from dataparams.export.config import ExportConfig
from dataparams.export.exporting import export
from dataparams.export.label_studio import read_label_studio
from dataparams.export.targets import TARGETS

__all__ = ["TARGETS", "ExportConfig", "export", "read_label_studio"]
