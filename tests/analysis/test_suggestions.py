"""What is suggested in place of a label, and what is said where nothing is."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataparams.analysis.result import CATEGORIES
from dataparams.analysis.suggestions import (
    is_suggestion,
    outliers,
    suggestion,
    suggestion_words,
    weighs_other_classes,
)

CONFIDENCES = st.none() | st.floats(0, 1) | st.just(float("nan"))


@given(
    given_label=st.integers(0, 2),
    suggested=st.none() | st.integers(0, 2),
    confidence=CONFIDENCES,
    category=st.sampled_from(CATEGORIES),
    are_weighed=st.booleans(),
)
def test_only_another_class_is_suggested_and_claimed_only_where_it_is_likelier_than_not(
    given_label, suggested, confidence, category, are_weighed
):
    found = suggestion(given_label, suggested, confidence, category, are_weighed=are_weighed)
    is_other = suggested is not None and suggested != given_label
    assert found.label == (suggested if is_other else None)
    assert found.is_likely == (is_other and confidence is not None and confidence >= 0.5)
    assert (found.confidence is not None) <= is_other
    assert (found.note == "") == found.is_likely
    assert ("maybe" in found.note) == (is_other and not found.is_likely)
    if found.is_outlier:
        assert category == "hard"
        assert confidence < 0.5
        assert not found.is_likely
    name = None if suggested is None else f"class {suggested}"
    words = suggestion_words(
        f"class {given_label}", name, confidence, category, are_weighed=are_weighed
    )
    assert words == (name if found.is_likely else "outlier?" if found.is_outlier else "")


@pytest.mark.parametrize(
    ("suggested", "confidence", "category", "note"),
    [
        (1, 0.9, "hard", ""),
        (1, 0.49, "hard", "maybe"),
        (1, 0.49, "review", "maybe"),
        (1, None, "hard", "maybe"),
        (0, 0.1, "hard", "no other class is likely"),
        (0, 0.9, "hard", "no other class is likely"),
        (0, 0.4, "review", "no other class is likely"),
        (0, 0.98, "easy", "none"),
        (None, None, "hard", "none"),
    ],
)
def test_what_is_known_is_said(suggested, confidence, category, note):
    assert suggestion(0, suggested, confidence, category).note == note


def test_temperatures_alone_say_nothing_of_other_classes():
    frame = pl.DataFrame({"label": [0, 1], "suggested_label": [0, 1]})
    assert not weighs_other_classes(frame)
    assert weighs_other_classes(frame.with_columns(suggested_label=pl.Series([0, 0])))
    assert suggestion(0, 0, 0.1, "hard", are_weighed=False).note == "none"
    assert frame.select(is_suggestion()).to_series().to_list() == [False, False]


def test_whether_it_is_an_outlier_is_known_by_features_or_by_a_category_that_no_class_explains():
    assert suggestion(0, 1, 0.49, "hard").is_outlier
    assert suggestion(0, 0, 0.1, "hard").is_outlier
    assert not suggestion(0, 1, 0.49, "review").is_outlier
    assert not suggestion(0, 1, 0.49, "hard", is_outlier=False).is_outlier
    assert suggestion(0, 0, 0.9, "easy", is_outlier=True).is_outlier
    assert suggestion_words("a", "b", 0.9, "hard", is_outlier=True) == "b, outlier?"


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 1),
            st.none() | st.integers(0, 1),
            st.none() | st.floats(0, 1),
            st.sampled_from(CATEGORIES),
        ),
        min_size=1,
    )
)
def test_of_one_sample_and_of_all_the_same_is_said(rows):
    names = ("label", "suggested_label", "suggested_confidence", "category")
    kinds = {"suggested_label": pl.Int64, "suggested_confidence": pl.Float64}
    frame = pl.DataFrame(rows, names, schema_overrides=kinds, orient="row")
    are_weighed = weighs_other_classes(frame)
    each = [suggestion(*row, are_weighed=are_weighed).is_outlier for row in rows]
    assert outliers(frame).to_list() == each
