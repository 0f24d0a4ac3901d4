"""The tables of ``review.sqlite``, by version: what each version adds to the one before."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION = 0x64706172
"""What SQLite keeps to tell files of this program from others."""
# The requests of an annotator that are not taken back are a stack: "top" is the one that an undo
# takes back next, "below" the one that it takes back after that.
_DECISIONS = """
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
# Up to version 1 everybody saw others' decisions at once: blind are those that came first.
_TEAM = """
ALTER TABLE decision ADD COLUMN is_blind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE decision ADD COLUMN in_audit INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER no_change;
UPDATE decision SET is_blind = 1 WHERE action <> 'undo' AND NOT EXISTS (
  SELECT 1 FROM decision AS other WHERE other.sample = decision.sample
  AND other.annotator <> decision.annotator AND other.number < decision.number);
CREATE TRIGGER no_change BEFORE UPDATE ON decision
  BEGIN SELECT RAISE (ABORT, 'decisions are only ever added'); END;
CREATE TABLE note (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  request   TEXT NOT NULL UNIQUE,
  sample    INTEGER NOT NULL CHECK (sample >= 0),
  annotator TEXT NOT NULL CHECK (annotator <> ''),
  text      TEXT NOT NULL,
  tags      TEXT NOT NULL,
  made_at   TEXT NOT NULL
);
CREATE INDEX latest_note ON note (sample, annotator, number);
CREATE TABLE class_change (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  request   TEXT NOT NULL UNIQUE,
  label     INTEGER NOT NULL CHECK (label >= 0),
  name      TEXT NOT NULL CHECK (name <> ''),
  annotator TEXT NOT NULL CHECK (annotator <> ''),
  made_at   TEXT NOT NULL
);
CREATE TABLE adjudicator (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  name      TEXT NOT NULL CHECK (name <> ''),
  is_one    INTEGER NOT NULL,
  made_at   TEXT NOT NULL
);
CREATE TABLE assignment (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  plan      TEXT NOT NULL,
  made_at   TEXT NOT NULL
);
CREATE TABLE audit (
  number    INTEGER PRIMARY KEY CHECK (number = 1),
  seed      INTEGER NOT NULL,
  strata    BLOB NOT NULL,
  made_at   TEXT NOT NULL
);
CREATE TABLE audit_sample (
  place     INTEGER PRIMARY KEY AUTOINCREMENT,
  sample    INTEGER NOT NULL UNIQUE CHECK (sample >= 0),
  stratum   TEXT NOT NULL,
  made_at   TEXT NOT NULL
);
""" + "".join(  # noqa: S608 - nothing of it comes from outside
    f"CREATE TRIGGER no_{what}_of_{table} BEFORE {verb} ON {table}\n"
    "  BEGIN SELECT RAISE (ABORT, 'rows are only ever added'); END;\n"
    for table in ("note", "class_change", "adjudicator", "assignment", "audit", "audit_sample")
    for what, verb in (("change", "UPDATE"), ("removal", "DELETE"))
)
STEPS = (_DECISIONS, _TEAM)
VERSION = len(STEPS)
"""The version of the tables that this program writes."""


def bring_up_to_date(connection: sqlite3.Connection, version: int) -> None:
    """Bring the tables of a version to the newest, within a transaction that has begun.

    Args:
        connection: Where the tables are.
        version: Which they are; 0 for none.
    """
    for script in STEPS[version:]:
        for statement in statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def statements(script: str) -> Iterator[str]:
    """The statements of a script, one at a time: run together they would end a transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
