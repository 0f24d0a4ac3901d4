"""What of the samples of a loop travels into the run folder, and is shown from there."""

from __future__ import annotations

import shutil
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from datasets import Dataset
from PIL import Image
from torch.utils.data import Subset, TensorDataset

from dataparams import ArgumentError, ChangedDataError, DataError, IndexedDataset, Recording
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import EncodedImage
from dataparams.contents.rows import Row
from dataparams.contents.texts import Text
from dataparams.errors import RunError
from dataparams.recording import small_pictures
from dataparams.run.folder import RunFolder
from dataparams.run.source import ContentsOfRun

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LABELS = ["cat", "dog", "cat", "dog"]
TEXTS = ["Where is my card?", "", "עברית — ‮", "=HYPERLINK()\nline"]


def begun(folder: Path, samples: Any, **settings: Any) -> RunFolder:
    """A run folder that was begun with samples."""
    run = Recording(folder, labels=LABELS, samples=samples, epochs=2, batch_size=4, **settings)
    run.begin(torch.nn.Linear(1, 1))
    return run.run


def read(run: RunFolder, data: str | None = None) -> list[Any]:
    """The contents of all samples of a run."""
    return ContentsOfRun(run, data).read(run.samples()["id"].to_list())


def series(values: Sequence[Any]) -> list[Any]:
    """Texts in all the forms in which people have them."""
    return [
        list(values),
        tuple(values),
        np.array(values),
        np.array(values, dtype=object),
        pl.Series(values),
        pd.Series(values),
        pl.DataFrame({"text": values}),
        pd.DataFrame({"text": values, "label": LABELS}),
        pa.table({"text": values}),
        Dataset.from_dict({"text": values, "label": [0, 1, 0, 1]}),
        Dataset.from_dict({"text": values})["text"],
        pa.chunked_array([values]),
        pa.array(values),
    ]


@pytest.mark.parametrize("form", range(13))
def test_texts_are_kept_in_whatever_form_they_are(form: int, tmp_path: Path) -> None:
    run = begun(tmp_path / "run", series(TEXTS)[form])
    assert run.content_kind() == "text"
    assert read(run) == [Text(text) for text in TEXTS]
    source = run.description()["source"]
    assert (source["name"], source["is_kept"]) == ("contents.parquet", True)
    assert source["identity"] == "content"


def test_a_text_that_is_missing_is_told_of(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", ["a", None, float("nan"), "d"])
    a, missing, also, d = read(run)
    assert (a, d) == (Text("a"), Text("d"))
    assert str(missing) == str(also) == "there is no text"


@pytest.mark.parametrize("form", ["polars", "pandas", "arrow", "hugging face", "dicts"])
def test_rows_are_kept_without_their_label(form: str, tmp_path: Path) -> None:
    values: dict[str, list[Any]] = {
        "carat": [0.2, None, 0.4, 1.0],
        "id": [7, 8, 9, 10],
        "color": ["E", "F", None, "G"],
        "kind": LABELS,
    }
    table = {
        "polars": pl.DataFrame,
        "pandas": pd.DataFrame,
        "arrow": pa.table,
        "hugging face": Dataset.from_dict,
        "dicts": lambda columns: [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ],
    }[form](values)
    run = begun(tmp_path / "run", table)
    assert run.content_kind() == "row"
    source = run.description()["source"]
    assert (source["row_columns"], source["label_column"]) == (["carat", "id", "color"], "kind")
    assert read(run)[1] == Row(("carat", "id", "color"), (None, 8, "F"))


def test_values_of_every_kind_can_be_kept(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "day": [date(2026, 1, day) for day in range(1, 5)],
            "tags": [["a"], [], None, ["b", "c"]],
            "size": pl.Series(["S", "M", "S", "L"], dtype=pl.Categorical),
            "blob": [b"abc"] * 4,
            "is_new": [True, None, False, True],
        }
    )
    run = begun(tmp_path / "run", table)
    assert read(run)[3].items() == [
        ("day", "2026-01-04"),
        ("tags", '["b", "c"]'),
        ("size", "L"),
        ("blob", "3 bytes"),
        ("is_new", True),
    ]


