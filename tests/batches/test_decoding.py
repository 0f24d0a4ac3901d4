"""Decoding images of many kinds, whole and damaged."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from dataparams.batches import decoding
from dataparams.errors import DataError
from made_contents import listed_images
from made_images import encoded, picture


def decode(*sources, image_size=None):
    contents = listed_images(sources)
    return decoding.decode_images(contents, range(len(contents)), image_size=image_size)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    upright = np.zeros((6, 4, 3), dtype=np.uint8)
    upright[0, 0], upright[0, 3], upright[5, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = Image.fromarray(upright)
    if orientation in undo:
        stored = stored.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    images = decode(encoded(stored, exif=exif)).images
    assert np.array_equal(images[0].permute(1, 2, 0).numpy(), upright)


def test_transparency_is_laid_on_white():
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    half = Image.new("RGBA", (2, 1), (0, 0, 0, 128))
    key = Image.new("RGB", (2, 1), (0, 0, 255))
    gray_alpha = Image.new("LA", (2, 1), (0, 0))
    images = decode(
        encoded(palette, transparency=0),
        encoded(palette, transparency=b"\x00\xff"),
        encoded(half),
        encoded(key, transparency=(0, 0, 255)),
        encoded(gray_alpha),
    ).images
    for row in (0, 1):
        assert images[row, :, 0, 0].tolist() == [255, 255, 255]
        assert images[row, :, 0, 1].tolist() == [0, 0, 255]
    assert images[2, :, 0, 0].tolist() == [127, 127, 127]
    assert images[3, :, 0, 0].tolist() == images[4, :, 0, 0].tolist() == [255, 255, 255]


def test_cmyk_and_palette_become_rgb():
    cmyk = encoded(picture((255, 0, 0, 0), mode="CMYK"), "JPEG", quality=95)
    palette = encoded(picture((0, 255, 255)).convert("P", palette=Image.Palette.ADAPTIVE))
    images = decode(cmyk, palette).images.int()
    expected = torch.tensor([0, 255, 255]).view(1, 3, 1, 1)
    assert int((images - expected).abs().max()) <= 3


def test_sixteen_bit_gray_becomes_eight_bit():
    values = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    for kind in ("PNG", "TIFF"):
        images = decode(encoded(Image.fromarray(values), kind)).images
        assert images.shape == (1, 1, 1, 4)
        assert images.flatten().tolist() == [0, 1, 128, 255]


def test_gray_stays_one_channel_until_a_color_appears():
    gray = [encoded(picture(i, mode="L")) for i in range(5)]
    bits = encoded(picture(1, mode="1"))
    assert decode(*gray, bits).images.shape == (6, 1, 10, 12)
    images = decode(*gray, encoded(picture((9, 8, 7)))).images
    assert images.shape == (6, 3, 10, 12)
    assert images[3].unique().tolist() == [3]
    assert images[5, :, 0, 0].tolist() == [9, 8, 7]


def test_small_images_of_one_size_keep_it_and_others_become_64():
    same = [encoded(picture((1, 2, 3), (96, 20)))] * 3
    assert decode(*same).images.shape == (3, 3, 20, 96)
    odd = encoded(picture((1, 2, 3), (20, 96)))
    assert decode(*same, odd).images.shape == (4, 3, 64, 64)
    large = encoded(picture((1, 2, 3), (97, 97)))
    assert decode(large, large).images.shape == (2, 3, 64, 64)
    assert decode(*same, large).images[3].flatten(1).unique(dim=1).flatten().tolist() == [1, 2, 3]


def test_a_late_odd_size_gives_what_an_early_one_gives():
    generator = np.random.default_rng(0)
    small = [
        encoded(Image.fromarray(generator.integers(0, 256, (30, 40, 3), dtype=np.uint8)))
        for _ in range(3)
    ]
    odd = encoded(picture(7, (50, 70), "L"))
    late, early = decode(*small, odd).images, decode(odd, *small).images
    assert torch.equal(late[:3], early[1:])
    assert torch.equal(late[3], early[0])


def test_the_middle_is_cropped_and_the_shorter_side_resized():
    wide = np.zeros((100, 300, 3), dtype=np.uint8)
    wide[:, 100:200] = 200
    images = decode(encoded(Image.fromarray(wide)), image_size=50).images
    assert images.shape == (1, 3, 50, 50)
    assert images[..., 1:-1].unique().tolist() == [200]


def test_a_large_jpeg_is_like_its_plain_resize():
    generator = np.random.default_rng(0)
    coarse = Image.fromarray(generator.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    photo = coarse.resize((1200, 1200), Image.Resampling.BICUBIC)
    fast = decode(encoded(photo, "JPEG", quality=95), image_size=32).images[0]
    plain = photo.resize((32, 32), Image.Resampling.BILINEAR)
    difference = np.abs(fast.permute(1, 2, 0).numpy().astype(int) - np.asarray(plain).astype(int))
    assert difference.mean() < 6


def test_damaged_images_are_left_out_with_their_reason(tmp_path, monkeypatch):
    good = encoded(picture((1, 2, 3), (80, 80)))
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    truncated = encoded(Image.fromarray(noise), "JPEG")[:2000]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6000)
    bomb = encoded(picture(0, (200, 200), "L"))
    sources = [good, b"", good, truncated, b"not an image", good, None, bomb, good]
    sources += [tmp_path / "missing.png", good, good]
    decoded = decode(*sources)
    assert decoded.rows.tolist() == [0, 2, 5, 8, 10, 11]
    assert decoded.images.shape == (6, 3, 80, 80)
    assert sorted(decoded.reasons) == [1, 3, 4, 6, 7, 9]
    assert decoded.reasons[1] == "the image is empty (0 bytes)"
    assert "truncated" in decoded.reasons[3]
    assert decoded.reasons[4] == "not an image of a known format"
    assert decoded.reasons[6] == "there is no image"
    assert "decompression bomb" in decoded.reasons[7]
    assert decoded.reasons[9] == "the file is missing"


def test_a_warning_of_pillow_does_not_leak(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert len(decode(encoded(picture(0, (12, 12), "L"))).images) == 1


def test_mostly_unreadable_is_an_error():
    good = encoded(picture(0, mode="L"))
    assert len(decode(good, b"x").images) == 1
    with pytest.raises(DataError, match=r"2 of 3 images cannot be read.*not an image.*0 bytes"):
        decode(good, b"x", b"")
    with pytest.raises(DataError, match=r"2 of 2 images cannot be read"):
        decode(b"x", b"x")


def test_too_little_memory_is_said_before_it_is_used(monkeypatch):
    monkeypatch.setattr(decoding, "free_memory", lambda: 1_000_000)
    with pytest.raises(DataError, match=r"100 images of 224 x 224 .* 0\.0 GB.*`image_size`"):
        decode(*[encoded(picture((0, 0, 0)))] * 100, image_size=224)


def test_progress_reaches_the_total():
    seen = []
    decoding.decode_images(
        listed_images([encoded(picture(0, mode="L"))] * 130),
        range(130),
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(64, 130), (128, 130), (130, 130)]
