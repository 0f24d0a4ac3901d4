"""Corrections in a file of labels that lies beside features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from dataparams.applying.apply import apply_plan, undo
from dataparams.applying.planning import plan
from dataparams.applying.summary import applied_text
from dataparams.errors import DataError, RunError
from dataparams.sources.discarded import DISCARDED
from dataparams.sources.labels_alone import open_labels
from made_applied import add_class_in_review, decide, run_on_labels, tree_of

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["cat", "dog", "cat", "dog", "dog", "cat"]


def corrected(tmp_path: Path, file: Path, new: str) -> bytes:
    """The bytes of a file after the label of row 1 was corrected; the undo is checked as well."""
    tree = tree_of(file.parent)
    run = run_on_labels(tmp_path / "run", file)
    decide(run, {"train/1": new})
    done = apply_plan(plan(run))
    assert f"Next: dataparams audit --features X.npy --labels {file};" in applied_text(
        done, run.path
    )
    after = file.read_bytes()
    again = open_labels(file)
    assert again.class_names[again.labels[1]] == new
    assert not len(plan(run))
    undo(run)
    assert tree_of(file.parent) == tree
    return after


@pytest.mark.parametrize(
    ("labels", "new"),
    [
        (np.array([0, 1, 0, 1, 1, 0], dtype=">i2"), "0"),
        (np.array([True, False, True, False, False, True]), "true"),
        (np.array(NAMES), "cat"),
        (np.array([7, 3, 7, 3, 3, 7], dtype=np.uint8), "7"),
    ],
)
def test_one_item_of_an_array_changes(tmp_path: Path, labels: np.ndarray, new: str) -> None:
    file = tmp_path / "data/y.npy"
    file.parent.mkdir()
    np.save(file, labels)
    before = file.read_bytes()
    after = corrected(tmp_path, file, new)
    (tmp_path / "after.npy").write_bytes(after)
    changed = np.load(tmp_path / "after.npy")
    assert changed.dtype == labels.dtype
    assert changed.tolist() == [labels[0], labels[0], *labels[2:].tolist()]
    assert len(after) == len(before)
    assert sum(a != b for a, b in zip(after, before, strict=True)) <= labels.itemsize


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("y.csv", "label\n" + "".join(f"{one}\n" for one in NAMES)),
        (
            "y.tsv",
            "file\tclass\n" + "".join(f"{one}{row}.jpg\t{one}\n" for row, one in enumerate(NAMES)),
        ),
        ("y.jsonl", "".join(f'{{"label": "{one}"}}\n' for one in NAMES)),
    ],
)
def test_one_cell_of_a_table_changes(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / "data" / name
    file.parent.mkdir()
    file.write_text(text)
    after = corrected(tmp_path, file, "cat").decode().splitlines()
    before = text.splitlines()
    row = next(number for number, (a, b) in enumerate(zip(after, before, strict=True)) if a != b)
    assert after[row] == before[row].rpartition("dog")[0] + "cat" + before[row].rpartition("dog")[2]
    assert after[:row] + after[row + 1 :] == before[:row] + before[row + 1 :]


def test_one_value_of_a_parquet_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "data/y.parquet"
    file.parent.mkdir()
    pl.DataFrame({"y": NAMES}).write_parquet(file)
    (tmp_path / "after.parquet").write_bytes(corrected(tmp_path, file, "cat"))
    now = pl.read_parquet(tmp_path / "after.parquet")["y"].to_list()
    assert now == ["cat", "cat", *NAMES[2:]]


def test_a_longer_name_widens_the_texts_of_an_array(tmp_path: Path) -> None:
    file = tmp_path / "data/y.npy"
    file.parent.mkdir()
    np.save(file, np.array(NAMES))
    run = run_on_labels(tmp_path / "run", file)
    add_class_in_review(run, "elephants")
    decide(run, {"train/0": "elephants"})
    tree = tree_of(file.parent)
    apply_plan(plan(run))
    assert np.load(file).tolist() == ["elephants", *NAMES[1:]]
    undo(run)
    assert tree_of(file.parent) == tree


def test_discarded_rows_of_a_table_are_marked_and_keep_their_row(tmp_path: Path) -> None:
    file = tmp_path / "data/y.csv"
    file.parent.mkdir()
    file.write_text("label\n" + "".join(f"{one}\n" for one in NAMES))
    tree = tree_of(file.parent)
    run = run_on_labels(tmp_path / "run", file)
    decide(run, {"train/1": None, "train/3": "cat"})
    apply_plan(plan(run))
    assert file.read_text().startswith(f"label,{DISCARDED}\ncat,false\ndog,true\ncat,false\ncat,")
    source = open_labels(file, count=6)
    assert list(source.ids) == [f"train/{row}" for row in (0, 2, 3, 4, 5)]
    assert [one.count for one in source.left_out] == [1]
    assert not len(plan(run))
    undo(run)
    assert tree_of(file.parent) == tree


def test_an_array_has_no_room_for_discarded_ones_which_is_said(tmp_path: Path) -> None:
    file = tmp_path / "data/y.npy"
    file.parent.mkdir()
    np.save(file, np.array(NAMES))
    run = run_on_labels(tmp_path / "run", file)
    decide(run, {"train/1": None, "train/3": "cat"})
    planned = plan(run)
    assert len(planned) == 1
    assert planned.notes[0].startswith(f"Discarded samples (1) stay in {file}, which has no column")
    apply_plan(planned)
    assert np.load(file).tolist() == [*NAMES[:3], "cat", *NAMES[4:]]
    planned = plan(run)
    assert (len(planned), len(planned.notes)) == (0, 1)


def test_labels_in_another_order_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "data/y.csv"
    file.parent.mkdir()
    file.write_text("label\n" + "".join(f"{one}\n" for one in NAMES))
    run = run_on_labels(tmp_path / "run", file)
    decide(run, {"train/0": "dog"})
    file.write_text("label\n" + "".join(f"{one}\n" for one in reversed(NAMES)))
    with pytest.raises(RunError, match=r"not what .* judged"):
        plan(run)
    file.write_text("label\n" + "".join(f"{one}\n" for one in NAMES[:5]))
    with pytest.raises(RunError, match=r"not what .* judged \(train/5\)"):
        plan(run)


def test_a_class_that_numbers_cannot_write_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data/y.npy"
    file.parent.mkdir()
    np.save(file, np.array([0, 1, 2, 0, 1]))
    run = run_on_labels(tmp_path / "run", file)
    add_class_in_review(run, "bird")
    decide(run, {"train/0": "bird"})
    before = file.read_bytes()
    with pytest.raises(DataError, match="has no row of the class 'bird'"):
        apply_plan(plan(run))
    assert file.read_bytes() == before
