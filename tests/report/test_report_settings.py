"""What somebody chose for a report is kept for the next one."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from dataparams.analysis import load_analysis
from dataparams.cli import main
from dataparams.errors import RunError
from dataparams.report.case import case_of
from dataparams.report.settings import ReportSettings, read_settings, with_given, write_settings
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path, text_run: RunFolder) -> RunFolder:
    """A run of one's own to write a report of."""
    folder = tmp_path / "run"
    shutil.copytree(text_run.path, folder)
    return RunFolder(folder)


def test_a_second_report_keeps_what_the_first_was_given(run, monkeypatch):
    # Maps take seconds to compute.
    monkeypatch.setattr("dataparams.figures.report_map", lambda _: lambda steps: steps[:2].T)
    flags = ["--title", "Briefe", "--client", "Bank & Co", "--language", "de"]
    assert main(["report", str(run.path), *flags]) == 0
    page = (run.report / "index.html").read_text(encoding="utf-8")
    assert '<html lang="de">' in page
    assert main(["report", str(run.path), "--note", "Second.", "--client", ""]) == 0
    page = (run.report / "index.html").read_text(encoding="utf-8")
    assert '<html lang="de">' in page
    assert '<h1 class="name">Briefe</h1>' in page
    assert "Second." in page
    assert "Bank" not in page
    assert read_settings(run) == ReportSettings("Briefe", "", "Second.", "de")


def test_a_run_that_cannot_be_compared_changes_nothing(run, capsys):
    before = ReportSettings(title="Kept")
    write_settings(run, before)
    assert main(["report", str(run.path), "--compared-with", str(run.path / "none")]) == 4
    assert "is not a run folder" in capsys.readouterr().err
    assert read_settings(run) == before
    assert not run.report.exists()


def test_a_run_to_compare_that_is_gone_stops_nothing_but_a_report_that_asks_for_it(run):
    write_settings(run, ReportSettings(compared_with=(str(run.path / "gone"),)))
    assert case_of(load_analysis(run)).retraining is None
    with pytest.raises(RunError, match="is not a run folder"):
        case_of(load_analysis(run), read_settings(run))


def test_settings_that_were_never_written_are_the_usual_ones(tmp_path):
    assert read_settings(RunFolder(tmp_path)) == ReportSettings()
    assert with_given(ReportSettings(note="n"), {"note": "", "pile_limit": 3}) == ReportSettings()


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ("{", "cannot be read"),
        ("[]", "expected a JSON object"),
        ({"title": 3}, "expected a JSON object of texts"),
        ({"language": "xx"}, "its language is 'xx'; expected one of en, de"),
        ({"compared_with": "run"}, "expected 'compared_with', paths"),
    ],
)
def test_damaged_settings_are_an_error_that_says_what_to_do(tmp_path, kept, expected):
    run = RunFolder(tmp_path)
    text = kept if isinstance(kept, str) else json.dumps(kept)
    run.report_settings.write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=expected) as raised:
        read_settings(run)
    assert "Remove it" in str(raised.value)
