"""What recording a loop costs in a step, beside data parameters alone: paired in one run."""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dataparams.encoders.architectures import SmallCNN, WideResNet
from dataparams.method.data_parameters import DataParameters
from dataparams.recording.recording import Recording
from paired_steps import paired
from results import table, write_section

if TYPE_CHECKING:
    from torch import nn

SIZES = ((128, 10, 50_000), (128, 10, 1_280_000), (256, 1000, 1_280_000))


class Steps:
    """A training step with data parameters, alone and recorded, on one model and batches."""

    def __init__(
        self, model: nn.Module, folder: Path, size: tuple[int, int, int], device: torch.device
    ) -> None:
        batch, classes, instances = size
        self.model = model
        self.optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9, weight_decay=5e-4)
        labels = torch.arange(instances) % classes
        self.run = Recording(folder, labels=labels, epochs=1, batch_size=batch)
        self.run.begin(model, self.optimizer)
        self.dp = DataParameters(instances, classes, lr_inst=0.2).to(device)
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
        generator = torch.Generator().manual_seed(0)
        self.images = torch.randn(batch, 3, 32, 32, generator=generator).to(device)
        self.images = self.images.contiguous(memory_format=torch.channels_last)
        index = torch.stack([torch.randperm(instances, generator=generator)[:batch] for _ in "12"])
        self.index, self.labels = index.to(device), labels[index].to(device)
        self.number = 0

    def step(self, is_recorded: bool) -> None:
        """One step, of a loop as people write it."""
        self.number += 1
        which = self.number % len(self.index)
        with self.autocast:
            logits: Tensor = self.model(self.images)
        loss_of = self.run.loss if is_recorded else self.dp
        loss = loss_of(logits, self.labels[which], self.index[which])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        if is_recorded:
            self.run.step()
        else:
            self.dp.step()


def main() -> None:
    """Measure all sizes and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--dry", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    is_gpu = device.type == "cuda"
    synchronize = torch.cuda.synchronize if is_gpu else lambda: None
    # Of a CPU the time that it works for this program: others may run beside it.
    clock = time.perf_counter if is_gpu else time.process_time
    # The same samples come again and again without a step of the other one.
    warnings.simplefilter("ignore")
    rows = []
    for size in SIZES:
        batch, classes, instances = size
        model = WideResNet(classes) if is_gpu else SmallCNN(classes, 3, 32)
        model = model.to(device).to(memory_format=torch.channels_last)
        with tempfile.TemporaryDirectory() as folder:
            steps = Steps(model, Path(folder) / "run", size, device)
            alone, recorded, ratio = paired(
                steps.step, arguments.pairs, clock=clock, synchronize=synchronize
            )
        figures = [f"{alone * 1e3:.2f}", f"{recorded * 1e3:.2f}", f"{ratio:.4f}"]
        rows.append([f"{batch} x {classes}", f"{instances:,}", *figures])
        del steps, model
        gc.collect()
    network = "WideResNet-28-10, bf16" if is_gpu else "small-cnn, float32, in CPU time"
    header = ["batch x classes", "instances", "alone, ms", "recorded, ms", "median ratio"]
    body = table(header, rows) + (
        f"\n\nOne training step of {network}, 3 x 32 x 32, channels-last, with `DataParameters` "
        f"alone and with `Recording`; {arguments.pairs} pairs in alternating order; the ratio is "
        "the median of the pairs' ratios."
    )
    if arguments.dry:
        print(body)
    else:
        write_section(f"Overhead of recording a loop ({device.type})", body)


if __name__ == "__main__":
    main()
