"""Injected label noise and labels from files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.batches import LabeledImages, apply_noise, corrupt_labels, read_labels
from dataparams.errors import DataError, UserError
from dataparams.training import TrainConfig
from dataparams.training.preparation import prepare_data

NAMES = ("cat", "dog", "horse")


@st.composite
def label_sets(draw):
    num_classes = draw(st.integers(2, 7))
    labels = draw(st.lists(st.integers(0, num_classes - 1), max_size=60))
    return torch.tensor(labels, dtype=torch.int64), num_classes


ARGUMENTS = {"given_labels": label_sets(), "fraction": st.floats(0, 1), "seed": st.integers(0, 99)}


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(["swap", "symmetric", "pairflip"]), **ARGUMENTS)
def test_truth_is_kept_and_at_most_the_fraction_changes(kind, given_labels, fraction, seed):
    labels, num_classes = given_labels
    before = labels.clone()
    noisy = corrupt_labels(labels, kind=kind, fraction=fraction, num_classes=num_classes, seed=seed)
    again = corrupt_labels(labels, kind=kind, fraction=fraction, num_classes=num_classes, seed=seed)
    assert torch.equal(labels, before)
    assert torch.equal(noisy.true_labels, before)
    assert torch.equal(noisy.is_corrupted, noisy.labels != before)
    assert torch.equal(noisy.labels, again.labels)
    chosen = round(fraction * len(labels))
    if kind == "swap":
        assert torch.equal(noisy.labels.sort().values, before.sort().values)
        assert int(noisy.is_corrupted.sum()) <= chosen
    else:
        assert int(noisy.is_corrupted.sum()) == chosen
        assert noisy.labels.numel() == 0 or int(noisy.labels.min()) >= 0
        assert noisy.labels.numel() == 0 or int(noisy.labels.max()) < num_classes
    if kind == "pairflip":
        wrong = noisy.is_corrupted
        assert torch.equal(noisy.labels[wrong], (before[wrong] + 1) % num_classes)


def test_swap_leaves_few_labels_right_by_chance():
    labels = torch.arange(10_000) % 10
    noisy = corrupt_labels(labels, kind="swap", fraction=0.4, num_classes=10, seed=1)
    # Of 4,000 chosen, a tenth keeps its class: 400 +- 3 x 19.
    assert 3540 < int(noisy.is_corrupted.sum()) < 3660


def test_symmetric_reaches_every_other_class_alike():
    labels = torch.zeros(9000, dtype=torch.int64)
    noisy = corrupt_labels(labels, kind="symmetric", fraction=1.0, num_classes=4, seed=1)
    counts = torch.bincount(noisy.labels, minlength=4).tolist()
    assert counts[0] == 0
    assert all(2800 < count < 3200 for count in counts[1:])


def test_the_global_random_state_plays_no_part():
    labels = torch.arange(100) % 5
    torch.manual_seed(1)
    state = torch.get_rng_state()
    corrupt_labels(labels, kind="swap", fraction=0.5, num_classes=5, seed=3)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_a_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(UserError, match="expected a number 0"):
        corrupt_labels(torch.zeros(3), kind="swap", fraction=fraction, num_classes=2, seed=0)


def train_split() -> LabeledImages:
    """Three of five samples of a source: 0, 2 and 4."""
    return LabeledImages(
        torch.zeros(3, 1, 2, 2, dtype=torch.uint8),
        torch.tensor([0, 1, 2]),
        ("a", "b", "c"),
        torch.tensor([0, 2, 4]),
        5,
    )


def test_a_file_names_samples_by_their_index_in_the_source(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("index,label\n4,dog\n1,horse\n0,0\n")
    noisy_train, noisy = apply_noise(train_split(), f"file:{path}", 0.0, seed=0, class_names=NAMES)
    assert noisy_train.labels.tolist() == [0, 1, 1]
    assert noisy.true_labels.tolist() == [0, 1, 2]
    assert noisy.is_corrupted.tolist() == [False, False, True]
    assert noisy_train.index.tolist() == [0, 2, 4]


def test_apply_noise_by_a_rule():
    noisy_train, noisy = apply_noise(train_split(), "pairflip", 1.0, seed=0, class_names=NAMES)
    assert noisy_train.labels.tolist() == noisy.labels.tolist() == [1, 2, 0]


def test_an_unknown_noise_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"no noise 'symetric'.*Did you mean 'symmetric'"):
        apply_noise(train_split(), "symetric", 0.1, seed=0, class_names=NAMES)


def test_an_unknown_noise_is_refused_before_the_data_also_where_it_would_change_nothing():
    with pytest.raises(UserError, match=r"no noise 'symetric'.*Did you mean 'symmetric'"):
        prepare_data(TrainConfig(dataset="nowhere", noise="symetric", rand_fraction=0.0))


def test_labels_from_npy_and_from_a_csv_with_a_row_per_sample(tmp_path):
    np.save(tmp_path / "labels.npy", np.array([2, 1, 0], dtype=np.int32))
    (tmp_path / "labels.csv").write_text("label\nhorse\n1\ncat\n")
    for name in ("labels.npy", "labels.csv"):
        labels = read_labels(tmp_path / name, num_instances=3, class_names=NAMES)
        assert labels.dtype == torch.int64
        assert labels.tolist() == [2, 1, 0]


def test_a_partial_csv_keeps_the_others(tmp_path):
    (tmp_path / "labels.csv").write_text("Index, Label\n2,dog\n")
    labels = read_labels(tmp_path / "labels.csv", num_instances=4, class_names=NAMES)
    assert labels.tolist() == [-1, -1, 1, -1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label\ncat\n", "has 1 labels; expected 3"),
        ("label\ncat\ncat\nhosre\n", "Row 2 .* label 'hosre'.*Did you mean 'horse'"),
        ("label\ncat\ncat\n3\n", r"Row 2 .* label 3; expected 0 \.\.\. 2"),
        ("index,label\n3,cat\n", r"Row 0 .* index '3'; expected 0 \.\.\. 2"),
        ("index,label\n1,cat\n1,dog\n", "Rows 0 and 1 .* both have the index 1"),
        ("index,class\n1,cat\n", "has the columns index, class; expected 'label'"),
        ("", "cannot be read as CSV"),
    ],
)
def test_csv_that_cannot_be_used(tmp_path, text, message):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_labels(path, num_instances=3, class_names=NAMES)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([0, 1]), r"has shape \(2,\); expected \(3,\)"),
        (np.array([0.0, 1.0, 2.0]), "holds float64; expected one array of integers"),
        (np.array([0, 1, 3]), "Row 2 .* label 3"),
        (np.array([0, -1, 2]), "Row 1 .* label -1"),
        (np.array([{}, 1, 2], dtype=object), "cannot be read as a NumPy file"),
    ],
)
def test_npy_that_cannot_be_used(tmp_path, array, message):
    path = tmp_path / "labels.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(DataError, match=message):
        read_labels(path, num_instances=3, class_names=NAMES)


def test_files_that_are_no_files_of_labels(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_labels(tmp_path / "none.csv", num_instances=3, class_names=NAMES)
    (tmp_path / "labels.txt").write_text("0")
    with pytest.raises(DataError, match=r"expected \.npy or \.csv"):
        read_labels(tmp_path / "labels.txt", num_instances=3, class_names=NAMES)
