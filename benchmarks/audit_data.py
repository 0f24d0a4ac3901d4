"""Features and noisy labels for the benchmark of the audit."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl
import torch

from dataparams.contents.images import EncodedImage, PixelImage
from dataparams.contents.texts import Text
from dataparams.encoders.bundled_encoder import bundled_encoder, bundled_network
from dataparams.encoders.image_encoder import ImageEncoder
from dataparams.encoders.text_frequencies import (
    WEIGHT_OF_FREQUENCIES,
    joined,
    text_frequencies,
)
from dataparams.encoders.word_embeddings import WordEncoder
from dataparams.sources.noise import corrupt_labels

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.contents.content import Content
    from dataparams.encoders.encoder import Encoder
    from dataparams.sources.noise import NoiseKind

FIRST_OF_CIFAR = 10_000
SMALL = 128
NOISES = (
    ("none", 0.0),
    ("swap", 0.15),
    ("swap", 0.4),
    ("symmetric", 0.2),
    ("pairflip", 0.3),
    ("image-dependent", 0.2),
)


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """A data set as heads see it.

    Attributes:
        features: (n, d), float16.
        labels: As the data set has them, (n,).
    """

    features: NDArray[np.float16]
    labels: NDArray[np.int64]

    @property
    def num_classes(self) -> int:
        """C."""
        return int(self.labels.max()) + 1


@dataclass(frozen=True)
class Cell:
    """One data set with one noise and seed, and where things lie.

    Attributes:
        folders: Of the data, of Fashion-MNIST, and of what is kept between runs.
    """

    data: str
    noise: str
    rate: float
    seed: int
    folders: tuple[Path, Path, Path]

    @property
    def setting(self) -> str:
        """Such as ``swap 40 %``."""
        return self.noise if not self.rate else f"{self.noise} {100 * self.rate:.0f} %"

    @property
    def name(self) -> str:
        """Tells it from every other, as a file's name does."""
        return f"{self.data}-{self.noise}-{self.rate:g}-{self.seed}"


def feature_set(name: str, data: Path, fashion: Path, cache: Path) -> FeatureSet:
    """Features of a data set; those computed before are read from the cache."""
    file = cache / f"{name}.npz"
    if not file.exists():
        made = {
            "caltech20": lambda: _caltech(data / "caltech20"),
            "cifar10": lambda: _cifar(data / "cifar10", FIRST_OF_CIFAR),
            "cifar10-whole": lambda: _cifar(data / "cifar10", None),
            "banking77": lambda: _banking(data / "banking77", is_joined=False),
            "banking77-joined": lambda: _banking(data / "banking77", is_joined=True),
            "fashion-mnist": lambda: _fashion(fashion),
        }[name]()
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(file.with_suffix(".part.npz"), features=made.features, labels=made.labels)
        file.with_suffix(".part.npz").replace(file)
    stored = np.load(file)
    return FeatureSet(stored["features"], stored["labels"])


def noisy_labels(
    data: FeatureSet, noise: str, rate: float, seed: int, by_clean: NDArray[np.floating]
) -> NDArray[np.int64]:
    """The labels, a share of them made wrong.

    Args:
        data: The data set.
        noise: ``none``, a kind of ``corrupt_labels``, or ``image-dependent``: the wrong class is
            the likeliest other one, and samples are drawn in proportion to its probability.
        rate: What share.
        seed: What the choice depends on.
        by_clean: Held-out class probabilities by a model of the clean labels, (n, C).
    """
    if noise == "none":
        given: NDArray[np.int64] = data.labels.copy()
        return given
    if noise != "image-dependent":
        clean = torch.from_numpy(data.labels)
        kind = cast("NoiseKind", noise)
        noisy = corrupt_labels(
            clean, kind=kind, fraction=rate, num_classes=data.num_classes, seed=seed
        )
        wrong: NDArray[np.int64] = noisy.labels.numpy()
        return wrong
    count = len(data.labels)
    others = by_clean.astype(np.float64)
    others[np.arange(count), data.labels] = 0
    rival, chance = others.argmax(axis=1), others.max(axis=1)
    rng = np.random.default_rng(seed)
    rows = rng.choice(count, round(rate * count), replace=False, p=chance / chance.sum())
    labels: NDArray[np.int64] = data.labels.copy()
    labels[rows] = rival[rows]
    return labels


def _caltech(folder: Path) -> FeatureSet:
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    files = [
        (file, k) for k, name in enumerate(names) for file in sorted((folder / name).iterdir())
    ]
    images = (EncodedImage(file.read_bytes()) for file, _ in files)
    return FeatureSet(_encoded(bundled_encoder(), images), np.array([k for _, k in files]))


def _cifar(folder: Path, first: int | None) -> FeatureSet:
    (file,) = folder.glob("train-*.parquet")
    table = pl.read_parquet(file, n_rows=first)
    images = (EncodedImage(image["bytes"]) for image in table["img"])
    return FeatureSet(
        _encoded(_small_encoder(), images), table["label"].to_numpy().astype(np.int64)
    )


def _fashion(folder: Path) -> FeatureSet:
    with gzip.open(folder / "t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(folder / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int64)
    return FeatureSet(_encoded(_small_encoder(), (PixelImage(each) for each in pixels)), labels)


def _banking(folder: Path, *, is_joined: bool) -> FeatureSet:
    """The mean of the vectors of a text's words; with its letters, as the audit takes them."""
    table = pl.read_csv(folder / "train.csv")
    names = sorted(table["category"].unique())
    labels = np.array([names.index(name) for name in table["category"]])
    vectors = _encoded(WordEncoder(), map(Text, table["text"]))
    if is_joined:
        vectors = joined(vectors, text_frequencies(table["text"].to_list()), WEIGHT_OF_FREQUENCIES)
    return FeatureSet(vectors, labels)


def _small_encoder() -> ImageEncoder:
    """The bundled network on whole pictures of fewer pixels."""
    usual = bundled_encoder()
    preparation = replace(usual.preparation, height=SMALL, width=SMALL, crop_share=1.0)
    return ImageEncoder(
        f"{usual.name}-{SMALL}",
        "bundled",
        usual.width,
        preparation,
        lambda: bundled_network(num_classes=0),
    )


def _encoded(encoder: Encoder, contents: Iterable[Content]) -> NDArray[np.float16]:
    rows: list[NDArray[np.float16]] = []
    batch: list[NDArray[Any]] = []
    for content in contents:
        batch.append(encoder.prepare(content))
        if len(batch) == encoder.batch_size:
            rows.append(encoder.encode(batch))
            batch = []
    if batch:
        rows.append(encoder.encode(batch))
    return np.concatenate(rows)
