"""Small data for what README and documentation tell people to type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from PIL import Image, ImageDraw
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dataparams import IndexedDataset
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLASSES = ("circles", "squares", "triangles")
EACH = 14


def photographs(folder: Path) -> dict[str, Any]:
    """``photos``: three classes of shapes, of which a class has two of another."""
    drawn(folder / "photos")
    return {}


def drawn(folder: Path) -> None:
    """Shapes of some size and color, somewhere, in a folder per class."""
    rng = np.random.default_rng(0)
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
    "the walk-through's photographs": walkthrough,
    "photographs of a museum": museum,
    "decisions of two people": decisions,
    "a training loop": training_loop,
    "log temperatures and labels": trajectories,
    "labels and probabilities": probabilities,
    "texts of customers": banking,
}
"""What a mark ``given`` names: it makes files in a folder, and returns names for Python."""
