"""Names of networks, and the known ones that a name is most like."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from dataparams.encoders.bundled_encoder import bundled_names

if TYPE_CHECKING:
    from collections.abc import Iterable

_NEAREST = 5
_LEAST_ALIKE = 0.5


def nearest_sentence(name: str, known: Iterable[str]) -> str:
    """The names most like one that is not known, as a sentence; nothing where none is like it.

    Those of the same architecture come first, each with the data that it was trained on.

    Args:
        name: What was given.
        known: Names of timm; those of bundled networks are known as well.

    Example:
        >>> nearest_sentence("resnet5", ["resnet50.a1_in1k", "resnet50.a2_in1k", "vit_tiny"])
        ' The nearest are: resnet50.'
        >>> nearest_sentence("resnet50.mine", ["resnet50.a1_in1k", "resnet50.a2_in1k"])
        ' The nearest are: resnet50.a1_in1k, resnet50.a2_in1k.'
    """
    wanted = name.partition(".")[0]
    candidates = list(dict.fromkeys([*bundled_names(), *known]))
    found = [each for each in candidates if each.partition(".")[0] == wanted]
    if not found:
        architectures = list(dict.fromkeys(each.partition(".")[0] for each in candidates))
        found = difflib.get_close_matches(wanted, architectures, n=_NEAREST, cutoff=_LEAST_ALIKE)
    return f" The nearest are: {', '.join(found[:_NEAREST])}." if found else ""
