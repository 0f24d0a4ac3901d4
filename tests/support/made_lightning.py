"""A small classifier for Lightning, and a trainer that writes nothing beside what it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dataparams import IndexedDataset
from dataparams.recording.lightning import recorded_loss
from made_hugging_face import made_model, made_training_set

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

CLASSES = ("cat", "dog", "fox")


def made_samples(count: int = 48) -> tuple[Tensor, Tensor]:
    """Values (N, 4) around the center of each one's class, and labels (N,), every tenth wrong."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.arange(count) % len(CLASSES)
    values = torch.randn(count, 4, generator=generator) / 2 + 2 * torch.eye(4)[truth]
    is_wrong = torch.arange(count) % 10 == 0
    return values, torch.where(is_wrong, (truth + 1) % len(CLASSES), truth)


class Classifier(pl.LightningModule):  # type: ignore[misc]
    """As a user writes it, with the one call in ``training_step``."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.network: nn.Module = nn.Linear(4, len(CLASSES))

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_idx: int) -> Tensor:
        values, labels, index = batch
        return recorded_loss(self, self.network(values), labels, index)

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_idx: int) -> None:
        values, labels, index = batch
        self.log("val_loss", recorded_loss(self, self.network(values), labels, index))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


class SharedClassifier(Classifier):
    """Trained by several processes, each on every so many samples, in order.

    A step has 16 samples, of all processes and accumulated batches together.
    """

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor, Tensor]]:
        count, number = self.trainer.world_size, self.trainer.global_rank
        share = range(number, 48, count)
        return made_loader(16 // (count * self.trainer.accumulate_grad_batches), sampler=share)


class Logits(nn.Module):
    """The logits of a DistilBERT."""

    def __init__(self) -> None:
        super().__init__()
        self.model = made_model().train()

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.model(tokens).logits
        return logits


class TextClassifier(Classifier):
    """A DistilBERT of two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Logits()


def made_text_loader(batch_size: int) -> DataLoader[tuple[Tensor, Tensor, Tensor]]:
    """Batches of tokens, labels and index, in the same order in every epoch."""
    made = made_training_set()
    tokens, labels = torch.tensor(made["input_ids"][:]), torch.tensor(made["label"][:])
    return DataLoader(IndexedDataset(TensorDataset(tokens, labels)), batch_size=batch_size)


def made_loader(
    batch_size: int = 16, count: int = 48, **arguments: Any
) -> DataLoader[tuple[Tensor, Tensor, Tensor]]:
    """Batches of values, labels and index, in the same order in every epoch."""
    dataset = IndexedDataset(TensorDataset(*made_samples(count)))
    return DataLoader(dataset, batch_size=batch_size, **arguments)


class SpawnedProcesses(DDPStrategy):  # type: ignore[misc]
    """Processes that leave each other in good order.

    One that ends while Gloo's threads still run is aborted now and then.
    """

    def __init__(self) -> None:
        super().__init__(start_method="spawn")

    def teardown(self) -> None:
        """Wait for the others, then leave them."""
        super().teardown()
        if torch.distributed.is_initialized():
            torch.distributed.barrier()
            torch.distributed.destroy_process_group()


def made_trainer(folder: Path, *callbacks: pl.Callback, **arguments: Any) -> pl.Trainer:
    """A trainer of three epochs, on a CPU."""
    settings: dict[str, Any] = {
        "accelerator": "cpu",
        "callbacks": [*callbacks],
        "default_root_dir": str(folder),
        "enable_checkpointing": False,
        "enable_model_summary": False,
        "enable_progress_bar": False,
        "logger": False,
        "max_epochs": 3,
    }
    return pl.Trainer(**settings | arguments)
