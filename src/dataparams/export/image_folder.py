"""An image folder, ``<class>/<image>``: what torchvision's ``ImageFolder`` and most others read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.cleaning.changes import CHANGES
from dataparams.export.writing import LEFT_OUT

if TYPE_CHECKING:
    from dataparams.export.writing import Export


def write_image_folder(export: Export) -> None:
    """Write every image into the folder of its exported label, copied or linked.

    Args:
        export: What and where to.

    Raises:
        RunError: If another file lies where one is to be written.
    """
    for _ in export.written_images(reserved=(LEFT_OUT, CHANGES)):
        pass
