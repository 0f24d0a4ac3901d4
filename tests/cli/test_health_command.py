"""``dataparams health``: what is wrong beside the labels of a run or of data; within an audit."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest
from PIL import Image

from dataparams.cli import main
from dataparams.encoders import measuring
from dataparams.errors import RunError
from dataparams.health import duplicates
from dataparams.health.findings import read_findings, write_findings
from dataparams.run.folder import RunFolder
from made_copies import cropped, mirrored, recompressed, write_pictures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 14


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with photos, among them planted copies and a damaged one, and their audit."""
    folder = tmp_path_factory.mktemp("health")
    photos = folder / "photos"
    write_pictures(photos, COUNT)
    shutil.copy(photos / "round/0.jpg", photos / "square/copy.jpg")
    first = Image.open(photos / "round/1.jpg")
    first.save(photos / "round/lossless.png")
    third = Image.open(photos / "square/3.jpg").convert("RGB")
    recompressed(third).save(photos / "square/small.jpg", quality=30)
    mirrored(third).save(photos / "square/mirrored.jpg", quality=90)
    cropped(Image.open(photos / "square/4.jpg")).save(photos / "square/cropped.jpg", quality=90)
    (photos / "round/broken.jpg").write_bytes(b"\xff\xd8 no picture")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATAPARAMS_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        assert main(["audit", "photos", "--encoder", "pixels", "--out", "run"]) == 0
        yield folder


@pytest.fixture
def run(audited: Path, tmp_path: Path) -> RunFolder:
    """A copy of the run that a test may change."""
    return RunFolder(shutil.copytree(audited / "run", tmp_path / "run"))


def groups(run: RunFolder, kind: str) -> list[set[str]]:
    """The findings of a kind, as the names of their samples."""
    findings = read_findings(run)
    assert findings is not None
    names = dict(run.contents().select("index", "id").iter_rows())
    names |= {sample.index: sample.id for sample in run.unreadable()}
    found = findings.table.filter(pl.col("kind") == kind)["samples"].to_list()
    return [{names[row] for row in rows} for rows in found]


def test_an_audit_finds_what_is_there_twice(run: RunFolder) -> None:
    assert groups(run, "exact_duplicates") == [
        {"round/0.jpg", "square/copy.jpg"},
        {"round/1.jpg", "round/lossless.png"},
    ]
    assert groups(run, "duplicates_with_different_labels") == [{"round/0.jpg", "square/copy.jpg"}]
    near = groups(run, "near_duplicates")
    assert {"square/3.jpg", "square/small.jpg", "square/mirrored.jpg"} in near
    assert groups(run, "damaged") == [{"round/broken.jpg"}]
    findings = read_findings(run)
    assert findings is not None
    assert {"dark", "odd_size", "outlier", "small_class"} <= set(findings.checked)


