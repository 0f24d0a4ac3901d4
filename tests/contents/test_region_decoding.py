"""Decoding regions: the same pixels as Pillow's, of every kind of image, and nothing damaged."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from dataparams.contents import jpeg as jpeg_files
from dataparams.contents import region_decoding
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.region_decoding import (
    crop_and_resize,
    decode_region,
    resized_jpeg,
    resized_pixels,
)
from dataparams.contents.regions import TRIES, Region, center_region, random_resized_region
from made_images import encoded, picture

PLAIN_JPEGS: dict[str, dict[str, Any]] = {
    "4:2:0": {"subsampling": 2},
    "4:2:2": {"subsampling": 1},
    "4:4:4": {"subsampling": 0},
    "progressive": {"progressive": True},
    "restart markers": {"restart_marker_rows": 1},
}


def photo(width, height, mode="RGB") -> Image.Image:
    """Smooth enough for a resize to have a meaning, with edges and with color."""
    generator = np.random.default_rng(width * 1000 + height)
    coarse = Image.fromarray(generator.integers(0, 256, (9, 11, 3), dtype=np.uint8))
    image = coarse.resize((width, height), Image.Resampling.BICUBIC)
    image.paste((250, 240, 20), (width // 3, height // 4, width // 2, height // 2))
    return image.convert(mode)


def jpeg(image: Image.Image, **options) -> bytes:
    return encoded(image, "JPEG", **{"quality": 95, **options})


def whole(width, height) -> Region:
    return Region(0, 0, width, height)


def by_pillow(data: bytes, region: Region, size: int, mirror: bool = False) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    left, top, width, height = region
    part = image.crop((left, top, left + width, top + height))
    part = part.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(ImageOps.mirror(part) if mirror else part).astype(int)


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    assert ours.dtype == np.uint8
    assert ours.shape == theirs.shape
    return float(np.abs(ours.astype(int) - theirs).mean())


def loss(data: bytes, pixels: np.ndarray) -> float:
    """How far a JPEG is from what was encoded."""
    with Image.open(io.BytesIO(data)) as image:
        return difference(np.asarray(image), pixels.astype(int))


def with_orientation(image: Image.Image, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return jpeg(image, exif=exif)


@pytest.fixture
def no_pillow(monkeypatch):
    def refuse(data):
        raise AssertionError("an ordinary JPEG went the slow way")

    monkeypatch.setattr(region_decoding, "decode_upright", refuse)


@given(
    kind=st.sampled_from(sorted(PLAIN_JPEGS)),
    mode=st.sampled_from(["RGB", "L"]),
    width=st.integers(1, 210),
    height=st.integers(1, 210),
    size=st.integers(1, 64),
    orientation=st.integers(1, 8),
    mirror=st.booleans(),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_a_region_of_a_jpeg_has_the_pixels_that_pillow_gives(
    kind, mode, width, height, size, orientation, mirror, data
):
    options = PLAIN_JPEGS[kind] if mode == "RGB" or kind == "progressive" else {}
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = jpeg(photo(width, height, mode), exif=exif, **options)
    chosen = []

    def choose(across, down):
        assert (across, down) == ((width, height) if orientation < 5 else (height, width))
        left, top = data.draw(st.integers(0, across - 1)), data.draw(st.integers(0, down - 1))
        sides = data.draw(st.integers(1, across - left)), data.draw(st.integers(1, down - top))
        chosen.append(Region(left, top, *sides))
        return chosen[0]

    ours = decode_region(file, choose, size, mirror=mirror)
    region = chosen[0]
    is_scaled = min(region.width, region.height) >= 2 * size
    # At a half or less, libjpeg averages blocks where the plain resize weighs by distance: a
    # difference that only photographs keep small; the next test has them.
    assert difference(ours, by_pillow(file, region, size, mirror)) < (40 if is_scaled else 0.6)


@pytest.mark.parametrize("kind", PLAIN_JPEGS)
@pytest.mark.parametrize("size", [40, 97, 160])
def test_random_crops_of_photos_are_close_to_pillows(kind, size, no_pillow, decoder):
    file = jpeg(photo(499, 375), **PLAIN_JPEGS[kind])
    generator = np.random.default_rng(size)
    differences = []
    for _ in range(12):
        region = random_resized_region(499, 375, generator.random((TRIES, 4)))
        ours = decode_region(file, lambda *_, region=region: region, size)
        differences.append(difference(ours, by_pillow(file, region, size)))
    # Below full size, color that is subsampled across only is repeated rather than smoothed.
    assert np.mean(differences) < (2.5 if kind == "4:2:2" and size < 97 else 0.8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_only_ordinary_jpegs_go_the_fast_way_and_turned_ones_are_ordinary(
    orientation, no_pillow, decoder
):
    file = with_orientation(photo(90, 60), orientation)
    region = Region(11, 7, 33, 44)
    ours = decode_region(file, lambda *_: region, 30, mirror=True)
    assert difference(ours, by_pillow(file, region, 30, mirror=True)) < 0.6


@pytest.fixture(params=["simplejpeg", "Pillow alone"])
def decoder(request, monkeypatch):
    """Both ways to decode; simplejpeg has no wheel for every Python."""
    if request.param == "Pillow alone":
        monkeypatch.setattr(jpeg_files, "simplejpeg", None)
    else:
        pytest.importorskip("simplejpeg")


@given(
    kind=st.sampled_from(sorted(PLAIN_JPEGS)),
    mode=st.sampled_from(["RGB", "L"]),
    width=st.integers(8, 210),
    height=st.integers(8, 210),
    scale=st.sampled_from([1, 2, 4, 8]),
)
@settings(max_examples=100, deadline=None)
def test_without_simplejpeg_the_pixels_are_the_same(kind, mode, width, height, scale):
    pytest.importorskip("simplejpeg")
    options = PLAIN_JPEGS[kind] if mode == "RGB" or kind == "progressive" else {}
    opened = jpeg_files.open_jpeg(jpeg(photo(width, height, mode), **options))
    usual = jpeg_files.decode_jpeg(opened, scale)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jpeg_files, "simplejpeg", None)
        by_pillow_alone = jpeg_files.decode_jpeg(opened, scale)
    assert usual.shape == (-(-height // scale), -(-width // scale), 3)
    # The builds may differ in rounding; where both use libjpeg-turbo they do not differ at all.
    assert np.abs(usual.astype(int) - by_pillow_alone).max() <= 2


def test_without_simplejpeg_everything_that_needs_jpegs_can_be_imported():
    code = (
        "import sys; sys.modules['simplejpeg'] = None\n"
        "import dataparams.batches, dataparams.sources.cache, dataparams.encoders.extraction\n"
        "from dataparams.contents import jpeg; assert jpeg.simplejpeg is None"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def pillow_reads(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except Exception:  # noqa: BLE001 - a damaged image can make a decoder raise anything
        return False
    return True


@given(kind=st.sampled_from(sorted(PLAIN_JPEGS)), share=st.floats(0, 1), rows=st.integers(1, 96))
@settings(max_examples=80, deadline=None)
def test_a_truncated_jpeg_is_never_decoded_where_pillow_refuses(kind, share, rows):
    file = jpeg(photo(80, 96), **PLAIN_JPEGS[kind])
    cut = file[: int(share * len(file))]
    top = Region(0, 0, 80, rows)
    assert not pillow_reads(cut) or cut == file
    if cut == file:
        return
    with pytest.raises(UnreadableContentError, match=r"."):
        decode_region(cut, lambda *_: top, 16)
    with pytest.raises(UnreadableContentError, match=r"."):
        resized_pixels(cut, 16)


@given(
    kind=st.sampled_from(sorted(PLAIN_JPEGS)),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=3),
    rows=st.integers(1, 96),
)
@settings(max_examples=120, deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_jpeg_can_be_read_exactly_where_pillow_reads_it(kind, changes, rows):
    damaged = bytearray(jpeg(photo(80, 96), **PLAIN_JPEGS[kind]))
    # Beyond the header, which may come to describe another picture.
    scan = damaged.index(b"\xff\xda") + 14
    for place, value in changes:
        damaged[scan + int(place * (len(damaged) - scan))] = value
    try:
        decode_region(bytes(damaged), lambda *_: Region(0, 0, 80, rows), 16)
        is_read = True
    except UnreadableContentError:
        is_read = False
    assert is_read == pillow_reads(bytes(damaged))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the image is empty (0 bytes)"),
        (b"not an image", "not an image of a known format"),
        (b"\xff\xd8\xff", "not an image of a known format"),
        (jpeg(photo(60, 60))[:900], "truncated"),
        (encoded(photo(60, 60))[:900], "truncated"),
    ],
)
def test_what_cannot_be_read_says_why(data, reason, decoder):
    for decode in (
        lambda: decode_region(data, whole, 8),
        lambda: resized_pixels(data, 8),
        lambda: resized_jpeg(data, 8, 90),
    ):
        with pytest.raises(UnreadableContentError) as caught:
            decode()
        assert reason in str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_huge_images_are_refused_before_they_are_decoded(kind, monkeypatch, decoder):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    bomb = encoded(photo(60, 40), kind)
    with pytest.raises(UnreadableContentError, match="decompression bomb"):
        decode_region(bomb, whole, 8)
    with pytest.raises(UnreadableContentError, match="decompression bomb"):
        resized_pixels(bomb, 8)


def test_a_small_file_that_claims_to_be_huge_is_refused(decoder):
    file = bytearray(jpeg(photo(16, 16)))
    frame = file.index(b"\xff\xc0")
    file[frame + 5 : frame + 9] = b"\xff\x00\xff\x00"
    with pytest.raises(UnreadableContentError, match="decompression bomb"):
        decode_region(bytes(file), whole, 8)


def test_a_file_with_two_headers_is_decoded_into_no_more_than_the_first_claims(decoder):
    file = jpeg(photo(16, 16))
    frame, scan = file.index(b"\xff\xc0"), file.index(b"\xff\xda")
    second = bytearray(file[frame : frame + 19])
    second[5:9] = b"\xff\x00\xff\x00"
    with pytest.raises(UnreadableContentError):
        decode_region(file[:scan] + bytes(second) + file[scan:], whole, 8)


def sixteen_bit() -> Image.Image:
    return Image.fromarray(np.full((10, 12), 128 * 257, dtype=np.uint16))


@pytest.mark.parametrize(
    ("data", "color"),
    [
        (jpeg(picture((10, 200, 90))), (10, 200, 90)),
        (jpeg(picture(77, mode="L")), (77, 77, 77)),
        (jpeg(picture((255, 0, 0, 0), mode="CMYK")), (0, 255, 255)),
        (encoded(picture((255, 0, 0, 0), mode="CMYK"), "TIFF"), (0, 255, 255)),
        (encoded(picture((0, 255, 255)).convert("P")), (0, 255, 255)),
        (encoded(picture((0, 0, 0, 128), mode="RGBA")), (127, 127, 127)),
        (encoded(picture((0, 0), mode="LA")), (255, 255, 255)),
        (encoded(picture((9, 8, 7)), transparency=(9, 8, 7)), (255, 255, 255)),
        (encoded(picture((40, 50, 60)), "WEBP", lossless=True), (40, 50, 60)),
        (encoded(sixteen_bit()), (128, 128, 128)),
        (encoded(sixteen_bit(), "TIFF"), (128, 128, 128)),
    ],
)
def test_every_kind_of_color_becomes_rgb(data, color, decoder):
    region = decode_region(data, whole, 6)
    assert region.shape == (6, 6, 3)
    for pixels in (region, resized_pixels(data, 6), resized_pixels(resized_jpeg(data, 6, 95), 6)):
        assert np.abs(pixels.astype(int) - color).max() <= 4


def test_an_adobe_jpeg_of_inverted_ink_is_like_what_it_was_made_from():
    ink = photo(60, 40).convert("CMYK")
    ours = decode_region(jpeg(ink, subsampling=0, quality=98), lambda *_: Region(5, 5, 40, 30), 20)
    plain = ink.convert("RGB").crop((5, 5, 45, 35)).resize((20, 20), Image.Resampling.BILINEAR)
    assert difference(ours, np.asarray(plain).astype(int)) < 3


def test_other_formats_are_turned_upright_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    file = encoded(photo(50, 30), exif=exif)
    region = Region(3, 4, 20, 30)
    ours = decode_region(file, lambda *_: region, 20)
    assert difference(ours, by_pillow(file, region, 20)) < 0.6


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_region_outside_the_picture_and_an_error_in_the_choice_are_the_callers(kind):
    file = encoded(photo(30, 20), kind)
    for region in (
        Region(0, 0, 31, 20),
        Region(-1, 0, 5, 5),
        Region(0, 20, 5, 1),
        Region(0, 0, 0, 1),
    ):
        with pytest.raises(ValueError, match="not within the picture of 30 x 20 pixels"):
            decode_region(file, lambda *_, region=region: region, 8)

    def fail(width, height):
        raise KeyError("choice")

    with pytest.raises(KeyError, match="choice"):
        decode_region(file, fail, 8)


def test_pixels_that_cannot_be_written_to_are_cropped_without_a_warning():
    pixels = np.asarray(photo(60, 40))
    frozen = pixels.copy()
    frozen.flags.writeable = False
    region = Region(4, 2, 50, 30)
    ours = crop_and_resize(frozen, region, 24, mirror=True)
    assert ours.flags.c_contiguous
    assert difference(ours, by_pillow(encoded(photo(60, 40)), region, 24, mirror=True)) < 0.1


@given(
    width=st.integers(1, 3000),
    height=st.integers(1, 3000),
    draws=st.lists(st.tuples(*[st.floats(0, 1, exclude_max=True)] * 4), min_size=0, max_size=TRIES),
)
def test_a_random_region_is_always_within_the_picture(width, height, draws):
    left, top, across, down = random_resized_region(width, height, draws)
    assert 0 <= left < left + across <= width
    assert 0 <= top < top + down <= height


def test_random_regions_are_distributed_as_torchvisions_are():
    import torch
    from scipy.stats import ks_2samp
    from torchvision.transforms import RandomResizedCrop

    generator = np.random.default_rng(0)
    ours = [random_resized_region(500, 375, generator.random((TRIES, 4))) for _ in range(3000)]
    image = Image.new("L", (500, 375))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = [
            RandomResizedCrop.get_params(image, (0.08, 1.0), (3 / 4, 4 / 3)) for _ in range(3000)
        ]
    mine = np.array(ours)
    top, left, height, width = np.array(theirs).T
    for a, b in zip(mine.T, (left, top, width, height), strict=True):
        assert ks_2samp(a, b).pvalue > 0.01


@pytest.mark.parametrize(("width", "height"), [(1000, 10), (10, 1000), (1, 1), (100, 90)])
def test_without_a_try_that_fits_the_region_is_torchvisions_too(width, height):
    import torch
    from torchvision.transforms import RandomResizedCrop

    image = Image.new("L", (width, height))
    with torch.random.fork_rng(devices=[]):
        top, left, down, across = RandomResizedCrop.get_params(image, (9.0, 9.0), (3 / 4, 4 / 3))
    assert random_resized_region(width, height, []) == (left, top, across, down)


def test_the_center_is_what_the_usual_evaluation_sees():
    from torchvision import transforms

    image = photo(500, 375)
    usual = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)])(image)
    ours = decode_region(encoded(image), lambda w, h: center_region(w, h, 224 / 256), 224)
    # The usual way rounds the longer side first, so its pixels lie a little differently.
    assert difference(ours, np.asarray(usual).astype(int)) < 2.5
    with pytest.raises(ValueError, match="share is 0"):
        center_region(3, 3, 0)


@pytest.mark.parametrize(
    ("size", "shorter_side", "expected"),
    [((100, 75), 50, (67, 50)), ((75, 500), 32, (32, 213)), ((40, 30), 50, (40, 30))],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_shorter_side_is_resized_and_never_enlarged(
    size, shorter_side, expected, kind, decoder
):
    image = photo(*size)
    data = jpeg(image) if kind == "JPEG" else encoded(image)
    pixels = resized_pixels(data, shorter_side)
    assert pixels.shape == (expected[1], expected[0], 3)
    plain = Image.open(io.BytesIO(data)).resize(expected, Image.Resampling.BILINEAR)
    assert difference(pixels, np.asarray(plain).astype(int)) < 1
    again = Image.open(io.BytesIO(resized_jpeg(data, shorter_side, 90)))
    assert (again.format, again.mode, again.size) == ("JPEG", "RGB", expected)
    assert loss(resized_jpeg(data, shorter_side, 90), pixels) <= 1.1 * loss(
        jpeg(Image.fromarray(pixels), quality=90, subsampling=2), pixels
    )


def test_a_resized_jpeg_is_upright_and_of_the_quality_asked_for(decoder):
    file = with_orientation(photo(120, 80), 6)
    good, poor = resized_jpeg(file, 40, 95), resized_jpeg(file, 40, 20)
    with Image.open(io.BytesIO(good)) as image:
        assert image.size == (40, 60)
        assert dict(image.getexif()) == {}
    pixels = resized_pixels(file, 40)
    for ours, quality in ((good, 95), (poor, 20)):
        usual = jpeg(Image.fromarray(pixels), quality=quality, subsampling=2)
        assert loss(ours, pixels) == pytest.approx(loss(usual, pixels), rel=0.1)
    assert len(poor) < len(good)


def test_what_is_small_and_quick_to_decode_is_kept_as_it_is(decoder):
    small = jpeg(photo(50, 40), quality=97)
    assert resized_jpeg(small, 40, 90) is small
    slow = jpeg(photo(50, 40), progressive=True)
    assert resized_jpeg(slow, 40, 90) != slow
