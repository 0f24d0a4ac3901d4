"""The noisy data sets on which scores are compared, with a known truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from dataparams.data import ImageDataset, load_dataset
from dataparams.training import TrainConfig, train

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.runs import RunFolder


@dataclass(frozen=True)
class NoiseSetting:
    """A data set, how its labels are made wrong, and what share of them."""

    data: str
    noise: str
    rate: float

    @property
    def name(self) -> str:
        """Such as ``cifar10 swap 40 %``."""
        return f"{self.data} {self.noise} {self.rate:.0%}"


SETTINGS = (
    NoiseSetting("cifar10", "swap", 0.4),
    NoiseSetting("cifar10", "symmetric", 0.2),
    NoiseSetting("cifar10", "pairflip", 0.4),
    NoiseSetting("cifar10", "image-dependent", 0.3),
    NoiseSetting("caltech20", "swap", 0.15),
)


def load(data: str, folder: Path, samples: int) -> ImageDataset:
    """CIFAR-10 with its first training samples, or all of caltech20."""
    dataset = load_dataset(str(folder / data))
    if data != "cifar10":
        return dataset
    chosen = dataset.train.select(torch.arange(samples))
    return replace(dataset, train=replace(chosen, num_instances=samples))


def noise_flags(
    setting: NoiseSetting, folder: Path, samples: int, seed: int, scratch: Path
) -> dict[str, object]:
    """The training flags that make the setting's labels wrong."""
    if setting.noise != "image-dependent":
        return {"noise": setting.noise, "rand_fraction": setting.rate}
    file = scratch / f"image-dependent-{seed}.npy"
    if not file.exists():
        np.save(file, second_most_likely(folder, samples, setting.rate, seed, scratch))
    return {"noise": f"file:{file}"}


def second_most_likely(
    folder: Path, samples: int, rate: float, seed: int, scratch: Path
) -> np.ndarray:
    """Labels of which a share is the wrong class that a small network finds most likely.

    The network is trained on clean labels of other images: the second ``samples`` of CIFAR-10.
    """
    whole = load_dataset(str(folder / "cifar10"))
    teaching = replace(
        whole.train.select(torch.arange(samples, 2 * samples)),
        index=torch.arange(samples),
        num_instances=samples,
    )
    dataset = replace(whole, train=teaching)
    config = TrainConfig(
        output_dir=str(scratch), exp_prefix=f"teacher-{seed}", epochs=10, seed=seed, restart=True
    )
    logits = logits_of(train(config, dataset=dataset), whole, samples)
    labels = whole.train.labels[:samples].clone()
    logits[torch.arange(samples), labels] = -torch.inf
    rng = np.random.default_rng(seed)
    chosen = torch.from_numpy(rng.choice(samples, round(rate * samples), replace=False))
    labels[chosen] = logits.argmax(dim=1)[chosen]
    return labels.numpy()


def logits_of(run: RunFolder, dataset: ImageDataset, samples: int) -> torch.Tensor:
    """The trained network's logits of the first training samples."""
    from dataparams.data import DeviceBatches, channel_statistics
    from dataparams.models import create_model

    images = dataset.train.select(torch.arange(samples))
    state = run.checkpoint("last")
    assert state is not None
    _, channels, side, _ = images.images.shape
    model = create_model("small-cnn", len(dataset.class_names), channels, side)
    model.load_state_dict(state["model"])
    mean, std = channel_statistics(dataset.train.images)
    batches = DeviceBatches(
        images, 1000, shuffle=False, device=torch.device("cpu"), mean=mean, std=std
    )
    with torch.no_grad():
        return torch.cat([model.eval()(batch.images) for batch in batches.epoch(0)])
