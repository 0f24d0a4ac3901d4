"""Data that moved or changed after the training: what every command says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from dataparams.cli import main
from dataparams.run.folder import RunFolder
from made_images import encoded

NAMES = ("cat", "dog")


def images() -> list[bytes]:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (40, 8, 8, 3), dtype=np.uint8)
    return [encoded(Image.fromarray(one)) for one in pixels]


def write(path: Path, rows: list[int], labels: dict[int, str] | None = None) -> str:
    """Write some of the images to a Parquet file; some labels are others than they should be."""
    every = images()
    names = [NAMES[row % 2] if labels is None else labels.get(row, NAMES[row % 2]) for row in rows]
    table = {"image": pa.array([every[row] for row in rows]), "label": names}
    parquet.write_table(pa.table(table), path)
    return str(path)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("run")
    file = write(folder / "pets.parquet", list(range(40)))
    flags = ["--epochs", "1", "--output-dir", str(folder), "-b", "8"]
    assert main(["train", file, "--label-column", "label", *flags]) == 0
    (folder / "pets.parquet").rename(folder / "gone.parquet")
    return str(folder / "pets" / "run")


def told(capsys, words: list[str]) -> tuple[int, str]:
    """The exit code of a command, and all that it prints, without what a line breaks."""
    capsys.readouterr()
    code = main(words)
    shown = capsys.readouterr()
    return code, " ".join((shown.out + shown.err).split())


def target_of(command: str, folder: Path) -> list[str]:
    return ["--to", "image-folder", "--out", str(folder / "out")] if command == "export" else []


@pytest.mark.parametrize("command", ["report", "figures", "export"])
def test_where_data_are_gone_the_flag_for_where_they_lie_is_named(run, tmp_path, capsys, command):
    code, words = told(capsys, [command, run, *target_of(command, tmp_path)])
    assert code == 3
    assert "say where they are: --data PATH" in words


def test_an_analysis_goes_on_without_data_and_not_with_the_wrong_ones(run, tmp_path, capsys):
    code, words = told(capsys, ["analyze", run])
    assert code == 0
    assert "--data PATH" in words
    assert "trajectories alone count" in words
    code, words = told(capsys, ["analyze", run, "--data", str(tmp_path / "nowhere.parquet")])
    assert (code, "trajectories alone count" in words) == (3, False)


def test_columns_of_a_table_are_not_asked_of_a_folder(run, tmp_path, capsys):
    for row, image in enumerate(images()):
        (tmp_path / NAMES[row % 2]).mkdir(exist_ok=True)
        (tmp_path / NAMES[row % 2] / f"{row}.png").write_bytes(image)
    code, words = told(capsys, ["analyze", run, "--data", str(tmp_path)])
    assert (code, "--image-column" in words) == (4, False)
    assert "are not what" in words


def test_samples_that_are_gone_are_told_of(run, tmp_path, capsys):
    short = write(tmp_path / "short.parquet", list(range(30)))
    for command in ("report", "figures"):
        code, words = told(capsys, [command, run, "--data", short])
        assert code == 0
        assert "cannot be read from" in words
        assert "the source has no row of this id" in words


@pytest.mark.parametrize(("changed", "noun"), [(1, "1 sample has"), (2, "2 samples have")])
@pytest.mark.parametrize("command", ["report", "export"])
def test_labels_that_changed_are_told_of(run, tmp_path, capsys, command, changed, noun):
    kept = sorted(_trained_on(run))
    labels = {row: NAMES[1 - row % 2] for row in kept[:changed]}
    file = write(tmp_path / "a.parquet", list(range(40)), labels)
    code, shown = told(capsys, [command, run, *target_of(command, tmp_path), "--data", file])
    assert code == 0
    assert f"{noun} another label in" in shown
    assert f"train/{kept[0]}" in shown


def _trained_on(run: str) -> list[int]:
    return [int(name.removeprefix("train/")) for name in RunFolder(Path(run)).samples()["id"]]
