"""The temperatures that runs learned of their classes."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
import torch

from dataparams.analysis import analyze, load_analysis, write_analysis
from dataparams.analysis.class_temperatures import (
    class_temperatures,
    class_temperatures_text,
    ranked_classes,
)
from dataparams.errors import RunError
from dataparams.run.epoch_record import EpochRecord
from dataparams.run.folder import RunFolder
from dataparams.training import train

NAMES = ("cat", "dog", "élan\x1b[2J")


def made(folder, *epochs: list[float]) -> RunFolder:
    """A run with the logs of its class temperatures after each epoch."""
    run = RunFolder(folder)
    run.write_description({"class_names": list(NAMES)})
    for number, values in enumerate(epochs, start=1):
        empty = {name: torch.empty(0) for name in EpochRecord.__annotations__ if name != "epoch"}
        record = EpochRecord(epoch=number, **empty)
        run.write_epoch_record(replace(record, class_log_temperature=torch.tensor(values)))
    return run


def test_there_is_a_row_per_epoch_and_class(tmp_path):
    table = class_temperatures(made(tmp_path, [0.0, 0.1, -0.1], [0.5, -0.5, 1.0]))
    assert table.select("epoch", "label", "label_name").rows() == [
        (epoch, label, name) for epoch in (1, 2) for label, name in enumerate(NAMES)
    ]
    logs = torch.tensor([0.0, 0.1, -0.1, 0.5, -0.5, 1.0], dtype=torch.float64)
    assert table["temperature"].to_list() == pytest.approx(logs.exp().tolist())
    assert ranked_classes(table)["label"].to_list() == [2, 0, 1]
    assert ranked_classes(table)["first_temperature"].to_list() == pytest.approx(
        [0.904837, 1.0, 1.105171], abs=1e-5
    )


def test_a_run_that_learned_none_has_none(tmp_path):
    assert class_temperatures(made(tmp_path / "none")) is None
    assert class_temperatures(made(tmp_path / "empty", [], [])) is None


@pytest.mark.parametrize(
    ("values", "message"),
    [([0.1, 0.2], "has 2 class parameters; expected 3"), ([0.1, float("nan"), 0], "not a finite")],
)
def test_damaged_records_are_refused(tmp_path, values, message):
    with pytest.raises(RunError, match=message):
        class_temperatures(made(tmp_path, [0.0, 0.0, 0.0], values))


def test_the_terminal_gets_the_highest_and_the_lowest(tmp_path):
    text = class_temperatures_text(class_temperatures(made(tmp_path, [0.0, 0.1, -0.1])))
    assert text.splitlines()[0].startswith("Temperatures of the classes")
    assert [line.split()[0] for line in text.splitlines()[2:]] == ["dog", "cat", "élan?[2J"]
    count = 500
    table = pl.DataFrame(
        {
            "epoch": [4] * count,
            "label": range(count),
            "label_name": [f"c{label}" for label in range(count)],
            "temperature": [1 + label / count for label in range(count)],
        }
    )
    lines = class_temperatures_text(table).splitlines()
    assert "10 highest and the 3 lowest of 500" in lines[0]
    named = [line.split()[0] for line in lines[2:]]
    assert named == [*(f"c{k}" for k in range(499, 489, -1)), "...", "c2", "c1", "c0"]


def test_an_analysis_has_them_where_they_were_learned(few_digits, short):
    config = replace(short, learn_class_parameters=True, init_class_param=2.0)
    run = train(config, dataset=few_digits)
    analysis = analyze(run, dataset=few_digits)
    table = analysis.class_temperatures
    assert table["epoch"].unique().sort().to_list() == [1, 2, 3]
    last = run.epoch_record(3).class_log_temperature.double().exp()
    of_last = table.filter(pl.col("epoch") == 3)
    assert of_last["temperature"].to_list() == pytest.approx(last.tolist())
    write_analysis(run, analysis)
    assert load_analysis(run).class_temperatures.equals(table)
