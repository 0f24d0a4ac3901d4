"""What data parameters cost in a training step: on against off, paired in one run."""

from __future__ import annotations

import argparse
import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from dataparams.encoders.architectures import SmallCNN, WideResNet
from dataparams.method.data_parameters import DataParameters
from dataparams.run.sample_recorder import SampleRecorder
from paired_steps import paired
from results import table, write_section

if TYPE_CHECKING:
    from collections.abc import Callable

BATCHES = ((128, 10), (256, 1000))
INSTANCES = (50_000, 1_280_000, 100_000_000)


@dataclass(frozen=True)
class Setting:
    """What is trained.

    Attributes:
        network: In words.
        make: Makes it, for a number of classes.
        side: Height and width of an image.
        batch: Images of a step.
        classes: Number of classes.
        instances: Number of data parameters.
        is_compiled: Whether by ``torch.compile``.
    """

    network: str
    make: Callable[[int], nn.Module]
    side: int
    batch: int
    classes: int
    instances: int
    is_compiled: bool = False


def settings_on(device: torch.device) -> list[Setting]:
    """The networks of the paper on a GPU, a small one elsewhere."""
    if device.type != "cuda":
        return [
            Setting(
                "small-cnn, float32",
                lambda count: SmallCNN(count, 3, 32),
                32,
                batch,
                classes,
                instances,
            )
            for batch, classes in BATCHES
            for instances in INSTANCES
        ]
    wide, resnet = "WideResNet-28-10, bf16", "ResNet-18, bf16"
    return [
        Setting(wide, WideResNet, 32, 128, 10, 50_000),
        Setting(wide, WideResNet, 32, 128, 10, 100_000_000),
        Setting(wide, WideResNet, 32, 128, 10, 50_000, is_compiled=True),
        Setting(resnet, resnet18, 224, 256, 1000, 1_280_000),
        Setting(resnet, resnet18, 224, 256, 1000, 1_280_000, is_compiled=True),
    ]


def resnet18(classes: int) -> nn.Module:
    """torchvision's, from random weights."""
    from torchvision.models import resnet18 as make

    model: nn.Module = make(num_classes=classes)
    return model


class Steps:
    """A training step with and without data parameters, on one model and the same batches."""

    def __init__(self, model: nn.Module, setting: Setting, device: torch.device) -> None:
        batch, classes, instances = setting.batch, setting.classes, setting.instances
        self.model = model
        self.optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9, weight_decay=5e-4)
        self.dp = DataParameters(instances, classes, lr_inst=0.2).to(device)
        self.recorder = SampleRecorder(50_000, device)
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
        generator = torch.Generator().manual_seed(0)
        self.images = torch.randn(batch, 3, setting.side, setting.side, generator=generator).to(
            device
        )
        self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.labels = torch.randint(classes, (batch,), generator=generator).to(device)
        self.index = torch.randint(instances, (64, batch), generator=generator).to(device)
        self.number = 0

    def step(self, on: bool) -> None:
        """One step, as the training engine takes it."""
        self.number += 1
        index = self.index[self.number % len(self.index)]
        with self.autocast:
            logits: Tensor = self.model(self.images)
        if on:
            loss = self.dp(logits, self.labels, index)
        else:
            loss = nn.functional.cross_entropy(logits.float(), self.labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if on:
            self.dp.step()
        self.optimizer.step()
        self.recorder.record(logits, self.labels, index % 50_000)


def main() -> None:
    """Measure all sizes and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    synchronize = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    rows = []
    for setting in settings_on(device):
        model = setting.make(setting.classes).to(device).to(memory_format=torch.channels_last)
        if setting.is_compiled:
            model.compile()
        steps = Steps(model, setting, device)
        off, on, ratio = paired(
            steps.step, arguments.pairs, clock=time.perf_counter, synchronize=synchronize
        )
        rows.append(
            [
                setting.network + (", compiled" if setting.is_compiled else ""),
                f"{setting.batch} x {setting.classes}",
                f"{setting.instances:,}",
                f"{off * 1e3:.2f}",
                f"{on * 1e3:.2f}",
                f"{ratio:.4f}",
            ]
        )
        del steps, model
        gc.collect()
    header = ["network", "batch x classes", "instances", "without, ms", "with, ms", "median ratio"]
    gpu = f" {torch.cuda.get_device_name()}." if device.type == "cuda" else ""
    body = table(header, rows) + (
        f"\n\nOne training step, channels-last; {arguments.pairs} pairs in alternating order; the "
        f"ratio is the median of the pairs' ratios.{gpu}"
    )
    write_section(f"Step overhead ({device.type})", body)


if __name__ == "__main__":
    main()
