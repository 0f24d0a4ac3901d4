"""A data set prepared once: what is in the file, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from dataparams.batches import StreamedBatches, stream_dataset
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.pixmap import view_pixmap
from dataparams.errors import ArgumentError, DataError, RunError
from dataparams.sources.cache import CacheSummary, open_cache, write_cache
from dataparams.sources.opening import open_source
from made_contents import OpenedPictures, stored_in
from made_images import picture, save
from made_streams import slopes


def cached(root, out, **arguments) -> CacheSummary:
    arguments = {"size": 20, "workers": 0, **arguments}
    return write_cache(open_source(str(root), is_streamed=True), out, **arguments)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with a damaged image, its split, and the cache of it."""
    folder = tmp_path_factory.mktemp("cache")
    for split, count in (("train", 10), ("val", 3)):
        slopes(folder / "pets" / split, count)
    (folder / "pets" / "train" / "cat" / "004.png").write_bytes(b"no image")
    summary = cached(folder / "pets", folder / "pets.arrow", quality=None)
    return folder / "pets", folder / "pets.arrow", summary


@pytest.mark.parametrize(
    ("name", "value"), [("size", 0), ("size", 5000), ("quality", 101), ("workers", -1)]
)
def test_a_number_out_of_its_range_is_an_error(prepared, tmp_path, name, value):
    with pytest.raises(ArgumentError, match=f"`{name}` is {value}; expected a whole number"):
        cached(prepared[0], tmp_path / "a.arrow", **{name: value})


@pytest.mark.parametrize("workers", [0, 2])
def test_a_cache_has_the_samples_of_its_source(prepared, tmp_path, workers):
    root, _, _ = prepared
    summary = cached(root, tmp_path / "a.arrow", quality=None, workers=workers)
    assert (summary.images, summary.unreadable) == (25, 1)
    assert summary.num_bytes == (tmp_path / "a.arrow").stat().st_size
    source = stream_dataset(str(root))
    dataset = stream_dataset(str(root), cache=tmp_path / "a.arrow")
    assert dataset.class_names == source.class_names
    assert dataset.val.ids == source.val.ids
    assert dataset.train.num_instances == len(source.train) + len(source.val) == 26
    assert dataset.train.index.tolist() == [i for i in range(20) if i != 4]
    assert list(dataset.train.ids) == [source.train.ids[i] for i in dataset.train.index.tolist()]
    (left_out,) = dataset.train.unreadable
    assert (left_out.index, left_out.id) == (4, "train/cat/004.png")
    assert "known format" in left_out.reason


def test_what_the_source_leaves_out_is_told_of_the_cache_as_well(tmp_path):
    slopes(tmp_path / "pets", 3)
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("no image")
    save(picture((0, 0, 0)), tmp_path / "pets" / "train" / "1.png")
    source = open_source(str(tmp_path / "pets"))
    cached(tmp_path / "pets", tmp_path / "a.arrow")
    found = open_cache(tmp_path / "a.arrow").source
    assert source.left_out
    assert source.notes
    assert (found.kind, found.notes) == (f"{source.kind}, read from a cache", source.notes)
    assert [(one.reason, list(one.names), one.count) for one in found.left_out] == [
        (one.reason, list(one.names), one.count) for one in source.left_out
    ]


def test_raw_images_are_the_sources_with_the_shorter_side_resized(prepared):
    root, file, _ = prepared
    train = stream_dataset(str(root), cache=file).train
    for sample, data in zip(
        train.ids, stored_in(train.contents, train.index.tolist()), strict=True
    ):
        image = Image.open(root / sample)
        scale = 20 / min(image.size)
        size = [round(scale * side) for side in image.size]
        pixels = view_pixmap(data)
        assert pixels.shape == (size[1], size[0], 3)
        expected = np.asarray(image.resize(size, Image.Resampling.BILINEAR)).astype(int)
        assert abs(pixels - expected).max() <= 8


def test_small_jpeg_files_are_kept_as_they_are_and_others_become_jpeg(tmp_path):
    for name in ("cat", "dog"):
        save(picture((200, 30, 30), (18, 30)), tmp_path / "pets" / name / "small.jpg")
        save(picture((200, 30, 30), (60, 90)), tmp_path / "pets" / name / "large.jpg")
        save(picture((200, 30, 30, 0), (18, 30), "RGBA"), tmp_path / "pets" / name / "z.png")
    cached(tmp_path / "pets", tmp_path / "a.arrow", quality=95)
    store = open_cache(tmp_path / "a.arrow").source.contents
    large, small, clear = stored_in(store, [0, 1, 2])
    assert bytes(small) == (tmp_path / "pets" / "cat" / "small.jpg").read_bytes()
    for position, (data, size, color) in enumerate(
        ((large, (20, 30), (200, 30, 30)), (clear, (18, 30), (255, 255, 255)))
    ):
        (tmp_path / f"{position}.jpg").write_bytes(bytes(data))
        image = Image.open(tmp_path / f"{position}.jpg")
        assert (image.format, image.size) == ("JPEG", size)
        assert abs(np.asarray(image).astype(int) - color).max() < 6


def test_batches_from_a_raw_cache_are_those_from_its_images_as_files(prepared, tmp_path):
    root, file, _ = prepared
    train = stream_dataset(str(root), cache=file, image_size=16).train
    for sample, data in zip(
        train.ids, stored_in(train.contents, train.index.tolist()), strict=True
    ):
        save(Image.fromarray(view_pixmap(data)), tmp_path / "pets" / sample)
    slopes(tmp_path / "pets" / "val", 1)
    from_files = stream_dataset(str(tmp_path / "pets"), image_size=16).train
    first = torch.cat([b.images for b in stream(train).epoch(0)])
    second = torch.cat([b.images for b in stream(from_files).epoch(0)])
    assert first.shape == second.shape
    assert (first - second).abs().max() < 0.1


