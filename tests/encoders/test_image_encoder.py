"""Images are seen as timm would show them to the network, and every feature is its image's own."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch import nn

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import EncodedImage, PixelImage
from dataparams.encoders.bundled_encoder import (
    Bundled,
    bundled_encoder,
    bundled_names,
    bundled_network,
    find_bundled,
)
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.features import features_of
from dataparams.encoders.image_encoder import ImageEncoder, image_encoder
from dataparams.encoders.image_preparation import ImagePreparation
from dataparams.encoders.opening import open_encoder
from dataparams.errors import DataError
from made_contents import ListedContents, Text
from made_images import encoded

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def bundled():
    return open_encoder()


def photo(name="flower.jpg"):
    import sklearn.datasets

    return Image.open(Path(sklearn.datasets.__file__).parent / "images" / name).convert("RGB")


def preparation(**changes):
    usual = ImagePreparation(160, 160, 0.875, "center", "bicubic", *IMAGENET)
    return replace(usual, **changes)


def by_timm(image, made):
    transform = timm.data.create_transform(
        (3, made.height, made.width),
        interpolation=made.interpolation,
        crop_pct=made.crop_share,
        crop_mode=made.crop_mode,
        use_prefetcher=True,
    )
    return np.asarray(transform(image)).transpose(1, 2, 0)


def as_content(image, kind="PNG", **options):
    return EncodedImage(encoded(image, kind, **options))


# --- preparation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"interpolation": "bilinear"},
        {"crop_share": 1.0},
        {"crop_mode": "squash"},
        {"crop_mode": "squash", "crop_share": 0.9},
        {"crop_mode": "border"},
        {"height": 128, "width": 96},
        {"interpolation": "lanczos"},
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "pixels"])
def test_the_network_sees_what_timm_would_show_it(changes, kind):
    image = photo().resize((500, 333), Image.Resampling.BICUBIC)
    made = preparation(**changes)
    if kind == "pixels":
        content = PixelImage(np.asarray(image))
    else:
        content = as_content(image, kind, **({"quality": 95} if kind == "JPEG" else {}))
    prepared = made.prepare(content)
    assert (prepared.shape, prepared.dtype) == ((made.height, made.width, 3), np.uint8)
    gap = np.abs(prepared.astype(float) - by_timm(image, made))
    # Their edges lie between pixels, ours on them.
    assert gap.mean() < 6.0


@pytest.mark.parametrize("name", bundled_names())
def test_a_bundled_networks_preparation_is_that_of_timms_configuration(name, monkeypatch, tmp_path):
    (tmp_path / "weights").write_bytes(b"not looked at")
    monkeypatch.setattr(Bundled, "file", lambda _: tmp_path / "weights")
    bundled = find_bundled(name)
    assert bundled is not None
    said = timm.data.resolve_model_data_config(timm.create_model(bundled.network))
    assert bundled_encoder(bundled).preparation == ImagePreparation.of_timm(said)


def test_every_kind_of_image_is_prepared_as_it_is_looked_at():
    made = preparation(height=32, width=32, crop_share=1.0)
    gray = Image.new("L", (40, 40), 90)
    transparent = Image.new("RGBA", (40, 40), (200, 0, 0, 0))
    deep = Image.fromarray(np.full((40, 40), 90 * 257, np.uint16))
    palette = Image.new("RGB", (40, 40), (10, 200, 30)).quantize(4)
    for content, color in [
        (as_content(gray), (90, 90, 90)),
        (as_content(gray, "JPEG"), (90, 90, 90)),
        (PixelImage(np.full((40, 40), 90, np.uint8)), (90, 90, 90)),
        (as_content(transparent), (255, 255, 255)),
        (as_content(deep), (90, 90, 90)),
        (as_content(palette), (10, 200, 30)),
        (as_content(Image.new("RGB", (1, 1), (9, 8, 7))), (9, 8, 7)),
        (as_content(Image.new("RGB", (1, 900), (9, 8, 7))), (9, 8, 7)),
    ]:
        prepared = made.prepare(content)
        assert prepared.shape == (32, 32, 3)
        np.testing.assert_allclose(prepared[16, 16], color, atol=4)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_that_lies_on_its_side_is_turned_first(kind):
    upright = photo().resize((90, 60))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    made = preparation(height=48, width=48)
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    one = made.prepare(as_content(upright, kind, **options)).astype(float)
    other = made.prepare(as_content(turned, kind, exif=exif, **options)).astype(float)
    assert np.abs(one - other).mean() < 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (EncodedImage(b""), "empty"),
        (EncodedImage(b"no image"), "not an image"),
        (EncodedImage(None, "/nowhere/a.jpg"), "missing"),
        (PixelImage(np.zeros((0, 4), np.uint8)), "no pixels"),
        (Text("a text"), "no image"),
    ],
)
@pytest.mark.parametrize("crop_mode", ["center", "border"])
def test_what_is_no_image_is_unreadable(content, reason, crop_mode):
    with pytest.raises(UnreadableContentError, match=reason):
        preparation(crop_mode=crop_mode).prepare(content)


# --- the network ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "wordnet"), [("flower.jpg", "daisy"), ("china.jpg", "palace")])
def test_the_bundled_weights_recognize_what_a_photograph_shows(name, wordnet, bundled):
    pixels = bundled.prepare(as_content(photo(name), "JPEG", quality=95))
    images = (torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255 - 0.5) / 0.5
    with torch.inference_mode():
        likeliest = int(bundled_network().eval()(images).argmax())
    assert timm.data.ImageNetInfo().index_to_description(likeliest).startswith(wordnet)


def test_a_feature_is_the_same_bit_for_bit_whatever_is_beside_it(bundled):
    random = np.random.default_rng(0)
    pixels = list(random.integers(0, 256, (11, 224, 224, 3), dtype=np.uint8))
    by_batches = np.concatenate([bundled.encode(pixels[:8]), bundled.encode(pixels[8:])])
    alone = np.concatenate([bundled.encode([one]) for one in pixels])
    backwards = bundled.encode(pixels[:2:-1])[::-1]
    np.testing.assert_array_equal(by_batches, alone)
    np.testing.assert_array_equal(by_batches[3:], backwards)


def test_features_do_not_depend_on_what_is_kept_already(tmp_path):
    torch.manual_seed(0)
    network = timm.create_model("test_efficientnet", num_classes=0)
    random = np.random.default_rng(0)
    images = ListedContents(
        PixelImage(one) for one in random.integers(0, 256, (30, 20, 20, 3), np.uint8)
    )
    encoder = image_encoder("test", network)
    whole = features_of(images, range(30), encoder, FeatureCache(tmp_path / "a"))
    cache = FeatureCache(tmp_path / "b")
    features_of(images, range(0, 30, 7), encoder, cache)
    parts = features_of(images, range(30), encoder, cache)
    assert parts.computed == 25
    np.testing.assert_array_equal(whole.values, parts.values)


class Constant(nn.Module):
    """Gives the same numbers for every image."""

    def __init__(self, *numbers):
        super().__init__()
        self.numbers = nn.Parameter(torch.tensor(numbers))

    def forward(self, images):
        return self.numbers.expand(len(images), -1)


def constant_encoder(*numbers):
    return ImageEncoder("constant", "w", len(numbers), preparation(), lambda: Constant(*numbers))


def test_numbers_beyond_half_precision_are_its_largest():
    encoder = constant_encoder(1e6, -1e6, 70000.0, 3.0)
    features = encoder.encode([np.zeros((160, 160, 3), np.uint8)])
    assert features.tolist() == [[65504.0, -65504.0, 65504.0, 3.0]]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_hidden(bad, tmp_path):
    encoder = constant_encoder(1.0, bad)
    images = ListedContents([PixelImage(np.zeros((9, 9), np.uint8))])
    with pytest.raises(DataError, match="The encoder constant gave"):
        features_of(images, [0], encoder, FeatureCache(tmp_path))


def test_a_key_is_a_folders_name_and_tells_preparations_apart():
    torch.manual_seed(0)
    network = timm.create_model("test_efficientnet", num_classes=0)
    name = "my net/v2: best"
    keys = [
        image_encoder(name, network).key,
        ImageEncoder(name, "w", 8, preparation(), lambda: network).key,
        ImageEncoder(name, "w", 8, preparation(crop_share=1.0), lambda: network).key,
        ImageEncoder(name, "other weights", 8, preparation(), lambda: network).key,
    ]
    assert len(set(keys)) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", key) for key in keys)
    assert image_encoder(name, network).key == keys[0]


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "test_convnext"])
def test_networks_of_every_kind_give_a_row_of_numbers(name):
    torch.manual_seed(0)
    encoder = image_encoder(name, timm.create_model(name, num_classes=0))
    features = encoder.encode([encoder.prepare(PixelImage(np.zeros((50, 70, 3), np.uint8)))])
    assert features.shape == (1, encoder.width)
    assert features.dtype == np.float16


def test_a_photo_of_each_format_has_nearly_the_same_feature(bundled):
    image = photo()
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95)
    contents = [EncodedImage(stream.getvalue()), as_content(image), PixelImage(np.asarray(image))]
    features = bundled.encode([bundled.prepare(one) for one in contents]).astype(float)
    for other in features[1:]:
        cosine = features[0] @ other / np.linalg.norm(features[0]) / np.linalg.norm(other)
        assert cosine > 0.97
