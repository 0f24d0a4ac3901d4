"""Findings are kept in the run folder, whole, and read back as they were or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.errors import RunError
from dataparams.health.findings import (
    KINDS,
    Finding,
    findings_table,
    joined_findings,
    read_findings,
    write_findings,
)
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def test_what_was_written_is_read(run: RunFolder) -> None:
    copies = findings_table([Finding("exact_duplicates", [4, 9], 1.0, "Two copies.", [1])])
    found = joined_findings([copies], ["exact_duplicates"], {"dark": "No picture was decoded."})
    write_findings(run, found)
    read = read_findings(run)
    assert read is not None
    assert read.table.equals(found.table)
    assert read.checked == ("exact_duplicates",)
    assert read.not_checked == {"dark": "No picture was decoded."}


def test_where_nobody_has_looked_there_is_nothing(run: RunFolder) -> None:
    assert read_findings(run) is None


def test_no_finding_at_all_is_a_result(run: RunFolder) -> None:
    write_findings(run, joined_findings([], KINDS, {}))
    read = read_findings(run)
    assert read is not None
    assert read.counts() == dict.fromkeys(KINDS, 0)


def test_the_most_serious_kind_and_the_surest_finding_come_first() -> None:
    near = findings_table([Finding("near_duplicates", [1, 2], s, "Near.") for s in (0.7, 0.9)])
    wrong = findings_table([Finding("duplicates_with_different_labels", [5, 6], 1.0, "Labels.")])
    table = joined_findings([near, wrong], KINDS, {}).table
    assert table["kind"].to_list() == ["duplicates_with_different_labels", *["near_duplicates"] * 2]
    assert table["strength"].to_list() == [1.0, 0.9, 0.7]


def test_what_was_looked_for_is_not_said_to_be_left_out() -> None:
    found = joined_findings([], ["dark"], {"dark": "Not decoded.", "blurry": "Not decoded."})
    assert found.checked == ("dark",)
    assert list(found.not_checked) == ["blurry"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"strength": pl.lit(1.5)}, "strength"),
        ({"samples": pl.lit([-1], dtype=pl.List(pl.Int64))}, "samples"),
        ({"sentence": pl.lit(None, dtype=pl.String)}, "sentence"),
        ({"kind": pl.lit(3)}, "kind"),
    ],
)
def test_a_damaged_file_is_refused_by_name(
    run: RunFolder, change: dict[str, pl.Expr], word: str
) -> None:
    write_findings(run, joined_findings([findings_table([_FINDING])], ["damaged"], {}))
    table, metadata = pl.read_parquet(run.health_file), pl.read_parquet_metadata(run.health_file)
    table.with_columns(**change).write_parquet(
        run.health_file, metadata={"dataparams": metadata["dataparams"]}
    )
    with pytest.raises(RunError, match=rf"health\.parquet is damaged: .*{word}"):
        read_findings(run)


@pytest.mark.parametrize("contents", [b"", b"no parquet"])
def test_a_file_that_is_none_is_refused(run: RunFolder, contents: bytes) -> None:
    run.health_file.write_bytes(contents)
    with pytest.raises(RunError, match=r"health\.parquet cannot be read"):
        read_findings(run)


def test_kinds_of_later_versions_are_left_out(run: RunFolder) -> None:
    table = findings_table([Finding("new_kind", [1], 1.0, "New."), _FINDING])
    write_findings(run, joined_findings([table], ["damaged"], {}))
    read = read_findings(run)
    assert read is not None
    assert read.table["kind"].to_list() == ["damaged"]


_FINDING = Finding("damaged", [7], 1.0, "It cannot be read.")
