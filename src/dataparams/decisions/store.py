"""The decisions of annotators about samples, in an append-only file, ``review.sqlite``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

from dataparams.decisions.adjudicators import adjudicators_in
from dataparams.decisions.database import DecisionDatabase, is_storable, now
from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence
    from pathlib import Path

Action = Literal["keep", "relabel", "discard", "skip"]
ACTIONS: tuple[Action, ...] = ("keep", "relabel", "discard", "skip")
"""``keep``: the given label is right. ``relabel``: another is. ``discard``: leave the sample out.
``skip``: seen, but undecided."""

_LARGEST = 2**63 - 1
_IN_FORCE = """
SELECT kept.number, kept.request, last.sample, last.annotator, kept.action, kept.label,
  kept.made_at, kept.is_blind, kept.in_audit
FROM (SELECT sample, annotator, max(number) AS number, action, before
      FROM decision GROUP BY sample, annotator) AS last
JOIN decision AS kept
  ON kept.number = CASE WHEN last.action = 'undo' THEN last.before ELSE last.number END
ORDER BY last.sample, last.annotator
"""
_CHANGES = """
SELECT made.number, made.sample, made.annotator, counts.action, counts.label, counts.is_blind,
  counts.in_audit
FROM decision AS made
LEFT JOIN decision AS counts
  ON counts.number = CASE WHEN made.action = 'undo' THEN made.before ELSE made.number END
WHERE made.number > ? ORDER BY made.number LIMIT ?
"""
# "seen" is whether others' decisions on the sample were in sight: somebody else has decided, and
# the annotator may look at that before deciding, or has decided before.
_ADD = """
WITH earlier AS (
  SELECT (SELECT iif(action = 'undo', before, number) FROM decision
    WHERE sample = :sample AND annotator = :annotator ORDER BY number DESC LIMIT 1) AS number,
  EXISTS (SELECT 1 FROM decision WHERE sample = :sample AND annotator <> :annotator
    AND action IN ('keep', 'relabel', 'discard')) AND (
      :sees
      OR coalesce((SELECT is_one FROM adjudicator WHERE name = :annotator
        ORDER BY number DESC LIMIT 1), 0)
      OR EXISTS (SELECT 1 FROM decision WHERE sample = :sample AND annotator = :annotator
        AND action IN ('keep', 'relabel', 'discard'))) AS seen)
INSERT INTO decision
  (request, sample, annotator, action, label, before, made_at, is_blind, in_audit)
SELECT :request, :sample, :annotator, :action, :label, number, :made_at, NOT seen,
  EXISTS (SELECT 1 FROM audit_sample WHERE sample = :sample) AND (
    :is_audit
    OR coalesce((SELECT in_audit FROM decision WHERE number = earlier.number), 0))
