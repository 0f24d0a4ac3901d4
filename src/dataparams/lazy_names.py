"""Public names of a package that are imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from dataparams.extras import missing_packages_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy_names(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a package (PEP 562) whose names are imported late.

    A command's help, and a program that uses one light name, then need not wait for PyTorch.

    Args:
        package: The package's ``__name__``.
        modules: For each public name the full name of the module that has it.

    Returns:
        The two functions. The first gives the value of a name; it raises AttributeError for other
        names, and MissingPackageError where the module needs a package that is not installed. The
        second lists the public names and the package's own, such as ``__version__``.

    Example:
        >>> get, names = lazy_names("dataparams", {"UserError": "dataparams.errors"})
        >>> get("UserError").exit_code, "UserError" in names()
        (2, True)
    """

    def __getattr__(name: str) -> object:  # noqa: N807 - what it is for
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with missing_packages_named():
            return getattr(import_module(modules[name]), name)

    def __dir__() -> list[str]:  # noqa: N807 - what it is for
        own = (name for name in vars(import_module(package)) if name.startswith("__"))
        return sorted({*modules, *own})

    return __getattr__, __dir__
