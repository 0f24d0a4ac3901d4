"""Data sets that stay encoded are the ones that are loaded into memory, sample by sample."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import datasets
import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.batches import load_dataset, stream_dataset
from dataparams.contents.content import UnreadableContentError
from dataparams.errors import DataError, UserError
from dataparams.sources.text_column import TextColumn
from made_contents import OpenedPictures, stored_in
from made_folders import photographs
from made_images import encoded, image_folder, picture, save

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _library_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "library")


def assert_same_samples(name: str, **arguments) -> None:
    """The stream of a source without damaged images has the samples of the loader into memory."""
    loaded = load_dataset(name, image_size=4, **arguments)
    streamed = stream_dataset(name, **arguments)
    assert (streamed.name, streamed.class_names) == (loaded.name, loaded.class_names)
    for ours, theirs in ((streamed.train, loaded.train), (streamed.val, loaded.val)):
        assert tuple(ours.ids) == theirs.ids
        assert torch.equal(ours.labels, theirs.labels)
        assert torch.equal(ours.index, theirs.index)
        assert ours.num_instances == theirs.num_instances


def hub_layout(folder: Path, splits: dict[str, list[int]], names: list[str]) -> Path:
    """Parquet as the hub has it, with images that tell their row."""
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=names)}
    )
    folder.mkdir(parents=True)
    for split, labels in splits.items():
        cells = [
            {"bytes": encoded(picture((row, 0, 0)), "PNG"), "path": f"{row}.png"}
            for row in range(len(labels))
        ]
        table = datasets.Dataset.from_dict({"image": cells, "label": labels}, features=features)
        half = len(labels) // 2
        for number, rows in enumerate((range(half), range(half, len(labels)))):
            file = folder / f"{split}-{number:05}-of-00002.parquet"
            table.select(rows).to_parquet(file)
    return folder


# --- sources -------------------------------------------------------------------------------------


def test_an_unsplit_folder(tmp_path):
    root = image_folder(tmp_path / "pets", per_class=10)
    save(picture((1, 1, 1)), root / "dog" / "deep" / "z.PNG")
    for seed in (0, 1):
        assert_same_samples(str(root), val_frac=0.3, seed=seed)


@pytest.mark.parametrize(("train", "val"), [("train", "val"), ("training", "validation")])
def test_a_folder_that_comes_split(tmp_path, train, val):
    image_folder(tmp_path / train, classes=("cat", "dog"))
    image_folder(tmp_path / val, per_class=1, classes=("cat", "emu"))
    assert_same_samples(str(tmp_path))


def test_parquet_in_the_layout_of_the_hub(tmp_path):
    splits = {"train": [0, 1, 2, 1, 0, 2, 2], "validation": [2, 0]}
    root = hub_layout(tmp_path / "data[1]", splits, ["cat", "dog", "emu"])
    assert_same_samples(str(root))
    streamed = stream_dataset(str(root))
    for split in (streamed.train, streamed.val):
        rows = split.index.flip(0).tolist()
        wanted = [encoded(picture((int(sample.partition("/")[2]), 0, 0))) for sample in split.ids]
        assert stored_in(split.contents, rows) == wanted[::-1]
        assert split.contents.sizes()[split.index].tolist() == list(map(len, wanted))


def test_one_parquet_file_with_paths_and_words_as_labels(tmp_path):
    for row in range(4):
        save(picture(row, mode="L"), tmp_path / "images" / f"{row}.png")
    cells = [f"images/{row}.png" for row in range(4)]
    path = tmp_path / "pets.parquet"
    pl.DataFrame({"file_name": cells, "label": ["b", "a"] * 2}).write_parquet(path)
    assert_same_samples(str(path), val_frac=0.5)
    store = stream_dataset(str(path)).train.contents
    assert stored_in(store, [3])[0] == (tmp_path / "images" / "3.png").read_bytes()


def test_photographs_as_a_folder_and_in_the_layout_of_the_hub(tmp_path):
    root, photos = photographs(tmp_path / "all"), tmp_path / "photos"
    assert_same_samples(str(root))
    for file in sorted(root.glob("*/*.jpg"))[::2]:
        (photos / file.parent.name).mkdir(parents=True, exist_ok=True)
        (photos / file.parent.name / file.name).symlink_to(file)
    in_folder = stream_dataset(str(photos), val_frac=0.3)
    files = sorted(photos.glob("*/*.jpg"))
    names = list(in_folder.class_names)
    table = {
        "image": [{"bytes": file.read_bytes(), "path": file.name} for file in files],
        "label": [names.index(file.parent.name) for file in files],
    }
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=names)}
    (tmp_path / "hub").mkdir()
    datasets.Dataset.from_dict(table, datasets.Features(features)).to_parquet(
        tmp_path / "hub" / "train-00000-of-00001.parquet"
    )
    in_table = stream_dataset(str(tmp_path / "hub"), val_frac=0.3)
    for ours, theirs in ((in_table.train, in_folder.train), (in_table.val, in_folder.val)):
        assert torch.equal(ours.labels, theirs.labels)
        assert stored_in(ours.contents, ours.index.tolist()) == stored_in(
            theirs.contents, theirs.index.tolist()
        )


def test_the_built_in_data_sets_are_for_memory():
    with pytest.raises(UserError, match=r'digits is built in.*`loader="memory"`'):
        stream_dataset("digits")


def test_what_is_not_there_is_said(tmp_path, no_network):
    with pytest.raises(DataError, match="There is no data set"):
        stream_dataset("./nowhere")
    (tmp_path / "train.parquet").write_bytes(b"PAR1 no, it is not")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        stream_dataset(str(tmp_path))


# --- stores and splits ---------------------------------------------------------------------------


def test_missing_and_damaged_files_keep_their_place(tmp_path):
    train = stream_dataset(str(image_folder(tmp_path / "pets", per_class=5)), val_frac=0.2).train
    file = tmp_path / "pets" / train.ids[3]
    file.unlink()
    first, gone, last = stored_in(train.contents, train.index[[0, 3, 7]].tolist())
    assert isinstance(gone, UnreadableContentError)
    assert str(gone) == "the file is missing"
    assert first == (tmp_path / "pets" / train.ids[0]).read_bytes()
    assert last == (tmp_path / "pets" / train.ids[7]).read_bytes()


def test_a_store_reads_the_same_in_another_process(tmp_path):
    root = hub_layout(tmp_path / "data", {"train": [0, 1] * 6}, ["cat", "dog"])
    for name in (str(root), str(image_folder(tmp_path / "pets"))):
        store = stream_dataset(name).train.contents
        rows = [4, 0, 5]
        assert stored_in(pickle.loads(pickle.dumps(store)), rows) == stored_in(store, rows)  # noqa: S301


def test_a_store_of_many_files_is_handed_on_as_arrays(tmp_path):
    train = stream_dataset(str(image_folder(tmp_path / "pets", per_class=300))).train
    letters = sum(map(len, train.ids))
    assert len(pickle.dumps(train.contents)) < 2 * (letters + 8 * len(train))


def test_the_fingerprint_tells_of_ids_labels_sizes_and_split(tmp_path):
    root = image_folder(tmp_path / "pets", per_class=6)
    seen = {stream_dataset(str(root)).fingerprint}
    assert stream_dataset(str(root)).fingerprint in seen
    seen.add(stream_dataset(str(root), seed=1).fingerprint)
    (root / "cat" / "00.png").rename(root / "cat" / "a.png")
    seen.add(stream_dataset(str(root)).fingerprint)
    (root / "cat" / "a.png").rename(root / "dog" / "a.png")
    seen.add(stream_dataset(str(root)).fingerprint)
    save(picture((0, 0, 0), size=(40, 40)), root / "dog" / "a.png")
    seen.add(stream_dataset(str(root)).fingerprint)
    assert len(seen) == 5


def test_a_selection_keeps_its_index(tmp_path):
    train = stream_dataset(str(image_folder(tmp_path / "pets", per_class=5)), val_frac=0.2).train
    chosen = train.select(torch.tensor([6, 1]))
    assert chosen.index.tolist() == train.index[[6, 1]].tolist()
    assert tuple(chosen.ids) == (train.ids[6], train.ids[1])
    assert chosen.num_instances == 10
    relabeled = chosen.with_labels(torch.tensor([0, 0]))
    assert relabeled.labels.tolist() == [0, 0]
    assert stored_in(relabeled.contents, relabeled.index) == stored_in(
        train.contents, train.index[[6, 1]]
    )
    with pytest.raises(ValueError, match=r"labels has shape \(3,\); expected \(2,\)"):
        chosen.with_labels(torch.zeros(3, dtype=torch.int64))


@settings(max_examples=20, deadline=None)
@given(words=st.lists(st.text(max_size=4), max_size=9), data=st.data())
def test_a_column_of_texts_is_a_sequence_of_strings(words, data):
    column = TextColumn(words)
    assert list(column) == words == column
    bounds = data.draw(st.slices(len(words)))
    if bounds.step in (None, 1):
        assert list(column[bounds]) == words[bounds]
        lengths, letters = column[bounds].contents()
        assert bytes(letters).decode() == "".join(words[bounds])
        assert lengths.tolist() == [len(word.encode()) for word in words[bounds]]
    places = data.draw(st.lists(st.integers(0, len(words) - 1), max_size=9)) if words else []
    assert list(column.take(np.array(places, dtype=np.int64))) == [words[i] for i in places]


def test_pictures_of_a_streamed_source_are_found_by_their_ids(tmp_path):
    root = hub_layout(tmp_path / "data", {"train": [0, 1] * 6}, ["cat", "dog"])
    train = stream_dataset(str(root)).train
    read = OpenedPictures(str(root)).read(list(train.ids[:3]))
    rows = [int(sample.partition("/")[2]) for sample in train.ids[:3]]
    assert [int(pixels[0, 0, 0]) for pixels in read] == rows
