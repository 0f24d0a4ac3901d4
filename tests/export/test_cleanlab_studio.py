"""The folder and the ZIP file that Cleanlab Studio uploads."""

from __future__ import annotations

import csv
import io
import os
import runpy
import signal
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from dataparams.batches import load_dataset
from dataparams.cli import main
from forked_processes import COMMAND_LINE, start_program
from made_runs import made_run
from made_sources import contents, photo, photo_folder, photo_table


def export(what, out, *flags):
    return main(["export", str(what), "--to", "cleanlab-studio", str(out), *map(str, flags)])


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def metadata(folder):
    return rows((folder / "metadata.csv").read_text(encoding="utf-8"))


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


# --- the bytes -----------------------------------------------------------------------------------


def test_an_image_folder_comes_out_byte_for_byte(tmp_path, out, capsys):
    pets = photo_folder(tmp_path / "pets")
    assert export(pets, out, "--form", "folder") == 0
    made = contents(out)
    del made["metadata.csv"]
    assert made == contents(pets)
    assert "Exported 12 samples of 2 classes" in capsys.readouterr().out.splitlines()[-1]


def test_cells_of_a_table_come_out_untouched_with_the_extension_of_their_format(tmp_path, out):
    cells = [
        photo(0),
        (photo(1, "PNG"), "wrong.jpg"),
        photo(2, "WEBP"),
        (photo(3), "n01440764_18.JPEG"),
        photo(4, "GIF"),
        photo(5, "BMP"),
    ]
    table = photo_table(tmp_path / "pets.parquet", cells, [0, 1, 0, 1, 0, 1])
    assert export(table, out) == 0
    found = {row["id"]: row for row in metadata(out)}
    extensions = []
    for number, cell in enumerate(cells):
        row = found[f"train/{number}"]
        assert (out / row["filename"]).read_bytes() == (
            cell if isinstance(cell, bytes) else cell[0]
        )
        assert row["filename"].startswith(f"{row['label']}/train_{number}.")
        extensions.append(Path(row["filename"]).suffix)
    assert extensions == [".jpg", ".png", ".webp", ".jpg", ".gif", ".bmp"]


def test_an_image_that_would_not_decode_is_exported_since_nothing_is_decoded(tmp_path, out):
    cut = photo(0, side=200)[:2000]
    table = photo_table(tmp_path / "pets.parquet", [cut, photo(1), photo(2)], [0, 1, 0])
    assert export(table, out, "--form", "folder") == 0
    assert (out / "cat" / "train_0.jpg").read_bytes() == cut


def test_built_in_sets_are_written_as_png_without_loss(out):
    assert export("digits", out, "--split", "val", "--form", "folder") == 0
    digits = load_dataset("digits").val
    written = metadata(out)
    assert [row["id"] for row in written] == list(digits.ids)
    for row, pixels in zip(written, digits.images.numpy(), strict=True):
        assert np.array_equal(np.asarray(Image.open(out / row["filename"])), pixels[0])


def test_images_of_the_hub_come_out_untouched(tmp_path, out, monkeypatch):
    datasets = pytest.importorskip("datasets")
    from dataparams.sources.hub import tables as hub

    kinds = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "a/b"])}
    )
    tables = {
        split: datasets.Dataset.from_dict(
            {
                "image": [{"bytes": photo(start + row), "path": f"{row}.JPEG"} for row in range(4)],
                "label": [0, 1, 0, 1] if split != "test" else [-1] * 4,
            },
            features=kinds,
        )
        for split, start in (("train", 0), ("validation", 50), ("test", 90))
    }
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hub, "ask_hub", lambda name: None)
    monkeypatch.setattr(datasets, "load_dataset", lambda name: datasets.DatasetDict(tables))
    assert export("owner/pets", out, "--form", "folder") == 0
    found = {row["id"]: row for row in metadata(out)}
    assert len(found) == 8
    assert (out / found["validation/2"]["filename"]).read_bytes() == photo(52)
    assert found["train/1"]["label"] == "a/b"
    assert found["train/1"]["filename"].startswith("a_b~")
    assert [found[f"{split}/0"]["split"] for split in ("train", "validation")] == [
        "train",
        "validation",
    ]


# --- the table -----------------------------------------------------------------------------------


