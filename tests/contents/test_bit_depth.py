"""Pictures of more than 8 bits, in each way in which a picture is decoded."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from dataparams.contents.image_files import decode_block, decode_upright, decode_whole
from dataparams.contents.region_decoding import resized_pixels
from made_deep_images import colored_tiff, pgm, png_of_16_bits, tiff
from made_images import encoded

MAX_SAMPLE_VALUE, SAMPLE_FORMAT, PHOTOMETRIC = 281, 339, 262
UNSIGNED, SIGNED, FLOAT = 1, 2, 3


def decoded(data: bytes) -> np.ndarray:
    """The picture in color, after checking that each way of decoding gives the same."""
    upright = decode_upright(data)
    assert isinstance(upright, np.ndarray), upright
    (picture,) = decode_block([data], None)
    in_memory = picture.pixels if picture.pixels.ndim == 3 else picture.pixels[..., None]
    assert np.array_equal(np.broadcast_to(in_memory, upright.shape), upright)
    assert np.array_equal(decode_whole(data, 1000), upright)
    assert np.array_equal(resized_pixels(data, 1000), upright)
    return upright


def gray(data: bytes) -> np.ndarray:
    colors = decoded(data)
    assert (colors == colors[..., :1]).all()
    return colors[..., 0]


def scaled(values, black: float, white: float) -> np.ndarray:
    """What is expected, in float64."""
    share = (np.asarray(values, np.float64) - black) / (white - black)
    return np.clip(np.rint(share * 255), 0, 255).astype(np.uint8)


def ramp(greatest: int) -> np.ndarray:
    return np.linspace(0, greatest, 60).round().astype(np.uint16).reshape(6, 10)


WAYS = {
    "png": png_of_16_bits,
    "tiff": lambda values: tiff(values.astype("<u2"), 16),
    "big-endian tiff": lambda values: encoded(
        Image.frombytes("I;16B", values.shape[::-1], values.astype(">u2").tobytes()), "TIFF"
    ),
    "32-bit tiff": lambda values: tiff(values.astype("<i4"), 32, {SAMPLE_FORMAT: SIGNED}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_without_a_declaration_the_fewest_usual_bits_that_hold_it_count(bits, way):
    full = ramp(2**bits - 1)
    assert np.array_equal(gray(WAYS[way](full)), scaled(full, 0, 2**bits - 1))
    assert gray(WAYS[way](full)).max() == 255
    part = ramp(2**bits * 9 // 10)
    assert np.array_equal(gray(WAYS[way](part)), scaled(part, 0, 2**bits - 1))


DECLARED = {
    "png, lower bits": (lambda values: png_of_16_bits(values, significant=12), 4095),
    "png, 16 bits": (lambda values: png_of_16_bits(values, significant=16), 65535),
    "tiff": (lambda values: tiff(values.astype("<u2"), 16, {MAX_SAMPLE_VALUE: 4095}), 4095),
    "tiff, 16 bits": (
        lambda values: tiff(values.astype("<u2"), 16, {MAX_SAMPLE_VALUE: 65535}),
        65535,
    ),
    "tiff, 11 bits": (
        lambda values: tiff(values.astype("<u2"), 16, {MAX_SAMPLE_VALUE: 2047}),
        2047,
    ),
}


@pytest.mark.parametrize("way", DECLARED)
def test_a_dark_picture_stays_dark_where_its_file_declares_the_bits(way):
    write, white = DECLARED[way]
    dark = ramp(300)
    assert np.array_equal(gray(write(dark)), scaled(dark, 0, white))


@pytest.mark.parametrize("greatest", [300, 1000, 1023, 4095, 65535])
def test_a_pgm_declares_its_greatest_value(greatest):
    dark = ramp(200)
    assert np.abs(gray(pgm(dark, greatest)).astype(int) - scaled(dark, 0, greatest)).max() <= 1
    full = gray(pgm(ramp(greatest), greatest))
    assert np.abs(full.astype(int) - scaled(ramp(greatest), 0, greatest)).max() <= 1


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("greatest", [0.02, 1.0])
def test_significant_bits_may_be_the_upper_ones(bits, greatest):
    original = ramp(round(greatest * (2**bits - 1))).astype(np.int64)
    shifted = original << (16 - bits)
    repeated = shifted | (original >> (2 * bits - 16))
    multiplied = np.rint(original * (65535 / (2**bits - 1)))
    for values in (shifted, repeated, multiplied):
        assert np.array_equal(
            gray(png_of_16_bits(values, significant=bits)), scaled(values, 0, 65535)
        )


def test_values_above_what_is_declared_are_not_clipped():
    values = ramp(3000)
    assert np.array_equal(
        gray(tiff(values.astype("<u2"), 16, {MAX_SAMPLE_VALUE: 1023})), scaled(values, 0, 4095)
    )
    assert np.array_equal(gray(png_of_16_bits(values, significant=10)), scaled(values, 0, 65535))


def test_a_tiff_of_12_packed_bits_declares_them():
    stored = np.array([[0x00, 0x00, 0x64, 0x12, 0xC0, 0xC8]], np.uint8)
    assert (
        gray(tiff(stored, 12, width=4)).tolist() == scaled([[0, 100, 300, 200]], 0, 4095).tolist()
    )


def test_a_negative_of_16_bits_is_shown_as_a_positive():
    values = ramp(1023)
    data = tiff(values.astype("<u2"), 16, {PHOTOMETRIC: 0})
    assert np.array_equal(gray(data), 255 - scaled(values, 0, 1023))


@pytest.mark.parametrize(
    ("values", "bits", "sample_format"),
    [
        (np.array([[-5, 0, 100, 1018]], "<i2"), 16, SIGNED),
        (np.array([[-5, 0, 100, 1018]], "<i4"), 32, SIGNED),
        (np.array([[0, 70_000, 100_000, 2**31 - 1]], "<i4"), 32, SIGNED),
        (np.array([[65_536, 70_000, 65_900]], "<i4"), 32, SIGNED),
        (np.array([[7, 70_000, 2**31, 2**32 - 1]], "<u4"), 32, UNSIGNED),
        (np.array([[-0.5, 0, 0.25, 1]], "<f4"), 32, FLOAT),
        (np.array([[-0.4, 0, 0.25, 1.3]], "<f4"), 32, FLOAT),
        (np.array([[-9, -7, -4, -0.1]], "<f4"), 32, FLOAT),
        (np.array([[0, 100, 300.5, 1000]], "<f4"), 32, FLOAT),
        (np.array([[-3e38, 0, 2e38, 3e38]], "<f4"), 32, FLOAT),
    ],
)
def test_values_out_of_the_usual_ranges_are_scaled_by_their_own(values, bits, sample_format):
    data = tiff(values, bits, {SAMPLE_FORMAT: sample_format})
    expected = scaled(values, float(values.min()), float(values.max()))
    assert np.array_equal(gray(data), expected)


@pytest.mark.parametrize(
    ("values", "white"),
    [
        ([[0, 0.25, 0.5, 1]], 1),
        ([[0, 0.1, 0.2, 0.3]], 1),
        ([[-1e-7, 0.3, 0.5, 1.0000001]], 1),
        ([[0, 1.7, 20, 200]], 255),
        ([[-0.01, 0, 30, 255.2]], 255),
        ([[0, 0, 0, 0]], 1),
    ],
)
def test_floats_in_the_usual_ranges_keep_their_brightness(values, white):
    floats = np.array(values, "<f4")
    assert np.array_equal(gray(tiff(floats, 32, {SAMPLE_FORMAT: FLOAT})), scaled(floats, 0, white))


def test_what_is_not_finite_is_black_and_does_not_count():
    values = np.array([[np.nan, np.inf, -np.inf, -10, 90, 190]], "<f4")
    data = tiff(values, 32, {SAMPLE_FORMAT: FLOAT})
    assert gray(data).tolist() == [[0, 0, 0, 0, 128, 255]]
    negative = tiff(values, 32, {SAMPLE_FORMAT: FLOAT, PHOTOMETRIC: 0})
    assert gray(negative).tolist() == [[0, 0, 0, 255, 128, 0]]
    nothing = np.full((2, 3), np.nan, "<f4")
    assert not gray(tiff(nothing, 32, {SAMPLE_FORMAT: FLOAT})).any()


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (png_of_16_bits(np.zeros((3, 4))), 0),
        (png_of_16_bits(np.full((3, 4), 1023)), 255),
        (png_of_16_bits(np.zeros((3, 4)), significant=10), 0),
        (tiff(np.full((3, 4), 70_000, "<i4"), 32, {SAMPLE_FORMAT: SIGNED}), 0),
        (tiff(np.full((3, 4), -7, "<i4"), 32, {SAMPLE_FORMAT: SIGNED}), 0),
        (tiff(np.full((3, 4), 300, "<f4"), 32, {SAMPLE_FORMAT: FLOAT}), 0),
        (tiff(np.full((3, 4), 1, "<f4"), 32, {SAMPLE_FORMAT: FLOAT}), 255),
    ],
)
def test_a_picture_of_one_value_is_of_one_value(data, value):
    assert np.unique(gray(data)).tolist() == [value]


def test_a_value_that_is_declared_transparent_is_white():
    data = png_of_16_bits([[0, 512, 1023]], transparent=512)
    assert gray(data).tolist() == [[0, 255, 255]]


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_colors_in_the_lower_of_16_bits_are_not_black(bits, channels):
    values = np.random.default_rng(0).integers(0, 2**bits, (5, 7, channels))
    values[0, 0] = 2**bits - 1
    if channels % 2 == 0:
        values[..., -1] = 65535
    colors = values[..., :1] if channels == 2 else values[..., :3]
    pixels = decoded(png_of_16_bits(values))
    assert np.array_equal(pixels, np.broadcast_to(scaled(colors, 0, 2**bits - 1), pixels.shape))


def test_colors_of_16_bits_lose_the_lower_ones_and_dark_ones_are_told_by_what_is_declared():
    values = np.random.default_rng(0).integers(0, 65536, (5, 7, 3))
    pixels = decoded(png_of_16_bits(values)).astype(int)
    assert np.abs(pixels - scaled(values, 0, 65535)).max() <= 1
    dark = values // 100
    assert np.array_equal(decoded(png_of_16_bits(dark, significant=16)), scaled(dark, 0, 65535))


@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("bits", [10, 12])
def test_colors_of_a_tiff_are_scaled_like_those_of_a_png(bits, compression):
    values = np.random.default_rng(0).integers(0, 2**bits, (5, 7, 3))
    values[0, 0] = 2**bits - 1
    data = colored_tiff(values, compression)
    assert np.array_equal(decoded(data), scaled(values, 0, 2**bits - 1))


def test_transparent_dark_colors_are_laid_on_white():
    values = np.array([[[1023, 0, 0, 0], [1023, 0, 0, 65535]]])
    assert decoded(png_of_16_bits(values)).tolist() == [[[255, 255, 255], [255, 0, 0]]]


def test_levels_of_a_thumbnail_are_those_of_the_whole_picture():
    values = np.full((400, 600), 500, np.uint16)
    values[399, 599] = 4000
    thumbnail = decode_whole(png_of_16_bits(values), 30)
    assert thumbnail.shape == (20, 30, 3)
    assert thumbnail[0, 0].tolist() == scaled([500] * 3, 0, 4095).tolist()


def test_a_large_picture_is_scaled_like_a_small_one():
    values = np.random.default_rng(0).integers(0, 1024, (1100, 1000))
    assert np.array_equal(
        np.asarray(decode_upright(png_of_16_bits(values)))[..., 0], scaled(values, 0, 1023)
    )
    floats = (values * 3.0).astype("<f4")
    data = tiff(floats, 32, {SAMPLE_FORMAT: FLOAT})
    assert np.array_equal(
        np.asarray(decode_upright(data))[..., 0], scaled(floats, floats.min(), floats.max())
    )


def test_a_portable_float_map_is_read_as_floats():
    data = b"Pf\n4 1\n-1.0\n" + struct.pack("<4f", 0, 0.25, 0.5, 1)
    assert gray(data).tolist() == [[0, 64, 128, 255]]


@pytest.mark.parametrize("channels", [3, 4])
def test_a_thumbnail_of_deep_colors_is_of_the_levels_of_the_whole_picture(channels):
    values = np.full((400, 600, channels), 500)
    values[399, 599, 0] = 4000
    if channels == 4:
        values[..., 3] = 65535
    thumbnail = decode_whole(png_of_16_bits(values), 30)
    assert thumbnail.shape == (20, 30, 3)
    assert thumbnail[0, 0].tolist() == scaled([500] * 3, 0, 4095).tolist()


def test_a_color_that_is_declared_transparent_stays_white_in_a_small_and_a_large_picture():
    image = Image.new("RGB", (400, 200), (0, 0, 255))
    data = encoded(image, transparency=(0, 0, 255))
    assert np.unique(decode_whole(data, 20)).tolist() == [255]
    assert np.unique(decode_upright(data)).tolist() == [255]


def test_a_jpeg_2000_declares_its_precision():
    dark = ramp(300)
    sixteen = encoded(Image.fromarray(dark), "JPEG2000", no_jp2=True)
    assert np.array_equal(gray(sixteen), scaled(dark, 0, 65535))
    # With 12 bits declared instead, what is stored means values less by the halves' difference.
    stored = encoded(Image.fromarray(dark + np.uint16(2**15 - 2**11)), "JPEG2000", no_jp2=True)
    position = stored.index(b"\xff\x51") + 40
    twelve = stored[:position] + bytes([12 - 1]) + stored[position + 1 :]
    assert np.abs(gray(twelve).astype(int) - scaled(dark, 0, 4095)).max() <= 1
