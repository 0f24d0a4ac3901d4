"""Filters that people gave a name: a file each, so that none is lost where several write."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from dataparams.errors import RunError
from dataparams.run.safe_files import explained_refusals, write_whole

if TYPE_CHECKING:
    from pathlib import Path

MOST_SAVED = 200
"""Filters that are kept at most."""
_MOST_BYTES = 20_000


@dataclass(frozen=True)
class SavedFilter:
    """A filter with a name.

    Attributes:
        name: What it is called.
        address: What stands in the page's address, such as ``decision=any&label=3``.
        annotator: Who saved it.
    """

    name: str
    address: str
    annotator: str


class SavedFilters:
    """The saved filters of a run.

    Args:
        folder: Where they lie.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> saved = SavedFilters(Path(tempfile.mkdtemp()))
        >>> saved.save(SavedFilter("cats", "label=0", "ann"))
        >>> [one.name for one in saved.all()], saved.forget("cats"), saved.all()
        (['cats'], True, [])
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[SavedFilter]:
        """Every filter, by name; what cannot be read is passed over."""
        try:
            files = sorted(self._folder.glob("*.json"))
        except OSError:
            return []
        found = [one for file in files if (one := _read(file)) is not None][:MOST_SAVED]
        return sorted(found, key=lambda one: one.name.casefold())

    def save(self, one: SavedFilter) -> None:
        """Keep a filter, in place of one that has the same name.

        Raises:
            RunError: If it cannot be written, or there are too many.
        """
        known = {other.name for other in self.all()}
        if one.name not in known and len(known) >= MOST_SAVED:
            raise RunError(f"There are {MOST_SAVED} saved filters already; remove one first.")
        write_whole(self._file(one.name), json.dumps(asdict(one)).encode())

    def forget(self, name: str) -> bool:
        """Remove a filter; whether there was one.

        Raises:
            RunError: If it cannot be removed.
        """
        file = self._file(name)
        with explained_refusals(file):
            is_there = file.is_file()
            file.unlink(missing_ok=True)
        return is_there

    def _file(self, name: str) -> Path:
        digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()
        return self._folder / f"{digest[:32]}.json"


def _read(file: Path) -> SavedFilter | None:
    try:
        if file.stat().st_size > _MOST_BYTES:
            return None
        kept = json.loads(file.read_bytes())
        # The first version spelled it so.
        address = kept["address"].replace("decision=relabelled", "decision=relabeled")
        one = SavedFilter(kept["name"], address, kept["annotator"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    is_usable = all(isinstance(value, str) for value in asdict(one).values())
    return one if is_usable else None
