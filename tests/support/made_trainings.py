"""Short trainings of the tests' own: tables in a loop of one's own, digits in a run folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn import datasets
from torch import nn
from torch.nn import functional

from dataparams import DataParameters
from dataparams.analysis import analyze_trajectories
from dataparams.batches import ImageDataset
from dataparams.batches.labeled_images import LabeledImages
from dataparams.method.learning_rate import instance_learning_rate
from dataparams.terminal.progress import SilentProgress
from dataparams.training import TrainConfig, train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.analysis import Analysis
    from dataparams.run.folder import RunFolder

DIGITS = datasets.load_digits()


def generated(sizes: Sequence[int], distance: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Classes of normally distributed points in 20 dimensions, (n, 20), and their labels.

    Args:
        sizes: Samples of each class.
        distance: Of each class's center from the origin, in standard deviations.
        seed: Of the draw.
    """
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(len(sizes), 20))
    centers *= distance / np.linalg.norm(centers, axis=1, keepdims=True)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return centers[labels] + rng.normal(size=(len(labels), 20)), labels


def swapped(labels: np.ndarray, rate: float, seed: int = 0) -> np.ndarray:
    """Labels of which a share was drawn and given to one another."""
    rng = np.random.default_rng(1000 + seed)
    rows = rng.choice(len(labels), round(rate * len(labels)), replace=False)
    changed: np.ndarray = labels.copy()
    changed[rows] = labels[rng.permutation(rows)]
    return changed


