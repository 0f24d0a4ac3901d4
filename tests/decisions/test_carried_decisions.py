"""Decisions follow the content of a sample to another run, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.decisions.carrying import carry_decisions
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("cat", "dog", "owl")


def run_of(path: Path, rows: list[tuple[str, int, str]], names: tuple[str, ...] = CLASSES):
    """A run whose samples are named, labeled, and known by their content."""
    run = RunFolder(path)
    run.write_description({"class_names": list(names)})
    table = pl.DataFrame(rows, schema=["id", "label", "content"], orient="row")
    run.write_samples(
        table.with_row_index("index").with_columns(
            pl.col("index").cast(pl.Int64), split=pl.lit("train")
        )
    )
    return run


def decide(run: RunFolder, *decisions: Decision, annotator: str = "ann") -> None:
    store = DecisionStore(run.review)
    store.record(f"r-{annotator}", annotator, list(decisions))
    store.close()


def in_force(run: RunFolder) -> list[tuple[object, ...]]:
    store = DecisionStore(run.review, read_only=True)
    try:
        return store.in_force().select("index", "annotator", "action", "label").rows()
    finally:
        store.close()


def test_decisions_follow_contents_to_other_names_and_places(tmp_path: Path) -> None:
    before = run_of(tmp_path / "a", [("a.jpg", 0, "x"), ("b.jpg", 1, "y"), ("c.jpg", 2, "z")])
    decide(before, Decision(0, "keep", 0), Decision(1, "relabel", 2), Decision(2, "discard"))
    decide(before, Decision(0, "skip"), annotator="bob")
    after = run_of(tmp_path / "b", [("new/y.jpg", 1, "y"), ("d.jpg", 0, "w"), ("a.jpg", 0, "x")])
    carried = carry_decisions(before, after)
    assert (carried.carried, carried.gone, carried.relabeled) == (3, 1, 0)
    assert in_force(after) == [
        (0, "ann", "relabel", 2), (2, "ann", "keep", 0), (2, "bob", "skip", None)
    ]  # fmt: skip


def test_a_label_that_the_data_changed_since(tmp_path: Path) -> None:
    before = run_of(tmp_path / "a", [("a", 0, "x"), ("b", 1, "y"), ("c", 0, "z")])
    decide(before, Decision(0, "keep", 0), Decision(1, "relabel", 2), Decision(2, "relabel", 1))
    after = run_of(tmp_path / "b", [("a", 1, "x"), ("b", 2, "y"), ("c", 0, "z")])
    carried = carry_decisions(before, after)
    assert (carried.carried, carried.gone, carried.relabeled) == (2, 0, 1)
    assert in_force(after) == [(1, "ann", "keep", 2), (2, "ann", "relabel", 1)]


def test_classes_are_told_by_name(tmp_path: Path) -> None:
    before = run_of(tmp_path / "a", [("a", 0, "x"), ("b", 0, "y")])
    decide(before, Decision(0, "relabel", 2), Decision(1, "relabel", 1))
    after = run_of(tmp_path / "b", [("a", 1, "x"), ("b", 1, "y")], names=("bee", "cat", "owl"))
    carried = carry_decisions(before, after)
    assert (carried.carried, carried.gone) == (1, 1)
    assert in_force(after) == [(0, "ann", "relabel", 2)]


def test_of_equal_contents_the_one_of_the_same_name(tmp_path: Path) -> None:
    before = run_of(tmp_path / "a", [("a", 0, "x"), ("b", 1, "x")])
    decide(before, Decision(0, "discard"), Decision(1, "keep", 1))
    after = run_of(tmp_path / "b", [("b", 1, "x"), ("a", 0, "x")])
    assert carry_decisions(before, after).carried == 2
    assert in_force(after) == [(0, "ann", "keep", 1), (1, "ann", "discard", None)]


def test_nobody_decided(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / name, [("a", 0, "x")]) for name in "ab"]
    assert carry_decisions(*runs).carried == 0
    assert not runs[1].review.exists()
