"""Features of texts by a model that sentence-transformers opens, from a folder or the hub.

The library is optional. No code of a model's repository is run.
"""

from __future__ import annotations

import json
import logging
import re
import warnings
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatch
from hashlib import sha256
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.encoders.text_preparation import letters_of
from dataparams.errors import ArgumentError, DataError, MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from dataparams.contents.content import Content
    from dataparams.sources.hub.download import HubFile
    from dataparams.sources.hub.refusals import Place

_LIBRARY = "sentence_transformers"
_CONFIGURATION, _MODULES = "config.json", "modules.json"
_WANTED = ("*.json", "*.txt", "*.model", "*.safetensors")
_PICKLED = "pytorch_model.bin"
_WEIGHTS = ".safetensors"
_MODULE_FILE = re.compile(r"((\w+_)?\d+_[^/]+/)?[^/]+")
"""Paths of files that a model is made of: in the repository's root, or in a module's folder."""
_MAIN = "main"
_DIGITS = 16
_BATCH = 32
_LARGEST_HALF = 65504.0
_LONGEST_NAME = 60


class SentenceModel:
    """A model of sentence-transformers, or of transformers with the mean of its tokens.

    Args:
        name: The name that the user gives.
        folder: Where its files are.

    Attributes:
        name: The same.
        key: The name of the folder of its features: of the files' contents.
        batch_size: Number of texts encoded at once.
        threads: Number of threads; the model uses all cores in one.
        processes: None.
        truncated: How many of the texts encoded so far are longer than it can take.

    Raises:
        MissingPackageError: If sentence-transformers is not installed.
        ArgumentError: If there is no such model in the folder.
    """

    batch_size = _BATCH
    threads = 1
    processes = 0

    def __init__(self, name: str, folder: Path) -> None:
        if find_spec(_LIBRARY) is None:
            raise MissingPackageError(
                f"`encoder={name}` needs the package sentence-transformers, which is not "
                "installed: pip install sentence-transformers; or leave `encoder` out.",
                name=_LIBRARY,
            )
        _require_plain(name, folder)
        self.name, self.truncated = name, 0
        self.key = _key(name, folder)
        self._model = _loaded(name, folder)
        # Called otherwise in earlier versions.
        named = "get_embedding_dimension", "get_sentence_embedding_dimension"
        width = next(name for name in named if hasattr(self._model, name))
        self.width = int(getattr(self._model, width)())

    def prepare(self, content: Content) -> NDArray[np.uint8]:
        """The text in UTF-8.

        Raises:
            UnreadableContentError: If it is no text, or has nothing but blanks.
        """
        return np.frombuffer(letters_of(content).encode(), np.uint8)

    def encode(self, prepared: Sequence[NDArray[Any]]) -> NDArray[np.float16]:
        """The features of a batch of texts, (b, width)."""
        texts = [each.tobytes().decode() for each in prepared]
        most = self._model.max_seq_length
        with _quiet():
            if most is not None:
                pieces = self._model.tokenizer(texts, truncation=False)["input_ids"]
                self.truncated += sum(len(each) > most for each in pieces)
            found = self._model.encode(
                texts, batch_size=self.batch_size, show_progress_bar=False, convert_to_numpy=True
            )
        features: NDArray[np.float16] = (
            np.asarray(found, np.float32).clip(-_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)
        )
        return features


def open_sentence_model(
    name: str, *, offline: bool = False, on_notice: Callable[[str], None] | None = None
) -> SentenceModel:
    """Open a model of texts.

    Args:
        name: Its folder; or its name on the hub, from where it is downloaded once.
        offline: Whether asking the hub is forbidden.
        on_notice: Told what is downloaded, in sentences.

    Raises:
        UserError: If there is no such model, its library is not installed, or it cannot be
            downloaded.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return SentenceModel(folder.resolve().name, folder)
    return SentenceModel(name, _downloaded(name, offline=offline, on_notice=on_notice))


def _require_plain(name: str, folder: Path) -> None:
    """Refuse what is no model, and one that names code other than the library's own."""
    modules = folder / _MODULES
    if not modules.is_file() and not (folder / _CONFIGURATION).is_file():
        raise ArgumentError(
            f"`encoder={name}` is {folder}, which has neither {_MODULES} nor {_CONFIGURATION}; "
            "expected the folder of a model, as sentence-transformers or transformers save it."
        )
    if not modules.is_file():
        return
    try:
        kinds = [str(module["type"]) for module in json.loads(modules.read_text("utf-8"))]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ArgumentError(f"{modules} cannot be read: {error}.") from error
    foreign = [kind for kind in kinds if kind.split(".")[0] != _LIBRARY]
    if foreign:
        raise ArgumentError(
            f"`encoder={name}` needs code of its own ({foreign[0]}), which is never run; choose a "
            "model that sentence-transformers knows."
        )


def _key(name: str, folder: Path) -> str:
    digest = sha256()
    for file in sorted(path for path in folder.rglob("*") if _is_wanted(path.name)):
        digest.update(str(file.relative_to(folder)).encode())
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                digest.update(block)
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:_LONGEST_NAME] or "model"
    return f"{safe}-{digest.hexdigest()[:_DIGITS]}"


def _is_wanted(name: str) -> bool:
    return name == _PICKLED or any(fnmatch(name, pattern) for pattern in _WANTED)


