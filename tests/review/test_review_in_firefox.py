"""The review page in Firefox: one flow through what browsers do each in their own way."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from driven_firefox import FIREFOXES, firefox_page
from reviewed_pages import wait_saved
from waiting import wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driven_firefox import FirefoxPage


@pytest.fixture
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirefoxPage]:
    """An empty page in an installed Firefox."""
    program = next(filter(None, map(shutil.which, FIREFOXES)), None)
    if program is None:
        pytest.skip("no Firefox is installed")
    with firefox_page(program, tmp_path_factory.mktemp("firefox")) as page:
        yield page


def test_one_decides_undoes_and_looks_at_the_map_in_firefox(firefox, place):
    place.start("ann")
    firefox.open(place.address)
    wait(firefox, "document.querySelectorAll('.tile[data-filled]').length > 3")
    firefox.press("o")
    wait(firefox, "document.getElementById('fact-place').textContent === '1 of 45'")
    wait(firefox, "document.getElementById('fact-given').textContent !== ''")
    firefox.press("k")
    wait(firefox, "document.getElementById('fact-place').textContent === '2 of 45'")
    wait_saved(firefox)
    assert [action for action, _ in place.opinions().values()] == ["keep"]
    firefox.press("z")
    wait(firefox, "document.getElementById('fact-place').textContent === '1 of 45'")
    wait_saved(firefox)
    assert place.opinions() == {}
    firefox.evaluate(
        "(() => { const one = document.querySelector('[name=label]'); one.value = '1';"
        "one.dispatchEvent(new Event('change', { bubbles: true })); })()"
    )
    firefox.press("m")
    wait(firefox, "document.getElementById('map-frame').dataset.drawn > 0")
    wait(firefox, f"({DRAWN})()")
    assert firefox.troubles == []


DRAWN = """() => {
  const points = document.getElementById("map-points");
  const copy = Object.assign(document.createElement("canvas"), {
    width: points.width, height: points.height });
  const pen = copy.getContext("2d");
  pen.drawImage(points, 0, 0);
  return pen.getImageData(0, 0, copy.width, copy.height).data.some((value) => value > 0);
}"""
"""Whether something is seen on the map: colors of its canvas, whatever drew there."""
