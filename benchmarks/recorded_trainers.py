"""A classifier of texts by Hugging Face's Trainer and by Lightning: what a recording finds.

Both networks begin with random weights: a DistilBERT of two layers, and a mean of word vectors.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as lightning
import polars as pl
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)

from dataparams import IndexedDataset, analyze
from dataparams.recording.hugging_face import record
from dataparams.recording.lightning import RecordingCallback, recorded_loss
from dataparams.sources.noise import corrupt_labels
from results import table, write_section

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH, WIDTH, LONGEST = 64, 64, 32


@dataclass(frozen=True)
class Texts:
    """Texts with class numbers, some of which are wrong on purpose."""

    texts: list[str]
    labels: Tensor
    is_wrong: Tensor
    class_names: list[str]
    tokenizer: PreTrainedTokenizerFast


def read(file: Path, fraction: float, seed: int) -> Texts:
    """Read a table with the columns text and category, and swap a share of its labels."""
    rows = pl.read_csv(file)
    names = rows["category"].unique().sort().to_list()
    numbers = torch.tensor([names.index(name) for name in rows["category"]])
    noise = corrupt_labels(
        numbers, kind="swap", fraction=fraction, num_classes=len(names), seed=seed
    )
    texts = rows["text"].to_list()
    return Texts(texts, noise.labels, noise.is_corrupted, names, learned_tokenizer(texts))


def learned_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """A tokenizer of the words and parts of words that the texts have."""
    special = ["[PAD]", "[UNK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token=special[1]))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    learning = trainers.WordPieceTrainer(
        vocab_size=4000, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(texts, learning)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=special[0], unk_token=special[1]
    )


def with_hugging_face(run: Path, texts: Texts, epochs: int) -> None:
    """Train a DistilBERT, recorded."""
    torch.manual_seed(0)
    config = DistilBertConfig(
        vocab_size=len(texts.tokenizer),
        dim=WIDTH,
        hidden_dim=2 * WIDTH,
        n_layers=2,
        n_heads=4,
        max_position_embeddings=LONGEST,
        id2label=dict(enumerate(texts.class_names)),
    )
    tokens = texts.tokenizer(texts.texts, truncation=True, max_length=LONGEST)
    columns = {"text": texts.texts, "label": texts.labels.tolist()}
    columns |= {name: tokens[name] for name in ("input_ids", "attention_mask")}
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=DistilBertForSequenceClassification(config),
            args=TrainingArguments(
                output_dir=folder,
                num_train_epochs=epochs,
                per_device_train_batch_size=BATCH,
                learning_rate=2e-3,
                warmup_steps=100,
                save_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
                use_cpu=True,
            ),
            train_dataset=Dataset.from_dict(columns),
            processing_class=texts.tokenizer,
        )
        record(trainer, run)
        trainer.train()


class WordVectors(lightning.LightningModule):  # type: ignore[misc]
    """The mean of a text's word vectors, and a linear classifier."""

    def __init__(self, words: int, classes: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.vectors, self.classifier = nn.EmbeddingBag(words, WIDTH), nn.Linear(WIDTH, classes)

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
        """The loss of a batch: tokens, where each text begins among them, labels, index."""
        tokens, starts, labels, index = batch
        return recorded_loss(self, self.classifier(self.vectors(tokens, starts)), labels, index)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.AdamW(self.parameters(), lr=5e-3)


def joined(samples: list[tuple[list[int], int, int]]) -> tuple[Tensor, ...]:
    """A batch of texts, one after the other."""
    tokens, labels, index = zip(*samples, strict=True)
    lengths = torch.tensor([0, *map(len, tokens)])
    together = torch.tensor([token for one in tokens for token in one])
    return together, lengths.cumsum(0)[:-1], torch.tensor(labels), torch.tensor(index)


def with_lightning(run: Path, texts: Texts, epochs: int) -> None:
    """Train a classifier of word vectors, recorded."""
    torch.manual_seed(0)
    tokens = texts.tokenizer(texts.texts)["input_ids"]
    samples = IndexedDataset(list(zip(tokens, texts.labels.tolist(), strict=True)))
    loader: Any = DataLoader(samples, BATCH, shuffle=True, collate_fn=joined)
    recording = RecordingCallback(
        run, labels=texts.labels, samples=texts.texts, class_names=texts.class_names
    )
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=[recording],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    trainer.fit(WordVectors(len(texts.tokenizer), len(texts.class_names)), loader)


def one_row(
    name: str, train: Callable[[Path, Texts, int], None], texts: Texts, epochs: int
) -> list[str]:
    """Train recorded, and analyze."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        start = time.perf_counter()
        train(run, texts, epochs)
        seconds = time.perf_counter() - start
        frame = analyze(run).frame.sort("index")
        last = pl.read_csv(run / "metrics.csv").row(-1, named=True)
        shown(frame, texts)
    wrong = texts.is_wrong.numpy()
    ranked = frame["suspicion"].to_numpy().argsort()[::-1][: wrong.sum()]
    found = f"{wrong[ranked].mean():.1%}" if wrong.any() else "-"
    return [
        name,
        str(epochs),
        f"{last['train_accuracy']:.1%}",
        found,
        f"{seconds:.0f} s",
    ]


def shown(frame: pl.DataFrame, texts: Texts) -> None:
    """Print the most suspicious samples."""
    for row in frame.sort("suspicion", descending=True).head(12).iter_rows(named=True):
        given = texts.class_names[row["label"]]
        print(f"{texts.texts[row['index']][:90]!r} {given} -> {row['suggested_name']}", flush=True)


def main() -> None:
    """Train with both, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a table with the columns text and category")
    parser.add_argument("--swapped", type=float, default=0.15, help="share of labels to swap")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--only", choices=("hugging-face", "lightning"))
    arguments = parser.parse_args()
    texts = read(arguments.file, arguments.swapped, arguments.seed)
    trainings = {"hugging-face": with_hugging_face, "lightning": with_lightning}
    rows = [
        one_row(name, train, texts, arguments.epochs)
        for name, train in trainings.items()
        if arguments.only in (None, name)
    ]
    header = ["trainer", "epochs", "training accuracy", "wrong labels found"]
    body = (
        f"{arguments.file.parent.name}, {len(texts.texts):,} texts of "
        f"{len(texts.class_names)} classes, {arguments.swapped:.0%} of the labels swapped, seed "
        f"{arguments.seed}. Found: the share of wrong labels among as many of the highest "
        "suspicion.\n\n" + table([*header, "time"], rows)
    )
    write_section("Recorded trainers", body)


if __name__ == "__main__":
    main()
