"""The source of a run, found again and held against what the run knows of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from PIL import Image

from dataparams.batches import load_dataset
from dataparams.errors import ChangedDataError, DataError, RunError
from dataparams.run.source import ContentsOfRun
from dataparams.run.trained_samples import samples_of_run
from dataparams.sources.cache import write_cache
from dataparams.sources.opening import open_source
from dataparams.training import TrainConfig, train
from made_tables import write_table

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.folder import RunFolder

LABELS = [0, 1] * 8


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "photos.parquet", label=LABELS)


def trained(folder: Path, data: Path, **settings: object) -> RunFolder:
    plain = TrainConfig(data=str(data), output_dir=str(folder), epochs=1, batch_size=8)
    return train(replace(plain, **settings))  # type: ignore[arg-type]


def ids_of(run: RunFolder) -> list[str]:
    return run.samples()["id"].to_list()


def test_images_that_are_not_square_are_looked_at_as_they_were_trained_on(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (16, 20, 40, 3), dtype=np.uint8)
    for number, one in enumerate(pixels):
        file = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(one).save(file)
    run = trained(tmp_path / "runs", tmp_path / "photos")
    samples = samples_of_run(run)
    first = int(samples.ids[0].rpartition("/")[2].removesuffix(".png"))
    assert samples.image_shape == (3, 20, 40)
    assert np.array_equal(samples.images[0].permute(1, 2, 0).numpy(), pixels[first])


def test_labels_that_a_person_decided_are_no_change_of_the_data(
    table: Path, tmp_path: Path
) -> None:
    run = trained(tmp_path / "runs", table)
    assert ContentsOfRun(run).check(ids_of(run)) == []
    samples = pl.read_parquet(run.path / "samples.parquet")
    samples.with_columns(label=1 - pl.col("label")).write_parquet(run.path / "samples.parquet")
    (notice,) = ContentsOfRun(run).check(ids_of(run))
    assert "another label" in notice
    run.update_description(cleaned="the digest of a cleaned.parquet")
    assert ContentsOfRun(run).check(ids_of(run)) == []


def test_labels_are_held_against_the_cache_where_the_source_is_gone(
    table: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "photos.cache"
    write_cache(open_source(str(table)), cache, size=16)
    run = trained(
        tmp_path / "runs", table, loader="stream", cache=str(cache), image_size=16, workers=1
    )
    table.unlink()
    assert ContentsOfRun(run).check(ids_of(run)) == []
    samples = pl.read_parquet(run.path / "samples.parquet")
    samples.with_columns(label=1 - pl.col("label")).write_parquet(run.path / "samples.parquet")
    with pytest.raises(RunError, match="are not what"):
        ContentsOfRun(run).check(ids_of(run))


def test_where_the_source_is_gone_the_argument_for_where_it_lies_is_named(
    table: Path, tmp_path: Path
) -> None:
    run = trained(tmp_path / "runs", table)
    moved = table.rename(tmp_path / "moved.parquet")
    with pytest.raises(DataError, match="say where they are: `data=PATH`"):
        ContentsOfRun(run).read(ids_of(run))
    assert ContentsOfRun(run, data=str(moved)).check(ids_of(run)) == []
    other = write_table(tmp_path / "other.parquet", label=[1 - label for label in LABELS])
    pl.read_parquet(other).reverse().write_parquet(other)
    with pytest.raises(ChangedDataError, match="say with `data=PATH` where they lie"):
        samples_of_run(run, data=str(other))


def test_a_label_of_no_class_is_a_damaged_file(table: Path, tmp_path: Path) -> None:
    run = trained(tmp_path / "runs", table)
    samples = pl.read_parquet(run.path / "samples.parquet")
    samples.with_columns(label=pl.lit(7)).write_parquet(run.path / "samples.parquet")
    with pytest.raises(RunError, match="is damaged"):
        ContentsOfRun(run).check(ids_of(run))


def test_resume_leaves_a_run_that_numbers_its_samples_otherwise_as_it_is(
    table: Path, tmp_path: Path
) -> None:
    run = trained(tmp_path / "runs", table)
    counts = run.description()["counts"]
    older = {"instances": counts["trained_on"]}
    run.update_description(status="stopped", counts={**counts, **older})
    before = shutil.copytree(run.path, tmp_path / "before")
    with pytest.raises(RunError, match="older version"):
        trained(tmp_path / "runs", table, resume=True)
    for file in ("run.json", "samples.parquet"):
        assert (run.path / file).read_bytes() == (before / file).read_bytes()


def test_images_that_were_handed_over_in_another_size_are_those_of_their_source(
    tmp_path: Path,
) -> None:
    config = TrainConfig(output_dir=str(tmp_path / "runs"), epochs=1, batch_size=256)
    run = train(config, dataset=load_dataset("digits", image_size=12))
    assert ContentsOfRun(run, data="digits").check(ids_of(run)) == []
    assert samples_of_run(run, data="digits").image_shape == (1, 12, 12)


def test_what_was_discarded_before_training_counts_in_normalizing(
    table: Path, tmp_path: Path
) -> None:
    run = trained(tmp_path / "runs", table)
    everything = samples_of_run(run)
    samples = pl.read_parquet(run.path / "samples.parquet")
    is_kept = (pl.col("split") == "val") | (pl.col("index") % 2 == 1)
    samples.filter(is_kept).write_parquet(run.path / "samples.parquet")
    run.update_description(cleaned="the digest of a cleaned.parquet")
    whole, kept = samples_of_run(run), ids_of(run)
    assert list(whole.ids)[: len(kept)] == kept
    assert sorted(whole.ids) == sorted(everything.ids)
