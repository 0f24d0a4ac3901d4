"""What people decided about samples: ``review.sqlite``, to which rows are only ever added."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from threading import Lock
from typing import TYPE_CHECKING, Literal

import polars as pl

from dataparams.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


Action = Literal["keep", "relabel", "discard", "skip"]
ACTIONS: tuple[Action, ...] = ("keep", "relabel", "discard", "skip")
"""``keep``: the given label is right. ``relabel``: another is. ``discard``: leave the sample out.
``skip``: looked at, and not sure."""

_APPLICATION = 0x64706172
_VERSION = 1
_SECONDS_TO_WAIT = 30
_LARGEST = 2**63 - 1
_TABLES = """
CREATE TABLE request (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  name      TEXT NOT NULL UNIQUE,
  annotator TEXT NOT NULL CHECK (annotator <> ''),
  is_undo   INTEGER NOT NULL,
  below     INTEGER REFERENCES request (number),
  top       INTEGER REFERENCES request (number)
);
CREATE INDEX newest ON request (annotator, number);
CREATE TABLE decision (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  request   TEXT NOT NULL REFERENCES request (name),
  sample    INTEGER NOT NULL CHECK (sample >= 0),
  annotator TEXT NOT NULL CHECK (annotator <> ''),
  action    TEXT NOT NULL CHECK (action IN ('keep', 'relabel', 'discard', 'skip', 'undo')),
  label     INTEGER CHECK ((label IS NOT NULL) = (action IN ('keep', 'relabel'))),
  before    INTEGER REFERENCES decision (number),
  undoes    INTEGER REFERENCES decision (number) CHECK ((undoes IS NOT NULL) = (action = 'undo')),
  made_at   TEXT NOT NULL,
  UNIQUE (request, sample)
);
CREATE INDEX latest ON decision (sample, annotator, number);
CREATE UNIQUE INDEX undone ON decision (undoes) WHERE undoes IS NOT NULL;
CREATE TRIGGER no_change BEFORE UPDATE ON decision
  BEGIN SELECT RAISE (ABORT, 'decisions are only ever added'); END;
CREATE TRIGGER no_removal BEFORE DELETE ON decision
  BEGIN SELECT RAISE (ABORT, 'decisions are only ever added'); END;
CREATE TRIGGER no_other_request BEFORE UPDATE ON request
  BEGIN SELECT RAISE (ABORT, 'requests are only ever added'); END;
CREATE TRIGGER no_request_less BEFORE DELETE ON request
  BEGIN SELECT RAISE (ABORT, 'requests are only ever added'); END;
"""
# The requests of an annotator that are not taken back are a stack: "top" is what undoing takes back
# next, "below" what it takes back after that.
_IN_FORCE = """
SELECT kept.number, kept.request, last.sample, last.annotator, kept.action, kept.label, kept.made_at
FROM (SELECT sample, annotator, max(number) AS number, action, before
      FROM decision GROUP BY sample, annotator) AS last
JOIN decision AS kept
  ON kept.number = CASE WHEN last.action = 'undo' THEN last.before ELSE last.number END
ORDER BY last.sample, last.annotator
"""
_CHANGES = """
SELECT made.number, made.sample, made.annotator, counts.action, counts.label
FROM decision AS made
LEFT JOIN decision AS counts
  ON counts.number = CASE WHEN made.action = 'undo' THEN made.before ELSE made.number END
