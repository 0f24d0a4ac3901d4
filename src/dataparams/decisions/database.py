"""The SQLite file of decisions: opened, read and written by several processes at once.

SQLite's errors become a :class:`dataparams.errors.RunError` that says what to do.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from threading import Lock
from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.decisions.backups import copied_to_memory, keep_backup
from dataparams.decisions.schema import APPLICATION, VERSION, bring_up_to_date
from dataparams.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS_TO_WAIT = 30
_DAMAGED = ("not a database", "malformed", "no such table", "no such column", "encrypted", "decode")


class DecisionDatabase:
    """The connection to ``review.sqlite``; several threads may use it.

    Args:
        file: The file; made where there is none.
        read_only: Only look, also where nothing can be written; the file must be there.

    Raises:
        RunError: If it cannot be opened, or is not such a file.
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

    def rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows that a query finds.

        Raises:
            RunError: If the file cannot be read, is damaged, or was replaced meanwhile.
        """
        with self._lock, self._explained():
            self._require_same_file()
            return self._connection.execute(query, values).fetchall()

    def frame(
        self, query: str, values: tuple[object, ...], columns: dict[str, type[pl.DataType]]
    ) -> pl.DataFrame:
        """The rows that a query finds, as a table of these columns; errors as of :meth:`rows`."""
        rows = self.rows(query, values)
        try:
            return pl.DataFrame(rows, schema=columns, orient="row")
        except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
            raise self._damaged(error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction for writing: all of it is written to the disk, or none.

        Raises:
            RunError: If it cannot be written, or the file was replaced meanwhile.
        """
        with self._lock, self._explained():
            self._require_same_file()
            with self._transaction_unlocked() as connection:
                yield connection
            # What went into a file that was removed just now must not be acknowledged.
            self._require_same_file()

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
            raise RunError(f"There is no file {self._file}: there are no decisions yet.")
        address = self._file.absolute().as_uri()
        try:
            return self._begun(address + "?mode=ro")
        except sqlite3.OperationalError:
            # Where nothing can be written, SQLite reads a file that no other process has open
            # only as "immutable".
            if self._file.with_name(f"{self._file.name}-wal").exists():
                raise
            return self._begun(address + "?immutable=1")

    def _begun(self, address: str) -> sqlite3.Connection:
        connection = self._connected(address)
        try:
            version = self._version(connection)
            if 0 < version < VERSION:
                # The file itself may not be changed by somebody who only looks.
                memory = copied_to_memory(connection)
                bring_up_to_date(memory, version)
                connection.close()
                return memory
        except BaseException:
            connection.close()
            raise
        if version == 0:
            connection.close()
            raise RunError(f"{self._file} is empty: there are no decisions yet.")
        return connection

    def _prepare(self) -> None:
        # Before anything is changed: the file may be of another program.
        self._version(self._connection)
        self._begin_log()
        # An acknowledged decision outlives a power cut, too.
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        if self._version(self._connection) < VERSION:
            with self._transaction_unlocked() as connection:
                # Another process may have made the tables meanwhile.
                version = self._version(connection)
                if 0 < version < VERSION:
                    keep_backup(self._file, version)
                if version < VERSION:
                    bring_up_to_date(connection, version)

    def _begin_log(self) -> None:
        """Let others read during a write. SQLite itself does not wait for a lock to change this."""
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
        """Which files the decisions and their log are in, None for a file that is missing."""
        return [
            _file_at(path) for path in (self._file, self._file.with_name(f"{self._file.name}-wal"))
        ]

    def _version(self, connection: sqlite3.Connection) -> int:
        """The version of the tables, 0 for none; RunError where the file is of another kind."""
        # One statement: between two, another process may make the tables.
        application, version, count = connection.execute(
            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master) "
            "FROM pragma_application_id, pragma_user_version"
        ).fetchone()
        if application == APPLICATION and 1 <= version <= VERSION:
            return int(version)
        if application == APPLICATION:
            raise RunError(
                f"{self._file} is of version {version}; expected {VERSION}. It was written by "
                "a newer version of this program: use that one."
            )
        if application or version or count:
            raise RunError(
                f"{self._file} is a database of another program. Nothing was changed; move it away."
            )
        return 0

    @contextmanager
    def _transaction_unlocked(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            # Where the disk is full, SQLite itself ends the transaction.
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
            f"{self._file} is damaged, or not a file of this program ({error}). Nothing was "
            "changed; restore a copy, or move it away."
        )

    def _unusable(self, error: Exception) -> RunError:
        return RunError(
            f"{self._file} cannot be used: {error}. Decisions acknowledged before are safe. "
            "Free space on the disk, or check the permissions of the file and its folder."
        )


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    return facts.st_dev, facts.st_ino


def now() -> str:
    """The time now, UTC, as the file keeps it (ISO 8601)."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def is_storable(text: str) -> bool:
    """Whether text has no lone surrogate, and no NUL, which ends a text for SQLite's own tools."""
    return "\0" not in text and text == text.encode(errors="replace").decode()
