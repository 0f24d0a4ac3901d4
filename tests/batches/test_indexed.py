"""Datasets whose items carry their index."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from dataparams.batches import IndexedDataset


class Item(NamedTuple):
    image: str
    label: int


def test_tuples_mappings_and_others():
    assert IndexedDataset([("a", 1), ("b", 2)])[1] == ("b", 2, 1)
    assert IndexedDataset([Item("a", 1)])[0] == ("a", 1, 0)
    assert IndexedDataset([{"image": "a"}])[0] == {"image": "a", "index": 0}
    assert IndexedDataset(["a", "b"])[1] == ("b", 1)
    assert IndexedDataset([["a", "b"]])[0] == (["a", "b"], 0)


def test_a_sample_has_one_index():
    dataset = IndexedDataset(["a", "b", "c"])
    assert dataset[-1] == ("c", 2)
    with pytest.raises(IndexError, match=r"index is 3; expected 0 \.\.\. 2"):
        dataset[3]
    assert [dataset[row] for row in range(3)] == [("a", 0), ("b", 1), ("c", 2)]


def test_several_items_at_once_come_by_the_datasets_own_way():
    class Table:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            raise AssertionError("one at a time")

        def __getitems__(self, indices):
            return [{"value": 10 * i} for i in indices]

    fetched = IndexedDataset(Table()).__getitems__([2, 0])
    assert fetched == [{"value": 20, "index": 2}, {"value": 0, "index": 0}]


def test_an_iterable_dataset_is_refused():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(())

        def __len__(self):
            return 0

    with pytest.raises(TypeError, match="Stream, which has no samples by index"):
        IndexedDataset(Stream())
    with pytest.raises(TypeError, match="generator, which has no samples by index"):
        IndexedDataset(i for i in range(3))


def test_a_key_named_index_is_not_overwritten():
    with pytest.raises(ValueError, match="has a key 'index' already"):
        IndexedDataset([{"index": 5}])[0]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("num_workers", [0, 2])
def test_in_a_data_loader(num_workers):
    values = torch.arange(6) * 10
    loader = DataLoader(
        IndexedDataset(TensorDataset(values)), batch_size=4, num_workers=num_workers
    )
    for batch_values, index in loader:
        assert torch.equal(batch_values, values[index])
