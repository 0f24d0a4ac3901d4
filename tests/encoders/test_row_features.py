"""Columns of a table become numbers: of every kind, with gaps, and however odd."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.rows import Row
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.row_columns import column_of, columns_in_words, columns_of
from dataparams.encoders.row_features import row_features
from dataparams.encoders.whole_features import features_of_whole, read_all
from dataparams.errors import DataError, Stopped
from dataparams.sources.source import Contents
from dataparams.sources.table_contents import RowContents


def rows_of(read):
    return [content for content in read.contents if isinstance(content, Row)]


def columns(table):
    return columns_of(rows_of(read_all(RowContents(table))))


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([1, 2, 3], "number"),
        ([1, 2.5, None], "number"),
        ([float("nan"), 1.0, 2.0], "number"),
        ([float("inf"), 1.0, 2.0], "number"),
        ([10**400, 1, 2], "number"),
        ([True, False, True], "category"),
        (["a", "b", None], "category"),
        ([1, "b", None], "category"),
        (["2024-05-01", "2023-01-31", None], "date"),
        (["2024-05-01T10:30:00+02:00", "2023-01-31"], "date"),
        (["2024-05-01", "2023-13-31"], "category"),
        ([f"sentence {number}" for number in range(100)], "text"),
        ([None, None], "constant"),
        ([7, 7, 7], "constant"),
        (["x", "x"], "constant"),
        ([float("nan"), None], "constant"),
    ],
)
def test_what_a_column_holds_is_seen_by_its_values(cells, kind):
    assert column_of("name", cells).kind == kind


def test_what_was_taken_for_what_is_said():
    table = pl.DataFrame(
        {
            "carat": [0.2, 0.3, 0.4],
            "cut": ["a", "b", "a"],
            "sold": ["2024-01-01", "2024-02-01", "2024-03-01"],
            "shop": [1, 1, 1],
        }
    )
    assert columns_in_words(columns(table)) == (
        "Taken for numbers: carat; for categories: cut; for dates: sold; left out, since all rows "
        "agree: shop."
    )
    many = [column_of(f"c{number}", [1, 2]) for number in range(12)]
    assert "c7 and 4 more" in columns_in_words(many)


def made_table(count=400):
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "number": rng.normal(size=count),
            "skewed": rng.lognormal(0, 3, count),
            "gaps": [None if k % 7 == 0 else float(k) for k in range(count)],
            "category": [["a", "b", "c"][k % 3] for k in range(count)],
            "rare": ["often"] * (count - 3) + ["x", "y", "z"],
            "truth": [k % 2 == 0 for k in range(count)],
            "day": [f"20{20 + k % 4}-0{1 + k % 9}-1{k % 10}" for k in range(count)],
            "words": [f"about {'cards' if k % 2 else 'loans'} {k}" for k in range(count)],
        }
    )


def test_features_are_finite_and_of_one_size():
    features = row_features(columns(made_table()))
    assert len(features.values) == len(features.for_trees) == 400
    assert np.isfinite(features.values).all()
    assert np.abs(features.values).max() < 30
    assert features.for_trees.values[:, features.for_trees.is_category].min() == 0


def test_what_is_missing_is_known_to_be():
    table = pl.DataFrame({"gaps": [None, 1.0, 2.0, 3.0], "other": [1.0, 2.0, 3.0, 4.0]})
    features = row_features(columns(table))
    is_missing = [1, 0, 0, 0]
    assert any(np.array_equal(column, is_missing) for column in features.values.T)
    assert np.isnan(features.for_trees.values[:, 0]).tolist() == [True, False, False, False]


def test_an_extreme_value_moves_no_other():
    usual = np.random.default_rng(0).normal(size=500)
    odd = usual.copy()
    odd[0] = 1e12
    before, after = (row_features([column_of("x", list(each))]).values for each in (usual, odd))
    assert np.abs(before[1:] - after[1:]).max() < 0.3


def test_rare_categories_share_a_column():
    column = column_of("rare", ["often"] * 50 + ["x", "y", "z"])
    assert row_features([column]).values.shape == (53, 2)


def test_rows_that_nothing_tells_apart_are_refused():
    with pytest.raises(DataError, match="nothing tells the rows apart"):
        row_features([column_of("shop", [1, 1]), column_of("none", [None, None])])


def test_features_of_a_table_are_made_once_and_again_where_it_changed(tmp_path):
    cache, made = FeatureCache(tmp_path), []

    def features(table):
        read = read_all(RowContents(table))
        values = row_features(columns_of(rows_of(read))).values

        def make():
            made.append(1)
            return values

        return features_of_whole("rows", read.digests, values.shape[1], cache, make)

    table = pl.DataFrame({"a": [1.0, 2.0, 2.0], "b": ["x", "y", "y"]})
    first, key = features(table)
    again, same = features(table)
    assert (len(made), key) == (1, same)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[1], first[2])
    _, other = features(table.with_columns(a=pl.Series([1.0, 2.0, 3.0])))
    assert (len(made), other != key) == (2, True)


class HalfReadable(Contents):
    """Rows of which some cannot be read."""

    kind = "row"

    def __init__(self, is_read):
        self._is_read = is_read

    def __len__(self):
        return len(self._is_read)

    def read(self, rows):
        there = RowContents(pl.DataFrame({"a": list(range(len(self)))})).read(rows)
        return [
            one if self._is_read[row] else UnreadableContentError("damaged")
            for row, one in zip(rows, there, strict=True)
        ]

    def sizes(self):
        return np.ones(len(self), dtype=np.int64)


def test_what_cannot_be_read_is_named_by_row_and_mostly_is_an_error():
    read = read_all(HalfReadable([True, False, True]))
    assert (read.rows.tolist(), read.unreadable) == ([0, 2], {1: "damaged"})
    with pytest.raises(DataError, match="2 of 3 samples cannot be read: 2 x damaged"):
        read_all(HalfReadable([True, False, False]))


def test_reading_can_be_stopped():
    with pytest.raises(Stopped):
        read_all(HalfReadable([True] * 5), should_stop=lambda: 2)
