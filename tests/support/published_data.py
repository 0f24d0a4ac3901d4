"""Small data for what README and documentation tell people to type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from PIL import Image, ImageDraw
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import closed_runs
from dataparams import IndexedDataset
from dataparams.cli import main
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLASSES = ("circles", "squares", "triangles")
EACH = 14


def audited(folder: Path) -> dict[str, Any]:
    """``photos``, and its audit by pixels."""
    photographs(folder)
    assert main(["audit", "photos", "--encoder", "pixels"]) == 0
    return {}


def reviewed(folder: Path) -> dict[str, Any]:
    """``photos`` and its audit, about which four people decided; they audited some as well."""
    audited(folder)
    closed_runs.decide(RunFolder(folder / "weights_CL/photos/audit"))
    return {}


def trained_twice(folder: Path) -> dict[str, Any]:
    """``photos``, of which two trainings are kept beside the audit."""
    for name in ("before", "after"):
        few = ["--epochs", "2", "--image-size", "16", "-b", "16", "--exp_prefix", name]
        assert main(["train", "photos", *few]) == 0
    return {}


def splits(folder: Path) -> dict[str, Any]:
    """``photos`` of three splits."""
    for seed, name in enumerate(("train", "val", "test")):
        drawn(folder / "photos" / name, seed)
    return {}


def diamonds(folder: Path) -> dict[str, Any]:
    """``diamonds.csv``: two cuts, which differ in depth, with the columns of the real one."""
    gems(300).write_csv(folder / "diamonds.csv")
    return {}


def audited_rows(folder: Path) -> dict[str, Any]:
    """``rows.csv``, a table, and its audit."""
    gems(60).write_csv(folder / "rows.csv")
    assert main(["audit", "rows.csv", "--label-column", "cut"]) == 0
    return {}


def gems(count: int) -> pl.DataFrame:
    """Rows of a table of diamonds."""
    rng = np.random.default_rng(0)
    is_fair = np.arange(count) % 2 == 0
    carat = rng.gamma(4, 0.2, count)
    return pl.DataFrame(
        {
            "carat": carat.round(2),
            "cut": np.where(is_fair, "Fair", "Ideal"),
            "color": rng.choice(list("DEF"), count),
            "clarity": rng.choice(["SI1", "VS2", "IF"], count),
            "depth": (np.where(is_fair, 66, 61) + rng.normal(0, 0.7, count)).round(1),
            "table": rng.normal(57, 2, count).round(0),
            "price": (4000 * carat**1.6 + rng.normal(0, 200, count)).round(0),
            **{axis: (6 * carat ** (1 / 3)).round(2) for axis in "xyz"},
        }
    )


def photographs(folder: Path) -> dict[str, Any]:
    """``photos``: three classes of shapes, of which a class has two of another."""
    drawn(folder / "photos")
    return {}


def drawn(folder: Path, seed: int = 0) -> None:
    """Shapes of some size and color, somewhere, in a folder per class."""
    rng = np.random.default_rng(seed)
    for number, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for place in range(EACH):
            is_wrong = number == 0 and place < 2
            picture = shape(rng, CLASSES[1] if is_wrong else name)
            picture.save(folder / name / f"{place:02}.jpg")


def shape(rng: np.random.Generator, name: str) -> Image.Image:
    """A picture of 64 pixels."""
    dark, light = (tuple(rng.integers(low, low + 90, 3).tolist()) for low in (0, 160))
    left, top = rng.integers(4, 20, 2).tolist()
    size = int(rng.integers(26, 40))
    picture = Image.new("RGB", (64, 64), dark)
    draw = ImageDraw.Draw(picture)
    if name == "circles":
        draw.ellipse((left, top, left + size, top + size), fill=light)
    elif name == "squares":
        draw.rectangle((left, top, left + size, top + size), fill=light)
    else:
        corners = [(left, top + size), (left + size, top + size), (left + size // 2, top)]
        draw.polygon(corners, fill=light)
    return picture


def walkthrough(folder: Path) -> dict[str, Any]:
    """``caltech20``: the same shapes under the name of the walk-through's photographs."""
    drawn(folder / "caltech20")
    return {}


def museum(folder: Path) -> dict[str, Any]:
    """``museum``: the same shapes under the name of the closed case's photographs."""
    drawn(folder / "museum")
    return {}


def decisions(folder: Path) -> dict[str, Any]:
    """What two people decided about every run: they differ about one sample."""
    for description in (folder / "weights_CL").rglob("run.json"):
        decide(RunFolder(description.parent))
    return {}


def decide(run: RunFolder) -> None:
    """Three samples are kept by one, of which another discards the first."""
    first, *others = run.samples().head(3).select("index", "label").rows()
    store = DecisionStore(run.review)
    store.record("1", "Ann", [Decision(index, "keep", label) for index, label in (first, *others)])
    store.record("2", "Bob", [Decision(first[0], "discard")])
    store.close()


def training_loop(folder: Path) -> dict[str, Any]:
    """What any training loop has: a model, an optimizer, batches with their indices."""
    torch.manual_seed(0)
    train_set = IndexedDataset(TensorDataset(torch.randn(60, 5), torch.arange(60) % 10))
    model = nn.Linear(5, 10)
    return {
        "train_set": train_set,
        "loader": DataLoader(train_set, batch_size=20),
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
    }


def trajectories(folder: Path) -> dict[str, Any]:
    """Log temperatures of a loop of one's own, a tenth of which rise."""
    rng = np.random.default_rng(0)
    drift = np.where(np.arange(300) < 30, 0.1, -0.1)
    log_temperatures = np.cumsum(drift + rng.normal(0, 0.02, (20, 300)), axis=0)
    return {"log_temperatures": log_temperatures, "labels": rng.integers(0, 2, 300)}


def probabilities(folder: Path) -> dict[str, Any]:
    """Labels of three classes and what a classifier says of them, 5 % of which are wrong."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 600)
    logits = rng.normal(0, 1, (600, 3)) + 6 * np.eye(3)[truth]
    odds = np.exp(logits)
    labels = np.where(np.arange(600) < 30, (truth + 1) % 3, truth)
    return {"labels": labels, "pred_probs": odds / odds.sum(1, keepdims=True)}


def banking(folder: Path) -> dict[str, Any]:
    """``train.csv`` with texts of three categories, and ``small``, a network that reads them."""
    # Imported where a page trains with it: it takes seconds.
    from made_hugging_face import made_pretrained, made_texts

    texts, labels = made_texts()
    rows = {"text": texts, "category": [("card", "loan", "fee")[label] for label in labels]}
    pl.DataFrame(rows).write_csv(folder / "train.csv")
    made_pretrained(folder / "small")
    return {}


GIVEN: dict[str, Callable[[Path], dict[str, Any]]] = {
    "a folder of photographs": photographs,
    "photographs of three splits": splits,
    "an audit of photographs": audited,
    "an audit that people reviewed": reviewed,
    "two trainings on the photographs": trained_twice,
    "a table of diamonds": diamonds,
    "an audit of a table": audited_rows,
    "the walk-through's photographs": walkthrough,
    "photographs of a museum": museum,
    "decisions of two people": decisions,
    "a training loop": training_loop,
    "log temperatures and labels": trajectories,
    "labels and probabilities": probabilities,
    "texts of customers": banking,
}
"""What a mark ``given`` names: it makes files in a folder, and returns names for Python."""
