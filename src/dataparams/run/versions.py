"""The versions that ``run.json`` keeps, of what a run was made with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version


def installed_versions() -> dict[str, str | None]:
    """The versions that ``run.json`` keeps, by what they are of."""
    packages = ("dataparams", "torch", "torchvision", "accelerate", "timm")
    return {"python": platform.python_version()} | {
        package: _installed_version(package) for package in packages
    }


def _installed_version(package: str) -> str | None:
    """None where it is not installed, as this program where its scripts run from a checkout."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
