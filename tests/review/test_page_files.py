"""The files of the page come once."""

from __future__ import annotations


def test_what_a_browser_has_does_not_come_again(open_page):
    page = open_page()
    states: dict[str, int] = {}
    page.on("response", lambda one: states.setdefault(one.url.rpartition("/")[2], one.status))
    page.reload()
    page.locator(".tile[data-filled]").first.wait_for()
    assert {states[name] for name in ("main.js", "elements.js", "style.css")} == {304}
    answer = page.request.get(f"{page.url}page/main.js", headers={"if-none-match": '"other"'})
    assert answer.status == 200
    assert len(answer.body()) > 1000
