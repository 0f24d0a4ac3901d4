"""Names of data sets on the Hugging Face hub."""

from __future__ import annotations

import re

from dataparams.sources.folder import as_folder_name

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_SHORT_NAMES = {"imagenet-1k": "ILSVRC/imagenet-1k"}


def is_hub_name(name: str) -> bool:
    """Whether a name has the form of a data set on the hub.

    Example:
        >>> is_hub_name("uoft-cs/cifar10"), is_hub_name("beans"), is_hub_name("a/b/c")
        (True, True, False)
    """
    return _HUB_NAME.fullmatch(name) is not None and not name.startswith(".")


def hub_repository(name: str) -> str:
    """Find the repository of a name; some data sets have a short name.

    Example:
        >>> hub_repository("imagenet-1k"), hub_repository("uoft-cs/cifar10")
        ('ILSVRC/imagenet-1k', 'uoft-cs/cifar10')
    """
    wanted = name.lower()
    known = (r for short, r in _SHORT_NAMES.items() if wanted in (short, r.lower()))
    return next(known, name)


def short_hub_name(name: str) -> str:
    """Name of a data set that can be a folder's name; the short one where there is one.

    Example:
        >>> short_hub_name("ILSVRC/imagenet-1k"), short_hub_name("uoft-cs/cifar10")
        ('imagenet-1k', 'uoft-cs-cifar10')
    """
    return known_short_name(name) or as_folder_name(name)


def known_short_name(name: str) -> str | None:
    """The short name of a data set, given by any of its names; None if it has none.

    Example:
        >>> known_short_name("ilsvrc/imagenet-1k"), known_short_name("uoft-cs/cifar10")
        ('imagenet-1k', None)
    """
    repository = hub_repository(name)
    return next((short for short, known in _SHORT_NAMES.items() if known == repository), None)
