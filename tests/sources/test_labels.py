"""Labels of tables as class numbers: what is left out, what is said, and what is refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dataparams.errors import DataError
from dataparams.sources.labels import number_labels


def number(*splits, names=("train", "val"), **options):
    columns = {
        name: pa.chunked_array([values]) for name, values in zip(names, splits, strict=False)
    }
    return number_labels(columns, column="breed", **options)


def left_out(found) -> dict[str, tuple[list[str], int]]:
    return {each.reason: (list(each.names), each.count) for each in found.left_out}


def test_rows_without_a_label_are_left_out_and_counted():
    found = number(["cat", None, "dog", "", "  ", "cat"], ["dog", "\t"])
    assert found.class_names == ("cat", "dog")
    assert found.labels["train"].tolist() == [0, 1, 0]
    assert found.rows["train"].tolist() == [0, 2, 5]
    assert found.rows["val"].tolist() == [0]
    reasons = [(each.reason, list(each.names), each.count) for each in found.left_out]
    assert reasons == [
        ("no label", ["train/1"], 1),
        ("empty label", ["train/3", "train/4"], 2),
        ("empty label", ["val/1"], 1),
    ]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1.0, float("nan"), 0.0], "no label"),
        ([1, None, 0], "no label"),
        ([1, -1, 0], "no label (-1)"),
        ([True, None, False], "no label"),
    ],
)
def test_numbers_that_are_missing(values, reason):
    found = number(values)
    assert left_out(found) == {reason: (["train/1"], 1)}
    assert found.labels["train"].tolist() == [1, 0]


def test_minus_one_and_one_are_two_classes():
    found = number([-1, 1, 1, -1])
    assert found.class_names == ("-1", "1")
    assert found.left_out == ()
    found = number([0, 1, 1, 0], [-1, -1])
    assert found.class_names == ("0", "1")


def test_a_validation_split_without_labels_is_left_out():
    for values in ([-1, -1, -1], [None, None, None]):
        found = number([0, 1, 0], pa.array(values, pa.int64()), declared=["cat", "dog"])
        assert list(found.labels) == ["train"]
        reason = "the split 'val', which has no labels"
        assert left_out(found) == {reason: (["val"], 3)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([-1, -1, -1], "None of the 3 rows of the split 'train' has a label in the column 'breed'"),
        ([None, None, 1, 0, None], r"3 of 5 .*\(the first is train/0: None\)"),
        (["", "cat", " ", "", "dog"], r"\(the first is train/0: ''\)"),
        ([0, -2, 1], "label of train/1 in the column 'breed' is -2"),
        (["cat", "cat"], r"'breed' holds only 1 class \('cat' in all 2 rows\)"),
        ([], "has no rows"),
    ],
)
def test_labels_that_cannot_be_used(values, message):
    with pytest.raises(DataError, match=message):
        number(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, 2, 1], "label of train/1 .* is 2; the data set declares 2 classes, .* 0 ... 1"),
        (["cat", "emu"], "label of train/1 .* is 'emu'; the data set declares 2 classes"),
    ],
)
def test_labels_that_are_none_of_the_declared_classes(values, message):
    with pytest.raises(DataError, match=message):
        number(values, declared=["cat", "dog"])


def test_declared_classes_keep_their_order_and_those_without_samples():
    names = ["dog", "cat", "emu"]
    assert number([1, 0], declared=names).class_names == ("dog", "cat", "emu")
    found = number(["cat", "dog"], declared=names)
    assert (found.class_names, found.labels["train"].tolist()) == (("dog", "cat", "emu"), [1, 0])


def test_numbers_are_sorted_as_numbers_and_named_where_another_column_does():
    assert number([10, 9, 100]).class_names == ("9", "10", "100")
    assert number([10, 9], names=["train"]).labels["train"].tolist() == [1, 0]
    columns = {"train": pa.chunked_array([[10, 9]])}
    named = number_labels(columns, column="label", names={9: "cat", 10: "dog"})
    assert named.class_names == ("cat", "dog")


def test_names_that_differ_only_in_case_or_spaces_stay_apart_and_are_said():
    found = number(["Cat", "cat ", "cat", "dog", "cat"], ["Dog", "emu"])
    assert len(found.class_names) == 6
    said = "Classes whose names differ only in case or spaces are kept apart: "
    assert found.notes == (
        f"{said}'Cat' (1), 'cat' (2) and 'cat ' (1).",
        f"{said}'Dog' (1) and 'dog' (1).",
    )


@pytest.mark.parametrize("other", ["caf\u0065\u0301", "CAF\u00c9", "caf\u00e9\u00a0"])
def test_names_that_only_look_the_same_are_said(other):
    assert len(number(["caf\u00e9", other]).notes) == 1
    assert number(["caf\u00e9", "cafe"]).notes == ()


def test_splits_of_different_kinds_are_refused():
    with pytest.raises(DataError, match="holds text in 'train', whole numbers in 'val'"):
        number(["cat", "dog"], [0, 1])


def test_a_million_labels_are_numbered_at_once():
    values = np.random.default_rng(0).integers(0, 1000, 1_000_000)
    found = number(pa.array(values))
    assert np.array_equal(found.labels["train"].numpy(), values)
