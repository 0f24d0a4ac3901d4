"""Pictures are measured while they are decoded for features, once, and never again."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import EncodedImage, PixelImage
from dataparams.contents.region_decoding import decode_region
from dataparams.encoders import image_preparation, measuring
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.features import features_of
from dataparams.encoders.image_encoder import image_encoder
from dataparams.encoders.measuring import StoredMeasurements, measure_all, whole_picture
from dataparams.encoders.pixel_encoder import PixelEncoder
from made_contents import ListedContents
from made_copies import made_picture


class Sizes:
    """Keeps the size of each picture, and how many were measured."""

    key = "sizes-1"
    width = 8

    def __init__(self):
        self.measured = 0

    def measure(self, picture):
        self.measured += 1
        return np.array([picture.width, picture.height], dtype="<u4").view(np.uint8)


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path / "cache")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Pictures of different widths as files, the first of them twice."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(6):
        made_picture(number, 60 + number).save(folder / f"{number}.jpg")
    files = [folder / f"{number}.jpg" for number in (0, 1, 2, 3, 4, 5, 0)]
    return ListedContents([EncodedImage(None, str(file)) for file in files])


@pytest.fixture(scope="module")
def network():
    import timm

    return timm.create_model("test_efficientnet", num_classes=0)


def kept_sizes(cache, digests):
    found = StoredMeasurements(cache, Sizes()).read(
        np.frombuffer(bytes.fromhex(digests.str.join("")[0]), np.uint8).reshape(-1, 16)
    )
    return found.view("<u4").tolist()


def test_one_decoding_serves_features_and_measures(cache, pictures, network, monkeypatch):
    decoded: list[bytes] = []

    def counting(data, *arguments, **options):
        decoded.append(data)
        return decode_region(data, *arguments, **options)

    monkeypatch.setattr(image_preparation, "decode_region", counting)
    monkeypatch.setattr(measuring, "decode_region", lambda *_, **__: pytest.fail("decoded twice"))
    encoder = image_encoder("mine", network)
    features = features_of(pictures, range(7), encoder, cache, measuring=Sizes())
    assert len(decoded) == 6
    assert kept_sizes(cache, features.digests) == [
        [side, side] for side in (60, 61, 62, 63, 64, 65, 60)
    ]


def test_features_are_those_that_are_not_measured(tmp_path, pictures, network):
    encoder = image_encoder("mine", network)
    plain = features_of(pictures, range(7), encoder, FeatureCache(tmp_path / "one"))
    other = FeatureCache(tmp_path / "other")
    measured = features_of(pictures, range(7), encoder, other, measuring=Sizes())
    np.testing.assert_array_equal(plain.values, measured.values)


def test_what_was_measured_is_never_measured_again(cache, pictures):
    first, again = Sizes(), Sizes()
    features_of(pictures, range(7), PixelEncoder(), cache, measuring=first)
    features_of(pictures, range(7), PixelEncoder(), cache, measuring=again)
    assert (first.measured, again.measured) == (6, 0)


def test_another_encoder_measures_nothing_again(cache, pictures, network):
    features_of(pictures, range(7), PixelEncoder(), cache, measuring=Sizes())
    sizes = Sizes()
    found = features_of(pictures, range(7), image_encoder("b", network), cache, measuring=sizes)
    assert (found.computed, sizes.measured) == (6, 0)


def test_a_cache_of_features_alone_is_completed_without_the_network(cache, pictures):
    features_of(pictures, range(7), PixelEncoder(), cache)
    sizes = Sizes()
    found = features_of(pictures, range(7), PixelEncoder(), cache, measuring=sizes)
    assert (found.computed, sizes.measured) == (0, 6)
    assert len(kept_sizes(cache, found.digests)) == 7


def test_pictures_are_measured_without_an_encoder_and_damaged_ones_are_not(cache, pictures):
    contents = ListedContents([*pictures.read(range(7)), EncodedImage(b"no picture"),
                               UnreadableContentError("gone")])  # fmt: skip
    sizes = Sizes()
    kept = StoredMeasurements(cache, sizes)
    measure_all(contents, np.arange(9), sizes, kept)
    digests = [contents.read([row])[0].digest() for row in range(8)]
    words = np.frombuffer(bytes.fromhex("".join(digests)), np.uint8).reshape(-1, 16)
    assert kept.has(words).tolist() == [True] * 7 + [False]


def test_a_damaged_picture_is_unreadable_and_the_others_are_measured(cache, pictures):
    contents = ListedContents([EncodedImage(b"no picture"), *pictures.read(range(3))])
    sizes = Sizes()
    found = features_of(contents, range(4), PixelEncoder(), cache, measuring=sizes)
    assert list(found.unreadable) == [0]
    assert sizes.measured == 3


def test_a_turned_photograph_is_measured_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    made_picture(0, 40).resize((80, 40)).save(tmp_path / "turned.jpg", exif=exif)
    whole = whole_picture(EncodedImage(None, str(tmp_path / "turned.jpg")))
    assert (whole.width, whole.height, whole.pixels.shape) == (40, 80, (80, 40, 3))


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_pixels_that_were_never_encoded_are_measured(shape):
    whole = whole_picture(PixelImage(np.zeros(shape, np.uint8)))
    assert (whole.pixels.shape, whole.width, whole.height) == ((5, 7, 3), 7, 5)
