"""Who judged the samples of an audit, in words that are true of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dataparams.analysis.judged_by import NOT_SEEN, JudgedBy, evidence_words, judged_by
from dataparams.analysis.summary_text import summary_text
from made_reports import as_audit, made_analysis

ENTRY: dict[str, Any] = {
    "encoder": {"name": "efficientnet-lite0", "key": "k"},
    "width": 1280,
    "settings": {"heads": {"folds": 5, "repeats": 3}, "rounds": 3, "neighbors": 20},
    "day": "2026-01-31",
}


def test_the_run_says_who_judged() -> None:
    found = judged_by({"audit": ENTRY, "counts": {"unreadable": 2}})
    assert found == JudgedBy("efficientnet-lite0", 1280, 3, 20, 3, "2026-01-31", 2)
    assert judged_by({"config": {}}) is None


@pytest.mark.parametrize(("power", "classifiers"), [(0.5, 4), (0, 3)])
def test_plain_heads_are_counted_where_they_judge(power: float, classifiers: int) -> None:
    settings = {**ENTRY["settings"], "plain": {"repeats": 1}, "plain_power": power}
    found = judged_by({"audit": {**ENTRY, "settings": settings}})
    assert found is not None
    assert found.classifiers == classifiers


@pytest.mark.parametrize("wrong", [None, 3, "x", [], {}, {"heads": {"repeats": "3"}}])
def test_what_a_run_does_not_say_is_not_claimed(wrong: object) -> None:
    entry = {"encoder": wrong, "width": wrong, "settings": wrong, "day": 5}
    found = judged_by({"audit": entry, "counts": wrong})
    assert found is not None
    sentence = found.sentence()
    assert sentence.startswith("Every label was judged by 1 small classifier that was trained ")
    assert "neighbors" not in sentence
    assert "rounds" not in sentence
    assert found.day is None


def test_an_audit_is_summed_up_with_who_judged_and_what_that_does_not_see() -> None:
    training = made_analysis()
    audit = as_audit(training)
    easy = training.subgroups.with_columns(easy=0)
    told = summary_text(replace(audit, subgroups=easy))
    assert audit.judged_by is not None
    assert audit.judged_by.sentence() in told
    assert NOT_SEEN in told
    assert "hard, outlier?" in told
    assert NOT_SEEN not in summary_text(replace(training, subgroups=easy))


def test_what_is_not_known_of_a_sample_is_not_said() -> None:
    assert evidence_words(None, 0.5) is None
    assert evidence_words(float("nan"), 0.5) is None
    # Of predictions that were given there are no neighbors.
    for nothing in (None, float("nan")):
        assert evidence_words(0.5, nothing) == "The predictions for it give its label 50%."
