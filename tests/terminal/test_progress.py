"""What is said of work that takes long where there is no terminal to draw a bar in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.terminal.progress import PlainProgress

if TYPE_CHECKING:
    import pytest


def test_each_tenth_of_what_takes_long_is_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("dataparams.terminal.progress.time.monotonic", lambda: now[0])
    display = PlainProgress()
    for done in range(0, 1001, 5):
        now[0] = done
        display.stage("features", done, 1000)
    told = capsys.readouterr().out.splitlines()
    assert told == [f"features {done:,} of 1,000" for done in range(100, 1001, 100)]


def test_what_is_quick_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    display = PlainProgress()
    for done in range(11):
        display.stage("heads", done, 10)
    assert capsys.readouterr().out == ""


def test_arguments_are_flags_in_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    PlainProgress().line("Give `label_column=NAME` to take another.")
    assert capsys.readouterr().out == "Give --label-column NAME to take another.\n"
