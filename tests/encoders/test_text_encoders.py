"""Texts become features: of any script and length, with the package's words or a model's."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.rows import Row
from dataparams.contents.texts import Text
from dataparams.encoders import word_embeddings
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.features import features_of
from dataparams.encoders.opening import open_encoder
from dataparams.encoders.sentence_model import SentenceModel
from dataparams.encoders.text_frequencies import WIDTH, joined, text_frequencies
from dataparams.encoders.text_preparation import MOST_LETTERS
from dataparams.errors import ArgumentError, MissingPackageError
from dataparams.sources.table_contents import TextContents
from made_sentence_models import save_sentence_model

CARDS = ["Where is my card?", "My card has not arrived yet.", "When will the new card come?"]
LOANS = ["I want to pay my loan back.", "How much do I owe on the loan?", "Which loans are cheap?"]


def encoded(texts, encoder=None):
    encoder = encoder or open_encoder(kind="text")
    return encoder.encode([encoder.prepare(Text(text)) for text in texts]).astype(np.float32)


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_texts_that_mean_alike_are_near():
    features = encoded([*CARDS, *LOANS])
    within = [cosine(features[a], features[b]) for a, b in ((0, 1), (0, 2), (3, 4))]
    between = [cosine(features[a], features[b]) for a in range(3) for b in range(3, 6)]
    assert min(within) > np.mean(between)


@pytest.mark.parametrize(
    "text",
    [
        "¿Dónde está mi tarjeta?",
        "أين بطاقتي؟",
        "我的卡在哪里",
        "🙂🙃",
        "a\x00b",
        "half a pair \ud83d alone",
        "x" * 300_000,
        ".",
    ],
)
def test_any_script_and_length_has_a_feature(text):
    (feature,) = encoded([text])
    assert np.isfinite(feature).all()
    assert np.abs(feature).max() > 0


@pytest.mark.parametrize("text", ["", "  \n\t ", "\u3000"])
def test_a_text_without_words_is_said_to_be_empty(text):
    with pytest.raises(UnreadableContentError, match="empty"):
        open_encoder(kind="text").prepare(Text(text))


def test_what_is_no_text_is_refused():
    with pytest.raises(UnreadableContentError, match="no text"):
        open_encoder(kind="text").prepare(Row(("a",), (1,)))


def test_what_comes_after_the_first_letters_of_a_long_text_does_not_count():
    beginning = "card " * (MOST_LETTERS // 5)
    first, second = encoded([beginning, beginning + "loan " * 1000])
    np.testing.assert_array_equal(first, second)


def test_a_feature_does_not_depend_on_the_other_texts_and_is_kept(tmp_path):
    cache = FeatureCache(tmp_path)
    encoder = open_encoder(kind="text")
    contents = TextContents(pl.Series([*CARDS, *LOANS, "", None, CARDS[0]]))
    features = features_of(contents, range(9), encoder, cache)
    assert features.rows.tolist() == [0, 1, 2, 3, 4, 5, 8]
    assert features.unreadable == {6: "the text is empty", 7: "there is no text"}
    np.testing.assert_array_equal(features.values[0], features.values[-1])
    np.testing.assert_array_equal(features.values[:1], encoded(CARDS[:1]).astype(np.float16))
    assert features_of(contents, range(9), encoder, cache).computed == 0


def test_without_its_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(word_embeddings, "find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match=r"dataparams\[app\]"):
        open_encoder(kind="text")


# --- frequencies ---------------------------------------------------------------------------------


def test_words_that_are_spelled_alike_are_near():
    found = text_frequencies(["payement", "payment", "paiment", "chargeback", "charge back"])
    assert cosine(found[0], found[1]) > cosine(found[0], found[3])
    assert cosine(found[3], found[4]) > cosine(found[0], found[4])


@pytest.mark.parametrize(
    "texts", [["a"], ["ab", "cd"], ["same", "same"], ["", "x"], ["é", "ß", "字"]]
)
def test_texts_with_little_in_common_have_frequencies_too(texts):
    found = text_frequencies(texts)
    assert found.shape == (len(texts), WIDTH)
    assert np.isfinite(found).all()
    assert np.isfinite(joined(found, found, 0.5)).all()


# --- models in folders ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small model that has learned nothing, as transformers saves it."""
    pytest.importorskip("sentence_transformers")
    return save_sentence_model(tmp_path_factory.mktemp("model"))


def test_a_model_in_a_folder_makes_features(model, capfd):
    encoder = open_encoder(str(model), kind="text")
    assert encoder.width == 16
    features = encoded(["where is my card", "loan"], encoder)
    alone = encoded(["loan"], encoder)
    np.testing.assert_allclose(features[1], alone[0], atol=2e-3)
    assert isinstance(encoder, SentenceModel)
    assert encoder.truncated == 0
    encoded(["a long text " * 20], encoder)
    assert encoder.truncated == 1
    assert capfd.readouterr() == ("", "")


def test_the_key_of_a_model_is_of_its_files(model, tmp_path):
    import shutil

    again = Path(shutil.copytree(model, tmp_path / model.name))
    assert open_encoder(str(again), kind="text").key == open_encoder(str(model), kind="text").key
    (again / "config.json").write_text((again / "config.json").read_text() + "\n")
    assert open_encoder(str(again), kind="text").key != open_encoder(str(model), kind="text").key


def test_code_of_a_model_is_never_run(tmp_path):
    pytest.importorskip("sentence_transformers")
    (tmp_path / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "", "type": "os.path"}]'
    )
    with pytest.raises(ArgumentError, match="never run"):
        open_encoder(str(tmp_path), kind="text")


def test_a_folder_without_a_model_is_refused(tmp_path):
    pytest.importorskip("sentence_transformers")
    with pytest.raises(ArgumentError, match=r"neither modules.json nor config.json"):
        open_encoder(str(tmp_path), kind="text")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ArgumentError, match="cannot be opened"):
        open_encoder(str(tmp_path), kind="text")


def test_without_its_library_a_model_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    monkeypatch.setattr("dataparams.encoders.sentence_model.find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match="pip install sentence-transformers"):
        open_encoder(str(tmp_path), kind="text")


def test_names_that_can_be_no_model_and_weights_of_images_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match="is not known"):
        open_encoder("no/such/folder", kind="text")
    with pytest.raises(ArgumentError, match="encoder=FOLDER"):
        open_encoder(kind="text", weights=tmp_path / "weights.pth")
