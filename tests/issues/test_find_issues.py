"""``dataparams.find_issues``: what arrays give, whatever library they come from."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from dataparams import ArgumentError, find_issues
from made_predictions import MadePredictions, made_predictions

SAID: dict[str, tuple[str, ...]] = {
    "predictions": ("pred_probs",),
    "features": ("features",),
    "both": ("pred_probs", "features"),
}


@pytest.fixture(scope="module")
def made() -> MadePredictions:
    return made_predictions()


def given(made: MadePredictions, what: str) -> dict[str, Any]:
    return {name: getattr(made, name) for name in SAID[what]}


def scores(issues: Any) -> np.ndarray:
    return issues.get_issues("label")["label_score"].to_numpy()


@pytest.mark.parametrize("what", SAID)
def test_wrong_labels_come_first_and_are_flagged(made: MadePredictions, what: str) -> None:
    issues = find_issues(made.labels, **given(made, what))
    found = issues.get_issues("label")
    worst = np.argsort(scores(issues), kind="stable")[: made.is_wrong.sum()]
    assert made.is_wrong[worst].mean() > 0.9
    flagged = found["is_label_issue"].to_numpy()
    assert made.is_wrong[flagged].mean() > 0.85
    assert flagged[made.is_wrong].mean() > 0.85
    assert found["noise_probability"].is_between(0, 1).all()
    assert issues.analysis.noise.low <= made.is_wrong.mean() <= issues.analysis.noise.high
    suggested = found["suggested_label"].to_numpy()[made.is_wrong & flagged]
    assert (suggested == made.truth[made.is_wrong & flagged].astype(str)).mean() > 0.9


@pytest.mark.parametrize("what", SAID)
def test_the_same_twice(made: MadePredictions, what: str) -> None:
    first, second = (find_issues(made.labels, **given(made, what)).issues for _ in range(2))
    assert first.equals(second)


def test_the_order_of_samples_changes_nothing(made: MadePredictions) -> None:
    order = np.random.default_rng(1).permutation(len(made.labels))
    moved = made.of(order)
    before = find_issues(made.labels, made.pred_probs)
    after = find_issues(moved.labels, moved.pred_probs)
    np.testing.assert_allclose(scores(after), scores(before)[order], rtol=1e-6, atol=1e-12)
    assert (
        after.issues["predicted_label"].to_list()
        == before.issues["predicted_label"].gather(order).to_list()
    )


def test_the_numbers_of_classes_change_nothing(made: MadePredictions) -> None:
    number = np.array([2, 0, 3, 1])
    pred_probs = np.empty_like(made.pred_probs)
    pred_probs[:, number] = made.pred_probs
    before = find_issues(made.labels, made.pred_probs)
    after = find_issues(number[made.labels], pred_probs)
    np.testing.assert_allclose(scores(after), scores(before), rtol=1e-6, atol=1e-12)


def test_names_are_those_of_the_columns(made: MadePredictions) -> None:
    names = np.array(["cat", "dog", "elk", "fox"])
    plain = find_issues(made.labels, made.pred_probs)
    # Alphabetical, as scikit-learn has its classes.
    named = find_issues(names[made.labels], made.pred_probs)
    assert scores(named).tolist() == scores(plain).tolist()
    assert set(named.issues["given_label"]) == set(names.tolist())
    other = ["fox", "elk", "dog", "cat"]
    backwards = np.array(other)[made.labels]
    by_names = find_issues(backwards, made.pred_probs, class_names=other)
    assert scores(by_names).tolist() == scores(plain).tolist()
    by_columns = find_issues(backwards, pl.DataFrame(made.pred_probs, schema=other))
    assert scores(by_columns).tolist() == scores(plain).tolist()


def test_arrays_of_any_library_give_the_same(made: MadePredictions) -> None:
    pd = pytest.importorskip("pandas")
    expected = scores(find_issues(made.labels, made.pred_probs))
    tensor = torch.from_numpy(made.pred_probs).requires_grad_()
    for labels, pred_probs in (
        (made.labels.tolist(), made.pred_probs.tolist()),
        (pl.Series(made.labels), pl.DataFrame(made.pred_probs)),
        (pd.Series(made.labels), pd.DataFrame(made.pred_probs)),
        (pd.Series(made.labels, dtype="Int64"), pd.DataFrame(made.pred_probs)),
        (torch.from_numpy(made.labels), tensor),
        (made.labels.astype(np.float32), made.pred_probs),
        (made.labels[:, None], np.asfortranarray(made.pred_probs)),
    ):
        assert scores(find_issues(labels, pred_probs)).tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_narrow_numbers_hardly_matter(made: MadePredictions, dtype: type) -> None:
    wide = find_issues(made.labels, made.pred_probs)
    narrow = find_issues(made.labels, made.pred_probs.astype(dtype))
    np.testing.assert_allclose(scores(narrow), scores(wide), rtol=0.05, atol=0.01)
    as_tensor = torch.from_numpy(made.pred_probs).to(torch.bfloat16)
    assert len(scores(find_issues(made.labels, as_tensor))) == len(made.labels)


def test_logits_are_predictions_before_the_softmax(made: MadePredictions) -> None:
    logits = np.log(made.pred_probs) + 3
    of_probabilities = find_issues(made.labels, made.pred_probs)
    of_logits = find_issues(made.labels, logits=logits)
    np.testing.assert_allclose(scores(of_logits), scores(of_probabilities), rtol=1e-4, atol=1e-9)
    of_epochs = find_issues(made.labels, logits=np.stack([0.2 * logits, 0.6 * logits, logits]))
    assert of_epochs.analysis.epochs == (1, 2, 3)
    worst = np.argsort(scores(of_epochs))[: made.is_wrong.sum()]
    assert made.is_wrong[worst].mean() > 0.9


@pytest.mark.parametrize("what", SAID)
def test_samples_of_which_nothing_is_known_are_not_judged(made: MadePredictions, what: str) -> None:
    absent = np.array([3, 100, 399])
    with_gaps = {name: values.copy() for name, values in given(made, what).items()}
    for values in with_gaps.values():
        values[absent] = np.nan
    issues = find_issues(made.labels, **with_gaps)
    table = issues.issues
    assert len(table) == len(made.labels)
    assert table["label_score"].is_null().arg_true().to_list() == absent.tolist()
    assert not table["is_label_issue"].gather(absent).any()
    assert table["given_label"].null_count() == 0
    assert "3 samples of 400 cannot be judged" in issues.report()
    rest = np.setdiff1d(np.arange(len(made.labels)), absent)
    alone = made.of(rest)
    expected = scores(find_issues(alone.labels, **given(alone, what)))
    np.testing.assert_allclose(scores(issues)[rest], expected, rtol=1e-9)


def test_a_sample_that_missed_epochs_is_judged_by_the_others(made: MadePredictions) -> None:
    logits = np.log(made.pred_probs)
    of_epochs = np.stack([0.5 * logits, 0.8 * logits, logits])
    # What is left out is told by what the other epochs say alone.
    of_epochs[0, :50], of_epochs[1, 25:75] = np.nan, np.nan
    issues = find_issues(made.labels, logits=of_epochs)
    assert issues.issues["label_score"].null_count() == 0
    assert "cannot be judged" not in issues.report()
    worst = np.argsort(scores(issues))[: made.is_wrong.sum()]
    assert made.is_wrong[worst].mean() > 0.9
    both = find_issues(made.labels, features=made.features, logits=of_epochs)
    assert both.analysis.epochs == (1, 2, 3)
    of_epochs[1] = np.nan
    with pytest.raises(ArgumentError, match=r"`logits\[1\]` is NaN for all samples"):
        find_issues(made.labels, logits=of_epochs)


def test_each_kind_fills_the_gaps_of_the_other(made: MadePredictions) -> None:
    pred_probs, features = made.pred_probs.copy(), made.features.copy()
    pred_probs[:100], features[300:] = np.nan, np.nan
    issues = find_issues(made.labels, pred_probs, features)
    assert issues.issues["label_score"].null_count() == 0
    worst = np.argsort(scores(issues))[: made.is_wrong.sum()]
    assert made.is_wrong[worst].mean() > 0.9
    outliers = issues.get_issues("outlier")
    assert outliers["outlier_score"].is_null().arg_true().to_list() == list(range(300, 400))
    assert not outliers["is_outlier_issue"][300:].any()


def test_many_classes_and_few_samples_of_each() -> None:
    made = made_predictions(count=600, classes=40, sureness=6.0)
    issues = find_issues(made.labels, made.pred_probs)
    worst = np.argsort(scores(issues))[: made.is_wrong.sum()]
    assert made.is_wrong[worst].mean() > 0.8


def test_a_class_that_no_sample_has_is_allowed(made: MadePredictions) -> None:
    more = np.hstack([made.pred_probs, np.zeros((len(made.labels), 1))])
    issues = find_issues(made.labels, more)
    expected = find_issues(made.labels, made.pred_probs)
    assert issues.analysis.class_names == ("0", "1", "2", "3", "4")
    flagged = [each.issues["is_label_issue"].to_numpy() for each in (issues, expected)]
    assert (flagged[0] == flagged[1]).mean() > 0.98


@pytest.mark.parametrize("count", [2, 3, 9, 20])
@pytest.mark.parametrize("what", SAID)
def test_few_samples_are_told_and_nobody_is_accused_of_much(count: int, what: str) -> None:
    made = made_predictions(count=count, classes=2, wrong=0.0)
    issues = find_issues(made.labels, **given(made, what))
    assert len(issues.issues) == count
    assert any("which say little" in sentence for sentence in issues.analysis.warnings)
    assert "cannot be told" in issues.report() or issues.analysis.noise.is_known


def test_predictions_that_know_nothing_are_told(made: MadePredictions) -> None:
    by_chance = np.random.default_rng(0).dirichlet(np.ones(4), len(made.labels))
    issues = find_issues(made.labels, by_chance)
    assert any("chance" in sentence for sentence in issues.analysis.warnings)
    assert set(issues.issues["category"]) == {"review"}


def test_predictions_that_look_learned_by_heart_are_told(made: MadePredictions) -> None:
    by_heart = np.full((len(made.labels), 4), 0.01)
    by_heart[np.arange(len(made.labels)), made.labels] = 0.97
    told = find_issues(made.labels, by_heart).analysis.warnings
    assert any("has memorized their labels" in sentence for sentence in told)
    assert find_issues(made.labels, made.pred_probs).analysis.warnings == ()


def test_predicted_classes_in_place_of_probabilities_are_told(made: MadePredictions) -> None:
    told = find_issues(made.labels, np.eye(4)[made.pred_probs.argmax(axis=1)]).analysis.warnings
    assert any("Nearly all of these probabilities are 0 or 1" in one for one in told)


def test_classes_never_predicted_are_told(made: MadePredictions) -> None:
    never = made.pred_probs.copy()
    never[:, 2] = 0
    never /= never.sum(axis=1, keepdims=True)
    issues = find_issues(made.labels, never)
    assert any("never the likeliest" in sentence for sentence in issues.analysis.warnings)
    of_class = issues.issues.filter(pl.col("given_label") == "2")
    assert set(of_class["category"]) == {"review"}


def test_a_column_that_rules_the_features_is_told(made: MadePredictions) -> None:
    features = made.features.copy()
    features[:, 5] *= 1000
    told = find_issues(made.labels, features=features).analysis.warnings
    assert any(sentence.startswith("Column 5 of `features`") for sentence in told)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "nothing to judge the labels by"),
    "rows": ({"pred_probs": np.full((5, 2), 0.5)}, "has 5 rows, but there are 6 labels"),
    "turned": ({"pred_probs": np.full((2, 6), 1 / 6)}, r"Give pred_probs\.T"),
    "one column": ({"pred_probs": np.full(6, 0.5)}, "a column for each: 1 - p and p"),
    "epochs": ({"pred_probs": np.full((3, 6, 2), 0.5)}, "given as `logits`"),
    "logits": ({"pred_probs": np.full((6, 2), 3.0)}, "scores before the softmax"),
    "sums": ({"pred_probs": np.full((6, 2), 0.3)}, "does not sum to 1 in row 0"),
    "columns": ({"pred_probs": np.ones((6, 1))}, r"labels` runs from 0 to 1; expected 0 \.\.\. 0"),
    "partly": (
        {"features": np.where(np.eye(6, 3), np.nan, 1.0)},
        "features` has values that are not finite in row 0",
    ),
    "infinite": ({"features": np.full((6, 3), np.inf)}, "not finite in row 0"),
    "all absent": ({"pred_probs": np.full((6, 2), np.nan)}, "All rows of what was given are NaN"),
    "pictures": ({"features": np.ones((6, 3, 3))}, r"features\.reshape\(6, -1\)"),
    "text": ({"features": [["a", "b"]] * 6}, "values that are no numbers"),
    "ragged": ({"pred_probs": [[0.5, 0.5]] * 5 + [[1.0]]}, "cannot be taken for an array"),
    "samples first": ({"logits": np.zeros((6, 3, 2))}, r"logits\.transpose\(1, 0, 2\)"),
    "other classes": (
        {"pred_probs": np.full((6, 2), 0.5), "logits": np.zeros((6, 3))},
        "of 2 classes and `logits` of 3",
    ),
    "names": ({"pred_probs": np.full((6, 2), 0.5), "class_names": ["a"]}, "has 1 names"),
    "a word": ({"pred_probs": np.full((6, 2), 0.5), "class_names": "ab"}, "a list of names"),
    "twice": ({"pred_probs": np.full((6, 2), 0.5), "class_names": ["a", "a"]}, "'a' twice"),
    "ids": ({"pred_probs": np.full((6, 2), 0.5), "ids": ["a"]}, "`ids` has 1 names"),
    "same ids": ({"pred_probs": np.full((6, 2), 0.5), "ids": ["a"] * 6}, "`ids` has 'a' twice"),
    "seed": ({"pred_probs": np.full((6, 2), 0.5), "seed": -1}, "`seed` is -1"),
    "out": ({"pred_probs": np.full((6, 2), 0.5), "out": 3}, "`out` is 3"),
    "samples": ({"pred_probs": np.full((6, 2), 0.5), "samples": ["a"]}, "as many of both"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said(what: str) -> None:
    arguments, message = WRONG[what]
    with pytest.raises(ArgumentError, match=message):
        find_issues([0, 1, 0, 1, 0, 1], **arguments)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2, 0, 1, 2], r"runs from 0 to 2; expected 0 \.\.\. 1"),
        ([-1, 0, 0, 1, 1, 1], "runs from -1 to 1"),
        ([0] * 6, "All labels are '0'"),
        ([0.5, 1, 0, 1, 0, 1], "has dtype float64"),
        ([0, 1, np.nan, 1, 0, 1], "no label in row 2"),
        (["a", None, "b", "a", "b", "a"], "no label in row 1"),
        (["a", 1, "b", "a", "b", "a"], "numbers and texts"),
        (["a", np.nan, "b", "a", "b", "a"], "no label in row 1"),
        ([["a"], ["a", "b"]], "cannot be taken for an array"),
        (np.eye(2)[[0, 1, 0, 1, 0, 1]], r"labels\.argmax\(axis=1\)"),
        (["a", "b", "c", "a", "b", "c"], "3 names .* predictions are of 2 classes"),
        ([0], "two or more"),
        (3, "expected"),
    ],
)
def test_labels_that_cannot_be_used_are_named(labels: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        find_issues(labels, np.full((6, 2), 0.5))


def test_nothing_that_was_given_is_changed(made: MadePredictions) -> None:
    pred_probs, features, labels = (
        made.pred_probs.copy(),
        made.features.copy(),
        made.labels.copy(),
    )
    for array in (pred_probs, features, labels):
        array.flags.writeable = False
    find_issues(labels, pred_probs, features)
