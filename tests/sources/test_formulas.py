"""Formulas of spreadsheets whose values were never computed are told, not read as nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dataparams.errors import DataError
from dataparams.sources.opening import open_source
from dataparams.sources.uncomputed_formulas import Formulas, formulas_of
from made_spreadsheets import Formula, write_spreadsheet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytest.importorskip("fastexcel", reason="needs fastexcel: pip install 'dataparams[xlsx]'")


def cards(categories: Sequence[object]) -> list[list[object]]:
    texts = (f"the card with number {row} was lost" for row in range(len(categories)))
    return [["text", "category"], *([*row] for row in zip(texts, categories, strict=True))]


def uncomputed(value: str | None, count: int) -> list[Formula]:
    return [Formula(value, address=f"B{row}") for row in range(2, 2 + count)]


@pytest.mark.parametrize("value", [None, ""])
def test_a_column_that_was_never_computed_is_refused(tmp_path: Path, value: str | None) -> None:
    path = write_spreadsheet(tmp_path / "cards.xlsx", {"cards": cards(uncomputed(value, 40))})
    with pytest.raises(DataError, match=r"of 40 cells of .*, the first of them B2, have no value"):
        open_source(str(path))


def test_single_cells_that_were_never_computed_are_told(tmp_path: Path) -> None:
    categories = [*["lost", "stolen"] * 3, Formula(address="B8"), *["lost", "stolen"] * 17]
    path = write_spreadsheet(tmp_path / "cards.xlsx", {"cards": cards(categories)})
    source = open_source(str(path))
    assert len(source) == 40
    assert any("The formula of the cell B8 of" in note for note in source.notes)


def test_an_empty_column_beside_a_sum_is_not_taken_for_formulas(tmp_path: Path) -> None:
    rows = [[*row, None] for row in cards(["lost", "stolen"] * 20)]
    rows[0][2] = "notes"
    rows.append([None, Formula(address="B42"), None])
    source = open_source(str(write_spreadsheet(tmp_path / "cards.xlsx", {"cards": rows})))
    assert len(source) == 40
    assert any("The formula of the cell B42 of" in note for note in source.notes)


def test_values_to_be_computed_anew_are_told(tmp_path: Path) -> None:
    categories = [Formula(("lost", "stolen")[row % 2], "str") for row in range(40)]
    sheets = {"cards": cards(categories)}
    computed = open_source(str(write_spreadsheet(tmp_path / "computed.xlsx", sheets)))
    assert not any("formula" in note for note in computed.notes)
    again = '<calcPr calcId="124519" fullCalcOnLoad="1"/>'
    path = write_spreadsheet(tmp_path / "anew.xlsx", sheets, workbook=again)
    notes = open_source(str(path)).notes
    assert any("says that its formulas (40) are to be computed anew" in note for note in notes)


def test_an_empty_text_is_a_value_and_other_sheets_do_not_count(tmp_path: Path) -> None:
    rows = cards([Formula("", "str"), "lost", Formula("stolen", "str")])
    path = write_spreadsheet(tmp_path / "cards.xlsx", {"cards": rows, "sums": [[Formula()]]})
    assert formulas_of(path) == Formulas(total=2)


def test_formulas_are_counted_wherever_the_file_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = cards([Formula(None if row % 3 else "7", address=f"B{row + 2}") for row in range(50)])
    path = write_spreadsheet(tmp_path / "cards.xlsx", {"cards": rows})
    for at_once in (1, 7, 64, 1000):
        monkeypatch.setattr("dataparams.sources.uncomputed_formulas.AT_ONCE", at_once)
        assert formulas_of(path) == Formulas(50, 33, "B3")


def test_what_is_no_archive_has_no_formulas(tmp_path: Path) -> None:
    (tmp_path / "cards.xlsx").write_bytes(b"PK no archive")
    assert formulas_of(tmp_path / "cards.xlsx") == Formulas()