def test_nothing_is_kept_where_nothing_was_given(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", None)
    assert run.content_kind() is None
    assert not (run.path / "contents.parquet").exists()
    assert {str(content) for content in read(run)} == {"the run keeps nothing of it to show"}
    (said,) = ContentsOfRun(run).check(run.samples()["id"])
    assert "keeps nothing of its samples to show" in said


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Four photographs in two folders."""
    files = [tmp_path / "photos" / name / f"{k}.png" for k, name in enumerate(LABELS)]
    for k, file in enumerate(files):
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (90, 60), (60 * k, 0, 0)).save(file)
    return files


class ImageFolder:
    """What torchvision's data set of this name lists."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.samples = [(str(file), 0) for file in files]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> None:
        raise AssertionError("no picture is opened")


@pytest.mark.parametrize("form", ["paths", "texts", "image folder", "subset"])
def test_of_image_files_the_paths_are_kept(form: str, photos: list[Path], tmp_path: Path) -> None:
    samples: Any = {
        "paths": photos,
        "texts": list(map(str, photos)),
        "image folder": ImageFolder(photos),
        "subset": IndexedDataset(Subset(ImageFolder([photos[3], *photos]), [1, 2, 3, 4])),  # type: ignore[arg-type]
    }[form]
    run = begun(tmp_path / "runs" / "run", samples)
    assert run.content_kind() == "image"
    assert run.samples()["id"].to_list() == ["cat/0.png", "dog/1.png", "cat/2.png", "dog/3.png"]
    assert (run.path / "contents.parquet").stat().st_size < 3000
    assert [content.encoded() for content in read(run)] == [file.read_bytes() for file in photos]


def test_image_files_are_found_where_they_moved_to(photos: list[Path], tmp_path: Path) -> None:
    run = begun(tmp_path / "runs" / "run", photos)
    (tmp_path / "moved").mkdir()
    shutil.move(tmp_path / "runs", tmp_path / "moved")
    moved = RunFolder(tmp_path / "moved" / "runs" / "run")
    assert read(moved)[0].encoded() == photos[0].read_bytes()
    # Together with the run folder they are found without a word.
    before = photos[0].read_bytes()
    shutil.move(tmp_path / "photos", tmp_path / "moved")
    assert read(moved)[0].encoded() == before
    shutil.move(tmp_path / "moved" / "photos", tmp_path / "elsewhere")
    assert str(read(moved)[0]) == "the file is missing"
    with pytest.raises(RunError, match="None of the first 4 samples"):
        ContentsOfRun(moved).check(moved.samples()["id"])
    assert read(moved, str(tmp_path / "elsewhere"))[0].encoded() == before
    with pytest.raises(DataError, match="`data` is"):
        read(moved, str(tmp_path / "nowhere"))
    assert not run.path.exists()


def test_an_image_that_changed_is_told_of(photos: list[Path], tmp_path: Path) -> None:
    run = begun(tmp_path / "run", photos)
    Image.new("RGB", (9, 9)).save(photos[2])
    with pytest.raises(ChangedDataError, match=r"cat/2.png"):
        read(run)


class Pictures:
    """A data set of pictures, random as augmentation makes them."""

    def __init__(self, side: int = 300) -> None:
        self.side = side

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.rand(3, self.side, self.side) * 2 - 1, index % 2


@pytest.mark.parametrize(
    ("samples", "size"),
    [
        (Pictures(), (128, 128)),
        (Pictures(8), (8, 8)),
        ([{"image": Image.new("L", (400, 100))}] * 4, (128, 32)),
        (torch.zeros(4, 28, 28), (28, 28)),
        (np.zeros((4, 10, 12, 3), np.uint8), (12, 10)),
        (TensorDataset(torch.zeros(4, 1, 16, 16)), (16, 16)),
        (Dataset.from_dict({"image": [Image.new("RGB", (20, 10))] * 4}), (20, 10)),
    ],
)
def test_of_a_data_set_of_pictures_small_ones_are_kept(
    samples: Any, size: tuple[int, int], tmp_path: Path
) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    Recording(tmp_path / "run", labels=LABELS, samples=samples, epochs=2, batch_size=4)
    assert torch.equal(torch.get_rng_state(), before)
    run = begun(tmp_path / "run", samples)
    assert run.content_kind() == "image"
    for content in read(run):
        assert isinstance(content, EncodedImage)
        assert content.pixels(1000).shape[1::-1] == size


def test_a_loop_over_pictures_drawn_at_random_goes_on(tmp_path: Path) -> None:
    first = read(begun(tmp_path / "run", Pictures()))
    assert read(begun(tmp_path / "run", Pictures())) == first
    assert read(begun(tmp_path / "run", Pictures(), restart=True)) != first


def test_pictures_beyond_the_budget_are_not_kept_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_pictures, "BUDGET", 1000)
    with pytest.warns(UserWarning, match="No picture of the 4 samples is kept"):
        run = begun(tmp_path / "run", Pictures())
    assert run.content_kind() is None


def test_samples_that_are_shown_travel_with_the_run_folder(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", TEXTS)
    shutil.move(run.path, tmp_path / "elsewhere")
    moved = RunFolder(tmp_path / "elsewhere")
    assert read(moved)[0] == Text(TEXTS[0])
    (gone,) = ContentsOfRun(moved).read(["train/17"])
    assert isinstance(gone, UnreadableContentError)
    with pytest.raises(ArgumentError, match="keeps itself what is shown"):
        read(moved, "photos")
    assert [len(found.contents) for found in ContentsOfRun(moved).sweep(["train/1"])] == [1]
    assert ContentsOfRun(moved).check(moved.samples()["id"]) == []


def test_a_damaged_file_of_contents_is_told_of(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", TEXTS)
    file = run.path / "contents.parquet"
    table = pl.read_parquet(file)
    table.with_columns(text=pl.lit("other")).write_parquet(file)
    with pytest.raises(ChangedDataError, match="train/0"):
        read(run)
    for damaged in (table.drop("text"), table.drop("id"), table.cast({"text": pl.Binary})):
        damaged.write_parquet(file)
        with pytest.raises(RunError, match="damaged"):
            read(run)
    file.write_bytes(b"PAR1 nothing")
    with pytest.raises(RunError, match="damaged"):
        read(run)
    file.unlink()
    with pytest.raises(RunError, match="does not exist"):
        read(run)


def test_a_kill_before_the_first_file_was_whole_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / ".run.json.0123.tmp").write_bytes(b"{")
    assert begun(folder, TEXTS).content_kind() == "text"
    assert not list(folder.glob(".*.tmp"))
    for name in ("samples.parquet", "contents.parquet"):
        (folder / name).unlink()
    assert read(begun(folder, TEXTS))[0] == Text(TEXTS[0])


def test_columns_of_one_name_are_all_kept(tmp_path: Path) -> None:
    table = pd.DataFrame([[row, f"word {row}", row / 2] for row in range(4)], columns=[1, "1", 1])
    run = begun(tmp_path / "run", table)
    assert [[name for name, _ in row.items()] for row in read(run)[:1]] == [["1", "1_1", "1_2"]]


def test_names_of_images_that_are_not_there_are_said(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"no file nowhere/0.jpg: they are kept as texts"):
        begun(tmp_path / "run", [f"nowhere/{row}.jpg" for row in range(4)])
