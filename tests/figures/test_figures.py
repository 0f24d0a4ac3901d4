"""Pictures for people: who is shown, where, and that names are only names."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text
from PIL import Image

from dataparams.analysis import analyze_trajectories
from dataparams.analysis.judged_by import JudgedBy
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import PixelImage
from dataparams.errors import ArgumentError, UserError
from dataparams.figures import (
    draw_class_temperatures,
    draw_grid,
    draw_trajectories,
    draw_tsne,
    embed,
    report_map,
    write_figures,
)
from dataparams.figures.representatives import representatives
from dataparams.figures.tsne import place
from made_contents import Text as Sentence
from made_reports import made_analysis

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from dataparams.analysis import Analysis
    from dataparams.contents.content import Content
    from dataparams.figures.style import Drawing

NAMES = ("plain", "<b>$x_1$ / ..\\名前" + "n" * 100, "none of these")


class Colors:
    """A plain color per sample; every seventh content is unreadable, or a text."""

    def read(self, ids: Sequence[str]) -> list[Content | UnreadableContentError]:
        return [self._content(int(name)) for name in ids]

    def _content(self, number: int) -> Content | UnreadableContentError:
        if number % 7 == 6:
            return UnreadableContentError("the file is missing")
        if number % 7 == 5:
            return Sentence("no picture at all")
        return PixelImage(np.full((20, 30, 3), number % 256, dtype=np.uint8))


class Sentences:
    """A text per sample."""

    def read(self, ids: Sequence[str]) -> list[Content | UnreadableContentError]:
        return [Sentence(f"sentence {name}") for name in ids]


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    rng = np.random.default_rng(0)
    drift = np.where(np.arange(120) % 6 == 0, 0.1, -0.1)
    steps = drift + rng.normal(0, 0.05, (8, 120))
    labels = np.arange(120) % 2
    return analyze_trajectories(
        np.cumsum(steps, axis=0), labels, class_names=NAMES, contents=Colors()
    )


def test_what_is_no_picture_or_unreadable_has_none(analysis: Analysis) -> None:
    pictures = analysis.pictures_of([str(number) for number in range(7)], 15)
    assert [None if one is None else one.shape for one in pictures] == [(10, 15, 3)] * 5 + [
        None
    ] * 2
    assert [int(one.mean()) for one in pictures[:5] if one is not None] == [0, 1, 2, 3, 4]
    texts = replace(analysis, contents=Sentences())
    assert len(texts.grid(0).png()) > 1000
    assert len(texts.tsne(0).png()) > 1000
    assert len(texts.trajectories().png()) > 1000


def test_files_are_named_by_class_and_stay_in_their_folder(
    analysis: Analysis, tmp_path: Path
) -> None:
    done: list[tuple[int, int]] = []
    files = write_figures(
        analysis, tmp_path / "figures", on_progress=lambda *args: done.append(args)
    )
    assert [file.parent for file in files] == [tmp_path / "figures"] * 5
    assert files[0].name == "class_0_plain_easy_hard_need_review.png"
    assert files[1].name == "class_0_plain_tsne.png"
    assert files[4].name == "instance_trajectories.png"
    for file in files:
        with Image.open(file) as picture:
            assert min(picture.size) > 300
    assert done[-1] == (5, 5)


def test_drawings_show_themselves_in_a_notebook(analysis: Analysis) -> None:
    for drawing in (analysis.grid("plain"), analysis.tsne(1), analysis.trajectories([0, 1, 2])):
        with Image.open(io.BytesIO(drawing._repr_png_())) as picture:
            colors = np.asarray(picture.convert("RGB")).reshape(-1, 3)
            assert len(np.unique(colors, axis=0)) > 10
    assert "<table" in analysis._repr_html_()
    with pytest.raises(ValueError, match=r"`indices` has 999; expected values of the column index"):
        analysis.trajectories([0, 999])


def test_a_class_without_samples_is_drawn_empty(analysis: Analysis) -> None:
    assert analysis.grid("none of these").png().startswith(b"\x89PNG")
    assert analysis.tsne("none of these").png().startswith(b"\x89PNG")


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 120), seed=st.integers(0, 999), spread=st.sampled_from([0, 0.01, 1]))
def test_no_picture_buries_another(count: int, seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    positions = rng.normal(0, 1, (count, 2)) * spread
    order = rng.permutation(count)
    placement = place(positions, order)
    corners = placement.corners[placement.is_shown]
    apart = np.abs(corners[:, None] - corners[None]).max(axis=2)
    assert (apart[~np.eye(len(corners), dtype=bool)] >= placement.side).all()
    assert placement.is_shown[order[0]]
    assert (corners >= 0).all()
    hidden = count - int(placement.is_shown.sum())
    assert placement.densest - 1 <= hidden
    assert (placement.densest > 1) == (hidden > 0)


@pytest.fixture(params=["openTSNE", "scikit-learn"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which library makes the map: there are platforms that openTSNE has no wheels for."""
    if request.param == "openTSNE":
        pytest.importorskip("openTSNE", reason="openTSNE is not installed")
    else:
        monkeypatch.setitem(sys.modules, "openTSNE", None)
    return str(request.param)


