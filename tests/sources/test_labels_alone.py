"""Labels of samples whose contents are not known."""

from __future__ import annotations

import numpy as np
import pytest

from dataparams.errors import DataError
from dataparams.sources.labels_alone import labeled_rows, open_labels
from dataparams.sources.understanding import understand


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("y.npy", np.array([2, 0, 2, 0])),
        ("y.npy", np.array([2, 0, 2, 0], dtype=np.uint8)),
        ("y.npy", np.array(["2", "0", "2", "0"])),
        ("y.csv", "label\n2\n0\n2\n0\n"),
        ("y.csv", "id;class;size\n7;2;0,5\n9;0;1,5\n3;2;2,5\n4;0;3,5\n"),
        ("y.tsv", "whatever\n2\n0\n2\n0\n"),
        ("y.jsonl", '{"y": 2}\n{"y": 0}\n{"y": 2}\n{"y": 0}\n'),
    ],
)
def test_labels_of_any_kind_of_file(tmp_path, name, labels):
    path = tmp_path / name
    if isinstance(labels, str):
        path.write_text(labels)
    else:
        np.save(path, labels)
    source = open_labels(path, count=4)
    assert source.class_names == ("0", "2")
    assert source.labels.tolist() == [1, 0, 1, 0]
    assert list(source.ids) == [f"train/{row}" for row in range(4)]
    assert source.contents.kind is None
    assert [str(one) for one in source.read([1, 2])] == ["nothing was kept to show"] * 2
    assert source.contents.sizes().tolist() == [-1] * 4
    assert "4 samples of 2 classes" in understand(source).lines()[0]
    assert len(source.fingerprint()) == 64


def test_a_row_without_a_label_keeps_the_others_in_their_place(tmp_path):
    path = tmp_path / "y.csv"
    path.write_text("label\ncat\n\ndog\n-\ndog\n")
    source = open_labels(path, count=5)
    assert labeled_rows(source, 5).tolist() == [0, 2, 3, 4]
    assert source.left_out[0].count == 1
    np.save(tmp_path / "y.npy", np.array([1, -1, 0, 1]))
    assert labeled_rows(open_labels(tmp_path / "y.npy"), 4).tolist() == [0, 2, 3]


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.array([0.5, 1.0]), "holds float64; expected one array of whole numbers"),
        (np.zeros((3, 2), dtype=int), r"has shape \(3, 2\); expected \(n,\)"),
        (np.array([1, 1, 1]), "holds only 1 class"),
        (np.arange(100) * 7, "to be predicted as it seems"),
    ],
)
def test_arrays_that_hold_no_labels(tmp_path, array, found):
    np.save(tmp_path / "y.npy", array)
    with pytest.raises(DataError, match=found):
        open_labels(tmp_path / "y.npy")


def test_files_that_hold_no_labels(tmp_path):
    path = tmp_path / "y.csv"
    with pytest.raises(DataError, match="does not exist"):
        open_labels(path)
    path.write_text("label\ncat\ndog\n")
    with pytest.raises(DataError, match="has 2 labels; expected 3, one for each row of features"):
        open_labels(path, count=3)
    with pytest.raises(DataError, match="Did you mean 'label'"):
        open_labels(path, "labels")
    path.write_text("1\n0\n1\n0\n")
    with pytest.raises(DataError, match="seems to be data"):
        open_labels(path)
    path.write_text("a,b\n1,2\n2,1\n1,2\n2,1\n")
    with pytest.raises(DataError, match="Which column holds the labels"):
        open_labels(path)
    np.save(tmp_path / "y.npy", np.array([{}, None]), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be read as a NumPy file"):
        open_labels(tmp_path / "y.npy")
