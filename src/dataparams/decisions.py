"""What people decided about samples: ``review.sqlite``, to which rows are only ever added."""

from __future__ import annotations

import sqlite3
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

_VERSION = 1
_SECONDS_TO_WAIT = 30
_TABLE = """
CREATE TABLE decision (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  request   TEXT NOT NULL,
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
CREATE VIEW in_force AS
  SELECT kept.number, kept.request, last.sample, last.annotator, kept.action, kept.label,
         kept.made_at
  FROM (SELECT sample, annotator, max(number) AS number, action, undoes, before
        FROM decision GROUP BY sample, annotator) AS last
  JOIN decision AS kept
    ON kept.number = CASE WHEN last.action = 'undo' THEN last.before ELSE last.number END;
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

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = Lock()
        with self._explained():
            file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                file, timeout=_SECONDS_TO_WAIT, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            # An acknowledged decision outlives a power cut, too.
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._prepare()

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
            ValueError: If a decision has a label where its action has none, or the reverse.
        """
        _require_valid(request, annotator, decisions)
        made_at = _now()
        with self._transaction() as connection:
            if self._is_known(connection, request):
                return 0
            connection.executemany(
                "INSERT INTO decision (request, sample, annotator, action, label, before, made_at) "
                "VALUES (?1, ?2, ?3, ?4, ?5, (SELECT iif(action = 'undo', before, number) "
                "FROM decision WHERE sample = ?2 AND annotator = ?3 ORDER BY number DESC LIMIT 1), "
                "?6)",
                [(request, d.index, annotator, d.action, d.label, made_at) for d in decisions],
            )
        return len(decisions)

    def undo(self, request: str, annotator: str) -> list[int]:
        """Take back the annotator's last request that is not taken back yet; again: the one before.

        Args:
            request: A name that the sender makes up; see :meth:`record`.
            annotator: Whose.

        Returns:
            The samples concerned, by index; empty where nothing is left to take back.

        Raises:
            RunError: If it cannot be written.
        """
        _require_valid(request, annotator, ())
        with self._transaction() as connection:
            if not self._is_known(connection, request):
                connection.execute(
                    "INSERT INTO decision (request, sample, annotator, action, before, undoes, "
                    "made_at) SELECT ?1, sample, annotator, 'undo', before, number, ?3 "
                    "FROM decision AS taken WHERE annotator = ?2 AND request = ("
                    "  SELECT request FROM decision AS made WHERE annotator = ?2"
                    "  AND action <> 'undo' AND NOT EXISTS"
                    "    (SELECT 1 FROM decision WHERE undoes = made.number)"
                    "  ORDER BY number DESC LIMIT 1)",
                    (request, annotator, _now()),
                )
            rows = connection.execute(
                "SELECT sample FROM decision WHERE request = ? ORDER BY sample", (request,)
            ).fetchall()
        return [row[0] for row in rows]

    def in_force(self, *, after: int | None = None) -> pl.DataFrame:
        """The decisions that count now, one for each sample and annotator.

        Args:
            after: Only those of samples about which something was decided, or taken back, after
                the row of this number; None for all.

        Returns:
            ``number``, ``request``, ``index``, ``annotator``, ``action``, ``label`` (null for
            discard and skip), ``made_at`` (UTC, ISO 8601); ordered by index and annotator.
        """
        return self._frame(
            "SELECT number, request, sample, annotator, action, label, made_at FROM in_force "
            "WHERE sample IN (SELECT sample FROM decision WHERE number > ?) "
            "ORDER BY sample, annotator",
            (after or 0,),
            _COLUMNS,
        )

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
            row = self._connection.execute("SELECT max(number) FROM decision").fetchone()
        return int(row[0] or 0)

    def _prepare(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            with self._transaction() as connection:
                # Another process may have made the table meanwhile.
                if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                    for statement in _statements(_TABLE):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
        elif version != _VERSION:
            raise RunError(
                f"{self._file} is of version {version}; expected {_VERSION}. It was written by "
                "another version of this program: use that one."
            )

    @staticmethod
    def _is_known(connection: sqlite3.Connection, request: str) -> bool:
        found = connection.execute("SELECT 1 FROM decision WHERE request = ? LIMIT 1", (request,))
        return found.fetchone() is not None

    def _frame(
        self, query: str, values: tuple[object, ...], columns: dict[str, type[pl.DataType]]
    ) -> pl.DataFrame:
        with self._lock, self._explained():
            rows = self._connection.execute(query, values).fetchall()
        return pl.DataFrame(rows, schema=columns, orient="row")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise RunError(
                f"{self._file} cannot be used: {error}. Decisions acknowledged before are safe. "
                "Make room, or see to the file's rights; if it is damaged, restore a copy."
            ) from error


def agreed_decisions(in_force: pl.DataFrame) -> pl.DataFrame:
    """One row for each sample that anybody decided about.

    A sample is disputed where annotators want different things; those who skipped it have no say.

    Args:
        in_force: From :meth:`DecisionStore.in_force`.

    Returns:
        ``index``, ``action`` (null where disputed), ``label``, ``annotators`` (names, joined),
        ``made_at`` (of the last), ``is_disputed``; ordered by index.

    Example:
        >>> in_force = pl.DataFrame({
        ...     "index": [1, 1, 2], "annotator": ["ann", "bob", "ann"], "made_at": [""] * 3,
        ...     "action": ["discard", "keep", "skip"], "label": [None, 0, None],
        ... })
        >>> agreed_decisions(in_force).select("index", "action", "is_disputed").rows()
        [(1, None, True), (2, 'skip', False)]
    """
    voted = pl.col("action") != "skip"
    wanted = pl.struct("action", "label").filter(voted)
    grouped = in_force.group_by("index").agg(
        is_disputed=wanted.n_unique() > 1,
        action=pl.col("action").filter(voted).first().fill_null("skip"),
        label=pl.col("label").filter(voted).first(),
        annotators=pl.col("annotator").sort().str.join(", "),
        made_at=pl.col("made_at").max(),
    )
    undisputed = ~pl.col("is_disputed")
    return grouped.select(
        "index",
        pl.when(undisputed).then("action").alias("action"),
        pl.when(undisputed).then("label").alias("label"),
        "annotators",
        "made_at",
        "is_disputed",
    ).sort("index")


def _require_valid(request: str, annotator: str, decisions: Sequence[Decision]) -> None:
    for name, value in (("request", request), ("annotator", annotator)):
        if not value.strip():
            raise ValueError(f"{name} is {value!r}; expected a name.")
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
