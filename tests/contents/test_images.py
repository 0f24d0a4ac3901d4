"""Images as contents: told apart by what is stored, and shown in the sizes that are wanted."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageFile

from dataparams.contents.content import UnreadableContentError, digest_of
from dataparams.contents.images import (
    EncodedImage,
    PixelImage,
    image_of_numbers,
    pixels_of,
    require_image,
    views_of,
)
from made_contents import Text
from made_images import encoded, picture

SIDES = st.lists(st.integers(1, 700), min_size=1, max_size=3)
PIXELS = st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([(), (3,)])).flatmap(
    lambda drawn: arrays(np.uint8, (*drawn[:2], *drawn[2]))
)


def opened(view) -> Image.Image:
    with Image.open(io.BytesIO(view.data), formats=["JPEG"]) as image:
        image.load()
        return image


def photograph(size) -> bytes:
    return encoded(picture((200, 90, 40), size), "JPEG")


# --- digests -------------------------------------------------------------------------------------


@given(st.binary(max_size=300), st.data())
def test_a_digest_is_of_the_bytes_however_they_come(data, draw):
    cut = draw.draw(st.integers(0, len(data)))
    assert digest_of([data[:cut], memoryview(data)[cut:]]) == digest_of([data])
    assert EncodedImage(memoryview(data)).digest() == EncodedImage(data).digest()


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_image_in_memory_has_the_digest_of_the_same_bytes_in_a_file(tmp_path, data):
    file = tmp_path / "image.jpg"
    file.write_bytes(data)
    in_file = EncodedImage(None, str(file))
    assert in_file.digest() == EncodedImage(data).digest() == digest_of([data])
    assert in_file.loaded() == EncodedImage(data, str(file))
    assert in_file.size() == len(data)


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_other_bytes_have_another_digest(one, other):
    assert (EncodedImage(one).digest() == EncodedImage(other).digest()) == (one == other)


@given(PIXELS, PIXELS)
def test_pixels_have_the_digest_of_equal_pixels_alone(one, other):
    same = PixelImage(np.asfortranarray(one.copy())).digest()
    assert PixelImage(one).digest() == same
    assert (PixelImage(other).digest() == same) == np.array_equal(one, other)


def test_pixels_of_another_shape_have_another_digest():
    row = np.arange(12, dtype=np.uint8)
    shapes = [(3, 4), (4, 3), (2, 6), (12, 1), (2, 2, 3)]
    assert len({PixelImage(row.reshape(shape)).digest() for shape in shapes}) == len(shapes)


def test_nothing_is_decoded_for_a_digest(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was decoded"))
    damaged = photograph((60, 40))[:200]
    (tmp_path / "damaged.jpg").write_bytes(damaged)
    in_file = EncodedImage(None, str(tmp_path / "damaged.jpg"))
    assert len(in_file.digest()) == 32
    assert in_file.digest() == EncodedImage(damaged).digest()


def test_without_a_file_there_is_no_digest_but_a_reason(tmp_path):
    for image, reason in (
        (EncodedImage(None, str(tmp_path / "gone.jpg")), "the file is missing"),
        (EncodedImage(None), "there is no image"),
    ):
        for ask in (image.digest, image.size, image.loaded, lambda image=image: image.views([9])):
            with pytest.raises(UnreadableContentError, match=reason):
                ask()


# --- views ---------------------------------------------------------------------------------------


@given(size=st.tuples(st.integers(1, 900), st.integers(1, 900)), sides=SIDES)
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "pixels"])
def test_views_have_the_longest_sides_that_are_wanted(kind, size, sides):
    image = picture((200, 90, 40), size)
    content = (
        PixelImage(np.array(image)) if kind == "pixels" else EncodedImage(encoded(image, kind))
    )
    views = content.views(sides)
    assert len(views) == len(sides)
    for view, side in zip(views, sides, strict=True):
        assert view.media_type == "image/jpeg"
        assert opened(view).size == view.size
        assert max(view.size) == min(max(size), side)
        shrunk = max(view.size) / max(size)
        for shown, whole in zip(view.size, size, strict=True):
            # A size is rounded, once for each time that it is shrunk.
            assert abs(shown - whole * shrunk) <= 1.5 or shown == 1
        assert view.is_tiny == (max(size) < 80)


@given(PIXELS)
@settings(deadline=None)
def test_tiny_pictures_keep_their_pixels(pixels):
    in_color = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=2)
    stored = EncodedImage(encoded(Image.fromarray(pixels)))
    for content in (PixelImage(pixels), stored):
        assert np.array_equal(content.pixels(640), in_color)
        (view,) = content.views([160])
        assert view.is_tiny
        assert view.size == pixels.shape[1::-1]
    assert PixelImage(pixels).views([160, 20]) == stored.views([160, 20])


def test_a_small_view_of_a_large_picture_is_not_tiny():
    for content in (
        EncodedImage(photograph((600, 400))),
        PixelImage(np.zeros((400, 600), np.uint8)),
    ):
        assert [(view.size, view.is_tiny) for view in content.views([30, 60])] == [
            ((30, 20), False),
            ((60, 40), False),
        ]


def test_all_sizes_come_of_one_decoding_at_no_more_than_the_largest(monkeypatch):
    loads = []
    load = ImageFile.ImageFile.load

    def counted(image):
        if image.tile:
            loads.append(image.size)
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", counted)
    data = photograph((3200, 2400))
    loads.clear()
    EncodedImage(data).views([160, 640])
    EncodedImage(data).views([160])
    # A JPEG is decoded at a half, a quarter or an eighth, where that is still enough to smooth.
    assert loads == [(1600, 1200), (400, 300)]


def test_sizes_that_come_to_the_same_are_one_file():
    large, small, again = EncodedImage(photograph((90, 60))).views([640, 20, 160])
    assert large is again
    assert (large.size, small.size) == ((90, 60), (20, 13))


def test_an_image_without_pixels_is_unreadable():
    with pytest.raises(UnreadableContentError, match="no pixels"):
        PixelImage(np.zeros((0, 4, 3), np.uint8)).views([160])


# --- several at once -----------------------------------------------------------------------------


def test_what_is_no_picture_is_left_out_of_pictures_and_a_text_is_shown_as_text():
    damaged = EncodedImage(photograph((60, 40))[:200])
    gone = UnreadableContentError("the file is missing")
    good = EncodedImage(photograph((300, 200)))
    contents: list[Any] = [good, Text("four words of it"), damaged, gone]
    pictures = pixels_of(contents, 150)
    assert [None if one is None else one.shape for one in pictures] == [
        (100, 150, 3),
        None,
        None,
        None,
    ]
    views = views_of(contents, [[150], [4, 10], [150], []])
    assert [[(view.media_type, view.size) for view in one] for one in views] == [
        [("image/jpeg", (150, 100))],
        [("text/plain", ()), ("text/plain", ())],
        [],
        [],
    ]
    assert [view.data for view in views[1]] == ["fou…".encode(), "four word…".encode()]


def test_only_an_image_is_taken_for_one():
    with pytest.raises(UnreadableContentError, match="no image"):
        require_image(Text("a cat"))
    with pytest.raises(UnreadableContentError, match="is missing"):
        require_image(UnreadableContentError("the file is missing"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.timeout(20)
def test_a_named_pipe_among_images_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    pipe = EncodedImage(None, str(tmp_path / "pipe.jpg"))
    assert views_of([pipe, EncodedImage(photograph((8, 8)))], [[160]] * 2)[0] == []
    with pytest.raises(UnreadableContentError, match="a named pipe"):
        pipe.digest()


# --- lists of numbers ----------------------------------------------------------------------------

COLORED = np.add.outer(np.arange(4), np.arange(5))[:, :, None] * 9 + np.array([0, 50, 100])
GRAY = COLORED[:, :, 0]
SQUARE = COLORED[:, :4]


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (GRAY, GRAY),
        (GRAY[:, :, None], GRAY),
        (GRAY[None], GRAY),
        (COLORED, COLORED),
        (COLORED.transpose(2, 0, 1), COLORED),
        (COLORED / 255, COLORED),
        (COLORED.astype(np.float32) / 255, COLORED),
        (COLORED.astype(np.float64), COLORED),
        (GRAY > 20, 255 * (GRAY > 20)),
        (GRAY % 2, GRAY % 2),
        (GRAY[:, :4].ravel(), GRAY[:, :4]),
        (SQUARE.ravel(), SQUARE),
        (SQUARE.transpose(2, 0, 1).ravel(), SQUARE),
        (np.full((1, 1), 7), [[7]]),
    ],
)
def test_lists_of_numbers_are_pictures(given_, expected):
    for value in (given_, given_.tolist()):
        array = image_of_numbers(value).array
        assert array.dtype == np.uint8
        assert np.array_equal(array, expected)


def test_arrays_in_arrays_are_pictures():
    def nested(array):
        cells = np.empty(len(array), dtype=object)
        cells[:] = [nested(row) if row.ndim > 1 else row for row in array]
        return cells

    assert np.array_equal(image_of_numbers(nested(COLORED)).array, COLORED)


@given(PIXELS)
def test_pixels_survive_being_written_as_numbers(pixels):
    assert np.array_equal(image_of_numbers(pixels.tolist()).array, pixels)


@pytest.mark.parametrize(
    ("value", "given_"),
    [
        ("0 1 2 3", "no list of numbers"),
        (None, "no list of numbers"),
        ([], "an empty list"),
        ([[], []], "an empty list"),
        ([1, 2, 3, 4, 5], "5 numbers in one row"),
        (np.zeros((2, 3, 4)), "2 x 3 x 4"),
        (np.zeros((2, 2, 2, 2)), "2 x 2 x 2 x 2"),
        ([[1, 2], [3]], "differ in length"),
        ([[1, None], [2, 3]], "no number"),
        ([["a", "b"], ["c", "d"]], "no number"),
        ([[0, 256], [1, 2]], "numbers from 0 to 256"),
        ([[0, 10**30], [1, 2]], "no number"),
        ([[-1, 2], [1, 2]], "numbers from -1 to 2"),
        ([[0.0, -0.5], [1.0, 0.2]], "numbers from -0.5 to 1"),
        ([[0.0, float("nan")], [1.0, 0.2]], "numbers from nan to nan"),
    ],
)
def test_other_lists_are_refused_with_what_was_given_and_expected(value, given_):
    with pytest.raises(UnreadableContentError, match=given_) as caught:
        image_of_numbers(value)
    assert "expected height x width" in str(caught.value)
