"""An audit finds wrong labels; what did not change is opened again, the rest lies beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from dataparams.analysis import analyze, load_analysis, write_analysis
from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.writing import clean_run
from dataparams.decisions.carrying import carry_decisions
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.errors import DataError, RunError, UserError
from dataparams.run.error_detection import detection_figures
from dataparams.run.folder import RunFolder
from dataparams.training import TrainConfig, train
from dataparams.training.audit import audit
from dataparams.training.audit_config import AuditConfig

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits' own pixels as ready features."""
    file = tmp_path_factory.mktemp("features") / "digits.npy"
    np.save(file, load_digits().data.astype(np.float32))
    return file


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory, pixels: Path) -> RunFolder:
    """An audit of the digits with a fifth of the labels swapped."""
    out = tmp_path_factory.mktemp("runs") / "audit"
    config = AuditConfig("digits", features=str(pixels), out=str(out), rand_fraction=0.2)
    return audit(config).run


def test_swapped_labels_are_found(audited: RunFolder) -> None:
    analysis = analyze(audited)
    frame = analysis.frame
    figures = detection_figures(frame["suspicion"].to_numpy(), frame["is_corrupted"].to_numpy())
    assert figures is not None
    assert figures.recall_at_noise_rate > 0.95
    assert analysis.noise.low <= figures.noise_rate <= analysis.noise.high
    is_called = frame["noise_probability"] > 0.5
    assert (frame["is_corrupted"] & is_called).sum() > 0.95 * frame["is_corrupted"].sum()
    suggested = frame.filter("is_corrupted")
    assert (suggested["suggested_label"] == suggested["true_label"]).mean() > 0.9


def test_the_run_folder_is_one_that_everything_after_knows(audited: RunFolder) -> None:
    assert audited.epochs() == [1, 2, 3, 4, 5]
    assert len(audited.samples()) == 1797
    record = audited.epoch_record(5)
    assert record.instance_log_temperature.shape == (1797,)
    assert record.margin.isfinite().all()
    held_out = audited.held_out()
    assert held_out is not None
    assert held_out["probability"].is_between(0, 1).all()
    write_analysis(audited, analyze(audited))
    table = clean_run(audited, analyze(audited).frame, CleanSettings("relabel"))
    assert table["new_label"].null_count() < 0.1 * len(table)


def test_cleaned_samples_of_an_audit_are_trained_on(audited: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "cleaned.parquet"
    clean_run(audited, analyze(audited).frame, CleanSettings("relabel"), out=file)
    from dataparams.training.cleaned_config import config_from_clean

    config = replace(config_from_clean(file), output_dir=str(tmp_path), epochs=2)
    run = train(config)
    assert run.metrics()["val_accuracy"][-1] > 0.5


def test_where_nothing_changed_the_run_is_opened_again(tmp_path: Path, pixels: Path) -> None:
    config = AuditConfig("digits", features=str(pixels), out=str(tmp_path / "audit"))
    first = audit(config)
    store = DecisionStore(first.run.review)
    store.record("r", "ann", [Decision(7, "discard")])
    store.close()
    before = (first.run.path / "held_out.parquet").stat().st_mtime_ns
    again = audit(config)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.run.path == first.run.path
    assert (first.run.path / "held_out.parquet").stat().st_mtime_ns == before
    assert again.run.review.exists()


def test_the_same_seed_gives_the_same_run(tmp_path: Path, pixels: Path) -> None:
    runs = [
        audit(AuditConfig("digits", features=str(pixels), out=str(tmp_path / name))).run
        for name in ("a", "b")
    ]
    for name in ("held_out.parquet", "planted.parquet", "epoch_5.pth.tar"):
        first, second = ((run.path / name).read_bytes() for run in runs)
        assert first == second, name


def test_data_that_changed_get_a_run_beside_and_decisions_come_along(tmp_path: Path) -> None:
    data = made_photographs(tmp_path / "photos")
    config = AuditConfig(str(data), out=str(tmp_path / "runs" / "audit"))
    features(data, tmp_path)
    first = audit(replace(config, features=str(features(data, tmp_path))))
    store = DecisionStore(first.run.review)
    place = first.run.samples()["id"].to_list().index("dark/3.png")
    store.record("r", "ann", [Decision(place, "discard")])
    store.close()
    Image.new("RGB", (8, 8), (9, 200, 9)).save(data / "bright" / "a.png")
    second = audit(replace(config, features=str(features(data, tmp_path))))
    assert second.is_new
    assert second.before is not None
    assert second.before.path == first.run.path
    assert second.run.path == tmp_path / "runs" / "audit-2"
    assert carry_decisions(second.before, second.run).carried == 1
    store = DecisionStore(second.run.review, read_only=True)
    place = second.run.samples()["id"].to_list().index("dark/3.png")
    assert store.in_force()["index"].to_list() == [place]
    store.close()


def test_an_audit_that_was_stopped_begins_anew_in_its_folder(
    tmp_path: Path, pixels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = AuditConfig("digits", features=str(pixels), out=str(tmp_path / "audit"))

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("dataparams.training.audit.plant_errors", stop)
        with pytest.raises(KeyboardInterrupt):
            audit(config)
    assert RunFolder(tmp_path / "audit").description()["status"] == "stopped"
    again = audit(config)
    assert again.is_new
    assert again.run.path == tmp_path / "audit"
    assert load_analysis(again.run) is None


def test_one_class_alone_cannot_be_judged(tmp_path: Path) -> None:
    data = made_photographs(tmp_path / "photos", classes=("bright",))
    with pytest.raises(DataError, match="one class only"):
        audit(AuditConfig(str(data), out=str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()


def test_classes_of_two_samples_are_named_and_not_judged(tmp_path: Path) -> None:
    data = made_photographs(tmp_path / "photos", count=2)
    run = audit(
        AuditConfig(str(data), features=str(features(data, tmp_path)), out=str(tmp_path / "run"))
    ).run
    frame = analyze(run).frame
    assert frame["category"].to_list() == ["review"] * len(frame)


def test_features_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    values = load_digits().data.astype(np.float32)
    values[[5, 9], 3] = np.nan
    np.save(tmp_path / "bad.npy", values)
    with pytest.raises(UserError, match="2 "):
        audit(AuditConfig("digits", features=str(tmp_path / "bad.npy"), out=str(tmp_path / "run")))


def test_the_folder_of_a_training_is_not_touched(tmp_path: Path, pixels: Path) -> None:
    run = train(TrainConfig(output_dir=str(tmp_path), epochs=1))
    with pytest.raises(RunError, match="training"):
        audit(AuditConfig("digits", features=str(pixels), out=str(run.path)))
    assert run.metrics()["epoch"].to_list() == [1]


def made_photographs(
    folder: Path, classes: tuple[str, ...] = ("bright", "dark"), count: int = 12
) -> Path:
    """Pictures of one color each, bright or dark."""
    rng = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(count):
            low = 180 if name == "bright" else 0
            color = tuple(rng.integers(low, low + 70, 3).tolist())
            Image.new("RGB", (8, 8), color).save(folder / name / f"{number}.png")
    return folder


def features(data: Path, folder: Path) -> Path:
    """The mean color of each picture, in the order of the source."""
    from dataparams.sources.opening import open_source

    source = open_source(str(data))
    pictures = [Image.open(data / name) for name in source.ids]
    file = folder / "colors.npy"
    np.save(file, np.array([np.asarray(one).mean(axis=(0, 1)) for one in pictures], np.float32))
    return file