FROM earlier
"""
ROWS_OF_A_PAGE = 50_000
_COLUMNS: dict[str, type[pl.DataType]] = {
    "number": pl.Int64,
    "request": pl.String,
    "index": pl.Int64,
    "annotator": pl.String,
    "action": pl.String,
    "label": pl.Int64,
    "made_at": pl.String,
    "is_blind": pl.Int64,
    "in_audit": pl.Int64,
}
_CHANGE_COLUMNS = {
    name: kind for name, kind in _COLUMNS.items() if name not in ("request", "made_at")
}
_FLAGS = pl.col("is_blind", "in_audit").cast(pl.Boolean)


@dataclass(frozen=True)
class Decision:
    """The decision of an annotator about a sample.

    Attributes:
        index: The sample's position in the data source.
        action: One of ``ACTIONS``.
        label: The right class, for ``keep`` the given one; None for the other actions.
    """

    index: int
    action: Action
    label: int | None = None


class DecisionStore:
    """The decisions of a run. Several threads, and several processes, may use it at once.

    Each annotator has decisions of their own, which no other annotator overwrites. A later decision
    of the same annotator on the same sample replaces the earlier one, which stays in the history;
    an undo adds a row as well.

    Args:
        file: The path of ``review.sqlite``; created if it does not exist.
        read_only: Open an existing file for reading, also where nothing can be written.

    Attributes:
        database: The file itself, which holds notes, classes and more beside the decisions.

    Raises:
        RunError: If the file cannot be opened, or is not such a file.

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
        self.database = DecisionDatabase(file, read_only=read_only)

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def record(
        self,
        request: str,
        annotator: str,
        decisions: Sequence[Decision],
        *,
        is_audit: bool = False,
    ) -> int:
        """Add the decisions of one request, all or none.

        Args:
            request: A unique name that the sender chooses. A request that was recorded before is
                not recorded again, so that it can be sent twice.
            annotator: The annotator's name.
            decisions: At most one for each sample.
            is_audit: Whether they are made in an audit, where nothing but the sample and its label
                is shown; it counts for the samples that were drawn for it.

        Returns:
            How many were added: 0 for a request that was recorded before.

        Raises:
            RunError: If they cannot be written; then none is.
            ArgumentError: If a decision has a label although its action takes none, or the reverse;
                or if the name of the request was used for a different one.
        """
        return self.record_all([(request, annotator, decisions)], is_audit=is_audit)

    def record_all(
        self,
        requests: Sequence[tuple[str, str, Sequence[Decision]]],
        *,
        seeing: Collection[str] = (),
        is_audit: bool = False,
    ) -> int:
        """Add the decisions of several requests, of several annotators, all or none.

        Args:
            requests: The arguments of :meth:`record` for each.
            seeing: Names of the requests that were made with the decisions of others in sight; of
                the other ones the file itself tells.
            is_audit: Whether they are made in an audit.

        Returns:
            How many were added.

        Raises:
            RunError: If they cannot be written; then none is.
            ArgumentError: As in :meth:`record`; then none is written either.
        """
        for request, annotator, decisions in requests:
            _require_valid(request, annotator, decisions)
        made_at = now()
        added = 0
        with self.database.transaction() as connection:
            for request, annotator, decisions in requests:
                if _is_known(connection, request, annotator, is_undo=False):
                    _require_same(connection, request, decisions)
                    continue
                top = _top(connection, annotator)
                connection.execute(
                    "INSERT INTO request (name, annotator, is_undo, below, top) VALUES (?, ?, 0, "
                    "?, iif(?, (SELECT 1 + coalesce(max(number), 0) FROM request), ?))",
                    (request, annotator, top, bool(decisions), top),
                )
                connection.executemany(
                    _ADD,
                    [
                        {
                            "request": request,
                            "annotator": annotator,
                            "sample": decision.index,
                            "action": decision.action,
                            "label": decision.label,
                            "made_at": made_at,
                            "sees": request in seeing,
                            "is_audit": is_audit,
                        }
                        for decision in decisions
                    ],
                )
                added += len(decisions)
        return added

    def undo(self, request: str, annotator: str) -> list[int]:
        """Take back the annotator's last request; a second undo takes back the one before it.

        Args:
            request: A unique name that the sender chooses; see :meth:`record`.
            annotator: The annotator's name.

        Returns:
            The indices of the samples concerned; empty if nothing is left to take back.

        Raises:
            RunError: If it cannot be written.
            ArgumentError: If the name of the request was used for a different one.
        """
        _require_valid(request, annotator, ())
        with self.database.transaction() as connection:
            if not _is_known(connection, request, annotator, is_undo=True):
                taken, below = _request_at_top(connection, annotator)
                connection.execute(
                    "INSERT INTO request (name, annotator, is_undo, below, top) "
                    "VALUES (?, ?, 1, NULL, ?)",
                    (request, annotator, below),
                )
                connection.execute(
                    "INSERT INTO decision (request, sample, annotator, action, before, undoes, "
                    "made_at) SELECT ?, sample, annotator, 'undo', before, number, ? "
                    "FROM decision WHERE request = ? ORDER BY number",
                    (request, now(), taken),
                )
            rows = connection.execute(
                "SELECT sample FROM decision WHERE request = ? ORDER BY sample", (request,)
            ).fetchall()
        return [row[0] for row in rows]

    def in_force(self) -> pl.DataFrame:
        """The decisions in force, one for each sample and annotator.

        Returns:
            ``number``, ``request``, ``index``, ``annotator``, ``action``, ``label`` (null for
            discard and skip), ``made_at`` (UTC, ISO 8601), ``is_blind`` (made before the decision
            of anybody else on the sample could be seen), ``in_audit``, ``is_adjudicator`` (of the
            annotator, now); ordered by index and annotator.
        """
        found = self.database.frame(_IN_FORCE, (), _COLUMNS).with_columns(_FLAGS)
        adjudicators = adjudicators_in(self.database)
        return found.with_columns(is_adjudicator=pl.col("annotator").is_in(adjudicators))

    def changes(self, *, after: int = 0, most: int = 20_000) -> pl.DataFrame:
        """The rows after a number, in order, each with the decision that it put in force.

        Called repeatedly with the last number, it returns everything that any process has written,
        in bounded memory.

        Args:
            after: The number of a row; 0 to begin with the first.
            most: The largest number of rows to return.

        Returns:
            ``number``, ``index``, ``annotator``, and ``action``, ``label``, ``is_blind`` and
            ``in_audit`` of the decision in force after that row; null where the only one was taken
            back.

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
        return self.database.frame(_CHANGES, (after, most), _CHANGE_COLUMNS).with_columns(_FLAGS)

    def history(
        self, *, since: str = "", annotator: str | None = None, of_audit: bool = False
    ) -> pl.DataFrame:
        """All decisions and undos, in order.

        Args:
            since: Only those made at that time or later (UTC, ISO 8601).
            annotator: Only this one's.
            of_audit: Only those about samples that were drawn for the audit.

        Returns:
            The columns of :meth:`in_force` but the last, ``before`` (number of the decision in
            force before; null for none) and ``undoes`` (number of the decision that is taken back).
        """
        # In pages, since rows take three times as much memory before they are in a table; no row
        # of those that are there by now ever changes.
        last, after = self.last_number(), 0
        pages: list[pl.DataFrame] = []
        while not pages or len(pages[-1]) == ROWS_OF_A_PAGE:
            page = self.database.frame(
                "SELECT number, request, sample, annotator, action, label, made_at, is_blind, "
                "in_audit, before, undoes FROM decision WHERE number > ? AND number <= ? AND "
                "made_at >= ? AND annotator = coalesce(?, annotator) AND "
                "(NOT ? OR sample IN (SELECT sample FROM audit_sample)) ORDER BY number LIMIT ?",
                (after, last, since, annotator, of_audit, ROWS_OF_A_PAGE),
                {**_COLUMNS, "before": pl.Int64, "undoes": pl.Int64},
            )
            pages.append(page)
            after = int(page["number"].max() or 0)  # type: ignore[arg-type]
        return pl.concat(pages).with_columns(_FLAGS)

    def last_number(self) -> int:
        """The number of the last row, 0 where there is none."""
        return int(self.database.rows("SELECT max(number) FROM decision")[0][0] or 0)


def _require_valid(request: str, annotator: str, decisions: Sequence[Decision]) -> None:
    for name, value in (("request", request), ("annotator", annotator)):
        if not value.strip():
            raise ArgumentError(f"`{name}` is {value!r}; expected a name.")
        if not is_storable(value):
            raise ArgumentError(
                f"`{name}` is {value!r}; expected text that can be encoded as UTF-8."
            )
    if len({decision.index for decision in decisions}) < len(decisions):
        raise ArgumentError("`decisions` has two for the same sample; expected one for each.")
    for decision in decisions:
        if decision.action not in ACTIONS:
            raise ArgumentError(
                f"`action` is {decision.action!r}; expected one of {', '.join(ACTIONS)}."
            )
        if (decision.label is not None) != (decision.action in ("keep", "relabel")):
            raise ArgumentError(
                f"`label` is {decision.label} for {decision.action!r}; expected a class for keep "
                "and relabel, and None for discard and skip."
            )
        for name, number in (("index", decision.index), ("label", decision.label or 0)):
            if type(number) is not int or not 0 <= number <= _LARGEST:
                raise ArgumentError(f"`{name}` is {number!r}; expected a whole number, 0 or above.")


def _is_known(
    connection: sqlite3.Connection, request: str, annotator: str, *, is_undo: bool
) -> bool:
    found = connection.execute(
        "SELECT annotator, is_undo FROM request WHERE name = ?", (request,)
    ).fetchone()
    if found is not None and found != (annotator, is_undo):
        raise ArgumentError(
            f"`request` is {request!r}, which was recorded before, by {found[0]!r} or of another "
            "kind; expected a name of its own for every request."
        )
    return found is not None


def _require_same(
    connection: sqlite3.Connection, request: str, decisions: Sequence[Decision]
) -> None:
    """Raise ArgumentError if a name is used for a second request, whose decisions would be lost."""
    recorded = connection.execute(
        "SELECT sample, action, label FROM decision WHERE request = ?", (request,)
    ).fetchall()
    if set(recorded) != {(d.index, d.action, d.label) for d in decisions}:
        raise ArgumentError(
            f"`request` is {request!r}, which was recorded before with other decisions; expected a "
            "name of its own for every request."
        )


def _top(connection: sqlite3.Connection, annotator: str) -> int | None:
    """The number of the request that the annotator's next undo takes back."""
    row = connection.execute(
        "SELECT top FROM request WHERE annotator = ? ORDER BY number DESC LIMIT 1", (annotator,)
    ).fetchone()
    return None if row is None else row[0]


def _request_at_top(
    connection: sqlite3.Connection, annotator: str
) -> tuple[str | None, int | None]:
    """The name of the request that the next undo takes back, and the number of the one below it."""
    row = connection.execute(
        "SELECT name, below FROM request WHERE number = ?", (_top(connection, annotator),)
    ).fetchone()
    return (None, None) if row is None else (row[0], row[1])
