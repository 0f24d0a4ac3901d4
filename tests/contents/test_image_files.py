"""Reading files that may be anything, and images that people name oddly or store in many ways."""

from __future__ import annotations

import importlib
import io
import os
import socket
import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageFile, features

from dataparams.contents import image_files
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.heic import can_read_heic, heic_formats, is_heic
from dataparams.contents.image_files import (
    decode_block,
    decode_upright,
    decode_whole,
    read_file,
    read_header,
)
from dataparams.contents.images import EncodedImage
from dataparams.contents.region_decoding import resized_pixels
from made_images import encoded, picture

NEEDS_PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


@NEEDS_PIPES
@pytest.mark.timeout(20)
def test_a_named_pipe_is_refused_at_once(tmp_path):
    pipe = tmp_path / "cat.png"
    os.mkfifo(pipe)
    with pytest.raises(UnreadableContentError, match="it is a named pipe, not a file"):
        read_file(pipe)
    assert decode_block([pipe], 8) == ["it is a named pipe, not a file"]
    with pytest.raises(UnreadableContentError, match="named pipe"):
        EncodedImage(None, str(pipe)).loaded()
    (tmp_path / "link.png").symlink_to(pipe)
    assert read_header(tmp_path / "link.png") == "it is a named pipe, not a file"


@pytest.mark.skipif(sys.platform == "win32", reason="folders and devices are opened otherwise")
def test_what_is_no_file_says_so(tmp_path, monkeypatch):
    folder = tmp_path / "cat.png"
    folder.mkdir()
    assert decode_upright(folder) == "it is a folder, not a file"
    assert decode_upright(os.devnull) == "it is a device, not a file"
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        assert decode_upright("socket.png") == "it is a socket, not a file"


def test_no_descriptor_is_left_open(tmp_path):
    good = tmp_path / "good.bin"
    good.write_bytes(b"abc")
    sources = [good, tmp_path, tmp_path / "missing", good]
    before = os.open(good, os.O_RDONLY)
    os.close(before)
    for source in sources:
        decode_upright(source)
    after = os.open(good, os.O_RDONLY)
    os.close(after)
    assert after == before


def test_a_file_is_read_whole_and_too_large_a_one_never(tmp_path, monkeypatch):
    file = tmp_path / "some.bin"
    data = bytes(range(256)) * 5000 + b"\r\n\x1a"
    file.write_bytes(data)
    assert read_file(file) == read_file(str(file)) == data
    monkeypatch.setattr(image_files, "MOST_FILE_BYTES", len(data) - 1)
    with pytest.raises(
        UnreadableContentError, match=r"1,280,003 bytes; expected at most 1,280,002"
    ):
        read_file(file)
    (tmp_path / "empty").touch()
    assert read_file(tmp_path / "empty") == b""
    for path, reason in ((tmp_path / "none", "the file is missing"), ("a\0b", "null")):
        with pytest.raises(UnreadableContentError, match=reason):
            read_file(path)


def test_a_name_that_is_not_utf_8_is_read(tmp_path):
    name = os.fsdecode(os.fsencode(str(tmp_path)) + b"/caf\xe9.bin")
    try:
        with open(name, "wb") as stream:  # noqa: PTH123
            stream.write(b"abc")
    except OSError:
        pytest.skip("this file system has no such names")
    assert read_file(name) == b"abc"


def _heic_bytes(*brands: bytes) -> bytes:
    major, *compatible = brands
    content = b"ftyp" + major + bytes(4) + b"".join(compatible)
    return struct.pack(">I", 4 + len(content)) + content


@pytest.mark.parametrize(
    ("brands", "expected"),
    [
        ((b"heic", b"mif1", b"heic"), True),
        ((b"heix",), True),
        ((b"mif1", b"mif1", b"heic"), True),
        ((b"msf1", b"hevc"), True),
        ((b"mif1", b"avif", b"miaf"), False),
        ((b"avif", b"mif1"), False),
        ((b"isom", b"mp42"), False),
    ],
)
def test_heic_images_are_told_by_their_brands(brands, expected):
    assert is_heic(_heic_bytes(*brands)) is expected


@pytest.mark.skipif("avif" not in features.modules, reason="this Pillow has no AVIF")
def test_an_avif_is_not_taken_for_a_heic():
    data = encoded(picture((250, 0, 0), (32, 32)), "AVIF")
    assert np.asarray(decode_upright(data))[0, 0, 0] > 200