def stream(samples) -> StreamedBatches:
    return StreamedBatches(samples, 8, device="cpu", workers=0, shuffle=False)


def test_other_processes_read_the_file_for_themselves(prepared):
    _, file, _ = prepared
    store = open_cache(file).source.contents
    assert len(store) == 26
    sent = pickle.dumps(store)
    assert len(sent) < 1000
    ours, theirs = (stored_in(one, [3, 4, 25]) for one in (store, pickle.loads(sent)))  # noqa: S301
    assert ours[0] == theirs[0]
    assert ours[2] == theirs[2]
    assert isinstance(theirs[1], UnreadableContentError)


def test_pictures_come_from_the_cache_where_the_source_is_gone(prepared, tmp_path):
    root, file, _ = prepared
    assert OpenedPictures(str(root), cache=file).read(["train/cat/000.png"])[0].shape == (40, 60, 3)
    gone = OpenedPictures(str(tmp_path / "gone"), cache=file)
    read = gone.read(["val/dog/003.png", "train/cat/004.png", "nothing", "train/cat/000.png"])
    assert read[0].shape == (20, 60, 3)
    assert read[1] is read[2] is None
    assert read[3].shape == (20, 30, 3)


# --- refusals ------------------------------------------------------------------------------------


def test_a_cache_serves_without_its_source_but_for_no_other(prepared, tmp_path):
    root, _, _ = prepared
    moved = slopes(tmp_path / "pets")
    cached(moved, tmp_path / "a.arrow")
    dataset = stream_dataset(str(moved), cache=tmp_path / "a.arrow", val_frac=0.3, seed=3)
    with pytest.raises(DataError, match=r"not of .*pets as it is now"):
        stream_dataset(str(root), cache=tmp_path / "a.arrow")
    moved.rename(tmp_path / "elsewhere")
    again = stream_dataset(str(moved), cache=tmp_path / "a.arrow", val_frac=0.3, seed=3)
    assert again.fingerprint == dataset.fingerprint
    stream_dataset(str(tmp_path / "elsewhere"), cache=tmp_path / "a.arrow")
    with pytest.raises(DataError, match=r"was made from .*pets, not from owner/other"):
        stream_dataset("owner/other", cache=tmp_path / "a.arrow")
    (tmp_path / "elsewhere" / "cat" / "000.png").unlink()
    with pytest.raises(DataError, match="as it is now"):
        stream_dataset(str(tmp_path / "elsewhere"), cache=tmp_path / "a.arrow")


def test_how_a_cache_was_prepared_is_part_of_the_fingerprint(prepared, tmp_path):
    root, file, _ = prepared
    cached(root, tmp_path / "a.arrow", quality=None)
    cached(root, tmp_path / "b.arrow", quality=80)
    seen = [stream_dataset(str(root), cache=f).fingerprint for f in (
        file, tmp_path / "a.arrow", tmp_path / "b.arrow")]  # fmt: skip
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.9999])
def test_a_truncated_file_is_said(prepared, tmp_path, share):
    contents = prepared[1].read_bytes()
    (tmp_path / "a.arrow").write_bytes(contents[: int(share * len(contents))])
    with pytest.raises(DataError, match=r"a\.arrow is damaged, not whole.*--overwrite"):
        open_cache(tmp_path / "a.arrow")


def test_no_damaged_byte_ends_the_process(prepared, tmp_path):
    """Whatever bytes are wrong, the file is refused, or its images are read or unreadable."""
    contents = prepared[1].read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        damaged = bytearray(contents)
        place = int(rng.integers(len(damaged)))
        if rng.random() < 0.5:
            # Where the structure is: at the end.
            place = len(damaged) - 1 - int(rng.integers(min(4000, len(damaged))))
        damaged[place : place + 4] = rng.bytes(len(damaged[place : place + 4]))
        (tmp_path / "a.arrow").write_bytes(damaged)
        try:
            source = open_cache(tmp_path / "a.arrow").source
        except DataError:
            refused += 1
        else:
            source.contents.read(range(len(source.ids)))
    assert refused


def test_another_file_is_no_cache(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(DataError, match=r"a\.txt is damaged"):
        open_cache(tmp_path / "a.txt")
    with pytest.raises(DataError, match=r"There is no cache .*dataparams cache DATASET --out"):
        open_cache(tmp_path / "b.arrow")


def test_nothing_is_overwritten_without_a_word(prepared, tmp_path):
    root, _, _ = prepared
    out = tmp_path / "precious.txt"
    out.write_text("precious")
    with pytest.raises(RunError, match=r"exists already.*`overwrite=True`"):
        cached(root, out)
    with pytest.raises(RunError, match="is a folder"):
        cached(root, tmp_path, overwrite=True)
    assert out.read_text() == "precious"
    cached(root, out, overwrite=True)
    assert open_cache(out).size == 20
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_an_error_or_an_interrupt_leaves_nothing_behind(prepared, tmp_path):
    root, _, _ = prepared

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(root, tmp_path / "a.arrow", on_progress=interrupt)
    broken = slopes(tmp_path / "broken")
    for file in sorted(broken.rglob("*.png"))[3:]:
        file.write_bytes(b"?")
    with pytest.raises(DataError, match="37 of 40 images cannot be read"):
        cached(broken, tmp_path / "a.arrow")
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]