def _loaded(name: str, folder: Path) -> Any:
    with _quiet():
        from sentence_transformers import (
            SentenceTransformer,
        )

        try:
            model = SentenceTransformer(
                str(folder), trust_remote_code=False, local_files_only=True
            ).eval()
            # A model of something else may open, and take no text.
            model.tokenizer(["text"])
            model.encode(["text"], show_progress_bar=False)
        except Exception as error:  # noqa: BLE001 - damaged files make the library raise anything
            reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
            raise ArgumentError(
                f"`encoder={name}` cannot be opened ({reason}); expected the folder of a model "
                "of texts, as sentence-transformers or transformers save it."
            ) from None
        return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries from printing."""
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for library in (_LIBRARY, "transformers"):
            logger = logging.getLogger(library)
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL)
        from transformers.utils import (
            logging as told,
        )

        if told.is_progress_bar_enabled():
            told.disable_progress_bar()
            stack.callback(told.enable_progress_bar)
        yield


def _downloaded(name: str, *, offline: bool, on_notice: Callable[[str], None] | None) -> Path:
    """The folder of a model of the hub, whose files are downloaded if they are not here."""
    from huggingface_hub import constants

    from dataparams.sources.hub.names import is_hub_name
    from dataparams.sources.hub.refusals import Place, explain_refusal
    from dataparams.sources.hub.token import find_token

    home = str(Path(constants.HF_HOME))
    place = Place(name, constants.ENDPOINT, home, kind="model", is_of_texts=True)
    if not is_hub_name(name):
        raise ArgumentError(
            f"`encoder={name}` is not known; expected wordllama, the folder of a model, or a name "
            "on the Hugging Face hub (owner/name)."
        )
    known = _folder_of(name)
    if known is not None and _has_weights(known):
        return known
    if offline:
        raise DataError(
            f"The model {name} is not on this machine, and `offline=True` forbids downloading it "
            f"from {place.page}. Give `offline=False` once, or the folder of a model."
        )
    try:
        return _fetched(name, place, on_notice)
    except Exception as error:  # noqa: BLE001 - which kinds there are depends on the HTTP library
        refusal = explain_refusal(error, place, find_token())
    # Not from the error, which refers to requests with the token.
    raise refusal.with_traceback(None)


def _folder_of(name: str) -> Path | None:
    """Where the hub's library keeps a model's files; None where it has none of them."""
    from dataparams.sources.hub.download import HubFile, downloaded_path

    files = (HubFile(name, _MAIN, path, kind="model") for path in (_MODULES, _CONFIGURATION))
    known = next(filter(None, map(downloaded_path, files)), None)
    return None if known is None else Path(known).parent


def _has_weights(folder: Path) -> bool:
    """Whether the weights that are downloaded last are there, all parts of them."""
    index = folder / f"model{_WEIGHTS}.index.json"
    if index.is_file():
        parts = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
        return all((folder / part).is_file() for part in parts)
    places = (folder, *folder.glob("0_*"))
    return any(_is_weights(path.name) for place in places for path in place.iterdir())


def _is_weights(name: str) -> bool:
    return name == _PICKLED or name.endswith(_WEIGHTS)


def _turn(path: str) -> int:
    """When a file is downloaded: where the weights of the first module are, all others are."""
    if not _is_weights(Path(path).name):
        return 0
    return 2 if "/" not in path or path.startswith("0_") else 1


def _fetched(name: str, place: Place, on_notice: Callable[[str], None] | None) -> Path:
    from huggingface_hub import HfApi, constants

    from dataparams.sources.hub.download import (
        HubFile,
        downloaded_path,
        measure_files,
        require_room,
        secret,
    )
    from dataparams.sources.hub.library import quiet_libraries
    from dataparams.sources.hub.token import find_token
    from dataparams.terminal.words import size_text

    token = find_token()
    with quiet_libraries():
        wanted = wanted_files(HfApi(token=secret(token)).list_repo_files(name), place)
        files = measure_files([HubFile(name, _MAIN, path, kind="model") for path in wanted], token)
        missing = [file for file in files if downloaded_path(file) is None]
        if missing:
            size = sum(file.size for file in missing)
            cache = Path(constants.HF_HUB_CACHE)
            require_room(place.name, {cache: size}, {cache: "to download"}, kind="model")
            if on_notice is not None:
                on_notice(f"downloading {name}, {size_text(size)}, from {place.page}, once")
            _download(files, place, cache)
    folder = _folder_of(name)
    if folder is None:
        raise DataError(f"The model {name} was downloaded and is gone again; try once more.")
    return folder


def wanted_files(listed: Sequence[str], place: Place) -> list[str]:
    """The files of a repository that a model of texts is made of.

    Raises:
        DataError: If it is none.
    """
    if not {_MODULES, _CONFIGURATION} & set(listed):
        raise DataError(
            f"{place.page} has neither {_MODULES} nor {_CONFIGURATION}, as a model of texts has; "
            f"choose another encoder, or {place.instead}."
        )
    wanted = [
        path for path in listed if _MODULE_FILE.fullmatch(path) and _is_wanted(Path(path).name)
    ]
    with_weights = {str(Path(path).parent) for path in wanted if path.endswith(_WEIGHTS)}
    return [
        path
        for path in wanted
        if Path(path).name != _PICKLED or str(Path(path).parent) not in with_weights
    ]


def _download(files: Sequence[HubFile], place: Place, cache: Path) -> None:
    from dataparams.sources.hub.download import download, kept_text
    from dataparams.sources.hub.refusals import explain_refusal
    from dataparams.sources.hub.token import find_token

    refusal = None
    ordered = sorted(files, key=lambda file: _turn(file.path))
    try:
        for _, some in groupby(ordered, key=lambda file: _turn(file.path)):
            download(list(some), find_token())
    except Exception as error:  # noqa: BLE001 - which kinds there are depends on the HTTP library
        refusal = explain_refusal(error, place, find_token(), kept_text(files, cache))
    if refusal is not None:
        raise refusal.with_traceback(None)
