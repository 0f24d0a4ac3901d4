"""Moving files between class folders: every name is checked before the first file moves."""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from dataparams.applying.journal import flush_folder
from dataparams.errors import RunError
from dataparams.sources.discarded import discarded_folder
from dataparams.sources.identity import named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MOST_BYTES = 255


@dataclass(frozen=True)
class WantedMove:
    """A file that is to go to another class.

    Attributes:
        id: The id that the run knows it by.
        now: Its id in the data now.
        is_discarded: Whether it lies among the discarded.
        new_class: The class that it is to go to; None for the discarded.
    """

    id: str
    now: str
    is_discarded: bool
    new_class: str | None


@dataclass(frozen=True)
class Move:
    """A file that changes its place.

    Attributes:
        before: Its path, relative to the folder that it is in.
        after: Its path from then on.
        was_discarded: Whether it comes from the folder of the discarded.
        is_discarded: Whether it goes there.
        old_link: What it says where it is a link that has to say something else in its new place.
        new_link: What it says there; else None.
    """

    before: str
    after: str
    was_discarded: bool
    is_discarded: bool
    old_link: str | None = None
    new_link: str | None = None

    def source(self, place: Path) -> Path:
        """Where the file is, of data in a place."""
        return _located(place, self.before, is_discarded=self.was_discarded)

    def target(self, place: Path) -> Path:
        """Where it goes."""
        return _located(place, self.after, is_discarded=self.is_discarded)

    def reversed(self) -> Move:
        """The way back.

        Example:
            >>> Move("a/1.jpg", "b/1.jpg", False, False).reversed().after
            'a/1.jpg'
        """
        return Move(
            self.after, self.before, self.is_discarded, self.was_discarded,
            self.new_link, self.old_link,
        )  # fmt: skip


def plan_moves(
    place: Path, wanted: Iterable[WantedMove], *, has_splits: bool, folders: Iterable[str] = ()
) -> list[Move]:
    """Find a new path for each file, so that none meets another one.

    The path below the class folder stays. A name that another file has already, on whatever file
    system, gets a number.

    Args:
        place: The folder of the data.
        wanted: The files, and their new classes.
        has_splits: Whether the class folders lie in folders of splits.
        folders: All folders that samples lie in, relative to the place.

    Raises:
        RunError: If a file cannot be moved; nothing has been.
    """
    names = _FreeNames()
    moves = []
    for one in wanted:
        parts = one.now.split("/")
        level = 1 if has_splits else 0
        if one.new_class is not None:
            _require_folder_name(one.new_class)
            parts[level] = one.new_class
        folder = "/".join(parts[:-1])
        is_discarded = one.new_class is None
        target = _located(place, folder, is_discarded=is_discarded)
        name = names.take(target, one.id.rpartition("/")[2])
        move = Move(one.now, f"{folder}/{name}", one.is_discarded, is_discarded)
        moves.append(_with_link(move, place))
    _require_possible(moves, place, folders)
    return moves


def folders_to_make(moves: Sequence[Move], place: Path) -> list[str]:
    """The folders that are not there yet, relative to the place, the outer ones first."""
    found: dict[Path, None] = {}
    for target in {move.target(place).parent for move in moves}:
        folders = (target, *target.parents)
        found |= dict.fromkeys(folder for folder in folders if not os.path.lexists(folder))
    missing = sorted(found, key=lambda folder: len(folder.parts))
    return [os.path.relpath(folder, place) for folder in missing]


def perform(moves: Sequence[Move], place: Path) -> None:
    """Move files; those that were moved before, by a call that was stopped, are left alone.

    Raises:
        RunError: If one cannot be moved; those before it have been, and the message says so.
    """
    require_known_state(moves, place)
    touched: dict[Path, None] = {}
    for number, move in enumerate(moves):
        source, target = move.source(place), move.target(place)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _perform_one(move, source, target)
        except OSError as error:
            raise RunError(
                f"{source} cannot be moved to {target}: {error.strerror or error}. {number:,} of "
                f"{len(moves):,} files were moved. Once that is mended the same command goes on; "
                "`undo=True` moves them back."
            ) from error
        touched |= dict.fromkeys((source.parent, target.parent))
    for folder in touched:
        if folder.is_dir():
            flush_folder(folder)


def remove_made(folders: Sequence[str], place: Path) -> None:
    """Remove folders that were made for files that have gone again, where nothing else is in."""
    for folder in reversed(folders):
        # What somebody else put in stays.
        with suppress(OSError):
            (place / folder).rmdir()


def moves_from(rows: Iterable[Mapping[str, Any]], links: Mapping[str, Sequence[str]]) -> list[Move]:
    """The moves that a journal tells of.

    Args:
        rows: The rows of its ``samples.parquet``.
        links: By the path before, what a link says before and after.
    """
    return [
        Move(
            row["before"],
            row["after"],
            row["was_discarded"],
            row["is_discarded"],
            *links.get(row["before"], (None, None)),
        )
        for row in rows
    ]


def _perform_one(move: Move, source: Path, target: Path) -> None:
    if move.new_link is not None:
        if not os.path.lexists(target):
            target.symlink_to(move.new_link)
        source.unlink(missing_ok=True)
    elif os.path.lexists(source):
        # It was looked at just now: whoever puts a file there in between would lose it.
        source.rename(target)


def _located(place: Path, name: str, *, is_discarded: bool) -> Path:
    return (discarded_folder(place) if is_discarded else place) / name


