"""An export hands over every file of the data: as it was, with another label, or listed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.analysis import load_analysis
from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.writing import clean_run
from dataparams.cli import main
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.export import TARGETS, ExportConfig, export
from dataparams.run.folder import RunFolder
from made_runs import made_run
from made_sources import contents, photo, photo_folder
from made_split_audits import (
    COUNTS,
    DAMAGED,
    NO_SAMPLES,
    WRONG,
    audit_of_splits,
    split_photographs,
)

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 3 * sum(COUNTS.values()) - 1


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return split_photographs(tmp_path_factory.mktemp("data") / "photos")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> RunFolder:
    return audit_of_splits(tmp_path_factory.mktemp("runs") / "audit", photos)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def write(what: RunFolder | Path, target: str, out: Path, **options: object) -> str:
    place = what.path if isinstance(what, RunFolder) else what
    return export(ExportConfig(str(place), to=target, out=out, **options))  # type: ignore[arg-type]


def samples_in(out: Path) -> dict[str, bytes]:
    """The files of an export, without the lists beside them."""
    return {
        name: data
        for name, data in contents(out).items()
        if name not in ("left_out.csv", "changes.csv")
    }


def listed(out: Path) -> dict[str, str]:
    return dict(pl.read_csv(out / "left_out.csv").iter_rows())


def test_every_file_is_handed_over_or_listed(run: RunFolder, photos: Path, out: Path) -> None:
    told = write(run, "image-folder", out)
    before, after = contents(photos), samples_in(out)
    assert len(after) + len(listed(out)) == len(before)
    for name in listed(out):
        del before[name]
    assert after == before
    assert set(listed(out)) == {*DAMAGED, *NO_SAMPLES}
    assert listed(out)["README.md"] == "no sample: no image by its extension"
    assert listed(out)["top.png"] == "no sample: in no class folder"
    assert f"Exported {COUNT} samples of 3 classes" in told
    assert "Left out as unreadable: 2 " in told
    assert "Not exported, as they are no samples: 4 " in told


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_every_target_has_the_samples_of_all_splits(run: RunFolder, out: Path, target: str) -> None:
    assert f"Exported {COUNT} samples" in write(run, target, out)
    assert set(listed(out)) == {*DAMAGED, *NO_SAMPLES}


def test_tables_say_of_which_split_a_sample_is(run: RunFolder, out: Path, tmp_path: Path) -> None:
    write(run, "csv", out)
    table = pl.read_csv(out / "samples.csv")
    assert all(sample.startswith(f"{split}/") for sample, split in table["id", "split"].rows())
    write(run, "parquet", tmp_path / "parquet")
    for split, count in COUNTS.items():
        rows = pl.read_parquet(tmp_path / "parquet" / f"{split}.parquet")
        assert len(rows) == 3 * count - (split == "train")
    write(run, "coco", tmp_path / "coco")
    told = json.loads((tmp_path / "coco" / "annotations.json").read_text())
    for image, annotation in zip(told["images"], told["annotations"], strict=True):
        split = annotation["attributes"]["split"]
        assert image["file_name"].startswith(f"images/{split}/")


def test_some_splits_are_exported_by_name(run: RunFolder, out: Path) -> None:
    words = ["export", str(run.path), "--to", "image-folder", str(out)]
    assert main([*words, "--split", "validation,test"]) == 0
    assert {path.name for path in out.iterdir()} == {"val", "test", "left_out.csv", "changes.csv"}
    assert set(listed(out)) == {"test/blue/damaged.png"}
    assert main([*words[:-1], str(out.with_name("other")), "--split", "dusk"]) == 2


def test_corrected_labels_move_a_file_and_dropped_ones_are_listed(
    tmp_path: Path, photos: Path, out: Path
) -> None:
    run = audit_of_splits(tmp_path / "audit", photos)
    index = dict(run.samples()["id", "index"].iter_rows())
    store = DecisionStore(run.review)
    store.record(
        "request-1",
        "ann",
        [
            *(
                Decision(index[name], "relabel", run.class_names().index(true))
                for name, true in WRONG.items()
            ),
            Decision(index["test/blue/blue_0.png"], "discard"),
        ],
    )
    store.close()
    analysis = load_analysis(run)
    assert analysis is not None
    clean_run(run, analysis.frame, CleanSettings("reviewed"))
    told = write(run, "image-folder", out)
    assert f"Exported {COUNT - 1} samples" in told
    for name, true in WRONG.items():
        split, _, file = name.split("/")
        assert (out / split / true / file).read_bytes() == (photos / name).read_bytes()
        assert not (out / name).exists()
    reason = "dropped by `dataparams clean`, strategy reviewed"
    assert listed(out)["test/blue/blue_0.png"] == reason
    assert f"Left out as {reason}: 1." in told
    assert len(samples_in(out)) + len(listed(out)) == len(contents(photos))


def test_what_an_audit_did_not_judge_is_handed_over_too(
    tmp_path: Path, photos: Path, out: Path
) -> None:
    run = audit_of_splits(tmp_path / "audit", photos, split="train")
    write(run, "csv", out)
    table = pl.read_csv(out / "samples.csv")
    # A table opens no picture, and nobody has noticed yet that one of these is damaged.
    assert len(table) == COUNT + 1
    by_split = {split: rows["category"] for (split,), rows in table.group_by("split")}
    assert not by_split["train"].null_count()
    assert by_split["test"].null_count() == len(by_split["test"])


def test_samples_that_a_training_held_out_are_in_the_export(tmp_path: Path, out: Path) -> None:
    pets = photo_folder(tmp_path / "pets", per_class=9)
    run = made_run(tmp_path / "run", pets)
    write(run, "image-folder", out)
    # The folder has no splits, so the export has none.
    assert samples_in(out) == contents(pets)


def test_a_photograph_that_came_since_is_handed_over_with_its_class(
    tmp_path: Path, out: Path
) -> None:
    pets = photo_folder(tmp_path / "pets", per_class=9)
    run = made_run(tmp_path / "run", pets)
    (pets / "emu").mkdir()
    (pets / "emu" / "new.jpg").write_bytes(photo(900))
    write(run, "image-folder", out)
    assert samples_in(out) == contents(pets)


def test_tables_are_written_where_the_data_are_gone(tmp_path: Path, out: Path) -> None:
    pets = photo_folder(tmp_path / "pets", per_class=9)
    run = made_run(tmp_path / "run", pets)
    pets.rename(tmp_path / "elsewhere")
    notices: list[str] = []
    export(ExportConfig(str(run.path), to="csv", out=out), on_notice=notices.append)
    assert len(pl.read_csv(out / "samples.csv")) == len(run.samples())
    assert any("What else lies in the data is not exported" in one for one in notices)


def test_a_data_set_is_exported_with_its_splits(photos: Path, out: Path) -> None:
    write(photos, "image-folder", out)
    before, after = contents(photos), contents(out)
    assert {name for name in after if name != "left_out.csv"} <= set(before)
    assert len(after) - 1 + len(listed(out)) == len(before)