WHERE made.number > ? ORDER BY made.number LIMIT ?
"""
_COLUMNS = {
    "number": pl.Int64,
    "request": pl.String,
    "index": pl.Int64,
    "annotator": pl.String,
    "action": pl.String,
    "label": pl.Int64,
    "made_at": pl.String,
}
_CHANGE_COLUMNS = {
    name: _COLUMNS[name] for name in ("number", "index", "annotator", "action", "label")
}
_DAMAGED = ("not a database", "malformed", "no such table", "no such column", "encrypted", "decode")


@dataclass(frozen=True)
class Decision:
    """What an annotator decides about a sample.

    Attributes:
        index: The sample's position in the data source.
        action: One of ``ACTIONS``.
        label: The class that is right, for ``keep`` the given one; None for the other actions.
    """

    index: int
    action: Action
    label: int | None = None


class DecisionStore:
    """The decisions of a run. Several threads, and several processes, may use it at once.

    Every annotator has decisions of their own: nobody's are overwritten by another's. A later
    decision of the same annotator on the same sample counts instead of the earlier one, which
    stays in the history; undoing adds a row as well.

    Args:
        file: ``review.sqlite``; made where there is none.
        read_only: Only look, also where nothing can be written; the file must be there.

    Raises:
        RunError: If it cannot be opened, or is not such a file.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> store = DecisionStore(Path(tempfile.mkdtemp()) / "review.sqlite")
        >>> store.record("r1", "ann", [Decision(7, "relabel", 2), Decision(9, "discard")])
        2
        >>> store.record("r2", "ann", [Decision(7, "keep", 0)])
        1
        >>> store.undo("r3", "ann")
        [7]
        >>> store.in_force().select("index", "action", "label").rows()
        [(7, 'relabel', 2), (9, 'discard', None)]
    """

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        self._file = file
        self._lock = Lock()
        self._identity: list[tuple[int, int] | None] | None = None
        with self._explained():
            if read_only:
                self._connection = self._connected_for_reading()
                return
            file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._connected(file)
            try:
                self._prepare()
                self._identity = self._files_now()
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def record(self, request: str, annotator: str, decisions: Sequence[Decision]) -> int:
        """Add the decisions of one request, all or none.

        Args:
            request: A name that the sender makes up. A request that was recorded before is not
                recorded again, so that sending it twice does no harm.
            annotator: Who decides.
            decisions: At most one for each sample.

        Returns:
            How many were added: 0 for a request that was there already.

        Raises:
            RunError: If they cannot be written; then none is.
            ValueError: If a decision has a label where its action has none, or the reverse; or if
                a request of that name was recorded before that was another one.
        """
        return self.record_all([(request, annotator, decisions)])

    def record_all(self, requests: Sequence[tuple[str, str, Sequence[Decision]]]) -> int:
        """Add the decisions of several requests, of several annotators, all or none.

        Args:
            requests: Of each what :meth:`record` takes.

        Returns:
            How many were added.

        Raises:
            RunError: If they cannot be written; then none is.
            ValueError: As in :meth:`record`; then none is written either.
        """
        for request, annotator, decisions in requests:
            _require_valid(request, annotator, decisions)
        made_at = _now()
        added = 0
        with self._transaction() as connection:
            for request, annotator, decisions in requests:
                if self._is_known(connection, request, annotator, is_undo=False):
                    _require_same(connection, request, decisions)
                    continue
                top = _top(connection, annotator)
                connection.execute(
                    "INSERT INTO request (name, annotator, is_undo, below, top) VALUES (?, ?, 0, "
                    "?, iif(?, (SELECT 1 + coalesce(max(number), 0) FROM request), ?))",
                    (request, annotator, top, bool(decisions), top),
                )
                connection.executemany(
                    "INSERT INTO decision (request, sample, annotator, action, label, before, "
                    "made_at) VALUES (?1, ?2, ?3, ?4, ?5, (SELECT iif(action = 'undo', before, "
                    "number) FROM decision WHERE sample = ?2 AND annotator = ?3 "
                    "ORDER BY number DESC LIMIT 1), ?6)",
                    [(request, d.index, annotator, d.action, d.label, made_at) for d in decisions],
                )
                added += len(decisions)
        return added

    def undo(self, request: str, annotator: str) -> list[int]:
        """Take back the annotator's last request that is not taken back yet; again: the one before.

        Args:
            request: A name that the sender makes up; see :meth:`record`.
            annotator: Whose.

        Returns:
            The samples concerned, by index; empty where nothing is left to take back.

        Raises:
            RunError: If it cannot be written.
            ValueError: If a request of that name was recorded before that was another one.
        """
        _require_valid(request, annotator, ())
        with self._transaction() as connection:
            if not self._is_known(connection, request, annotator, is_undo=True):
                taken, below = _request_on_top(connection, annotator)
                connection.execute(
                    "INSERT INTO request (name, annotator, is_undo, below, top) "
                    "VALUES (?, ?, 1, NULL, ?)",
                    (request, annotator, below),
                )
                connection.execute(
                    "INSERT INTO decision (request, sample, annotator, action, before, undoes, "
                    "made_at) SELECT ?, sample, annotator, 'undo', before, number, ? "
                    "FROM decision WHERE request = ? ORDER BY number",
                    (request, _now(), taken),
                )
            rows = connection.execute(
                "SELECT sample FROM decision WHERE request = ? ORDER BY sample", (request,)
            ).fetchall()
        return [row[0] for row in rows]

    def in_force(self) -> pl.DataFrame:
        """The decisions that count now, one for each sample and annotator.

        Returns:
            ``number``, ``request``, ``index``, ``annotator``, ``action``, ``label`` (null for
            discard and skip), ``made_at`` (UTC, ISO 8601); ordered by index and annotator.
        """
        return self._frame(_IN_FORCE, (), _COLUMNS)

    def changes(self, *, after: int = 0, most: int = 20_000) -> pl.DataFrame:
        """What came to count by each row after a number, in order; of a sample the last counts.

        Read again and again from the last number on, it tells everything that anybody wrote, and
        takes no more memory for a million rows than for a few.

        Args:
            after: The number of a row; 0 to begin with the first.
            most: Rows at most.

        Returns:
            ``number``, ``index``, ``annotator``, and of the decision that counts from then on
            ``action`` and ``label``; both null where a decision was taken back that had none
            before it.

        Example:
            >>> import tempfile
            >>> from pathlib import Path
            >>> store = DecisionStore(Path(tempfile.mkdtemp()) / "review.sqlite")
            >>> store.record("r1", "ann", [Decision(7, "relabel", 2)])
            1
            >>> store.undo("r2", "ann")
            [7]
            >>> store.changes().select("index", "action").rows()
            [(7, 'relabel'), (7, None)]
        """
        return self._frame(_CHANGES, (after, most), _CHANGE_COLUMNS)

    def history(self) -> pl.DataFrame:
        """Everything that was ever decided or taken back, in order.

        Returns:
            As :meth:`in_force`, and ``before`` (number of the decision that counted before; null
            for none) and ``undoes`` (number of the decision that is taken back).
        """
        return self._frame(
            "SELECT number, request, sample, annotator, action, label, made_at, before, undoes "
            "FROM decision ORDER BY number",
            (),
            {**_COLUMNS, "before": pl.Int64, "undoes": pl.Int64},
        )

    def last_number(self) -> int:
        """The number of the last row, 0 where there is none."""
        with self._lock, self._explained():
            self._require_same_file()
            row = self._connection.execute("SELECT max(number) FROM decision").fetchone()
        return int(row[0] or 0)

    def _connected(self, target: Path | str) -> sqlite3.Connection:
        return sqlite3.connect(
            target,
            timeout=_SECONDS_TO_WAIT,
            isolation_level=None,
            check_same_thread=False,
            uri=isinstance(target, str),
        )

    def _connected_for_reading(self) -> sqlite3.Connection:
        if not self._file.is_file():
            raise RunError(f"There is no file {self._file}: nobody has decided anything yet.")
        address = self._file.absolute().as_uri()
        try:
            return self._begun(address + "?mode=ro")
        except sqlite3.OperationalError:
            # Where nothing can be written, SQLite reads a file that nobody else has open only
            # when it is told that nobody will change it.
            if self._file.with_name(f"{self._file.name}-wal").exists():
                raise
            return self._begun(address + "?immutable=1")

    def _begun(self, address: str) -> sqlite3.Connection:
        connection = self._connected(address)
        try:
            is_begun = self._is_begun(connection)
        except BaseException:
            connection.close()
            raise
        if not is_begun:
            connection.close()
            raise RunError(f"{self._file} is empty: nobody has decided anything yet.")
        return connection

    def _prepare(self) -> None:
        # Before anything is changed: the file may be somebody else's.
        self._is_begun(self._connection)
        self._begin_log()
        # An acknowledged decision outlives a power cut, too.
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        if not self._is_begun(self._connection):
            with self._transaction_unlocked() as connection:
                # Another process may have made the tables meanwhile.
                if not self._is_begun(connection):
                    for statement in _statements(_TABLES):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                    connection.execute(f"PRAGMA user_version = {_VERSION}")

    def _begin_log(self) -> None:
        """Let others read while somebody writes; SQLite does not wait of itself for this change."""
        end = time.monotonic() + _SECONDS_TO_WAIT
        while not self._has_begun_log(is_last_try=time.monotonic() > end):
            time.sleep(0.01)

    def _has_begun_log(self, *, is_last_try: bool) -> bool:
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if is_last_try or "locked" not in str(error):
                raise
            return False
        return True

    def _require_same_file(self) -> None:
        """SQLite goes on with a file that was removed, and what it writes there is lost."""
        if self._identity is not None and self._identity != self._files_now():
            raise RunError(
                f"{self._file} was removed or replaced while it was in use; nothing more is "
                "written. Put the file back that was there or leave the new one, then start this "
                "program again."
            )

    def _files_now(self) -> list[tuple[int, int] | None]:
        """Which files lie where decisions and their log are kept."""
        return [
            _file_at(path) for path in (self._file, self._file.with_name(f"{self._file.name}-wal"))
        ]

    def _is_begun(self, connection: sqlite3.Connection) -> bool:
        """Whether the tables are there; raises RunError where the file is of another kind."""
        # One statement: between two, another process may make the tables.
        application, version, count = connection.execute(
            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master) "
            "FROM pragma_application_id, pragma_user_version"
        ).fetchone()
        if application == _APPLICATION and version == _VERSION:
            return True
        if application == _APPLICATION:
            raise RunError(
                f"{self._file} is of version {version}; expected {_VERSION}. It was written by "
                "another version of this program: use that one."
            )
        if application or version or count:
            raise RunError(
                f"{self._file} is a database of another program. Nothing was changed; move it away."
            )
        return False

    @staticmethod
    def _is_known(
        connection: sqlite3.Connection, request: str, annotator: str, *, is_undo: bool
    ) -> bool:
        found = connection.execute(
            "SELECT annotator, is_undo FROM request WHERE name = ?", (request,)
        ).fetchone()
        if found is not None and found != (annotator, is_undo):
            raise ValueError(
                f"A request {request!r} was recorded before, by {found[0]!r} or of another kind; "
                "expected a name of its own for every request."
            )
        return found is not None

    def _frame(
        self, query: str, values: tuple[object, ...], columns: dict[str, type[pl.DataType]]
    ) -> pl.DataFrame:
        with self._lock, self._explained():
            self._require_same_file()
            rows = self._connection.execute(query, values).fetchall()
        try:
            return pl.DataFrame(rows, schema=columns, orient="row")
        except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
            raise self._damaged(error) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._explained():
            self._require_same_file()
            with self._transaction_unlocked() as connection:
                yield connection
            # What went into a file that somebody has just removed must not be acknowledged.
            self._require_same_file()

    @contextmanager
    def _transaction_unlocked(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            # SQLite ends the transaction of itself where the disk is full.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if any(word in str(error) for word in _DAMAGED):
                raise self._damaged(error) from error
            raise self._unusable(error) from error
        except UnicodeDecodeError as error:
            raise self._damaged(error) from error
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    def _damaged(self, error: Exception) -> RunError:
        return RunError(
            f"{self._file} is damaged, or no file of this program ({error}). Nothing was changed; "
            "restore a copy, or move it away."
        )

    def _unusable(self, error: Exception) -> RunError:
        return RunError(
            f"{self._file} cannot be used: {error}. Decisions acknowledged before are safe. "
            "Make room, or see to the rights of the file and its folder."
        )


def _require_valid(request: str, annotator: str, decisions: Sequence[Decision]) -> None:
    for name, value in (("request", request), ("annotator", annotator)):
        if not value.strip():
            raise ValueError(f"{name} is {value!r}; expected a name.")
        if not _is_storable(value):
            raise ValueError(f"{name} is {value!r}; expected text that UTF-8 can write.")
    if len({decision.index for decision in decisions}) < len(decisions):
        raise ValueError("Two decisions of a request are about the same sample; expected one.")
    for decision in decisions:
        if decision.action not in ACTIONS:
            raise ValueError(
                f"action is {decision.action!r}; expected one of {', '.join(ACTIONS)}."
            )
        if (decision.label is not None) != (decision.action in ("keep", "relabel")):
            raise ValueError(
                f"label is {decision.label} for {decision.action!r}; expected a class for keep and "
                "relabel, and None for discard and skip."
            )
        for name, number in (("index", decision.index), ("label", decision.label or 0)):
            if type(number) is not int or not 0 <= number <= _LARGEST:
                raise ValueError(f"{name} is {number!r}; expected a whole number, 0 or above.")


def _is_storable(text: str) -> bool:
    """Whether text has neither half a surrogate pair nor a NUL, at which SQLite's own tools end."""
    return "\0" not in text and text == text.encode(errors="replace").decode()


