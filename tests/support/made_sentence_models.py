"""Models of texts that have learned nothing, in folders as libraries save them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from pathlib import Path

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}


def save_sentence_model(folder: Path) -> Path:
    """A BERT of two layers, as transformers saves it."""
    import transformers

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{x}" for x in LETTERS)]
    torch.manual_seed(0)
    settings = transformers.BertConfig(
        vocab_size=len(words), intermediate_size=32, max_position_embeddings=24, **SIZES
    )
    transformers.BertModel(settings).save_pretrained(folder)
    vocabulary = {word: number for number, word in enumerate(words)}
    transformers.BertTokenizerFast(vocab=vocabulary, model_max_length=24).save_pretrained(folder)
    return folder


def save_image_model(folder: Path) -> Path:
    """A vision transformer of two layers, which takes no text."""
    import transformers

    settings = transformers.ViTConfig(image_size=16, patch_size=8, intermediate_size=32, **SIZES)
    transformers.ViTModel(settings).save_pretrained(folder)
    return folder
