"""Classes that people added in review, or renamed: the class names that count now.

``run.json`` keeps the names of the training; what people changed lies with their decisions, and is
only ever added to. Everything that shows or writes labels takes the names from here.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from dataparams.decisions.database import DecisionDatabase, is_storable, now
from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.run.folder import RunFolder

LONGEST_CLASS = 200
"""Letters of the name of a class at most."""
MOST_ADDED = 1_000
"""Classes that may be added to a run."""


def class_names_of(run: RunFolder) -> tuple[str, ...]:
    """The names of class 0, 1, ... of a run, with those that people added or renamed.

    Args:
        run: The run folder; it need not have decisions.

    Raises:
        RunError: If ``run.json`` has no names, or the decisions cannot be read.
    """
    names = run.class_names()
    if not run.review.is_file():
        return names
    with closing(DecisionDatabase(run.review, read_only=True)) as database:
        return changed_class_names(names, database)


def changed_class_names(names: Sequence[str], database: DecisionDatabase) -> tuple[str, ...]:
    """The names of class 0, 1, ... after what people added and renamed.

    Args:
        names: Those of the training.
        database: The decisions.

    Raises:
        RunError: If the file cannot be read.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> database = DecisionDatabase(Path(tempfile.mkdtemp()) / "review.sqlite")
        >>> add_class(database, ["cat", "dog"], "r-1", "ann", "fox")
        2
        >>> rename_class(database, ["cat", "dog"], "r-2", "ann", 1, "hound")
        >>> changed_class_names(["cat", "dog"], database)
        ('cat', 'hound', 'fox')
    """
    return _applied(names, database.rows("SELECT label, name FROM class_change ORDER BY number"))


def add_class(
    database: DecisionDatabase, names: Sequence[str], request: str, annotator: str, name: str
) -> int:
    """Add a class after the last one; where there is one of that name, nothing is added.

    Args:
        database: The decisions.
        names: The class names of the training.
        request: A unique name that the sender chooses, so that it can be sent twice.
        annotator: Who adds it.
        name: Its name; spaces around it do not count.

    Returns:
        The number of the class.

    Raises:
        ArgumentError: If the name cannot be one, or too many were added.
        RunError: If it cannot be written.
    """
    name = _required(name)
    with database.transaction() as connection:
        changes = connection.execute("SELECT label, name FROM class_change ORDER BY number")
        current = _applied(names, changes.fetchall())
        if name in current:
            return current.index(name)
        if len(current) - len(names) >= MOST_ADDED:
            raise ArgumentError(f"{MOST_ADDED:,} classes were added already; no more can be.")
        connection.execute(
            "INSERT INTO class_change (request, label, name, annotator, made_at) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (request) DO NOTHING",
            (request, len(current), name, annotator, now()),
        )
    return len(current)


def rename_class(
    database: DecisionDatabase,
    names: Sequence[str],
    request: str,
    annotator: str,
    label: int,
    name: str,
) -> None:
    """Give a class another name, for everybody.

    Args:
        database: The decisions.
        names: The class names of the training.
        request: A unique name that the sender chooses, so that it can be sent twice.
        annotator: Who renames it.
        label: The number of the class.
        name: Its new name, which no other class has.

    Raises:
        ArgumentError: If there is no such class, or the name cannot be one, or is another's.
        RunError: If it cannot be written.
    """
    name = _required(name)
    with database.transaction() as connection:
        changes = connection.execute("SELECT label, name FROM class_change ORDER BY number")
        current = _applied(names, changes.fetchall())
        if not 0 <= label < len(current):
            raise ArgumentError(f"`label` is {label}; expected a class, 0 ... {len(current) - 1}.")
        if current[label] == name:
            return
        if name in current:
            raise ArgumentError(
                f"`name` is {name!r}, which class {current.index(name)} has; expected another. To "
                "merge two classes, relabel the samples of one."
            )
        connection.execute(
            "INSERT INTO class_change (request, label, name, annotator, made_at) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (request) DO NOTHING",
            (request, label, name, annotator, now()),
        )


def _applied(names: Sequence[str], changes: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """Names after changes; a class that is not the next one has no place and is passed over."""
    current = list(names)
    for label, name in changes:
        if label < len(current):
            current[label] = name
        elif label == len(current):
            current.append(name)
    return tuple(current)


def _required(name: str) -> str:
    """The name without spaces around it; ArgumentError where it cannot be one."""
    name = name.strip()
    if not name or len(name) > LONGEST_CLASS or not name.isprintable() or not is_storable(name):
        raise ArgumentError(
            f"`name` is {name[:LONGEST_CLASS]!r}; expected a name of 1 ... {LONGEST_CLASS} letters "
            "in one line."
        )
    return name
