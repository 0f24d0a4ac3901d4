"""People's decisions: nothing acknowledged is lost, whatever happens."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dataparams.decisions.agreement import agreed_decisions, cohen_kappa, disputes
from dataparams.decisions.store import (
    Decision,
    DecisionStore,
)
from dataparams.errors import RunError
from deciding_processes import PER_REQUEST, PROCESSES, REQUESTS, ROUNDS

PROGRAM = Path(__file__).parents[1] / "support" / "deciding_processes.py"
SEED = time.time_ns() % 10**6
ANNOTATORS = st.sampled_from(["ann", "bob", "Zoë"])
WANTED = st.one_of(
    st.tuples(st.sampled_from(["keep", "relabel"]), st.integers(0, 2)),
    st.tuples(st.sampled_from(["discard", "skip"]), st.none()),
)
CHOICES = st.dictionaries(st.integers(0, 4), WANTED, max_size=3)


def _decisions(choices):
    return [Decision(index, *wanted) for index, wanted in choices.items()]


class Deciding(RuleBasedStateMachine):
    """A store beside a stack of dictionaries per annotator."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name) / "review.sqlite"
        self.stores = [DecisionStore(file), DecisionStore(file)]
        self.stacks: dict[str, Any] = {}
        self.sent: list[Any] = []
        self.rows = 0

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()

    @rule(which=st.integers(0, 1), annotator=ANNOTATORS, choices=CHOICES)
    def record(self, which, annotator, choices) -> None:
        name = f"r{len(self.sent)}"
        assert self.stores[which].record(name, annotator, _decisions(choices)) == len(choices)
        if choices:
            self.stacks.setdefault(annotator, []).append(choices)
        self.sent.append((name, annotator, choices))
        self.rows += len(choices)

    @rule(which=st.integers(0, 1), annotator=ANNOTATORS)
    def undo(self, which, annotator) -> None:
        stack = self.stacks.get(annotator, [])
        expected = sorted(stack.pop()) if stack else []
        name = f"r{len(self.sent)}"
        assert self.stores[which].undo(name, annotator) == expected
        self.sent.append((name, annotator, expected))
        self.rows += len(expected)

    @rule(which=st.integers(0, 1), number=st.integers(0, 50))
    def send_again(self, which, number) -> None:
        if not self.sent:
            return
        name, annotator, what = self.sent[number % len(self.sent)]
        if isinstance(what, dict):
            assert self.stores[which].record(name, annotator, _decisions(what)) == 0
        else:
            assert self.stores[which].undo(name, annotator) == what

    @rule(which=st.integers(0, 1), number=st.integers(0, 50), annotator=ANNOTATORS)
    def send_another_by_the_same_name(self, which, number, annotator) -> None:
        if not self.sent:
            return
        name, by, what = self.sent[number % len(self.sent)]
        with pytest.raises(ValueError, match=r"was recorded before"):
            self.stores[which].record(name, annotator, [Decision(9, "discard")])
        if annotator != by or isinstance(what, dict):
            with pytest.raises(ValueError, match=r"was recorded before"):
                self.stores[which].undo(name, annotator)

    @invariant()
    def the_last_word_counts(self) -> None:
        expected = {}
        for annotator, stack in self.stacks.items():
            for choices in stack:
                for index, wanted in choices.items():
                    expected[index, annotator] = wanted
        for store in self.stores:
            found = store.in_force().select("index", "annotator", "action", "label").rows()
            assert found == [(*key, *expected[key]) for key in sorted(expected)]
        assert len(self.stores[0].history()) == self.stores[1].last_number() == self.rows

    @invariant()
    def changes_are_told(self) -> None:
        store, half = self.stores[0], self.rows // 2
        counting, number = {}, 0
        while len(changes := store.changes(after=number, most=3)):
            number = changes["number"][-1]
            for _, index, annotator, *what, _, _ in changes.rows():
                counting[index, annotator] = what
        assert number == self.rows
        expected = store.in_force().select("index", "annotator", "action", "label").rows()
        assert expected == [
            (*key, *counting[key]) for key in sorted(counting) if counting[key][0] is not None
        ]
        changed = store.history().filter(pl.col("number") > half)
        assert store.changes(after=half)["index"].equals(changed["index"])


TestDeciding = Deciding.TestCase
TestDeciding.settings = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def _run(what: str, folder: Path, *further: str) -> Any:
    command = [sys.executable, str(PROGRAM), what, str(folder), *further]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output or "null")


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged = _run("killed", tmp_path, str(SEED))
    assert len(acknowledged) > 40
    history = DecisionStore(tmp_path / "review.sqlite").history()
    counts = dict(history.group_by("request").len().rows())
    assert set(acknowledged) <= set(counts)
    # Of each killed process at most the request that it did not live to acknowledge.
    assert len(counts) - len(acknowledged) <= len({name.split("/")[0] for name in counts})
    assert set(counts.values()) == {PER_REQUEST}