@pytest.mark.usefixtures("library")
def test_the_map_brings_like_trajectories_together() -> None:
    rng = np.random.default_rng(0)
    kinds = np.repeat([0, 1, 2], 40)
    slopes = np.array([-0.3, 0.0, 0.3])[kinds]
    log_temperature = np.cumsum(slopes + rng.normal(0, 0.02, (15, 120)), axis=0)
    positions = embed(log_temperature)
    centers = np.stack([positions[kinds == kind].mean(axis=0) for kind in range(3)])
    nearest = np.linalg.norm(positions[:, None] - centers, axis=2).argmin(axis=1)
    assert (nearest == kinds).mean() > 0.95
    np.testing.assert_array_equal(positions, embed(log_temperature))


@pytest.mark.usefixtures("library")
def test_a_map_of_one_epoch_is_no_line() -> None:
    positions = embed(np.random.default_rng(0).normal(size=(1, 100)))
    assert np.ptp(positions, axis=0).min() > 0.02 * np.ptp(positions, axis=0).max()


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 30])
def test_any_number_of_samples_has_a_map(count: int) -> None:
    rng = np.random.default_rng(0)
    assert embed(rng.normal(0, 1, (4, count))).shape == (count, 2)
    assert np.isfinite(embed(np.zeros((4, count)))).all()
    assert np.isfinite(embed(np.full((4, count), np.inf))).all()


def test_representatives_are_spread_over_sub_groups() -> None:
    members = pl.DataFrame(
        {
            "index": range(60),
            "category": ["review"] * 40 + ["easy"] * 20,
            "p_review": np.linspace(1, 0.5, 60),
            "p_easy": np.linspace(0, 1, 60),
            "p_hard": np.zeros(60),
            "suspicion": np.linspace(1, 0, 60),
            "subgroup": ["like dog"] * 30 + ["rare kind"] * 7 + ["far from all"] * 3 + [None] * 20,
        }
    )
    chosen = representatives(members, "review", 9)
    assert chosen["subgroup"].to_list() == ["like dog", "rare kind", "far from all"] * 3
    assert chosen["index"].to_list()[:3] == [0, 30, 37]
    places = [*range(29, -1, -1), *range(6, -1, -1), *range(2, -1, -1), *[None] * 20]
    typical = members.with_columns(subgroup_place=pl.Series(places))
    assert representatives(typical, "review", 3)["index"].to_list() == [29, 36, 39]
    easy = representatives(members, "easy", 5)
    assert easy["index"].to_list() == sorted(easy["index"], reverse=True)
    assert len(set(easy["index"])) == 5
    assert len(representatives(members, "hard", 5)) == 0


def moved(epochs: int, scale: float, *, is_clamped: bool = False) -> Analysis:
    """An analysis of samples whose log temperatures moved so far."""
    rng = np.random.default_rng(0)
    drift = np.where(np.arange(120) % 6 == 0, 1, -1) * scale / epochs
    path = np.cumsum(drift + rng.normal(0, scale / epochs, (epochs, 120)), axis=0)
    if is_clamped:
        path = path.clip(-np.log(20), np.log(20))
    return analyze_trajectories(path, np.arange(120) % 2, class_names=("cat", "dog"))


