"""Pictures that people would call spoiled are named, and data of another kind are not accused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dataparams.health.picture_measures import picture_measures
from dataparams.health.picture_quality import (
    PICTURE_KINDS,
    measures_table,
    picture_quality_findings,
)
from made_scenes import scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataparams.health.findings import HealthFindings

COUNT = 40


def findings_of(pictures: list[Image.Image]) -> HealthFindings:
    measures = [picture_measures(np.asarray(picture)) for picture in pictures]
    return picture_quality_findings(measures_table(range(len(pictures)), measures))


def named(findings: HealthFindings) -> list[tuple[str, int]]:
    return [(row["kind"], row["samples"][0]) for row in findings.table.iter_rows(named=True)]


@pytest.fixture(scope="module")
def scenes() -> list[Image.Image]:
    return [scene(seed) for seed in range(COUNT)]


def noise(_: Image.Image) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8))


SPOILED: dict[str, tuple[str, Callable[[Image.Image], Image.Image], str]] = {
    "darkened": ("dark", lambda one: one.point(lambda value: value * 0.12), "Much darker"),
    "lit": ("bright", lambda one: one.point(lambda value: 255 - (255 - value) * 0.12), "brighter"),
    "blurred": ("blurry", lambda one: one.filter(ImageFilter.GaussianBlur(5)), "pixels wide"),
    "one color": ("nearly_constant", lambda one: Image.new("RGB", one.size, "teal"), "one color"),
    "noise": ("low_information", noise, "Noise"),
    "thin": ("odd_shape", lambda one: one.crop((0, 100, 320, 116)), "320 x 16"),
    "upright": ("odd_shape", lambda one: one.crop((100, 0, 116, 240)), "high as wide"),
    "small": ("odd_size", lambda one: one.resize((32, 24)), "32 x 24"),
    "huge": ("odd_size", lambda one: one.resize((3200, 2400)), "3200 x 2400"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_picture_is_named_and_no_other(scenes: list[Image.Image], how: str) -> None:
    kind, spoil, words = SPOILED[how]
    findings = findings_of([*scenes[:7], spoil(scenes[7]), *scenes[8:]])
    assert named(findings) == [(kind, 7)]
    row = findings.table.row(0, named=True)
    assert words in row["sentence"]
    assert 0.5 <= row["strength"] <= 1


def test_good_pictures_are_not_named(scenes: list[Image.Image]) -> None:
    findings = findings_of(scenes)
    assert not len(findings.table)
    assert set(findings.checked) == set(PICTURE_KINDS)
    assert not findings.not_checked


@pytest.mark.parametrize(
    ("kind", "how"),
    [("dark", "darkened"), ("bright", "lit"), ("blurry", "blurred"), ("odd_shape", "thin")],
)
def test_what_is_the_rule_is_not_judged_and_said_so(
    scenes: list[Image.Image], kind: str, how: str
) -> None:
    findings = findings_of([SPOILED[how][1](one) for one in scenes])
    assert not len(findings.table)
    assert kind not in findings.checked
    assert "that is the rule in these data" in findings.not_checked[kind]


def test_upright_pictures_among_wide_ones_are_not_odd(scenes: list[Image.Image]) -> None:
    turned = [scene.rotate(90, expand=True) for scene in scenes[:4]]
    assert not len(findings_of([*turned, *scenes[4:]]).table)


@pytest.mark.parametrize("side", [8, 28, 32])
def test_small_pictures_are_not_accused(side: int) -> None:
    rng = np.random.default_rng(0)
    strokes = []
    for _ in range(60):
        picture = np.zeros((side, side), np.uint8)
        middle = rng.integers(side // 4, side // 2)
        picture[middle : middle + 2, 1:-1] = 255
        picture[1:-1, middle : middle + rng.integers(1, 3)] = 230
        strokes.append(Image.fromarray(picture))
    assert not len(findings_of(strokes).table)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_of_a_few_pictures_nothing_is_said_that_needs_others(
    scenes: list[Image.Image], count: int
) -> None:
    assert not len(findings_of(scenes[:count]).table)


def test_pictures_of_a_pixel() -> None:
    findings = findings_of([Image.new("L", (1, 1), shade) for shade in range(0, 250, 10)])
    assert "blurry" in findings.not_checked


def test_the_surest_come_first(scenes: list[Image.Image]) -> None:
    dark = [scenes[k].point(lambda value, k=k: value * (0.06, 0.2)[k]) for k in range(2)]
    findings = findings_of([*dark[::-1], *scenes[2:]])
    assert named(findings) == [("dark", 1), ("dark", 0)]
