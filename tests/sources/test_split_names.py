"""The words for splits, as people spell them."""

from __future__ import annotations

import pytest

from dataparams.sources.split_names import choose_splits, split_word


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("train", "val"),
        ("Train", "Valid"),
        ("training", "testing"),
        ("train_set", "test_set"),
        ("trainset", "testset"),
        ("Training Data", "Validation Data"),
        ("train-images", "eval"),
        ("trainval", "tests"),
        ("train", "hold_out"),
        ("train", "holdout"),
        ("train", "Dev-Set"),
        ("train", "validate"),
        ("train", "evaluation"),
    ],
)
def test_spellings_of_the_two_splits(train, val):
    assert choose_splits([val, "unlabeled", "extra", train]) == (train, val)


def test_validation_goes_before_test_and_the_plain_name_before_a_longer_one():
    assert choose_splits(["test", "val", "train_set", "train"]) == ("train", "val")
    assert choose_splits(["train", "train_set"]) == ("train", None)


@pytest.mark.parametrize(
    "name", ["test_tube", "trains", "contest", "values", "device", "trainer", "protest", "cat", ""]
)
def test_other_names_are_no_splits(name):
    assert choose_splits([name]) == (None, None)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("train-00000-of-00002", "train"),
        ("pets_trainset_v2", "train"),
        ("pets.training", "training"),
        ("VALIDATION", "validation"),
        ("fold1_eval", "eval"),
        ("hold-out-3", "hold-out"),
        ("latest", None),
        ("pretrained", None),
        ("extra", None),
    ],
)
def test_the_split_in_a_longer_name(name, word):
    assert split_word(name) == word
