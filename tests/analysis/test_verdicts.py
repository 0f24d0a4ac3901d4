"""Verdicts on real trainings accuse nobody wrongly, and find the wrong labels."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import torch
from sklearn import datasets

from dataparams.analysis import analyze, analyze_trajectories, rank
from dataparams.analysis.suggestions import is_suggestion
from dataparams.analysis.summary_text import summary_text
from made_trainings import analyzed, digits_of, generated, recorded, swapped, trained

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataparams.analysis import Analysis
    from dataparams.batches.labeled_images import LabeledImages

TABLES = {"wine": datasets.load_wine, "breast cancer": datasets.load_breast_cancer}
CLASSES = {
    "two that overlap": ((500, 500), 2.5),
    "two, 1 to 99": ((990, 10), 6),
    "three that overlap": ((300, 300, 300), 2.5),
    "three, 1 to 100": ((1000, 100, 10), 5),
    "five": ((1000, 500, 100, 50, 20), 7),
    "ten that overlap": ((200,) * 10, 3),
    "ten": ((1000, 600, 400, 250, 150, 100, 60, 40, 25, 12), 8),
    "twenty": ((60,) * 20, 5),
}


def share(analysis: Analysis, category: str) -> float:
    return float((analysis.frame["category"] == category).to_numpy().mean())


def require_in_peace(analysis: Analysis) -> None:
    """Clean data are not accused."""
    assert analysis.noise.rate <= 0.02
    assert analysis.noise.low == 0
    assert analysis.noise.high < 0.05
    assert share(analysis, "hard") <= 0.02
    assert share(analysis, "easy") > 0.8
    assert not analysis.warnings


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("seed", [0, 1])
def test_clean_tables_are_not_accused(name: str, seed: int) -> None:
    table = TABLES[name]()
    require_in_peace(analyzed(table.data, table.target, seed=seed))


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("seed", [0, 1])
def test_clean_generated_classes_are_not_accused(name: str, seed: int) -> None:
    analysis = analyzed(*generated(*CLASSES[name], seed), seed=seed)
    require_in_peace(analysis)
    assert not analysis.frame["suggested_confidence"].filter(suggested(analysis)).gt(0.5).any()


def suggested(analysis: Analysis) -> pl.Series:
    return analysis.frame.select(is_suggestion()).to_series()


@pytest.mark.parametrize(
    ("classes", "sizes", "epochs"),
    [((0, 1), (170, 170), 10), ((0, 1), (170, 170), 15), ((3, 8), (170, 170), 15)],
)
def test_clean_digits_are_not_accused(
    tmp_path: Path, classes: Sequence[int], sizes: Sequence[int], epochs: int
) -> None:
    dataset = digits_of(classes, sizes)
    run = trained(tmp_path, dataset, epochs=epochs)
    for use_model in (True, False):
        require_in_peace(analyze(run, dataset=dataset, use_model=use_model))


def test_all_clean_digits_are_not_accused(tmp_path: Path) -> None:
    dataset = digits_of(range(10), [200] * 10)
    run = trained(tmp_path, dataset, epochs=6)
    require_in_peace(analyze(run, dataset=dataset))


def test_a_class_of_two_is_too_small_to_judge_and_nothing_is_suggested_into_it(
    tmp_path: Path,
) -> None:
    dataset = digits_of((0, 7, 1), (170, 2, 150))
    analysis = analyze(trained(tmp_path, dataset), dataset=dataset)
    require_in_peace(analysis)
    assert analysis.classes["unjudged"].to_list() == [None, "too small to judge", None]
    assert analysis.classes["review"][1] == analysis.classes["count"][1] == 2
    assert not ((analysis.frame["suggested_label"] == 1) & suggested(analysis)).any()
    assert "7 is too small to judge" in summary_text(analysis)
    assert "all of these samples need review" in summary_text(analysis)


def test_nothing_is_suggested_into_a_class_too_small_to_judge_whatever_the_model_says() -> None:
    labels = np.repeat([0, 1, 2], [200, 200, 2])
    is_wrong = np.arange(402) < 40
    # The model takes forty samples of the first class for the third one, which has two.
    probability = np.where(is_wrong, 0.02, 0.95)
    of_rival = np.where(is_wrong, 0.95, 0.03)
    epochs = np.ones((10, 1))
    analysis = analyze_trajectories(
        np.linspace(0.1, 1, 10)[:, None] * np.where(is_wrong, 1, -1),
        labels,
        margin=epochs * np.log(probability / of_rival),
        loss=epochs * -np.log(probability),
        rival=epochs.astype(int) * np.where(is_wrong, 2, np.where(labels == 0, 1, 0)),
    )
    assert analysis.noise.rate == pytest.approx(0.1, abs=0.03)
    assert (analysis.frame["category"].to_numpy()[is_wrong] == "hard").all()
    assert suggested(analysis).any()
    assert not (analysis.frame["suggested_label"].filter(suggested(analysis)) == 2).any()


@pytest.mark.parametrize("few", [11, 20])
def test_nobody_of_a_small_class_is_hard(tmp_path: Path, few: int) -> None:
    # A tenth is held out: 10 or 18 are left beside 891.
    dataset = digits_of((0, 1), (990, few), shifts=True)
    analysis = analyze(trained(tmp_path, dataset, epochs=5), dataset=dataset)
    assert share(analysis, "hard") == 0
    assert analysis.noise.rate <= 0.02


def test_a_class_that_the_model_never_learned_is_not_accused() -> None:
    features, labels = generated((1000, 100, 10), 2)
    analysis = analyzed(features, labels)
    unjudged = dict(analysis.classes.select("label", "unjudged").rows())
    assert unjudged == {0: None, 1: None, 2: "never learned"}
    assert share(analysis, "hard") <= 0.02
    assert (analysis.of_class(2)["category"] == "review").all()
    assert not ((analysis.frame["suggested_label"] == 2) & suggested(analysis)).any()


def at_random(images: LabeledImages) -> LabeledImages:
    rng = np.random.default_rng(0)
    return images.with_labels(torch.tensor(rng.permutation(images.labels.numpy())))


def test_where_the_model_learned_nothing_that_comes_first(tmp_path: Path) -> None:
    clean = digits_of(range(10), [100] * 10)
    dataset = replace(clean, train=at_random(clean.train), val=at_random(clean.val))
    run = trained(tmp_path, dataset, epochs=5)
    for use_model in (True, False):
        analysis = analyze(run, dataset=dataset, use_model=use_model)
        text = summary_text(analysis)
        assert text.startswith("The model learned nothing: its validation accuracy")
        assert "No ranking of these samples means anything" in text.partition("\n")[0]
        assert share(analysis, "review") == 1
        assert not suggested(analysis).any()
        assert not analysis.noise.is_known
        assert "Estimated label noise: not known" in text
    ranking = rank(run, threshold="auto")
    assert ranking.estimate is not None
    assert not ranking.estimate.is_known
    assert not ranking.table["is_selected"].any()
    for one in (ranking, rank(run)):
        assert one.warnings[0].startswith("The model learned nothing")


def test_random_labels_of_a_table_are_found_to_teach_nothing() -> None:
    features, labels = generated((150,) * 10, 5)
    analysis = analyzed(features, np.random.default_rng(0).permutation(labels), epochs=10)
    assert analysis.warnings[0].startswith("The model ")
    assert analysis.noise.high > 0.5


@cache
def noisy(rate: float, seed: int) -> tuple[np.ndarray, Analysis]:
    """Which labels of ten generated classes are wrong, and the analysis of a training on them."""
    features, labels = generated((150,) * 10, 6, seed)
    given = swapped(labels, rate, seed)
    return given != labels, analyzed(features, given, seed=seed)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2, 0.4])
def test_wrong_labels_are_counted_and_found(rate: float) -> None:
    is_wrong, analysis = noisy(rate, 0)
    assert analysis.noise.rate == pytest.approx(is_wrong.mean(), abs=0.03)
    assert analysis.noise.low <= is_wrong.mean() <= analysis.noise.high
    frame = analysis.frame.with_columns(is_wrong=pl.Series(is_wrong))
    assert frame.filter(category="hard")["is_wrong"].mean() > 0.9
    assert frame.filter(category="easy")["is_wrong"].mean() < 0.05
    assert frame["noise_probability"].mean() == pytest.approx(analysis.noise.rate, abs=1e-3)


@pytest.mark.parametrize("rate", [0.1, 0.4])
def test_confidence_is_never_above_what_speaks_against_the_given_label(rate: float) -> None:
    frame = noisy(rate, 0)[1].frame
    other = frame.filter(is_suggestion())
    assert len(other) > 0.05 * len(frame)
    assert (other["suggested_confidence"] <= other["noise_probability"] + 1e-6).all()
    kept = frame.filter(~is_suggestion())
    np.testing.assert_allclose(
        kept["suggested_confidence"], 1 - kept["noise_probability"], atol=1e-6
    )


def test_confident_suggestions_are_mostly_right() -> None:
    features, labels = generated((150,) * 10, 5)
    given = swapped(labels, 0.2)
    frame = analyzed(features, given).frame.with_columns(true=pl.Series(labels))
    sure = frame.filter(is_suggestion(), pl.col("suggested_confidence") >= 0.5)
    is_right = (sure["suggested_label"] == sure["true"]).mean()
    assert is_right == pytest.approx(sure["suggested_confidence"].mean(), abs=0.1)
    assert len(sure) > 150


def test_temperatures_alone_accuse_no_clean_data_and_suggest_nothing() -> None:
    features, labels = generated((300,) * 3, 6)
    analysis = only_temperatures(features, labels)
    assert analysis.noise.rate <= 0.02
    assert share(analysis, "hard") <= 0.02
    given = swapped(labels, 0.2)
    noisy_ones = only_temperatures(features, given)
    assert noisy_ones.noise.rate == pytest.approx((given != labels).mean(), abs=0.05)
    assert not suggested(noisy_ones).any()


def only_temperatures(features: np.ndarray, labels: np.ndarray) -> Analysis:
    return analyze_trajectories(recorded(features, labels)["log_temperature"], labels)


@pytest.mark.parametrize(
    ("learns_classes", "start", "clamps"),
    [
        pytest.param(True, 0.001, True, id="joint"),
        pytest.param(True, 0.001, False, id="joint, free"),
        pytest.param(True, None, True, id="classes"),
        pytest.param(True, None, False, id="classes, free"),
        pytest.param(False, None, True, id="nothing"),
    ],
)
def test_every_recipe_is_judged_right(
    tmp_path: Path, learns_classes: bool, start: float | None, clamps: bool
) -> None:
    dataset = digits_of(range(10), [70] * 10)
    run = trained(
        tmp_path,
        dataset,
        epochs=10,
        rand_fraction=0.2,
        learn_class_parameters=learns_classes,
        learn_inst_parameters=start is not None,
        init_inst_param=start or 1.0,
        skip_clamp_data_param=not clamps,
    )
    analysis = analyze(run, dataset=dataset)
    frame = analysis.frame
    truth = frame["is_corrupted"].mean()
    assert analysis.noise.rate == pytest.approx(truth, abs=0.03)
    assert analysis.noise.low <= truth <= analysis.noise.high
    assert frame.filter(category="hard")["is_corrupted"].mean() > 0.9
    assert frame.filter(category="easy")["is_corrupted"].mean() < 0.03
    assert share(analysis, "review") < 0.05
    assert analysis.has_temperatures == (start is not None)
    assert (analysis.class_temperatures is not None) == learns_classes
    assert ("Temperatures of the classes" in summary_text(analysis)) == learns_classes
