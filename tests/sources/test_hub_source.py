"""Data sets of the hub as sources, with tables made here in the library's own types."""

from __future__ import annotations

import datasets
import numpy as np
import pytest

from dataparams.contents.images import EncodedImage
from dataparams.errors import DataError
from dataparams.sources.columns import WantedColumns
from dataparams.sources.hub import opening
from dataparams.sources.hub.opening import open_hub, open_hub_contents
from dataparams.sources.hub.tables import HubSplits
from made_tables import photo

KINDS = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}


@pytest.fixture
def hub(monkeypatch):
    def serve(splits, *, unused=None, kinds=KINDS):
        tables = {}
        for number, (split, columns) in enumerate(splits.items()):
            count = len(next(iter(columns.values())))
            cells = [{"bytes": photo(50 * number + row), "path": None} for row in range(count)]
            every = {"image": cells, **columns}
            features = datasets.Features({name: kinds[name] for name in every})
            tables[split] = datasets.Dataset.from_dict(every, features=features)
        monkeypatch.setattr(
            opening, "open_hub_splits", lambda name, **_: HubSplits(tables, unused or {})
        )

    return serve


def test_splits_of_the_hub(hub):
    splits = {"train": {"label": [1, 0, 1]}, "validation": {"label": [0, 1]}}
    hub(splits, unused={"test": 6, "unsupervised": None})
    source = open_hub("owner/pets")
    assert (source.kind, source.place) == ("data set of the Hugging Face hub", "owner/pets")
    assert (source.name, source.class_names) == ("owner-pets", ("cat", "dog"))
    rows = {"train": range(3), "validation": range(2)}
    assert list(source.ids) == [f"{split}/{row}" for split in rows for row in rows[split]]
    assert source.labels.tolist() == [1, 0, 1, 0, 1]
    assert (source.train_rows, source.split_names) == (3, ("train", "validation"))
    assert source.columns == {"image": "image", "label": "label"}
    assert source.read([4, 0]) == [EncodedImage(photo(51)), EncodedImage(photo(0))]
    sizes = [len(photo(row)) for row in (0, 1, 2, 50, 51)]
    assert source.contents.sizes().tolist() == sizes
    known, unknown = source.left_out
    assert known.reason == "row of the split 'test', beside 'train' and 'validation'"
    assert (list(known.names), known.count) == (["test"], 6)
    assert unknown.reason.endswith("(the hub does not tell of how many rows)")
    assert unknown.count == 0


def test_a_short_name_stands_for_its_repository(hub):
    hub({"train": {"label": [1, 0, 1]}})
    source = open_hub("imagenet-1k")
    assert (source.place, source.name) == ("ILSVRC/imagenet-1k", "imagenet-1k")
    assert source.train_rows is None


def test_an_unlabeled_split_and_rows_without_labels_are_left_out(hub):
    hub({"train": {"label": [1, -1, 0]}, "test": {"label": [-1, -1]}})
    source = open_hub("pets")
    assert list(source.ids) == ["train/0", "train/2"]
    assert source.train_rows is None
    assert source.read([1]) == [EncodedImage(photo(2))]
    assert [each.count for each in source.left_out] == [1, 2]


def test_columns_of_the_hub_are_asked_for_as_those_of_files(hub):
    kinds = {
        "image": datasets.Image(),
        "breed": datasets.Value("string"),
        "age": datasets.Value("int32"),
        "kind": datasets.ClassLabel(names=["cat", "dog"]),
    }
    columns = {"breed": ["pug", "lab"] * 2, "age": [1, 2, 1, 2]}
    hub({"train": columns}, kinds=kinds)
    with pytest.raises(DataError, match="`label_column=NAME`"):
        open_hub("pets")
    assert open_hub("pets", WantedColumns(label="breed")).class_names == ("lab", "pug")
    hub({"train": {"kind": [0, 1, 0, 1]}}, kinds=kinds)
    assert open_hub("pets").class_names == ("cat", "dog")
    hub({"train": {"kind": [0, 1, 0, 1], **columns}}, kinds=kinds)
    with pytest.raises(DataError, match="kind"):
        open_hub("pets")


def test_contents_of_ids(hub):
    hub({"train": {"label": [1, 0, 1]}, "validation": {"label": [0, 1]}})
    contents = open_hub_contents("pets")(["validation/1", "train/0", "test/0", "train/3"])
    found = contents.read(range(4))
    assert found[:2] == [EncodedImage(photo(51)), EncodedImage(photo(0))]
    assert [str(each) for each in found[2:]] == ["the source has no row of this id"] * 2
    sizes = [len(photo(51)), len(photo(0)), -1, -1]
    assert np.array_equal(contents.sizes(), sizes)