def class_temperatures(count: int, epochs: int, scale: float = 0.3) -> pl.DataFrame:
    path = np.random.default_rng(0).normal(0, scale, (epochs, count)).cumsum(axis=0)
    return pl.DataFrame(
        {
            "epoch": np.repeat(np.arange(1, epochs + 1), count),
            "label": np.tile(np.arange(count), epochs),
            "label_name": [f"class {label}" for label in range(count)] * epochs,
            "temperature": np.exp(path).ravel(),
        }
    )


def numbers_on(axes: Axes) -> list[str]:
    """What stands at those ticks of the temperature axis that are seen."""
    low, high = axes.get_ylim()
    return [
        tick.label1.get_text()
        for tick in axes.yaxis.get_major_ticks()
        if low <= tick.get_loc() <= high and tick.label1.get_text()
    ]


def assert_readable(drawing: Drawing) -> None:
    """Every axis of temperatures has numbers; names lie beside it, and none over another."""
    drawing.png()
    plots = [axes for axes in drawing.axes if axes.get_ylabel() == "temperature"]
    assert plots
    for axes in plots:
        numbers = numbers_on(axes)
        assert 4 <= len(set(numbers)) == len(numbers) <= 10
        boxes = [Text.get_window_extent(name) for name in axes.texts]  # without the line to it
        plot = axes.get_window_extent()
        assert all(box.x0 > plot.x1 for box in boxes)
        assert all(box.x1 < drawing.bbox.x1 for box in boxes)
        boxes.sort(key=lambda box: box.y0)
        # Letters without descenders leave a pixel of every box free.
        assert all(above.y0 > below.y1 - 2 for below, above in pairwise(boxes))


@pytest.mark.parametrize(
    ("epochs", "scale", "is_clamped"),
    [(12, 1e-4, False), (12, 0.03, False), (1, 0.5, False), (300, 2.0, False), (30, 9.0, True)],
    ids=["tiny", "narrow", "one epoch", "300 epochs", "at the clamp"],
)
def test_the_temperature_axis_has_numbers_and_no_name_lies_on_a_curve(
    epochs: int, scale: float, is_clamped: bool
) -> None:
    analysis = moved(epochs, scale, is_clamped=is_clamped)
    assert_readable(draw_trajectories(analysis))
    assert_readable(draw_trajectories(analysis, range(12)))


@pytest.mark.parametrize(("count", "epochs"), [(2, 4), (12, 1), (40, 30)])
def test_the_curves_of_classes_are_named(analysis: Analysis, count: int, epochs: int) -> None:
    table = class_temperatures(count, epochs)
    drawing = draw_class_temperatures(replace(analysis, class_temperatures=table))
    assert_readable(drawing)
    (axes,) = drawing.axes
    last = table.filter(pl.col("epoch") == epochs).sort("temperature", descending=True)
    ranked = last["label_name"].to_list()
    expected = ranked if count <= 12 else [*ranked[:9], *ranked[-3:]]
    assert [name.get_text().partition("  ")[2] for name in axes.texts] == expected
    assert sum(np.size(line.get_xdata()) == epochs for line in axes.lines) >= count


def test_classes_are_drawn_where_their_parameters_were_learned(
    analysis: Analysis, tmp_path: Path
) -> None:
    learned = replace(analysis, class_temperatures=class_temperatures(3, 5))
    (file,) = write_figures(learned, tmp_path, kinds=["classes"])
    assert file.name == "class_temperatures.png"
    assert not write_figures(analysis, tmp_path, kinds=["classes", "grids"], labels=[])
    with pytest.raises(UserError, match="no class parameters to draw"):
        write_figures(analysis, tmp_path, kinds=["classes"])