def _with_link(move: Move, place: Path) -> Move:
    """The move with what a relative link has to say in its new place to lead where it did."""
    source, target = move.source(place), move.target(place)
    if not source.is_symlink():
        return move
    old = os.readlink(source)  # noqa: PTH115 - as it is written
    if PurePath(old).is_absolute():
        return move
    leads_to = os.path.normpath(source.parent.resolve() / old)
    folder = next(one for one in (target.parent, *target.parent.parents) if one.exists())
    below = target.parent.relative_to(folder)
    if os.path.normpath(folder.resolve() / below / old) == leads_to:
        return move
    new = os.path.relpath(leads_to, folder.resolve() / below)
    return Move(
        move.before, move.after, move.was_discarded, move.is_discarded, old_link=old, new_link=new
    )


class _FreeNames:
    """Names in folders that no file has, on a file system that knows capitals or does not."""

    def __init__(self) -> None:
        self._taken: dict[Path, set[str]] = {}

    def take(self, folder: Path, name: str) -> str:
        """The name, or the same with a number where it is taken; from now on it is."""
        if folder not in self._taken:
            there = folder.iterdir() if folder.is_dir() else ()
            self._taken[folder] = {_plain(file.name) for file in there}
        taken = self._taken[folder]
        stem, dot, ending = name.rpartition(".")
        tried, number = name, 1
        while _plain(tried) in taken:
            number += 1
            mark = f"-{number}{dot}{ending}"
            room = _MOST_BYTES - len(os.fsencode(mark))
            tried = os.fsencode(stem)[:room].decode(errors="ignore") + mark
        taken.add(_plain(tried))
        return tried


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _require_folder_name(name: str) -> None:
    if not name or name.startswith(".") or any(letter in name for letter in "/\\\0"):
        raise RunError(
            f"The class {name!r} cannot be the name of a folder of images: expected a name without "
            "slashes and without a dot in front. Rename the class."
        )


def _require_possible(moves: Sequence[Move], place: Path, folders: Iterable[str]) -> None:
    """Raise RunError where a file or folder stands in the way of a move."""
    missing = [move.before for move in moves if not os.path.lexists(move.source(place))]
    if missing:
        raise RunError(
            f"{len(missing):,} of {len(moves):,} files are not where they were in {place} "
            f"({named(missing)}); nothing was changed. Put them back, or audit the data again."
        )
    _require_own_files(moves, place, folders)
    for source, target in {
        (move.source(place).parent, move.target(place).parent) for move in moves
    }:
        there = next(one for one in (target, *target.parents) if os.path.lexists(one))
        if not there.is_dir():
            raise RunError(f"{there} is no folder; expected one to move files to.")
        if there == target:
            _require_exact_name(target)
        for folder in (source, there):
            if not os.access(folder, os.W_OK | os.X_OK):
                raise RunError(
                    f"{folder} cannot be written to, so no file can be moved from or to it. "
                    "Nothing was changed. See to its rights, then give the same command."
                )
        if source.stat().st_dev != there.stat().st_dev:
            raise RunError(
                f"{source} and {there} lie on different file systems, so files cannot be moved "
                "between them in one piece. Nothing was changed. `dataparams export` writes a "
                "corrected copy of the data."
            )


def _require_exact_name(folder: Path) -> None:
    """Refuse a class folder that the file system takes for another one, whose capitals differ."""
    names = [other.name for other in folder.parent.iterdir()]
    if folder.name not in names:
        other = next((one for one in names if _plain(one) == _plain(folder.name)), folder.name)
        raise RunError(
            f"{folder.parent} has a folder {other!r}, which this file system takes for "
            f"{folder.name!r}; nothing was changed. Name one of the two classes otherwise."
        )


def _require_own_files(moves: Sequence[Move], place: Path, folders: Iterable[str]) -> None:
    """Refuse to move a file that, by a link to its folder, is another sample as well."""
    by_folder: dict[Path, list[str]] = {}
    for name in folders:
        by_folder.setdefault((place / name).resolve(), []).append(name)
    shared = {name: names for names in by_folder.values() if len(names) > 1 for name in names}
    for move in moves:
        folder = move.before.rpartition("/")[0]
        if folder in shared and not move.was_discarded:
            raise RunError(
                f"{' and '.join(shared[folder])} are one folder, to which a link leads, so "
                f"{move.before} is two samples. Nothing was changed. Remove the link, and audit "
                "the data again."
            )


def require_known_state(moves: Sequence[Move], place: Path) -> None:
    """Raise RunError unless every file is where it was or where it goes, and not at both."""
    gone, doubled = [], []
    for move in moves:
        source, target = move.source(place), move.target(place)
        is_here, is_there = os.path.lexists(source), os.path.lexists(target)
        if not is_here and not is_there:
            gone.append(move.before)
        elif is_here and is_there and not _is_half_linked(move, target):
            doubled.append(str(target))
    if gone:
        raise RunError(
            f"{len(gone):,} files are gone from {place} since ({named(gone)}): they are neither "
            "where they were nor where they were moved to. Nothing more was changed; put them back "
            "first."
        )
    if doubled:
        raise RunError(
            f"Other files lie where files are to be moved to ({named(doubled)}). Nothing more was "
            "changed; move those away first."
        )


def _is_half_linked(move: Move, target: Path) -> bool:
    """Whether a link was made in its new place, and the old one is still there."""
    return (
        move.new_link is not None and target.is_symlink() and os.readlink(target) == move.new_link  # noqa: PTH115 - as it is written
    )