def recorded(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    epochs: int = 20,
    seed: int = 0,
    width: int = 64,
    batch: int = 64,
) -> dict[str, Any]:
    """What a loop of one's own records of a small network: arguments of analyze_trajectories."""
    torch.manual_seed(seed)
    count, classes = len(labels), int(labels.max()) + 1
    inputs = torch.tensor((features - features.mean(0)) / (features.std(0) + 1e-9)).float()
    targets = torch.tensor(labels).long()
    model = nn.Sequential(nn.Linear(inputs.shape[1], width), nn.ReLU(), nn.Linear(width, classes))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    parameters = DataParameters(
        count, classes, lr_inst=instance_learning_rate(epochs, min(batch, count))
    )
    epoch_records: list[dict[str, torch.Tensor]] = []
    for _ in range(epochs):
        records = {name: torch.zeros(count) for name in ("margin", "loss", "rival")}
        for rows in torch.split(torch.randperm(count), batch):
            logits = model(inputs[rows])
            loss = parameters(logits, targets[rows], rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            parameters.step()
            _record(records, rows, logits.detach(), targets[rows])
        records["log_temperature"] = parameters.inst_log.clone()
        epoch_records.append(records)
    arrays = {
        name: torch.stack([records[name] for records in epoch_records]).numpy()
        for name in epoch_records[0]
    }
    return {**arrays, "rival": arrays["rival"].astype(np.int64), "labels": labels}


def _record(
    records: dict[str, torch.Tensor],
    rows: torch.Tensor,
    logits: torch.Tensor,
    targets: torch.Tensor,
) -> None:
    others = logits.scatter(1, targets[:, None], -torch.inf).max(dim=1)
    records["margin"][rows] = logits.gather(1, targets[:, None])[:, 0] - others.values
    records["rival"][rows] = others.indices.float()
    records["loss"][rows] = functional.cross_entropy(logits, targets, reduction="none")


def analyzed(features: np.ndarray, labels: np.ndarray, **options: int) -> Analysis:
    """The analysis of a small network's training on a table."""
    return analyze_trajectories(**recorded(features, labels, **options))


def digits_of(
    classes: Sequence[int], sizes: Sequence[int], *, seed: int = 0, shifts: bool = False
) -> ImageDataset:
    """Some of scikit-learn's digits, a tenth of each class to validate on.

    Args:
        classes: Digits; they become class 0, 1, ...
        sizes: Samples of each; where ``shifts`` and there are fewer, shifted copies fill up.
        seed: Of the draw.
        shifts: Whether every image of the data is shifted by up to a pixel.
    """
    rng = np.random.default_rng(seed)
    pictures, labels = [], []
    for label, (digit, size) in enumerate(zip(classes, sizes, strict=True)):
        found = rng.permutation(np.flatnonzero(digit == DIGITS.target))
        rows = np.resize(found, size) if shifts else found[:size]
        chosen = DIGITS.images[rows]
        if shifts:
            moves = rng.integers(-1, 2, (len(chosen), 2))
            chosen = np.stack(
                [np.roll(one, move, (0, 1)) for one, move in zip(chosen, moves, strict=True)]
            )
        pictures.append(chosen)
        labels.append(np.full(len(chosen), label))
    images = torch.tensor(np.concatenate(pictures) * 255 / 16).to(torch.uint8)[:, None]
    return as_dataset(images, torch.tensor(np.concatenate(labels)), tuple(map(str, classes)), rng)


def as_dataset(
    images: torch.Tensor,
    labels: torch.Tensor,
    class_names: tuple[str, ...],
    rng: np.random.Generator,
) -> ImageDataset:
    """Images in memory, a tenth of each class to validate on."""
    is_held_out = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(len(class_names)):
        rows = rng.permutation(np.flatnonzero(labels.numpy() == label))
        is_held_out[torch.tensor(rows[: round(0.1 * len(rows))])] = True

    def part(split: str, rows: torch.Tensor) -> LabeledImages:
        return LabeledImages(
            images=images[rows],
            labels=labels[rows],
            ids=tuple(f"{split}/{row}" for row in rows.tolist()),
            index=torch.arange(len(rows)),
            num_instances=len(rows),
        )

    return ImageDataset(
        name="made",
        train=part("train", (~is_held_out).nonzero().squeeze(1)),
        val=part("val", is_held_out.nonzero().squeeze(1)),
        class_names=class_names,
        fingerprint="f" * 64,
    )


def trained(folder: object, dataset: ImageDataset | None = None, **changes: Any) -> RunFolder:
    """A short training with the settings that the command has by default."""
    settings = {"epochs": 15, "restart": True, "learn_inst_parameters": True} | changes
    return train(TrainConfig(output_dir=str(folder), **settings), dataset=dataset)


def short_training(folder: object) -> TrainConfig:
    """Three epochs with instance parameters on labels of which 40 % are swapped."""
    return TrainConfig(
        output_dir=str(folder),
        epochs=3,
        batch_size=64,
        rand_fraction=0.4,
        learn_inst_parameters=True,
    )


def first_samples(samples: LabeledImages, count: int) -> LabeledImages:
    """The first samples of a split, numbered anew."""
    chosen = samples.select(torch.arange(count))
    return replace(chosen, index=torch.arange(count), num_instances=count)


TIMES = ["seconds", "samples_per_second"]


class Lines(SilentProgress):
    """Remembers the lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


class Stop(SilentProgress):
    """Raises after some epochs, as a user's interrupt does."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def line(self, text: str) -> None:
        if text.startswith(f"epoch {self.epoch}/"):
            raise KeyboardInterrupt


def assert_same_run(first: RunFolder, second: RunFolder) -> None:
    """Bit for bit, but for the time it took."""
    assert first.epochs() == second.epochs()
    for epoch in first.epochs():
        for name, value in vars(first.epoch_record(epoch)).items():
            other = getattr(second.epoch_record(epoch), name)
            np.testing.assert_array_equal(np.asarray(value), np.asarray(other), err_msg=name)
    states = [run.checkpoint("last") for run in (first, second)]
    assert states[0] is not None
    assert states[1] is not None
    for name, value in states[0]["model"].items():
        assert torch.equal(value, states[1]["model"][name]), name
    assert first.metrics().drop(TIMES).equals(second.metrics().drop(TIMES), null_equal=True)