def test_warnings_stand_above_everything_else(analysis: Analysis) -> None:
    warned = replace(
        analysis,
        findings=replace(analysis.findings, warnings=("The model learned nothing. " * 12,)),
        class_temperatures=class_temperatures(3, 5),
    )
    for drawing in (
        warned.grid("plain"),
        warned.tsne(1),
        warned.trajectories(),
        draw_class_temperatures(warned),
    ):
        drawing.png()
        (warning,) = [text for text in drawing.texts if "learned nothing" in text.get_text()]
        box = warning.get_window_extent()
        assert drawing.bbox.x0 < box.x0 < box.x1 < drawing.bbox.x1
        assert box.y1 < drawing.bbox.y1
        others = [text for text in drawing.texts if text is not warning and text.get_text()]
        parts = [*others, *(part for axes in drawing.axes for part in (axes, axes.title))]
        assert all(part.get_window_extent().y1 < box.y0 for part in parts)


def captions(drawing: Drawing) -> set[str]:
    return {axes.get_xlabel() for axes in drawing.axes} - {""}


def test_captions_claim_another_class_only_where_it_is_likely(analysis: Analysis) -> None:
    hard = (analysis.frame["label"] == 0) & (analysis.frame["category"] == "hard")
    assert hard.any()

    def drawn(suggested: int, confidence: float) -> set[str]:
        frame = analysis.frame.with_columns(
            suggested_label=pl.when(hard).then(suggested).otherwise("label"),
            suggested_name=pl.when(hard).then(pl.lit("crab")).otherwise("label_name"),
            suggested_confidence=pl.when(hard).then(confidence).otherwise(0.9),
        )
        return captions(replace(analysis, frame=frame).grid(0))

    assert "→ crab" in drawn(1, 0.8)
    assert "outlier?" in drawn(1, 0.2)
    assert not any("crab" in caption for caption in drawn(1, 0.2))
    far = analysis.frame.with_columns(is_outlier=hard)
    assert "outlier?" in captions(replace(analysis, frame=far).grid(0))
    # Temperatures alone weigh no other class, so nothing can be said of a hard sample.
    assert all(caption.startswith("#") for caption in captions(analysis.grid(0)))


def test_a_class_too_small_to_judge_is_called_so(analysis: Analysis) -> None:
    small = replace(
        analysis, classes=analysis.classes.with_columns(unjudged=pl.lit("too small to judge"))
    )
    for drawing in (small.grid(0), small.tsne(0)):
        assert any("too small to judge" in words for words in words_of(drawing))
    assert not any("too small" in words for words in words_of(analysis.grid(0)))


def words_of(drawing: Drawing) -> list[str]:
    found = drawing.findobj(match=Text)
    return [artist.get_text() for artist in found if isinstance(artist, Text)]


def test_what_a_figure_cannot_be_drawn_of_is_an_argument_error(
    analysis: Analysis, tmp_path: Path
) -> None:
    for draw in (draw_grid, draw_tsne):
        with pytest.raises(
            ArgumentError, match=r"There is no class 3; expected a name or a number"
        ):
            draw(analysis, 3)
    with pytest.raises(ArgumentError, match="`columns` is 0; expected 1 or more"):
        draw_grid(analysis, 0, columns=0)
    with pytest.raises(ArgumentError, match="There is no class -1"):
        draw_trajectories(analysis, label=-1)
    with pytest.raises(ArgumentError, match="There is no class 99"):
        write_figures(analysis, tmp_path / "figures", labels=[0, 99])
    with pytest.raises(ArgumentError, match="`kinds` has 'map'; expected some of grids, maps"):
        write_figures(analysis, tmp_path / "figures", kinds=["map"])
    assert not (tmp_path / "figures").exists()


def test_reports_of_audits_have_maps_of_principal_components():
    steps = np.random.default_rng(0).normal(size=(4, 60)).cumsum(axis=0)
    audited = replace(made_analysis(), judged_by=JudgedBy("mine"))
    principal = report_map(audited)(steps)
    assert report_map(made_analysis()) is embed
    centered = steps.T - steps.T.mean(axis=0)
    variances = np.linalg.eigvalsh(centered.T @ centered)[::-1][:2]
    np.testing.assert_allclose((principal**2).sum(axis=0), variances)
