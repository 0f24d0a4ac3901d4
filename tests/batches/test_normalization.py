"""Normalized batches: memory is used again, and never under a tensor that is still there."""

from __future__ import annotations

import torch

from dataparams.batches.normalization import Normalization


def bytes_of(value: int) -> torch.Tensor:
    return torch.full((2, 4, 4, 3), value, dtype=torch.uint8)


def test_memory_is_used_again_once_no_view_of_a_batch_is_left():
    normalize = Normalization(torch.zeros(3), torch.ones(3), 4, torch.device("cpu"))
    first = normalize(bytes_of(255))
    place, view = first.data_ptr(), first.permute(0, 3, 1, 2)[1:]
    del first
    second = normalize(bytes_of(0))
    assert second.data_ptr() != place
    assert (view == 1).all()
    del view
    assert normalize(bytes_of(51)).data_ptr() == place
    assert (second == 0).all()


def test_a_smaller_batch_fits_into_the_memory_of_a_larger_one_and_not_the_other_way():
    normalize = Normalization(torch.zeros(3), torch.ones(3), 4, torch.device("cpu"))
    for count in (2, 1, 2):
        assert normalize(bytes_of(255)[:count]).shape == (count, 4, 4, 3)
