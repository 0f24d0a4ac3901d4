"""What is measured of pictures: of any size, and in the order in which people see them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageFilter

from dataparams.health.picture_measures import picture_measures
from made_scenes import scene

SIDES = st.integers(1, 40)
PICTURES = st.one_of(
    st.tuples(SIDES, SIDES).flatmap(lambda shape: arrays(np.uint8, shape)),
    st.tuples(SIDES, SIDES).flatmap(lambda shape: arrays(np.uint8, (*shape, 3))),
)


@given(PICTURES)
@settings(max_examples=60, deadline=None)
def test_a_picture_of_any_size_has_measures_within_their_ranges(pixels: np.ndarray) -> None:
    found = picture_measures(pixels)
    assert (found.width, found.height) == (pixels.shape[1], pixels.shape[0])
    assert 0 <= found.darkest <= found.lightest <= 255
    assert 0 <= found.brightness <= 255
    assert 0 <= found.contrast <= 255
    assert 0 <= found.entropy <= 8
    assert math.isnan(found.sharpness) or 0 < found.sharpness <= 1
    assert found.roughness >= 0


@given(PICTURES, st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_a_darkened_picture_is_never_less_dark(pixels: np.ndarray, share: float) -> None:
    darker = picture_measures((pixels * share).astype(np.uint8))
    usual = picture_measures(pixels)
    assert darker.brightness <= usual.brightness
    assert darker.lightest <= usual.lightest
    assert darker.darkest <= usual.darkest


def test_a_gray_picture_is_measured_as_the_same_in_color() -> None:
    gray = np.asarray(scene().convert("L"))
    assert picture_measures(gray) == picture_measures(np.repeat(gray[:, :, None], 3, axis=2))


def test_pixels_are_neither_changed_nor_have_to_be_in_order() -> None:
    pixels = np.asarray(scene())
    pixels.flags.writeable = False
    turned = picture_measures(pixels[::-1, ::-1])
    assert turned.brightness == picture_measures(pixels).brightness


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1280, 960)])
def test_the_more_a_picture_is_blurred_the_less_sharp_it_is(size: tuple[int, int]) -> None:
    picture = scene().resize(size, Image.Resampling.NEAREST)
    radii = [size[0] / 320 * radius for radius in (0, 1, 2, 4)]
    sharpness = [
        picture_measures(np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)))).sharpness
        for radius in radii
    ]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[0] > 2 * sharpness[-1]


def test_how_sharp_a_picture_is_depends_neither_on_its_light_nor_on_its_size() -> None:
    usual = picture_measures(np.asarray(scene())).sharpness
    dark = picture_measures((np.asarray(scene()) * 0.3).astype(np.uint8)).sharpness
    large = scene().resize((1600, 1200), Image.Resampling.NEAREST)
    assert dark == pytest.approx(usual, rel=0.15)
    assert picture_measures(np.asarray(large)).sharpness == pytest.approx(usual, rel=0.15)


def test_a_sharp_object_before_a_blurred_background_is_sharp() -> None:
    picture = scene().filter(ImageFilter.GaussianBlur(4))
    picture.paste(scene(1).crop((0, 0, 140, 140)), (90, 50))
    whole = picture_measures(np.asarray(scene().filter(ImageFilter.GaussianBlur(4)))).sharpness
    assert picture_measures(np.asarray(picture)).sharpness > 2 * whole


def test_noise_is_as_rough_as_can_be() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(128, 30, (200, 200)).clip(0, 255).astype(np.uint8)
    assert picture_measures(noise).roughness == pytest.approx(1, abs=0.03)
    assert picture_measures(np.asarray(scene())).roughness < 0.3


def test_what_lacks_edges_has_no_sharpness() -> None:
    assert math.isnan(picture_measures(np.full((90, 90), 7, np.uint8)).sharpness)
    assert math.isnan(picture_measures(np.zeros((1, 1, 3), np.uint8)).sharpness)


def test_the_stored_size_is_kept_where_a_picture_was_decoded_smaller() -> None:
    found = picture_measures(np.asarray(scene()), size=(3200, 2400))
    assert (found.width, found.height) == (3200, 2400)
