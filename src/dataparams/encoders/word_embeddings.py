"""The sentence encoder whose weights come in a package: embeddings of words, averaged.

The weights are those of WordLlama (MIT), in the package ``wordllama``: a vector for each of 32,000
pieces of words, learned from sentences that mean the same. Of the package the two files alone are
read; no code of it is run.
"""

from __future__ import annotations

import threading
from functools import cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.contents.content import UnreadableContentError
from dataparams.encoders.text_preparation import letters_of
from dataparams.errors import MissingPackageError, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from dataparams.contents.content import Content

WORDS_NAME = "wordllama"
"""The name of this encoder, and of the package that brings its weights."""
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_VOCABULARY = "tokenizers/l2_supercat_tokenizer_config.json"
_FORMAT = 1
_DIGITS = 16
_LARGEST_HALF = 65504.0


class WordEncoder:
    """An encoder of texts: the mean of the vectors of all pieces of words.

    Attributes:
        name: ``wordllama``.
        key: The name of the folder of its features.
        width: Length of a feature.
        batch_size: Number of texts encoded at once.
        threads: Number of threads.
        processes: None.

    Raises:
        MissingPackageError: If the package is not installed.
        UserError: If it lacks the files.

    Example:
        >>> from dataparams.contents.texts import Text
        >>> encoder = WordEncoder()
        >>> texts = [Text("Where is my card?"), Text("My card has not come."), Text("I am hungry")]
        >>> vectors = encoder.encode([encoder.prepare(text) for text in texts]).astype(float)
        >>> vectors.shape, bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2])
        ((3, 256), True)
    """

    name = WORDS_NAME
    width = 256
    batch_size = 256
    threads = 1
    processes = 0

    def __init__(self) -> None:
        self._files = _packaged(_WEIGHTS), _packaged(_VOCABULARY)
        digest = sha256(b"".join(file.read_bytes() for file in self._files))
        self.key = f"{self.name}-{_FORMAT}-{digest.hexdigest()[:_DIGITS]}"
        self._opening = threading.Lock()

    def prepare(self, content: Content) -> NDArray[np.int32]:
        """The numbers of the pieces of words of a text, in its order.

        Raises:
            UnreadableContentError: If it is no text, or has nothing but blanks.
        """
        letters = letters_of(content)
        with self._opening:
            tokenizer = self._tokenizer
        pieces = tokenizer.encode(letters, add_special_tokens=False).ids
        if not pieces:
            raise UnreadableContentError("the text has no words")
        return np.array(pieces, dtype=np.int32)

    def encode(self, prepared: Sequence[NDArray[Any]]) -> NDArray[np.float16]:
        """The mean of the pieces' vectors of each text, (b, 256)."""
        means = [self._vectors[pieces].mean(axis=0, dtype=np.float32) for pieces in prepared]
        return np.stack(means).clip(-_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        return Tokenizer.from_file(str(self._files[1]))

    @cached_property
    def _vectors(self) -> NDArray[np.float16]:
        from safetensors.numpy import load_file

        (vectors,) = load_file(self._files[0]).values()
        found: NDArray[np.float16] = vectors
        return found


def _packaged(name: str) -> Path:
    # The package is looked up, not imported.
    found = find_spec(WORDS_NAME)
    if found is None:
        raise MissingPackageError(
            f"The encoder of texts needs the package {WORDS_NAME}, which is not installed: "
            'pip install "dataparams[app]" brings it.',
            name=WORDS_NAME,
        )
    for folder in found.submodule_search_locations or []:
        file = Path(folder) / name
        if file.is_file():
            return file
    raise UserError(
        f"The package {WORDS_NAME} lacks the file {name}. Install it again: "
        f"pip install --force-reinstall {WORDS_NAME}==0.2.2.post0"
    )
