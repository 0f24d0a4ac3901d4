"""Pictures for people: who is shown, where, and that names are only names."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dataparams.analysis import analyze_trajectories
from dataparams.figures import embed, write_figures
from dataparams.figures.representatives import representatives
from dataparams.figures.tsne import place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataparams.analysis import Analysis

NAMES = ("plain", "<b>$x_1$ / ..\\名前" + "n" * 100, "none of these")


class Colors:
    """A plain colour per sample; every seventh picture is unreadable."""

    def read(self, ids: Sequence[str]) -> list[np.ndarray | None]:
        return [
            None if int(name) % 7 == 6 else np.full((20, 30, 3), int(name) % 256, dtype=np.uint8)
            for name in ids
        ]


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    rng = np.random.default_rng(0)
    drift = np.where(np.arange(120) % 6 == 0, 0.1, -0.1)
    steps = drift + rng.normal(0, 0.05, (8, 120))
    labels = np.arange(120) % 2
    return analyze_trajectories(
        np.cumsum(steps, axis=0), labels, class_names=NAMES, pictures=Colors()
    )


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
    with pytest.raises(ValueError, match=r"no sample of index 999"):
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


def test_a_map_of_one_epoch_is_no_line() -> None:
    positions = embed(np.random.default_rng(0).normal(size=(1, 100)))
    assert np.ptp(positions, axis=0).min() > 0.02 * np.ptp(positions, axis=0).max()


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
            "subgroup": ["A"] * 30 + ["B"] * 7 + ["C"] * 3 + [None] * 20,
        }
    )
    chosen = representatives(members, "review", 9)
    assert chosen["subgroup"].to_list() == ["A", "B", "C"] * 3
    assert chosen["index"].to_list()[:3] == [0, 30, 37]
    easy = representatives(members, "easy", 5)
    assert easy["index"].to_list() == sorted(easy["index"], reverse=True)
    assert len(set(easy["index"])) == 5
    assert len(representatives(members, "hard", 5)) == 0
