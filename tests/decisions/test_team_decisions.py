"""What a team shares beside its decisions: who settles, who does what, notes, classes, days."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from dataparams.decisions.activity import activity
from dataparams.decisions.adjudicators import adjudicators_in, set_adjudicator
from dataparams.decisions.agreement import agreed_decisions, are_settled, cohen_kappa, disputes
from dataparams.decisions.assignments import (
    Assignment,
    assign,
    assignments_in,
    is_assigned,
    parsed_assignments,
)
from dataparams.decisions.carrying import carry_decisions
from dataparams.decisions.class_changes import (
    LONGEST_CLASS,
    add_class,
    changed_class_names,
    class_names_of,
    rename_class,
)
from dataparams.decisions.notes import LONGEST_NOTE, MOST_TAGS, notes_in, write_note
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DecisionStore]:
    with closing(DecisionStore(tmp_path / "review.sqlite")) as opened:
        yield opened


def decide(store, who, *decisions):
    number = store.last_number()
    store.record(f"request-{number}", who, [Decision(*one) for one in decisions])


def outcome(store):
    columns = ("index", "action", "label", "is_disputed", "settled_by")
    return agreed_decisions(store.in_force()).select(columns).rows()


# --- disputes ------------------------------------------------------------------------------------


def test_a_decision_is_theirs_who_want_it_and_not_theirs_who_differ_or_skip(store):
    decide(store, "Doe, Jane", (1, "relabel", 1), (2, "discard"), (3, "skip"), (4, "keep", 0))
    decide(store, "bob", (1, "keep", 0), (2, "skip"), (3, "skip"), (4, "discard"))
    set_adjudicator(store.database, "eve")
    decide(store, "eve", (1, "relabel", 1))
    agreed = agreed_decisions(store.in_force())
    assert agreed.select("index", "annotators", "count").rows() == [
        (1, "Doe, Jane, eve", 2),
        (2, "Doe, Jane", 1),
        (3, "Doe, Jane, bob", 2),
        (4, "Doe, Jane, bob", 2),  # disputed: all who have a say
    ]


def test_an_adjudicator_settles_what_two_dispute_and_a_majority_does_where_there_is_none(store):
    decide(store, "ann", (1, "keep", 0), (2, "keep", 0))
    decide(store, "bob", (1, "relabel", 1), (2, "discard"))
    assert outcome(store) == [(1, None, None, True, None), (2, None, None, True, None)]
    decide(store, "cid", (2, "discard"))
    assert outcome(store)[1] == (2, "discard", None, False, "majority")
    decide(store, "eve", (1, "relabel", 1), (2, "keep", 0))
    assert outcome(store)[1] == (2, None, None, True, None)  # two against two
    set_adjudicator(store.database, "eve")
    assert outcome(store) == [
        (1, "relabel", 1, False, "adjudicator"),
        (2, "keep", 0, False, "adjudicator"),
    ]
    assert not len(disputes(store.in_force()))
    set_adjudicator(store.database, "fay")
    decide(store, "fay", (1, "keep", 0))
    assert outcome(store)[0] == (1, None, None, True, None)  # two adjudicators differ
    set_adjudicator(store.database, "fay", is_one=False)
    assert adjudicators_in(store.database) == ("eve",)


def test_an_adjudicator_who_is_unsure_settles_nothing(store):
    set_adjudicator(store.database, "eve")
    decide(store, "ann", (1, "keep", 0))
    decide(store, "bob", (1, "discard"))
    decide(store, "eve", (1, "skip"))
    assert outcome(store) == [(1, None, None, True, None)]


def test_the_server_settles_as_the_table_does():
    rng = np.random.default_rng(3)
    wanted = rng.integers(0, 5, (5, 400))
    is_adjudicator = np.array([False, False, False, True, True])
    rows = [
        (
            index,
            str(who),
            ["skip", "discard", "keep"][min(code - 1, 2)],
            code - 3 if code > 2 else None,
        )
        for index in range(wanted.shape[1])
        for who, code in enumerate(wanted[:, index].tolist())
        if code
    ]
    in_force = pl.DataFrame(rows, schema=["index", "annotator", "action", "label"], orient="row")
    in_force = in_force.with_columns(
        made_at=pl.lit(""), is_adjudicator=pl.col("annotator").is_in(["3", "4"])
    )
    disputed = set(disputes(in_force)["index"])
    votes = wanted > 1
    for index in range(wanted.shape[1]):
        differ = len(set(wanted[votes[:, index], index])) > 1
        column = slice(index, index + 1)
        is_settled = are_settled(wanted[:, column], votes[:, column], is_adjudicator)[0]
        assert (index in disputed) == (differ and not is_settled)


# --- blind ---------------------------------------------------------------------------------------


def blind(store, who):
    rows = store.in_force().filter(pl.col("annotator") == who).select("index", "is_blind").rows()
    return dict(rows)


def test_a_first_decision_is_blind_and_one_after_seeing_others_is_not(store):
    decide(store, "ann", (1, "keep", 0))
    decide(store, "ann", (1, "discard"))
    assert blind(store, "ann") == {1: True}  # nobody else had decided
    decide(store, "bob", (1, "skip"))
    decide(store, "bob", (1, "keep", 0))
    assert blind(store, "bob") == {1: True}  # unsure shows nothing of others
    decide(store, "bob", (1, "discard"))
    assert blind(store, "bob") == {1: False}
    store.undo("undo-1", "bob")
    assert blind(store, "bob") == {1: True}  # the first counts again
    store.undo("undo-2", "bob")
    decide(store, "bob", (1, "discard"))
    assert blind(store, "bob") == {1: False}  # what was seen is not forgotten


def test_kappa_counts_blind_decisions_alone(store):
    set_adjudicator(store.database, "eve")
    for index in range(6):
        decide(store, "ann", (index, "keep", index % 2))
        decide(store, "bob", (index, "keep", 0))
        decide(store, "eve", (index, "keep", 0))
    decide(store, "bob", (1, "relabel", 1), (3, "relabel", 1))
    pairs = {row[:2]: row[2:] for row in cohen_kappa(store.in_force()).rows()}
    assert pairs["ann", "bob"] == (4, 3, pytest.approx(0.0))
    assert pairs["ann", "eve"] == (0, 0, None)  # who sees all decides nothing blind


# --- assignments ---------------------------------------------------------------------------------


def test_shares_are_disjoint_stay_what_they_are_and_overlap_beyond_the_whole():
    index, label = np.arange(4000), np.arange(4000) % 4
    plan = (Assignment("ann", (0,)), Assignment("bob", share=0.25), Assignment("cid", share=0.75))
    ann, bob, cid = (is_assigned(plan, who, index, label) for who in ("ann", "bob", "cid"))
    assert (ann == (label == 0)).all()
    assert not (bob & cid).any()
    assert ((bob | cid) == (label != 0)).all()
    assert bob.sum() == pytest.approx(750, abs=60)
    # Of more samples, those of before are the same annotator's.
    more = is_assigned(plan, "bob", np.arange(8000), np.arange(8000) % 4)
    assert (more[:4000] == bob).all()
    both = (Assignment("ann", share=0.6), Assignment("bob", share=0.6))
    twice = [is_assigned(both, who, index, label) for who in ("ann", "bob")]
    assert (twice[0] | twice[1]).all()
    assert (twice[0] & twice[1]).mean() == pytest.approx(0.2, abs=0.03)
    assert not is_assigned(plan, "eve", index, label).any()


def test_assignments_are_kept_and_replaced(store):
    names = ["cat", "red, blue", "50%"]
    plan = parsed_assignments(["ann=red, blue", "bob = cat, 50%", "cid=30%"], names)
    assert [one.classes for one in plan] == [(1,), (0, 2), ()]
    assert plan[2].share == 0.3
    assign(store.database, plan)
    assert assignments_in(store.database) == plan
    assign(store.database, plan[:1])
    assert assignments_in(store.database) == plan[:1]
    assign(store.database, ())
    assert assignments_in(store.database) == ()
    assert store.database.rows("SELECT count(*) FROM assignment") == [(3,)]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("ann", "assigns nothing"),
        ("=cat", "assigns nothing"),
        ("ann=", "assigns nothing"),
        ("ann=fox", "there is no class 'fox'"),
        ("ann=cat,,", "there is no class ''"),
        ("ann=0%", "is no share"),
        ("ann=101%", "is no share"),
    ],
)
def test_an_assignment_that_makes_no_sense_is_refused(words, complaint):
    with pytest.raises(ValueError, match=complaint):
        parsed_assignments([words], ["cat", "dog"])
    with pytest.raises(ValueError, match="assigned twice"):
        parsed_assignments(["ann=cat", "ann=5%"], ["cat", "dog"])


# --- notes ---------------------------------------------------------------------------------------


def test_the_last_note_counts_an_empty_one_takes_it_away_and_all_are_kept(store):
    write = store.database
    assert write_note(write, "r-1", "ann", 3, " two dogs ", ["blurry", "blurry", " "])
    assert not write_note(write, "r-1", "ann", 3, "sent twice")
    write_note(write, "r-2", "bob", 3, "<b>no</b>")
    write_note(write, "r-3", "ann", 3, "one dog", ["sharp"])
    assert [(one.annotator, one.text, one.tags) for one in notes_in(write)] == [
        ("ann", "one dog", ("sharp",)),
        ("bob", "<b>no</b>", ()),
    ]
    write_note(write, "r-4", "ann", 3, "")
    assert [one.annotator for one in notes_in(write)] == ["bob"]
    assert [one.annotator for one in notes_in(write, after=3)] == ["ann"]
    assert write.rows("SELECT count(*) FROM note") == [(4,)]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("x" * (LONGEST_NOTE + 1), []),
        ("a\0b", []),
        ("\ud800", []),
        ("", ["x" * 41]),
        ("", [str(number) for number in range(MOST_TAGS + 1)]),
    ],
)
def test_a_note_that_is_too_long_is_refused(store, text, tags):
    with pytest.raises(ValueError, match="expected"):
        write_note(store.database, "r-1", "ann", 3, text, tags)
    assert notes_in(store.database) == []


# --- classes -------------------------------------------------------------------------------------


def made_run(folder: Path, names: list[str], labels: list[int]) -> RunFolder:
    folder.mkdir(parents=True)
    run = RunFolder(folder)
    (folder / "run.json").write_text(json.dumps({"class_names": names}), encoding="utf-8")
    count = range(len(labels))
    run.write_samples(
        pl.DataFrame(
            {
                "index": count,
                "id": [f"{i}.jpg" for i in count],
                "label": labels,
                "split": ["train"] * len(labels),
                "content": [f"content {i}" for i in count],
            }
        )
    )
    return run


def test_classes_are_added_and_renamed_and_run_json_stays(tmp_path):
    run = made_run(tmp_path / "run", ["cat", "dog"], [0, 1])
    assert class_names_of(run) == ("cat", "dog")
    with closing(DecisionStore(run.review)) as store:
        names = run.class_names()
        assert add_class(store.database, names, "r-1", "ann", " fox ") == 2
        assert add_class(store.database, names, "r-1", "ann", "fox") == 2
        assert add_class(store.database, names, "r-2", "bob", "fox") == 2
        rename_class(store.database, names, "r-3", "ann", 2, "red fox")
        rename_class(store.database, names, "r-4", "bob", 0, "wildcat")
        # A name that nobody has any more is free again.
        assert add_class(store.database, names, "r-5", "ann", "cat") == 3
        assert changed_class_names(names, store.database) == ("wildcat", "dog", "red fox", "cat")
    assert class_names_of(run) == ("wildcat", "dog", "red fox", "cat")
    assert run.class_names() == ("cat", "dog")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * (LONGEST_CLASS + 1), "a\0b", "a\u202eb"])
def test_what_is_no_name_of_a_class_is_refused(store, name):
    for change in (
        lambda: add_class(store.database, ["cat", "dog"], "r-1", "ann", name),
        lambda: rename_class(store.database, ["cat", "dog"], "r-2", "ann", 0, name),
    ):
        with pytest.raises(ValueError, match="expected a name of 1"):
            change()
    with pytest.raises(ValueError, match="which class 1 has"):
        rename_class(store.database, ["cat", "dog"], "r-3", "ann", 0, "dog")
    with pytest.raises(ValueError, match=r"expected a class, 0 \.\.\. 1"):
        rename_class(store.database, ["cat", "dog"], "r-4", "ann", 2, "fox")


def test_a_new_audit_of_the_data_takes_all_of_it_along(tmp_path):
    before = made_run(tmp_path / "before", ["cat", "dog"], [0, 1, 1])
    with closing(DecisionStore(before.review)) as store:
        names = before.class_names()
        add_class(store.database, names, "r-1", "ann", "fox")
        rename_class(store.database, names, "r-2", "ann", 1, "hound")
        decide(store, "ann", (0, "relabel", 2), (1, "keep", 1))
        decide(store, "bob", (0, "keep", 0))
        decide(store, "bob", (0, "relabel", 2))
        set_adjudicator(store.database, "eve")
        write_note(store.database, "r-3", "ann", 2, "blurry", ["dark"])
    # The classes of the data come in another order now, and one more.
    after = made_run(tmp_path / "after", ["ant", "dog", "cat"], [2, 1, 1])
    carried = carry_decisions(before, after)
    assert (carried.carried, carried.gone) == (3, 0)
    assert class_names_of(after) == ("ant", "hound", "cat", "fox")
    with closing(DecisionStore(after.review, read_only=True)) as store:
        found = store.in_force().select("index", "annotator", "action", "label", "is_blind").rows()
        assert found == [
            (0, "ann", "relabel", 3, True),
            (0, "bob", "relabel", 3, False),
            (1, "ann", "keep", 1, True),
        ]
        assert adjudicators_in(store.database) == ("eve",)
        assert [(one.index, one.tags) for one in notes_in(store.database)] == [(2, ("dark",))]


# --- days ----------------------------------------------------------------------------------------


def test_who_did_what_on_which_day():
    start = datetime(2026, 3, 1, 10, tzinfo=timezone.utc)
    minutes = [0, 1, 2, 30, 31, 60 * 14, 60 * 14 + 1]
    actions = ["keep", "relabel", "discard", "skip", "keep", "keep", "undo"]
    history = pl.DataFrame(
        {
            "number": range(1, 8),
            "request": ["page"] * 7,
            "index": [1, 2, 3, 4, 1, 5, 5],
            "annotator": ["ann"] * 7,
            "action": actions,
            "made_at": [
                (start + timedelta(minutes=one)).isoformat(timespec="milliseconds")
                for one in minutes
            ],
            "undoes": [None] * 6 + [6],
        }
    )
    imported = history.head(1).with_columns(
        number=pl.lit(8, pl.Int64), request=pl.lit("import-1"), index=pl.lit(9, pl.Int64)
    )
    history = pl.concat([history, imported])
    # 10:00 to 10:31 with a long pause between; taken back at night; imported does not count.
    assert activity(history, timezone.utc).rows() == [
        ("2026-03-01", "ann", 3, 1, 1, 1, 1, 0.05, 60.0)
    ]
    east = timezone(timedelta(hours=14))
    days = activity(history, east)["day"].to_list()
    assert days == ["2026-03-02"]  # where the day began before
    assert not len(activity(history.head(0), timezone.utc))
