"""The noisy data sets on which scores are compared, with a known truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dataparams.batches import DeviceBatches, ImageDataset, channel_statistics, load_dataset
from dataparams.encoders.architectures import create_model
from dataparams.training import TrainConfig, train

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.folder import RunFolder


@dataclass(frozen=True)
class NoiseSetting:
    """A data set, how its labels are made wrong, what share of them, and how long to train."""

    data: str
    noise: str
    rate: float
    epochs: int = 20

    @property
    def name(self) -> str:
        """Such as ``cifar10 swap 40 %``."""
        return f"{self.data} {self.noise} {self.rate:.0%}"


SETTINGS = (
    NoiseSetting("cifar10", "swap", 0.4),
    NoiseSetting("cifar10", "symmetric", 0.2),
    NoiseSetting("cifar10", "pairflip", 0.4),
    NoiseSetting("cifar10", "image-dependent", 0.3),
    NoiseSetting("caltech20", "swap", 0.15, epochs=30),
)


def load(data: str, folder: Path, samples: int) -> ImageDataset:
    """CIFAR-10 with its first training samples, or all of caltech20."""
    dataset = load_dataset(str(folder / data))
    if data != "cifar10":
        return dataset
    chosen = dataset.train.select(torch.arange(samples))
    return replace(dataset, train=replace(chosen, num_instances=samples))


def noise_flags(
    setting: NoiseSetting, folder: Path, samples: int, config: TrainConfig
) -> dict[str, Any]:
    """The training flags that make the setting's labels wrong."""
    if setting.noise != "image-dependent":
        return {"noise": setting.noise, "rand_fraction": setting.rate}
    labels = second_most_likely(folder, samples, setting.rate, config)
    file = folder_of(config) / f"image-dependent-{config.seed}.npy"
    np.save(file, labels)
    return {"noise": f"file:{file}"}


def folder_of(config: TrainConfig) -> Path:
    """Where a benchmark's runs lie."""
    from pathlib import Path

    return Path(config.output_dir)


def second_most_likely(folder: Path, samples: int, rate: float, config: TrainConfig) -> np.ndarray:
    """Labels of which a share is the wrong class that a small network finds most likely.

    The network is trained on clean labels of other images: the second ``samples`` of CIFAR-10.
    """
    whole = load_dataset(str(folder / "cifar10"))
    teaching = subset(whole, np.arange(samples, 2 * samples))
    teacher = replace(config, exp_prefix=f"teacher-{config.seed}", epochs=10, restart=True)
    first = whole.train.select(torch.arange(samples))
    logits = logits_of(train(teacher, dataset=teaching), replace(whole, train=first))
    labels = first.labels.clone()
    logits[torch.arange(samples), labels] = -torch.inf
    rng = np.random.default_rng(config.seed)
    chosen = torch.from_numpy(rng.choice(samples, round(rate * samples), replace=False))
    labels[chosen] = logits.argmax(dim=1)[chosen]
    return labels.numpy()


def subset(dataset: ImageDataset, rows: np.ndarray) -> ImageDataset:
    """A data set of some training samples, with indices of their own."""
    chosen = dataset.train.select(torch.from_numpy(rows))
    count = len(rows)
    return replace(dataset, train=replace(chosen, index=torch.arange(count), num_instances=count))


def logits_of(run: RunFolder, dataset: ImageDataset) -> torch.Tensor:
    """The trained network's logits of the training samples, in evaluation mode, (n, C)."""
    state = run.checkpoint("last")
    assert state is not None
    _, channels, side, _ = dataset.train.images.shape
    model = create_model("small-cnn", len(dataset.class_names), channels, side)
    model.load_state_dict(state["model"])
    mean, std = channel_statistics(dataset.train.images)
    batches = DeviceBatches(
        dataset.train, 1000, shuffle=False, device=torch.device("cpu"), mean=mean, std=std
    )
    with torch.no_grad():
        return torch.cat([model.eval()(batch.images) for batch in batches.epoch(0)])
