"""Decisions of an earlier version: brought to this one, with a copy of what was there."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dataparams.decisions import database, schema
from dataparams.decisions.agreement import cohen_kappa
from dataparams.decisions.store import Decision, DecisionStore

VERSION_1 = Path(__file__).parent / "data" / "review_version_1.sqlite"
"""Made by the program when the tables were of version 1: three annotators, an undo, an import."""
IN_FORCE = [
    (0, "ann", "keep", 0, True),
    (1, "Zoë", "keep", 1, False),
    (1, "ann", "keep", 1, True),
    (1, "bob", "relabel", 0, False),
    (2, "ann", "keep", 0, True),
    (2, "bob", "discard", None, False),
    (3, "ann", "keep", 1, True),
    (7, "Zoë", "relabel", 1, False),
    (8, "cid", "keep", 0, True),
    (9, "bob", "skip", None, True),
]
_COLUMNS = ("index", "annotator", "action", "label", "is_blind")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return Path(shutil.copy(VERSION_1, tmp_path / "review.sqlite"))


def in_force(file: Path, **options: bool) -> list[tuple[object, ...]]:
    with closing(DecisionStore(file, **options)) as store:
        return store.in_force().select(_COLUMNS).rows()


def version_of(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_every_decision_is_there_and_a_copy_of_the_file_beside(file):
    before = sqlite3.connect(file).execute("SELECT * FROM decision").fetchall()
    assert in_force(file) == IN_FORCE
    assert version_of(file) == schema.VERSION
    with closing(sqlite3.connect(file.with_name("review.version-1.sqlite"))) as copy:
        assert copy.execute("SELECT * FROM decision").fetchall() == before
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with closing(DecisionStore(file)) as store:
        store.record("after-it", "ann", [Decision(5, "discard")])
        assert store.undo("undo-it-1", "ann") == [5]
        # What was decided before goes on being taken back, in the order of then.
        assert store.undo("undo-it-2", "ann") == [0, 1, 2, 3]
    assert sorted(one.name for one in file.parent.glob("*.sqlite")) == [
        "review.sqlite",
        "review.version-1.sqlite",
    ]


def test_agreement_counts_nothing_that_was_decided_with_others_in_sight(file):
    with closing(DecisionStore(file)) as store:
        assert cohen_kappa(store.in_force())["samples"].sum() == 0


def test_who_only_looks_changes_nothing(file):
    before = file.read_bytes()
    assert in_force(file, read_only=True) == IN_FORCE
    assert file.read_bytes() == before
    assert not list(file.parent.glob("*version*"))


@pytest.mark.parametrize("moment", range(6))
def test_killed_in_the_middle_all_is_as_it_was_and_a_second_try_finishes(file, moment):
    """Killed before the copy, after it, and after some of the statements."""
    child = os.fork()
    if child == 0:
        _open_until_killed(file, moment)
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert version_of(file) == 1
    assert in_force(file, read_only=True) == IN_FORCE
    assert in_force(file) == IN_FORCE
    assert version_of(file) == schema.VERSION
    # The copy of the first try is of the same decisions, and is not made twice.
    assert [one.name for one in file.parent.glob("*.version-*.sqlite")] == [
        "review.version-1.sqlite"
    ]


def _open_until_killed(file: Path, moment: int) -> None:
    def kill(*_: object) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    if moment < 2:
        setattr(database, ("keep_backup", "bring_up_to_date")[moment], kill)
    else:
        steps = list(schema.statements(schema.STEPS[1]))
        fatal = steps[(moment - 2) * (len(steps) - 1) // 3]
        statements = schema.statements
        schema.statements = lambda script: (
            kill() or one if one == fatal else one for one in statements(script)
        )
    DecisionStore(file)


def test_a_copy_of_other_decisions_is_not_replaced(file):
    other = file.with_name("review.version-1.sqlite")
    other.write_text("kept by hand")
    assert in_force(file) == IN_FORCE
    assert other.read_text() == "kept by hand"
    with closing(sqlite3.connect(file.with_name("review.version-1-2.sqlite"))) as copy:
        assert copy.execute("SELECT count(*) FROM decision").fetchone() == (14,)


def test_several_that_open_it_at_once_migrate_it_once(file):
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(in_force(file) == IN_FORCE)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 6
    assert len(list(file.parent.glob("*.version-*.sqlite"))) == 1


def test_nothing_that_a_team_wrote_can_be_changed(tmp_path: Path) -> None:
    DecisionStore(tmp_path / "review.sqlite").close()
    with closing(sqlite3.connect(tmp_path / "review.sqlite")) as connection:
        connection.execute("INSERT INTO adjudicator VALUES (1, 'eve', 1, 'now')")
        connection.execute("INSERT INTO note VALUES (1, 'r', 3, 'ann', 'x', '[]', 'now')")
        for change in (
            "UPDATE adjudicator SET is_one = 0",
            "DELETE FROM adjudicator",
            "UPDATE note SET text = ''",
            "DELETE FROM note",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
                connection.execute(change)