def test_a_history_is_whole_however_few_rows_are_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(DecisionStore(tmp_path / "review.sqlite")) as store:
        assert store.history().is_empty()
        for number in range(14):
            decided = [Decision(number % 5, "discard")]
            store.record(f"r{number}", f"a{number % 2}", decided)
        whole = store.history()
        assert len(whole) == 14
        for rows in (1, 4, 7, 14, 15):
            monkeypatch.setattr("dataparams.decisions.store.ROWS_OF_A_PAGE", rows)
            assert store.history().equals(whole)
            own = store.history(annotator="a1")
            assert own.equals(whole.filter(annotator="a1"))


def test_several_processes_decide_at_once(tmp_path: Path) -> None:
    _run("together", tmp_path)
    for round_ in range(ROUNDS):
        store = DecisionStore(tmp_path / str(round_) / "review.sqlite")
        history = store.history()
        assert history["number"].to_list() == list(range(1, PROCESSES * REQUESTS + 1))
        assert len(store.in_force()) == 3 * REQUESTS
        for annotator in ("a0", "a1", "a2"):
            undone = [store.undo(f"{annotator}/{n}", annotator) for n in range(2 * REQUESTS + 1)]
            assert Counter(map(len, undone)) == {1: 2 * REQUESTS, 0: 1}
        assert not len(store.in_force())


def test_a_full_disk_refuses_whole_requests(tmp_path: Path) -> None:
    acknowledged, rows, later, error = _run("full", tmp_path)
    assert acknowledged == rows > 0
    assert later == rows + 1
    assert "review.sqlite cannot be used" in error
    assert "acknowledged before are safe" in error
    assert "rollback" not in error