def test_metadata_of_a_run_has_the_columns_of_its_analysis(tmp_path, out):
    pets = photo_folder(tmp_path / "pets")
    run = made_run(tmp_path / "run", pets)
    assert export(run.path, out, "--split", "train") == 0
    frame = run.analysis()[0]
    written = metadata(out)
    header = list(written[0])
    assert header[:3] == ["id", "label", "filename"]
    wanted = ["category", "suspicion", "suggested_label", "suggested_confidence", "subgroup"]
    assert set(wanted) < set(header)
    assert [row["id"] for row in written] == frame["id"].to_list()
    for row, known in zip(written, frame.iter_rows(named=True), strict=True):
        assert row["label"] == known["label_name"]
        assert row["suggested_label"] == known["suggested_name"]
        assert row["category"] == known["category"]
        assert float(row["suspicion"]) == known["suspicion"]
        assert np.float32(row["suggested_confidence"]) == np.float32(known["suggested_confidence"])
        assert (out / row["filename"]).read_bytes() == (pets / row["id"]).read_bytes()


def test_the_zip_has_metadata_at_the_top_of_its_folder_and_the_same_images(tmp_path, out):
    run = made_run(tmp_path / "run", photo_folder(tmp_path / "pets"))
    assert export(run.path, out) == 0
    with zipfile.ZipFile(out / "pets.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("pets/metadata.csv") == (out / "metadata.csv").read_bytes()
        listed = rows(archive.read("pets/metadata.csv").decode())
        names = {f"pets/{row['filename']}" for row in listed} | {"pets/metadata.csv"}
        assert set(archive.namelist()) == names
        for row in listed:
            assert archive.read(f"pets/{row['filename']}") == (out / row["filename"]).read_bytes()


def test_the_zip_has_the_same_bytes_each_time_and_needs_no_folder(tmp_path):
    pets = photo_folder(tmp_path / "pets")
    assert export(pets, tmp_path / "one") == 0
    time.sleep(0.01)
    assert export(pets, tmp_path / "two", "--form", "zip") == 0
    assert list(contents(tmp_path / "two")) == ["pets.zip"]
    assert (tmp_path / "one/pets.zip").read_bytes() == (tmp_path / "two/pets.zip").read_bytes()


def test_include_limits_to_categories(tmp_path, out, capsys):
    run = made_run(tmp_path / "run", photo_folder(tmp_path / "pets"))
    assert export(run.path, out, "--include", "easy,review") == 0
    frame = run.analysis()[0]
    wanted = frame.filter(pl.col("category").is_in(["easy", "review"]))["id"].to_list()
    assert [row["id"] for row in metadata(out)] == wanted
    with zipfile.ZipFile(out / "pets.zip") as archive:
        assert len(archive.namelist()) == len(wanted) + 1
    bare = made_run(tmp_path / "bare", tmp_path / "pets", has_analysis=False)
    assert export(bare.path, tmp_path / "other", "--include", "easy") == 4
    assert f"dataparams analyze {bare.path}" in capsys.readouterr().err
    assert export(tmp_path / "pets", tmp_path / "other", "--include", "easy") == 2
    assert export(run.path, tmp_path / "other", "--include", "easy,odd") == 2
    assert "'odd'" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_splits_of_a_data_set(tmp_path):
    for split, start in (("train", 0), ("val", 50)):
        for name in ("cat", "dog"):
            (tmp_path / "pets" / split / name).mkdir(parents=True)
            start += 1
            (tmp_path / "pets" / split / name / "a.jpg").write_bytes(photo(start))
    for split, count in (("train", 2), ("val", 2), ("all", 4)):
        folder = tmp_path / split
        assert export(tmp_path / "pets", folder, "--split", split, "--form", "folder") == 0
        written = metadata(folder)
        assert len(written) == count
        for row in written:
            original = (tmp_path / "pets" / row["id"]).read_bytes()
            assert (folder / row["filename"]).read_bytes() == original
    assert len(contents(tmp_path / "all")) == 5


# --- names are data ------------------------------------------------------------------------------


HOSTILE = (
    "../../escape",
    "/etc",
    "CON",
    "Cat",
    "cat",
    "..",
    "metadata.csv",
    "=HYPERLINK(1)",
    "caf\u00e9",
    "cafe\u0301",
    'quo"te, and comma',
    "line\nbreak",
    "left_out.csv",
)


def test_hostile_class_names_stay_in_the_folder_and_true_in_the_table(tmp_path, out, capsys):
    labels = list(range(len(HOSTILE))) * 2
    cells = [photo(number) for number in range(len(labels))]
    table = photo_table(tmp_path / "deep" / "pets.parquet", cells, labels, names=HOSTILE)
    before = contents(tmp_path)
    assert export(table, out) == 0
    written = metadata(out)
    assert {row["id"]: row["label"] for row in written} == {
        f"train/{number}": HOSTILE[label] for number, label in enumerate(labels)
    }
    folders = {row["filename"].rpartition("/")[0] for row in written}
    assert len({folder.casefold() for folder in folders}) == len(HOSTILE)
    for number, row in enumerate(sorted(written, key=lambda row: int(row["id"].split("/")[1]))):
        assert (out / row["filename"]).resolve().is_relative_to(out.resolve())
        assert (out / row["filename"]).read_bytes() == cells[number]
    outside = {name: data for name, data in contents(tmp_path).items() if name[:4] != "out/"}
    assert outside == before
    assert "import its columns as text" in capsys.readouterr().out


def test_ids_that_map_to_the_same_file_are_told_apart(tmp_path, out):
    for number, name in enumerate(("cat/a/x.jpg", "cat/b/x.jpg", "cat/X.jpg", "dog/x.jpg")):
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pets" / name).write_bytes(photo(number))
    assert export(tmp_path / "pets", out, "--form", "folder") == 0
    written = metadata(out)
    assert len({row["filename"].lower() for row in written}) == 4
    for row in written:
        assert (out / row["filename"]).read_bytes() == (tmp_path / "pets" / row["id"]).read_bytes()
    assert (out / "dog" / "x.jpg").is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names that are no Unicode")
def test_a_file_whose_name_is_no_text_is_left_out(tmp_path, out, capsys):
    pets = photo_folder(tmp_path / "pets")
    (pets / "cat" / os.fsdecode(b"\xff.jpg")).write_bytes(photo(7))
    assert export(pets, out) == 0
    assert "Left out: 1 x " in (told := capsys.readouterr().out)
    assert "rename" in told
    assert "Exported 12 samples" in told


# --- what cannot be read -------------------------------------------------------------------------


def test_what_is_unreadable_is_left_out_and_listed(tmp_path, out, capsys):
    cells = [photo(0), None, b"", b"no image", photo(1), photo(2)]
    table = photo_table(tmp_path / "pets.parquet", cells, [0, 1, 0, 1, 0, 1])
    assert export(table, out) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert "Exported 3 samples of 2 classes" in last
    assert "Left out as unreadable: 3" in last
    assert str(out / "left_out.csv") in last
    left_out = rows((out / "left_out.csv").read_text())
    assert {row["id"]: row["reason"] for row in left_out} == {
        "train/1": "there is no image",
        "train/2": "the image is empty (0 bytes)",
        "train/3": "not an image of a known format",
    }
    assert len(metadata(out)) == 3
    with zipfile.ZipFile(out / "pets.zip") as archive:
        assert len(archive.namelist()) == 4


def test_a_data_set_of_which_nothing_can_be_read_is_an_error(tmp_path, out, capsys):
    table = photo_table(tmp_path / "pets.parquet", [b"no image"] * 4, [0, 1, 0, 1])
    assert export(table, out) == 3
    assert "None of 4 images can be read" in capsys.readouterr().err


def test_a_damaged_row_group_costs_its_own_rows_alone(tmp_path, out, capsys):
    from pyarrow import parquet

    cells = [photo(number) for number in range(12)]
    table = photo_table(tmp_path / "pets.parquet", cells, [0, 1] * 6, row_group_size=4)
    column = parquet.read_metadata(table).row_group(1).column(0)
    data = bytearray(table.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    table.write_bytes(data)
    assert export(table, out) == 0
    assert [row["id"] for row in metadata(out)] == [
        f"train/{n}" for n in (0, 1, 2, 3, 8, 9, 10, 11)
    ]
    assert "Left out as unreadable: 4" in capsys.readouterr().out


# --- stopping, going on, and what is there already -----------------------------------------------


def stamps(folder):
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_export_that_is_killed_goes_on_without_writing_anew_what_is_whole(tmp_path, out):
    count = 1500
    cells = [photo(number % 50) for number in range(count)]
    labels = [number % 2 for number in range(count)]
    table = photo_table(tmp_path / "pets.parquet", cells, labels, row_group_size=100)
    words = ["export", table, "--to", "cleanlab-studio", "--out", out]
    program = start_program(COMMAND_LINE, *words, folder=tmp_path)
    while len(list(out.glob("*/*.jpg"))) < 200 and program.process.is_alive():
        time.sleep(0.005)
    program.process.kill()
    assert program.ended().returncode == -signal.SIGKILL
    at_kill = stamps(out)
    visible = {name for name in at_kill if not name.startswith(".")}
    assert 200 <= len(visible) < count
    assert not (out / "pets.zip").exists()
    for name in visible:
        number = int(Path(name).stem.split("_")[1])
        assert (out / name).read_bytes() == cells[number]
    assert export(table, out) == 0
    after = stamps(out)
    assert {name: after[name] for name in visible} == {name: at_kill[name] for name in visible}
    assert export(table, tmp_path / "undisturbed") == 0
    assert contents(out) == contents(tmp_path / "undisturbed")
    assert export(table, out) == 0
    assert stamps(out) == after


@pytest.mark.parametrize("name", ["cat/00.jpg", "metadata.csv", "pets.zip"])
def test_another_file_is_never_overwritten_without_a_word(tmp_path, out, capsys, name):
    pets = photo_folder(tmp_path / "pets")
    assert export(pets, out) == 0
    whole = contents(out)
    (out / name).write_bytes(b"mine")
    assert export(pets, out) == 4
    assert str(out / name) in capsys.readouterr().err
    assert contents(out) == {**whole, name: b"mine"}
    assert export(pets, out, "--overwrite") == 0
    assert contents(out) == whole


def test_a_zip_that_lacks_its_end_or_a_member_is_another_file(tmp_path, out, capsys):
    pets = photo_folder(tmp_path / "pets")
    assert export(pets, out, "--form", "zip") == 0
    (pets / "dog" / "99.jpg").write_bytes(photo(99))
    assert export(pets, out, "--form", "zip") == 4
    (pets / "dog" / "99.jpg").unlink()
    (pets / "dog" / "05.jpg").unlink()
    assert export(pets, out, "--form", "zip") == 4
    (out / "pets.zip").write_bytes((out / "pets.zip").read_bytes()[:-30])
    assert export(pets, out, "--form", "zip") == 4
    assert capsys.readouterr().err.count("pets.zip exists already") == 3


def test_files_that_are_not_of_the_export_are_left_and_told_of(tmp_path, out, capsys):
    pets = photo_folder(tmp_path / "pets")
    (out / "cat").mkdir(parents=True)
    (out / "cat" / "notes.txt").write_text("mine")
    assert export(pets, out, "--form", "folder") == 0
    assert (out / "cat" / "notes.txt").read_text() == "mine"
    assert "hold 1 files that are not of this export" in capsys.readouterr().out


def test_a_linked_class_folder_does_not_lead_out(tmp_path, out, capsys):
    pets = photo_folder(tmp_path / "pets")
    (tmp_path / "elsewhere").mkdir()
    out.mkdir()
    (out / "cat").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert export(pets, out) == 4
    assert "is a link" in capsys.readouterr().err
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("inside", [".", "cat", "new"])
def test_an_export_into_its_own_source_is_refused(tmp_path, capsys, inside):
    pets = photo_folder(tmp_path / "pets")
    before = contents(pets)
    assert export(pets, pets / inside) == 4
    assert "of which the export would become a part" in capsys.readouterr().err
    assert contents(pets) == before


# --- the command line ----------------------------------------------------------------------------


def test_the_folder_is_named_once(tmp_path, capsys):
    pets = photo_folder(tmp_path / "pets")
    assert main(["export", str(pets), "--to", "cleanlab-studio"]) == 2
    assert "expected one of them" in capsys.readouterr().err
    assert export(pets, tmp_path / "a", "--out", tmp_path / "b") == 2
    (tmp_path / "file").write_text("")
    assert export(pets, tmp_path / "file") == 4
    assert export(tmp_path / "nowhere/at/all", tmp_path / "c") == 3
    run = made_run(tmp_path / "run", pets)
    assert export(run.path, run.path) == 4
    assert export(run.path, tmp_path / "c", "--split", "dusk") == 2
    assert not {"a", "b", "c"} & {path.name for path in tmp_path.iterdir()}


def test_dump_imagenet_is_a_few_lines_over_it(tmp_path, monkeypatch):
    pets = photo_folder(tmp_path / "pets")
    script = Path(__file__).parents[2] / "dump_imagenet.py"
    words = ["--data", str(pets), "--out", str(tmp_path / "out"), "--split", "all"]
    monkeypatch.setattr(sys, "argv", [str(script), *words])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(script), run_name="__main__")
    assert end.value.code == 0
    made = contents(tmp_path / "out")
    assert made.pop("metadata.csv").startswith(b"id,label,filename,")
    assert made == contents(pets)
