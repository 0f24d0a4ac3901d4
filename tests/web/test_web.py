"""What the pages of report and review share."""

from __future__ import annotations

import re

import pytest

from dataparams.analysis.result import CATEGORY_MARKS, CATEGORY_TITLES
from dataparams.report.language import language
from dataparams.report.pages import script
from dataparams.web.assets import SHARED
from dataparams.web.unusual_values import UNUSUAL_WORDS


@pytest.mark.parametrize(
    ("name", "expected"), [("SIGNS", CATEGORY_MARKS), ("WORDS", CATEGORY_TITLES)]
)
def test_pages_and_terminal_call_the_categories_alike(name: str, expected: dict[str, str]) -> None:
    text = (SHARED / "elements.js").read_text(encoding="utf-8")
    (table,) = re.findall(rf"const {name} = \{{(.*)\}};", text)
    words = dict(re.findall(r'(\w+): "([^"]*)"', table))
    # What is judged blind is of a pile that nobody is told of.
    assert words.pop("audit")
    assert words == expected


def test_both_pages_say_alike_how_a_value_is_unusual() -> None:
    text = (SHARED / "contents.js").read_text(encoding="utf-8")
    (table,) = re.findall(r"const UNUSUAL = \{(.*)\};", text)
    assert dict(re.findall(r'(\w+): "([^"]*)"', table)) == UNUSUAL_WORDS


def test_the_script_of_a_report_needs_no_modules_and_names_nothing_twice() -> None:
    text = script(language("en"))
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names)) > 0
