"""What is there twice is found once, with what its labels and splits say of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from dataparams.batches.labeled_images import UnreadableSample
from dataparams.contents.rows import Row
from dataparams.contents.texts import Text
from dataparams.health.checked_samples import CheckedSamples
from dataparams.health.checking import check


def samples_of_texts(texts, labels=None, splits=None):
    """Texts as samples, whose rows in the source begin at 100."""
    count = len(texts)
    return CheckedSamples(
        kind="text",
        index=np.arange(100, 100 + count),
        labels=np.zeros(count, np.int64) if labels is None else np.array(labels),
        class_names=("spam", "ham", "eggs"),
        splits=pl.Series(["train"] * count if splits is None else splits),
        digests=pl.Series([Text(text).digest() for text in texts]),
        texts=list(texts),
    )


def samples_of_rows(rows, labels=None):
    contents = [Row(tuple("abc"), tuple(row)) for row in rows]
    whole = samples_of_texts([str(row) for row in rows], labels)
    digests = pl.Series([content.digest() for content in contents])
    return replace(whole, kind="row", texts=None, rows=contents, digests=digests)


def found_of(samples, kind):
    table = check(samples).table.filter(pl.col("kind") == kind)
    return table.select("samples", "classes", "strength", "sentence").rows()


ONE, OTHER = "Where is the card that I ordered?", "My transfer has not arrived."


def test_the_same_text_is_one_finding_and_near_ones_another():
    samples = samples_of_texts([ONE, OTHER, ONE, ONE.upper(), "Nothing of it."])
    assert found_of(samples, "exact_duplicates") == [
        ([100, 102], [0], 1.0, "The same text twice, letter by letter.")
    ]
    ((members, _, strength, sentence),) = found_of(samples, "near_duplicates")
    assert members == [100, 102, 103]
    assert 0.9 < strength < 1
    assert sentence == "3 texts that differ in white space or capitals alone."
    assert found_of(samples, "duplicates_with_different_labels") == []


def test_different_labels_are_surest_and_the_rarest_label_comes_first():
    samples = samples_of_texts([ONE, OTHER, ONE, ONE, OTHER.lower()], [0, 1, 2, 0, 2])
    table = check(samples).table
    assert table["kind"][0] == "duplicates_with_different_labels"
    exact, near = found_of(samples, "duplicates_with_different_labels")
    assert exact[:3] == ([102, 100, 103], [0, 2], 1.0)
    assert exact[3] == "The same text 3 times, letter by letter, labeled spam (2) and eggs (1)."
    assert near[0] == [101, 104]
    assert near[2] < 1


def test_a_copy_within_a_near_group_is_not_told_twice():
    samples = samples_of_texts([ONE, ONE, ONE.upper(), OTHER], [0, 1, 1, 0])
    ((members, _, strength, _),) = found_of(samples, "duplicates_with_different_labels")
    assert (members, strength) == ([100, 101, 102], 1.0)


def test_the_same_in_two_splits_is_leakage():
    splits = ["train", "train", "validation", "train", "test"]
    samples = samples_of_texts([ONE, OTHER, ONE, OTHER, OTHER.lower()], splits=splits)
    (surest, near) = found_of(samples, "leakage")
    assert surest[0] == [100, 102]
    assert surest[2] == 1.0
    assert surest[3].endswith("in train (1) and validation (1).")
    assert near[0] == [101, 103, 104]
    assert near[2] < 1


def test_of_one_split_leakage_is_not_looked_for():
    found = check(samples_of_texts([ONE, OTHER]))
    assert "leakage" not in found.checked
    assert found.not_checked["leakage"] == "all samples are of one split"


def test_empty_texts_are_no_duplicates():
    samples = samples_of_texts(["", "", "  ", " ", ONE, OTHER], [0, 1, 0, 1, 0, 1])
    assert set(check(samples).table["kind"]) == {"small_class"}


def test_rows_of_few_different_values_say_nothing():
    rng = np.random.default_rng(0)
    few = samples_of_rows(rng.integers(0, 2, (100, 3)).tolist())
    found = check(few)
    assert not len(found.table)
    assert "few different values" in found.not_checked["exact_duplicates"]


def test_copied_rows_are_found_and_rounded_ones_too():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(100, 3)).tolist()
    rows += [rows[7], [value + 1e-6 for value in rows[9]]]
    samples = samples_of_rows(rows, [0] * 101 + [1])
    assert [one[0] for one in found_of(samples, "exact_duplicates")] == [[107, 200]]
    assert [one[0] for one in found_of(samples, "near_duplicates")] == [[109, 201]]
    assert [one[0] for one in found_of(samples, "duplicates_with_different_labels")] == [[109, 201]]


def test_what_cannot_be_read_is_damaged_with_its_reason():
    broken = UnreadableSample(7, "spam/7.jpg", "it is empty")
    samples = replace(samples_of_texts([ONE, OTHER]), unreadable=(broken,))
    assert found_of(samples, "damaged") == [([7], [], 1.0, "It cannot be read: it is empty.")]


def test_samples_of_which_nothing_is_known_are_no_duplicates_of_each_other():
    whole = samples_of_texts(["a", "b", "c"])
    unknown = replace(whole, kind=None, texts=None, digests=pl.Series([None] * 3, dtype=pl.String))
    found = check(unknown)
    assert found.checked == ("damaged", "small_class")
    assert set(found.not_checked) == {
        "duplicates_with_different_labels",
        "leakage",
        "exact_duplicates",
        "near_duplicates",
        "outlier",
        "class_outlier",
        "overlapping_classes",
        "class_like_two",
    }


def test_copies_are_found_by_their_hash_where_the_contents_are_gone():
    gone = replace(
        samples_of_texts([ONE, OTHER, ONE]), texts=None, reasons={"contents": "photos is gone"}
    )
    assert found_of(gone, "exact_duplicates")[0][0] == [100, 102]
    assert check(gone).not_checked["near_duplicates"] == "photos is gone"


@pytest.mark.parametrize("count", [0, 1])
def test_no_sample_and_one_alone(count):
    found = check(samples_of_texts([ONE] * count)).table
    assert found["kind"].to_list() == ["small_class"] * count