@pytest.mark.parametrize("is_left_open", [False, True])
def test_decisions_can_be_looked_at_where_nothing_can_be_written(is_left_open: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = DecisionStore(folder / "there" / "review.sqlite")
        store.record("r", "ann", [Decision(3, "discard"), Decision(4, "discard")])
        shutil.copytree(folder / "there", folder / "copy") if is_left_open else None
        store.close()
        shown = folder / ("copy" if is_left_open else "there")
        for path, mode in ((folder, 0o755), (shown, 0o555), *((f, 0o444) for f in shown.iterdir())):
            path.chmod(mode)
        rows, error = _run("unwritable", shown)
        shown.chmod(0o755)
    assert rows == 2
    assert "cannot be used" in error


def test_a_file_of_another_kind_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "review.sqlite"
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE request (mine)")
    other.close()
    before = file.read_bytes()
    for read_only in (False, True):
        with pytest.raises(RunError, match=r"database of another program"):
            DecisionStore(file, read_only=read_only)
    assert file.read_bytes() == before
    file.write_text("decisions " * 1000)
    with pytest.raises(RunError, match=r"damaged, or not a file of this program"):
        DecisionStore(file)
    assert file.read_text() == "decisions " * 1000
    file.unlink()
    file.mkdir()
    with pytest.raises(RunError, match=r"cannot be used"):
        DecisionStore(file)
    with pytest.raises(RunError, match=r"there are no decisions yet"):
        DecisionStore(tmp_path / "nowhere.sqlite", read_only=True)
    assert not (tmp_path / "nowhere.sqlite").exists()
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(RunError, match=r"there are no decisions yet"):
        DecisionStore(tmp_path / "empty.sqlite", read_only=True)
    newer = DecisionStore(tmp_path / "newer.sqlite")
    newer.close()
    with closing(sqlite3.connect(tmp_path / "newer.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(RunError, match=r"is of version 99; expected 2"):
        DecisionStore(tmp_path / "newer.sqlite")


def test_a_damaged_file_is_told_in_words(tmp_path: Path) -> None:
    file = tmp_path / "review.sqlite"
    store = DecisionStore(file)
    for number in range(40):
        decisions = [Decision(i, "relabel", number) for i in range(20)]
        store.record(f"request {number}", "ann", decisions)
    store.close()
    whole = file.read_bytes()
    rng = np.random.default_rng(SEED)
    refused = 0
    for trial in range(60):
        damaged = np.frombuffer(whole, np.uint8).copy()
        if trial % 6 == 0:
            damaged = damaged[: rng.integers(1, len(damaged))]
        else:
            where = rng.integers(0, len(damaged), 400)
            damaged[where] = rng.integers(0, 256, len(where))
        file.write_bytes(damaged.tobytes())
        with suppress(RunError):
            opened = DecisionStore(file, read_only=trial % 2 == 0)
            agreed_decisions(opened.in_force())
            opened.history()
            continue
        refused += 1
    assert refused > 10


@pytest.mark.parametrize(
    ("request_", "annotator", "decision", "complaint"),
    [
        ("r", " ", Decision(1, "skip"), "`annotator` is ' '; expected a name"),
        ("", "ann", Decision(1, "skip"), "`request` is ''"),
        ("r", "a\ud800", Decision(1, "skip"), "UTF-8"),
        ("r", "a\0b", Decision(1, "skip"), "UTF-8"),
        ("r", "ann", Decision(-1, "skip"), "`index` is -1"),
        ("r", "ann", Decision(2**63, "skip"), "`index` is 9223372036854775808"),
        ("r", "ann", Decision(1.5, "skip"), r"`index` is 1\.5"),  # type: ignore[arg-type]
        ("r", "ann", Decision(True, "skip"), "`index` is True"),
        ("r", "ann", Decision(1, "keep"), "`label` is None for 'keep'"),
        ("r", "ann", Decision(1, "skip", 1), "`label` is 1 for 'skip'"),
        ("r", "ann", Decision(1, "keep", -1), "`label` is -1"),
        ("r", "ann", Decision(1, "undo"), "`action` is 'undo'"),  # type: ignore[arg-type]
    ],
)
def test_what_makes_no_sense_is_not_recorded(
    tmp_path: Path, request_: str, annotator: str, decision: Decision, complaint: str
) -> None:
    store = DecisionStore(tmp_path / "review.sqlite")
    good = ("good", "ann", [Decision(0, "skip")])
    with pytest.raises(ValueError, match=complaint):
        store.record_all([good, (request_, annotator, [decision])])
    assert store.last_number() == 0


def test_nothing_recorded_can_be_changed(tmp_path: Path) -> None:
    DecisionStore(tmp_path / "review.sqlite").record("r", "ann", [Decision(1, "discard")])
    other = sqlite3.connect(tmp_path / "review.sqlite")
    for change in ("UPDATE decision SET sample = 2", "DELETE FROM decision"):
        with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
            other.execute(change)
    for change in ("UPDATE request SET top = NULL", "DELETE FROM request"):
        with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
            other.execute(change)
    other.close()


BY_PEOPLE = st.dictionaries(
    st.tuples(st.integers(0, 5), st.sampled_from(["ann", "bob", "cid"])), WANTED, max_size=18
)


def _frame(decided):
    rows = [(i, who, action, label, "now") for (i, who), (action, label) in sorted(decided.items())]
    names = {"index": pl.Int64, "annotator": pl.String, "action": pl.String, "label": pl.Int64}
    return pl.DataFrame(rows, schema={**names, "made_at": pl.String}, orient="row")


@given(BY_PEOPLE)
@settings(deadline=None, max_examples=60)
def test_people_agree_where_they_want_the_same_of_a_sample(decided) -> None:
    agreed = {row["index"]: row for row in agreed_decisions(_frame(decided)).iter_rows(named=True)}
    assert set(agreed) == {index for index, _ in decided}
    disputed = set()
    for index, row in agreed.items():
        wanted = [what for (i, _), what in sorted(decided.items()) if i == index]
        votes = [label for action, label in wanted if action != "skip"]
        most, count = Counter(votes).most_common(1)[0] if votes else (None, 0)
        has_majority = len(votes) >= 3 and 2 * count > len(votes)
        is_settled = len(set(votes)) > 1 and has_majority
        labels = {most} if is_settled else set(votes)
        actions = {action for action, label in wanted if action != "skip" and label in labels}
        assert row["settled_by"] == ("majority" if is_settled else None)
        assert row["is_disputed"] == (len(labels) > 1)
        if len(labels) > 1:
            disputed.add(index)
            assert (row["action"], row["label"]) == (None, None)
        elif labels:
            assert row["label"] == next(iter(labels))
            assert row["action"] == ("keep" if "keep" in actions else actions.pop())
        else:
            assert (row["action"], row["label"]) == ("skip", None)
    assert set(disputes(_frame(decided))["index"]) == disputed


@given(BY_PEOPLE)
@settings(deadline=None, max_examples=60)
def test_kappa_is_agreement_beyond_chance(decided) -> None:
    rows = {
        (row["first"], row["second"]): row for row in cohen_kappa(_frame(decided)).rows(named=True)
    }
    names = sorted({who for _, who in decided})
    assert set(rows) == set(combinations(names, 2))
    for (first, second), row in rows.items():
        pairs = [
            (decided[i, first][1], decided[i, second][1])
            for i in range(6)
            if all(decided.get((i, who), ("skip",))[0] != "skip" for who in (first, second))
        ]
        assert row["samples"] == len(pairs)
        ours, theirs = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
        by_chance = sum(ours[name] * theirs[name] for name in ours) / max(len(pairs), 1) ** 2
        if not pairs or by_chance == 1:
            assert row["kappa"] is None
        else:
            observed = sum(a == b for a, b in pairs) / len(pairs)
            assert row["kappa"] == pytest.approx((observed - by_chance) / (1 - by_chance))
