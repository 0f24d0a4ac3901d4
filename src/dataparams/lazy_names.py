"""Public names of a package that are imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of a package (PEP 562) that imports no module before it is needed.

    A command's help, and whoever wants one light name, then need not wait for PyTorch.

    Args:
        package: The package's ``__name__``.
        modules: For each public name the full name of the module that has it.

    Returns:
        What gives the value of a name. It raises AttributeError for others than these.

    Example:
        >>> lazy_names("dataparams", {"UserError": "dataparams.errors"})("UserError").exit_code
        2
    """

    def __getattr__(name: str) -> object:  # noqa: N807 - what it is for
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(modules[name]), name)

    return __getattr__