def _require_same(
    connection: sqlite3.Connection, request: str, decisions: Sequence[Decision]
) -> None:
    """A request that is sent again must not be another one: its decisions would be lost."""
    recorded = connection.execute(
        "SELECT sample, action, label FROM decision WHERE request = ?", (request,)
    ).fetchall()
    if set(recorded) != {(d.index, d.action, d.label) for d in decisions}:
        raise ValueError(
            f"A request {request!r} was recorded before with other decisions; expected a name of "
            "its own for every request."
        )


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    return facts.st_dev, facts.st_ino


def _top(connection: sqlite3.Connection, annotator: str) -> int | None:
    """The number of the request that the annotator takes back next."""
    row = connection.execute(
        "SELECT top FROM request WHERE annotator = ? ORDER BY number DESC LIMIT 1", (annotator,)
    ).fetchone()
    return None if row is None else row[0]


def _request_on_top(
    connection: sqlite3.Connection, annotator: str
) -> tuple[str | None, int | None]:
    """The name of the request that the annotator takes back next, and the number of the next."""
    row = connection.execute(
        "SELECT name, below FROM request WHERE number = ?", (_top(connection, annotator),)
    ).fetchone()
    return (None, None) if row is None else (row[0], row[1])


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one at a time: run together they would end a transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
