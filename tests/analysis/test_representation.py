"""An analysis shows itself: two lines in Python, a small table in a notebook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dataparams import analyze_trajectories

if TYPE_CHECKING:
    from dataparams import Analysis

EVIL = "<script>alert(1)</script>&\n\x1b[31m"


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    rng = np.random.default_rng(0)
    drift = np.where(np.arange(300) < 30, 0.1, -0.1)
    log_temperature = np.cumsum(drift + rng.normal(0, 0.02, (20, 300)), axis=0)
    return analyze_trajectories(
        log_temperature,
        rng.integers(0, 2, 300),
        class_names=(EVIL, "dog"),
        ids=[f"{EVIL}{number}" for number in range(300)],
    )


def test_two_lines_say_what_it_is(analysis: Analysis) -> None:
    first, second = repr(analysis).split("\n")
    assert first == (
        "Analysis of arrays: 300 samples of 2 classes, 270 easy, 30 hard, 0 need review"
    )
    assert second.startswith("Estimated label noise: ")
    assert str(analysis) == repr(analysis)


def test_a_notebook_shows_the_most_suspicious(analysis: Analysis) -> None:
    page = analysis._repr_html_()
    assert page.count("<tr>") == 11
    worst = analysis.frame.sort(["suspicion", "index"], descending=[True, False])["index"][:10]
    assert re.findall(r"<tr><td>(\d+)</td>", page) == [str(index) for index in worst]
    assert len(page) < 10_000


def test_names_in_a_notebook_are_only_names(analysis: Analysis) -> None:
    page = analysis._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in page