@pytest.fixture
def packages(monkeypatch):
    """Forget whether there is a package for HEIC, before and after."""
    heic_formats.cache_clear()
    yield monkeypatch
    heic_formats.cache_clear()


def test_without_the_package_its_name_is_the_reason(packages):
    packages.setattr("dataparams.contents.heic.can_read_heic", lambda: False)
    data = _heic_bytes(b"heic", b"mif1") + bytes(100)
    reason = "HEIC images need the package pillow-heif"
    assert decode_block([data, data], 8) == [reason, reason]
    assert read_header(data) == reason
    for decode in (lambda: decode_whole(data, 240), lambda: resized_pixels(data, 64)):
        with pytest.raises(UnreadableContentError, match=reason):
            decode()


class _TurnedImage(ImageFile.ImageFile):
    """A decoder that turns pictures itself and leaves the orientation in the metadata."""

    format = "HEIF"

    def _open(self):
        self._mode, self._size = "RGB", (2, 3)
        exif = Image.Exif()
        exif[0x0112] = 6
        self.info["exif"] = exif.tobytes()
        self.tile = []

    def load(self):
        self.im = Image.new("RGB", (2, 3), (1, 2, 3)).im
        self.im.putpixel((1, 0), (9, 9, 9))
        return super().load()


def test_with_the_package_its_opener_is_registered_once_and_pictures_are_not_turned_twice(packages):
    registered = []

    def register():
        registered.append(1)
        Image.register_open("HEIF", _TurnedImage, is_heic)

    stand_in = SimpleNamespace(register_heif_opener=register)
    packages.setitem(sys.modules, "pillow_heif", stand_in)
    packages.setattr("dataparams.contents.heic.can_read_heic", lambda: True)
    packages.setattr(Image, "OPEN", dict(Image.OPEN))
    packages.setattr(Image, "ID", list(Image.ID))
    data = _heic_bytes(b"heic") + bytes(100)
    upright = decode_upright(data)
    assert upright.shape == (3, 2, 3)
    assert upright[0].tolist() == [[1, 2, 3], [9, 9, 9]]
    (loaded,) = decode_block([data], None)
    for pixels in (loaded.pixels, decode_whole(data, 100), resized_pixels(data, 100)):
        assert np.array_equal(pixels, upright)
    assert read_header(data) == ("HEIF", 2, 3)
    assert registered == [1]


@pytest.mark.skipif(not can_read_heic(), reason="pillow-heif is not installed")
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_heic_is_upright_in_each_way_of_decoding(orientation):
    importlib.import_module("pillow_heif").register_heif_opener()
    stored = np.zeros((64, 96, 3), np.uint8)
    stored[:32, :48], stored[32:, 48:] = (240, 10, 10), (10, 240, 10)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(stored)
    image.info["exif"] = exif.tobytes()
    expected = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]
    data = encoded(image, "HEIF", quality=95)
    upright = np.rot90(stored, expected).astype(int)
    (loaded,) = decode_block([data], None)
    for pixels in (
        loaded.pixels,
        decode_upright(data),
        decode_whole(data, 100),
        resized_pixels(data, 100),
    ):
        assert pixels.shape == upright.shape
        assert np.abs(pixels.astype(int) - upright).mean() < 8


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_of_several_frames_the_first_is_taken(kind):
    frames = [picture(color, (12, 10)) for color in ((250, 0, 0), (0, 250, 0), (0, 0, 250))]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert getattr(Image.open(io.BytesIO(data)), "n_frames", 1) == 3
    (loaded,) = decode_block([data], None)
    for pixels in (loaded.pixels, decode_upright(data), decode_whole(data, 5)):
        assert np.abs(pixels.astype(int) - [250, 0, 0]).max() <= 3


@pytest.mark.parametrize(
    ("longest_side", "size"), [(640, (1500, 1000)), (240, (750, 500)), (160, (375, 250))]
)
def test_a_thumbnail_is_decoded_no_larger_than_it_needs(longest_side, size, monkeypatch):
    photo = Image.effect_noise((3000, 2000), 50).convert("RGB")
    data = encoded(photo, "JPEG", quality=90)
    seen = []
    shrink = image_files.shrink

    def recorded(image, side):
        seen.append(image.size)
        return shrink(image, side)

    monkeypatch.setattr(image_files, "shrink", recorded)
    pixels = decode_whole(data, longest_side)
    assert max(pixels.shape) == longest_side
    assert seen == [size]
