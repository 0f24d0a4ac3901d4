"""Small classifiers of texts, for the trainers that other packages have; nothing is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from datasets import ClassLabel, Dataset, Features, Value
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    set_seed,
)

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("card", "loan", "fee")
WORDS = ("lost", "new", "where", "pay", "why", "please", "my", "the", "late", "again")


def made_texts(count: int = 48) -> tuple[list[str], list[int]]:
    """Short texts with the name of their class in them, and its number; every tenth is wrong."""
    generator = torch.Generator().manual_seed(0)
    texts, labels = [], []
    for number in range(count):
        words = [WORDS[i] for i in torch.randint(len(WORDS), (5,), generator=generator).tolist()]
        kind = number % len(CLASSES)
        words[int(torch.randint(5, (1,), generator=generator))] = CLASSES[kind]
        texts.append(" ".join(words))
        labels.append((kind + 1) % len(CLASSES) if number % 10 == 0 else kind)
    return texts, labels


def made_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer that knows the words of the texts."""
    padding, unknown = "[PAD]", "[UNK]"
    vocabulary = {word: i for i, word in enumerate([padding, unknown, *CLASSES, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=padding, unk_token=unknown)


def made_training_set(count: int = 48) -> Dataset:
    """Texts, labels, and what the tokenizer makes of them."""
    texts, labels = made_texts(count)
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(CLASSES))})
    dataset = Dataset.from_dict({"text": texts, "label": labels}, features=features)
    tokens = made_tokenizer()(texts)
    for name in ("input_ids", "attention_mask"):
        dataset = dataset.add_column(name, tokens[name])
    return dataset


def made_model() -> DistilBertForSequenceClassification:
    """A DistilBERT of two layers, without dropout, the same each time."""
    set_seed(0)
    config = DistilBertConfig(
        vocab_size=2 + len(CLASSES) + len(WORDS),
        dim=16,
        hidden_dim=32,
        n_layers=2,
        n_heads=2,
        max_position_embeddings=8,
        dropout=0.0,
        attention_dropout=0.0,
        seq_classif_dropout=0.0,
        num_labels=len(CLASSES),
    )
    return DistilBertForSequenceClassification(config)


def made_pretrained(folder: Path) -> None:
    """A network without a classifier and its tokenizer, as the hub has them."""
    made_model().distilbert.save_pretrained(folder)
    made_tokenizer().save_pretrained(folder)


def made_trainer(folder: Path, dataset: Any = None, **arguments: Any) -> Trainer:
    """A trainer of three epochs in batches of 16, on a CPU."""
    dataset = made_training_set() if dataset is None else dataset
    evaluation = arguments.pop("eval_dataset", None)
    model = arguments.pop("model", None) or made_model()
    kind = arguments.pop("kind", Trainer)
    settings: dict[str, Any] = {
        "output_dir": str(folder),
        "num_train_epochs": 3,
        "per_device_train_batch_size": 16,
        "learning_rate": 1e-2,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        "logging_strategy": "no",
    }
    return kind(
        model=model,
        args=TrainingArguments(**settings | arguments),
        train_dataset=dataset,
        eval_dataset=evaluation,
        processing_class=made_tokenizer(),
    )
