"""Which class a word means."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence


def class_number(class_: int | str, class_names: Sequence[str]) -> int:
    """The number of a class, given its number or name; a name goes before a number.

    Args:
        class_: Its number, its name, or its number in digits.
        class_names: Name of class 0, 1, ...

    Raises:
        ArgumentError: If there is none; the message names the nearest.

    Example:
        >>> class_number("dog", ["cat", "dog"]), class_number("0", ["cat", "dog"])
        (1, 0)
    """
    if isinstance(class_, int) and 0 <= class_ < len(class_names):
        return class_
    if str(class_) in class_names:
        return list(class_names).index(str(class_))
    if re.fullmatch("[0-9]{1,18}", str(class_)) and int(class_) < len(class_names):
        return int(class_)
    near = difflib.get_close_matches(str(class_), class_names, n=3, cutoff=0.3)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    raise ArgumentError(
        f"There is no class {class_!r}; expected a name or a number, "
        f"0 ... {len(class_names) - 1}.{hint}"
    )
