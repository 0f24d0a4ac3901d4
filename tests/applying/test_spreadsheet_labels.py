"""Corrections in spreadsheets: cells of labels change, all else in the file stays as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from dataparams.applying.apply import apply_plan, undo
from dataparams.applying.planning import plan
from dataparams.errors import DataError
from dataparams.run.source import ContentsOfRun
from dataparams.sources.discarded import DISCARDED
from dataparams.sources.opening import open_source
from made_applied import decide, run_on, tree_of
from made_workbooks import SHEET, files_of, write_workbook

pytest.importorskip("fastexcel", reason="needs fastexcel: pip install 'dataparams[xlsx]'")

if TYPE_CHECKING:
    from pathlib import Path

ROWS: list[Any] = [
    ["text", "label", "note"],
    ["Where is my card, please?", "card", 1.5],
    ["My new card has not come yet", "card", None],
    ["The card was eaten by a machine", "card", True],
    ["He asked for a transfer & more", "transfer <now>", "seen"],
    ["My transfer was declined again", "transfer <now>", "open"],
    ["A transfer to Spain takes how long", "transfer <now>", "open"],
]
PICTURE = {"xl/media/image1.png": b"\x89PNG of something", "xl/vbaProject.bin": b"macros"}
COLUMNS: dict[str, Any] = {"text_column": "text", "label_column": "label"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data/cards.xlsx"
    path.parent.mkdir()
    return path


@pytest.mark.parametrize("prefix", ["", "x"])
def test_one_cell_changes_and_every_other_byte_of_every_part_stays(
    tmp_path: Path, file: Path, prefix: str
) -> None:
    # Rows and columns that are empty, and a sheet that does not begin at its first cell.
    rows: list[Any] = [[], ROWS[0], *ROWS[1:3], [], *ROWS[3:]]
    write_workbook(file, rows, prefix=prefix, row=2, column=3, more=PICTURE)
    before, tree = files_of(file), tree_of(file.parent)
    run = run_on(tmp_path / "run", file, **COLUMNS)
    decide(run, {"train/3": "transfer <now>"})
    planned = plan(run)
    assert not planned.notes
    apply_plan(planned)
    after = files_of(file)
    assert {name for name in before if before[name] != after[name]} == {SHEET}
    assert list(before) == list(after)
    name = f"{prefix}:" if prefix else ""
    cells = [
        re.findall(rf'<{name}c r="D7".*?</{name}c>'.encode(), one[SHEET]) for one in (before, after)
    ]
    other = re.findall(rf'<{name}c r="D8".*?</{name}c>'.encode(), before[SHEET])
    assert cells[1] == [other[0].replace(b'"D8"', b'"D7"')]
    assert after[SHEET].replace(cells[1][0], cells[0][0]) == before[SHEET]
    again = open_source(str(file), **COLUMNS)
    assert again.class_names[again.labels[2]] == "transfer <now>"
    assert not len(plan(run))
    assert ContentsOfRun(run).changed_labels() == []
    undo(run)
    assert tree_of(file.parent) == tree


def test_discarded_rows_get_a_column_of_marks(tmp_path: Path, file: Path) -> None:
    write_workbook(file, [*ROWS[:4], [], *ROWS[4:]])
    tree = tree_of(file.parent)
    run = run_on(tmp_path / "run", file, **COLUMNS)
    decide(run, {"train/1": None, "train/4": "card"})
    apply_plan(plan(run))
    table = pl.read_excel(file)
    assert table[DISCARDED].to_list() == [False, True, False, False, False, False]
    source = open_source(str(file), **COLUMNS)
    assert list(source.ids) == [f"train/{row}" for row in (0, 2, 4, 5, 6)]
    # Somebody thinks otherwise about it later.
    decide(run, {"train/1": "card", "train/0": None})
    apply_plan(plan(run))
    assert pl.read_excel(file)[DISCARDED].to_list() == [True, *[False] * 5]
    undo(run)
    undo(run)
    assert tree_of(file.parent) == tree


def test_numbers_and_a_new_class(tmp_path: Path, file: Path) -> None:
    rows: list[Any] = [
        ["text", "label"],
        *[[f"A text of some words {row}", row % 2] for row in range(6)],
    ]
    write_workbook(file, rows)
    run = run_on(tmp_path / "run", file, **COLUMNS)
    decide(run, {"train/1": "0"})
    apply_plan(plan(run))
    assert pl.read_excel(file)["label"].to_list() == [0, 0, 0, 1, 0, 1]


def test_a_folder_of_spreadsheets_writes_a_class_by_its_name(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir()
    write_workbook(place / "train.xlsx", ROWS)
    write_workbook(place / "test.xlsx", [ROWS[0], ["Another card came", "card", "a"], ROWS[1]])
    run = run_on(tmp_path / "run", place, **COLUMNS)
    decide(run, {"test/0": "transfer <now>"})
    apply_plan(plan(run))
    assert pl.read_excel(place / "test.xlsx")["label"].to_list() == ["transfer <now>", "card"]


def test_what_is_computed_from_labels_is_computed_anew(tmp_path: Path, file: Path) -> None:
    rows: list[Any] = [*ROWS[:6], ["The last of them all", "card", '=IF(B2="card","yes","no")=yes']]
    write_workbook(file, rows)
    run = run_on(tmp_path / "run", file, **COLUMNS)
    decide(run, {"train/0": "transfer <now>"})
    planned = plan(run)
    assert planned.notes == (f"{file} has formulas; what opens it next computes them anew.",)
    apply_plan(planned)
    assert b'<calcPr fullCalcOnLoad="1"/>' in files_of(file)["xl/workbook.xml"]


def test_a_label_that_is_computed_is_refused(tmp_path: Path, file: Path) -> None:
    rows: list[Any] = [*ROWS[:6], ["The last of them all", '=LOWER("CARD")=card', "open"]]
    write_workbook(file, rows)
    tree = tree_of(file.parent)
    run = run_on(tmp_path / "run", file, **COLUMNS)
    decide(run, {"train/5": "transfer <now>"})
    with pytest.raises(DataError, match=r"'label' in row 7 of .* is computed by a formula"):
        apply_plan(plan(run))
    assert tree_of(file.parent) == tree
    assert not run.applied_folder.exists()


@pytest.mark.parametrize("lock", ["~$cards.xlsx", ".~lock.cards.xlsx#"])
def test_a_file_that_is_open_elsewhere_is_refused_beforehand(
    tmp_path: Path, file: Path, lock: str
) -> None:
    write_workbook(file, ROWS)
    run = run_on(tmp_path / "run", file, **COLUMNS)
    decide(run, {"train/0": "transfer <now>"})
    (file.parent / lock).touch()
    with pytest.raises(DataError, match="is open in another program"):
        plan(run)


def test_a_signed_file_is_refused_beforehand(tmp_path: Path, file: Path) -> None:
    write_workbook(file, ROWS, more={"_xmlsignatures/sig1.xml": b"<Signature/>"})
    run = run_on(tmp_path / "run", file, **COLUMNS)
    decide(run, {"train/0": "transfer <now>"})
    with pytest.raises(DataError, match="is signed"):
        plan(run)
