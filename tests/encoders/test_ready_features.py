"""Features that somebody brings are taken as they are, or refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dataparams.encoders.ready_features import read_ready_features
from dataparams.errors import UserError


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4"])
def test_each_precision_is_taken_mapped_and_unchanged(kind, tmp_path):
    values = np.arange(12).reshape(4, 3).astype(kind)
    np.save(tmp_path / "features.npy", values)
    features = read_ready_features(tmp_path / "features.npy", 4)
    assert isinstance(features, np.memmap)
    np.testing.assert_array_equal(features, values)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.zeros((5, 3)), "has 5 rows; expected 4, one for each sample"),
        (np.zeros(4), "in the shape 4;"),
        (np.zeros((4, 3, 2)), "in the shape 4 x 3 x 2"),
        (np.zeros((4, 3), np.int64), "holds int64"),
        (np.zeros((4, 0)), "no numbers"),
        (np.array(3.0), "one number"),
        (np.array([[1.0], [np.nan], [np.inf], [2.0]]), r"2 rows of 4 .* first row 1 "),
        (np.array([["a"], ["b"], ["c"], ["d"]]), "holds <U1"),
    ],
)
def test_what_is_no_table_of_finite_numbers_is_refused(values, told, tmp_path):
    file = tmp_path / "features.npy"
    np.save(file, values)
    with pytest.raises(UserError, match=told) as error:
        read_ready_features(file, 4)
    assert str(file) in str(error.value)


def test_nothing_is_ever_unpickled_and_other_files_are_refused(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}] * 4), allow_pickle=True)
    np.savez(tmp_path / "several.npz", a=np.zeros((4, 2)))
    torch.save(torch.zeros(4, 2), tmp_path / "tensor.pt")
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY\x01\x00")
    np.save(tmp_path / "short.npy", np.zeros((4, 100)))
    whole = (tmp_path / "short.npy").read_bytes()
    (tmp_path / "short.npy").write_bytes(whole[:500])
    told = {
        "objects.npy": "holds objects",
        "several.npz": "not a .npy file",
        "tensor.pt": "not a .npy file",
        "cut.npy": "damaged",
        "short.npy": "damaged",
        "missing.npy": "No such file",
        ".": "directory",
    }
    for name, reason in told.items():
        with pytest.raises(UserError, match=reason):
            read_ready_features(tmp_path / name, 4)
