"""Sentences of health keep what they are made of, in the run folder too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from dataparams.health.findings import (
    Finding,
    findings_table,
    joined_findings,
    read_findings,
    write_findings,
)
from dataparams.health.sentences import Sentence, filled, parts_text, restored_sentence, sentence
from dataparams.health.text_quality import text_quality_findings
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

SAID = sentence("same_texts", count=3) + sentence("labeled", names=[("a {b}", 2), ("c", 1)])


def test_what_a_sentence_is_made_of_comes_back_from_the_run_folder(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    table = findings_table([Finding("exact_duplicates", [1, 2, 3], 1.0, SAID)])
    why = sentence("no_text")
    write_findings(run, joined_findings([table], ["exact_duplicates"], {"markup": why}))
    read = read_findings(run)
    assert read is not None
    (row,) = read.table.to_dicts()
    assert row["sentence"] == (
        "The same text 3 times, letter by letter, labeled a {b} (2) and c (1)."
    )
    kept = restored_sentence(row["sentence"], row["parts"])
    assert [key for key, _ in kept.parts] == ["same_texts", "labeled"]
    told = read.not_checked["markup"]
    assert isinstance(told, Sentence)
    assert (told, told.parts) == ("There is no text.", (("no_text", {}),))


def test_a_file_that_has_sentences_alone_is_read(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_findings(run, joined_findings([findings_table()], ["dark"], {}))
    found = findings_table([Finding("dark", [4], 0.7, "Much too dark.")]).drop("parts")
    metadata = '{"checked": ["dark"], "not_checked": {"leakage": "There is one split."}}'
    found.write_parquet(run.health_file, metadata={"dataparams": metadata})
    read = read_findings(run)
    assert read is not None
    assert read.table["sentence"].to_list() == ["Much too dark."]
    assert read.not_checked == {"leakage": "There is one split."}


@pytest.mark.parametrize("parts", ["", "{", "7", '[["dark"]]', '[["dark", 3]]', None])
def test_parts_that_are_damaged_leave_the_english_sentence(parts: str | None) -> None:
    assert restored_sentence("Dark.", parts) == "Dark."
    assert restored_sentence("Dark.", parts).parts == ()


def test_a_sentence_in_other_words_is_joined_to_others_whole() -> None:
    said = sentence("not_decoded", count=1, total=9) + "the disk is gone"
    assert said == "1 picture of 9 was not decoded; the disk is gone"
    assert said.parts[1] == ("in_other_words", {"words": "the disk is gone"})
    assert Sentence("Known in English.").parts == ()
    assert parts_text("Known in English.") == "[]"


def test_numbers_are_written_as_somebody_says_and_names_are_not_touched() -> None:
    facts = {"name": "{count} 1.5", "count": 1200, "share": np.float64(0.25), "value": 1234.5}
    template = "{name}: {count}, {share:.0%}, {value:short}"
    assert filled(template, facts, lambda text: f"<{text}>") == (
        "{count} 1.5: <1,200>, <25%>, <1,234>"
    )


def test_every_finding_of_a_check_has_its_parts() -> None:
    texts = [f"Where is my card number {number}?" for number in range(60)]
    texts[:5] = ["", "?!", "x", "aaaaaaaaaa", "Где моя карта, скажите?"]
    found = text_quality_findings(range(60), texts)
    assert found.table.filter(pl.col("parts") == "[]").is_empty()
    assert all(isinstance(why, Sentence) and why.parts for why in found.not_checked.values())
    script = found.table.filter(kind="other_script")["sentence"].to_list()
    assert script == ["In another script: Cyrillic; Latin is usual here."]