def test_the_verdict_says_so(
    audited: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_decoding(monkeypatch)
    assert main(["audit", "photos", "--encoder", "pixels", "--out", "run"]) == 0
    text = capsys.readouterr().out
    assert "Nothing changed" in text
    assert "1 x duplicates with different labels" in text
    assert "2 x exact duplicates" in text
    assert "1 x damaged" in text
    assert "dataparams health run" in text
    assert audited.is_dir()


def forbid_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((measuring, "decode_region"), (duplicates, "require_image")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("a picture was decoded"))


def test_a_run_is_looked_at_again_without_decoding_for_it(
    audited: Path, run: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    before = read_findings(run)
    run.health_file.unlink()
    monkeypatch.setattr(measuring, "decode_region", lambda *_, **__: pytest.fail("decoded"))
    assert main(["health", str(run.path), "--worst", "3"]) == 0
    text = capsys.readouterr().out
    assert "square/copy.jpg" in text
    assert "... and" in text
    after = read_findings(run)
    assert before is not None
    assert after is not None
    assert after.table.equals(before.table)
    assert audited.is_dir()


def test_data_are_looked_at_without_a_run(
    audited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found.csv"
    command = ["health", "photos", "--encoder", "pixels", "--out", str(out)]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "near duplicates" in text
    assert "Not looked for: the same in two splits (all samples are of one split)" in text
    for kind in ("outliers", "classes that overlap", "classes that look like two"):
        assert kind in text.partition("Not looked for:")[2]
    assert "only the data were looked at" in text
    table = pl.read_csv(out)
    assert table.columns == ["finding", "kind", "strength", "index", "id", "label", "what"]
    first = table.filter(pl.col("kind") == "duplicates_with_different_labels")
    assert set(first["id"]) == {"round/0.jpg", "square/copy.jpg"}
    assert set(first["label"]) == {"round", "square"}
    assert main(command) == RunError.exit_code
    assert "exists already" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
    assert audited.is_dir()


def test_the_list_can_be_written_as_a_run_keeps_it(run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "found.parquet"
    assert main(["health", str(run.path), "--out", str(out)]) == 0
    assert out.read_bytes() == run.health_file.read_bytes()


def test_where_the_data_are_gone_what_was_found_stays(
    audited: Path, run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("DATAPARAMS_CACHE", str(tmp_path / "empty"))
    before = run.health_file.read_bytes()
    description = run.description()
    description["source"]["name"] = str(tmp_path / "gone")
    run.write_description(description)
    assert main(["health", str(run.path)]) == 0
    assert "stays as it was" in capsys.readouterr().out
    assert run.health_file.read_bytes() == before
    run.health_file.unlink()
    assert main(["health", str(run.path)]) == 0
    text = capsys.readouterr().out
    assert re.search(r"Not looked for: .*near duplicates", text)
    assert "(33 pictures of 33 were not decoded;" in text
    assert "gone" in text
    assert groups(run, "exact_duplicates") == [{"round/0.jpg", "square/copy.jpg"}]
    assert audited.is_dir()


def test_data_that_are_not_where_they_are_said_to_be_are_an_error(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["health", str(run.path), "--data", str(tmp_path / "gone")]) == 3
    assert "gone" in capsys.readouterr().err


def test_analyze_decodes_nothing_and_says_what_it_left_out(
    audited: Path, run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    forbid_decoding(monkeypatch)
    run.health_file.unlink()
    assert main(["analyze", str(run.path)]) == 0
    assert {"round/1.jpg", "round/lossless.png"} in groups(run, "near_duplicates")
    run.health_file.unlink()
    monkeypatch.setenv("DATAPARAMS_CACHE", str(tmp_path / "empty"))
    capsys.readouterr()
    assert main(["analyze", str(run.path)]) == 0
    text = capsys.readouterr().out
    assert "Beside the labels: 1 x duplicates with different labels" in text
    assert "were not decoded; dataparams health decodes them" in text
    assert audited.is_dir()


def test_findings_are_kept_until_what_they_are_made_of_changes(
    audited: Path, run: RunFolder, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    forbid_decoding(monkeypatch)
    made, before = run.health_file.read_bytes(), read_findings(run)
    assert main(["analyze", str(run.path)]) == 0
    assert "is kept: it was made of the same data and analysis" in capsys.readouterr().out
    assert run.health_file.read_bytes() == made
    # As of another analysis: the pictures' own findings stay, those of the analysis come back.
    known = dict(before.made_of)
    none = before.table.clear()
    of_pictures = before.table.filter(pl.col("kind") == "exact_duplicates")
    stale = [("small_class", [0], [0], 0.5, "Of before.", "[]")]
    table = pl.concat([of_pictures, pl.DataFrame(stale, schema=none.schema, orient="row")])
    write_findings(run, replace(before, table=table, made_of=known | {"analysis": "another"}))
    assert main(["analyze", str(run.path)]) == 0
    assert "what it says of classes and outliers is made anew" in capsys.readouterr().out
    now = read_findings(run)
    assert now.table.filter(pl.col("kind") == "exact_duplicates").equals(of_pictures)
    assert "Of before." not in now.table["sentence"].to_list()
    assert now.made_of == known
    # Of other data nothing stays, whatever it knew.
    write_findings(run, replace(before, made_of=known | {"data": "others"}))
    assert main(["analyze", str(run.path)]) == 0
    assert read_findings(run).made_of == known
    assert audited.is_dir()


def test_a_damaged_file_of_findings_is_made_again(run: RunFolder) -> None:
    run.health_file.write_bytes(b"no findings")
    assert main(["analyze", str(run.path)]) == 0
    assert groups(run, "damaged") == [{"round/broken.jpg"}]


def test_a_name_that_a_spreadsheet_would_run_is_guarded(run: RunFolder, tmp_path: Path) -> None:
    samples = pl.read_parquet(run.path / "samples.parquet")
    renamed = pl.col("id").replace("round/0.jpg", "=cmd()")
    run.write_samples(samples.with_columns(renamed))
    assert main(["health", str(run.path), "--out", str(tmp_path / "found.csv")]) == 0
    assert "'=cmd()" in pl.read_csv(tmp_path / "found.csv")["id"].to_list()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--worst", "-1"], "--worst is -1"),
        (["--out", "found.txt"], "--out is found.txt"),
        (["--encoder", "pixels"], "--encoder is given"),
    ],
)
def test_wrong_flags_are_named(
    run: RunFolder, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["health", str(run.path), *words]) != 0
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error


def test_a_place_where_nothing_is_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["health", str(tmp_path / "nothing")]) == 3
    assert "nothing" in capsys.readouterr().err


def test_texts_and_rows_are_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAPARAMS_CACHE", str(tmp_path / "cache"))
    pl.DataFrame(
        {
            "text": [f"This is sentence number {row} of quite a few." for row in range(30)]
            + ["this is Sentence number 4 of quite a few"],
            "label": ["a", "b"] * 15 + ["b"],
        }
    ).write_csv(tmp_path / "texts.csv")
    assert main(["health", str(tmp_path / "texts.csv"), "--text-column", "text"]) == 0
    text = capsys.readouterr().out
    assert "labeled a (1) and b (1)" in text
    pl.DataFrame(
        {
            "x": [*(row * 1.7 for row in range(30)), 5 * 1.7],
            "y": [*(row * row for row in range(30)), 25],
            "label": ["a", "b"] * 15 + ["b"],
        }
    ).write_csv(tmp_path / "rows.csv")
    assert main(["health", str(tmp_path / "rows.csv"), "--label-column", "label"]) == 0
    assert "2 rows of the same values" in capsys.readouterr().out


def test_findings_of_another_are_kept_by_an_audit_that_is_opened_again(
    audited: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(audited / "run")
    kept = read_findings(run)
    assert kept is not None
    write_findings(run, kept)
    before = run.health_file.stat().st_mtime_ns
    assert main(["audit", "photos", "--encoder", "pixels", "--out", "run"]) == 0
    assert run.health_file.stat().st_mtime_ns == before
    assert "Beside the labels" in capsys.readouterr().out
