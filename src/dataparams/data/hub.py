"""Reading an image classification data set of the Hugging Face hub."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataparams.data.decoding import ListedDataset, decode_dataset
from dataparams.data.folder import safe_name
from dataparams.data.parquet import encoded_image
from dataparams.data.tables import (
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    arrange_splits,
    choose_column,
    choose_splits,
    encode_labels,
)
from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataparams.data.decoding import Progress
    from dataparams.data.image_files import EncodedImage
    from dataparams.data.images import ImageDataset


class NotOnHubError(DataError):
    """The hub has no such data set, or cannot be asked."""


_SECONDS_TO_ANSWER = 10
_ROWS_AT_ONCE = 1024
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


def is_hub_name(name: str) -> bool:
    """Whether a name has the form of a data set on the hub.

    Example:
        >>> is_hub_name("uoft-cs/cifar10"), is_hub_name("beans"), is_hub_name("a/b/c")
        (True, True, False)
    """
    return _HUB_NAME.fullmatch(name) is not None and not name.startswith(".")


def load_hub(
    name: str,
    *,
    val_frac: float,
    seed: int,
    image_size: int | None = None,
    on_progress: Progress | None = None,
) -> ImageDataset:
    """Load a data set of the Hugging Face hub, or what an earlier load left in its cache.

    Args:
        name: ``owner/name`` or ``name``.
        val_frac: Share of every class to set aside where the data set has no validation or test
            split.
        seed: What that choice depends on.
        image_size: Height and width of the result; None decides by the images.
        on_progress: Called with the number of images done and the number of all images.

    Returns:
        The data set, with ids ``<split>/<row>``.

    Raises:
        NotOnHubError: If the data set is unknown or the hub cannot be reached.
        DataError: If its columns or labels are not those of image classification.
    """
    listed = list_hub(name, val_frac=val_frac, seed=seed)
    return decode_dataset(listed, image_size=image_size, on_progress=on_progress)


def list_hub(name: str, *, val_frac: float, seed: int) -> ListedDataset:
    """List what ``load_hub`` loads, decoding nothing; arguments and errors are the same."""
    import polars as pl

    tables = _choose_tables(name, _fetch(name))
    first = next(iter(tables.values()))
    image, label = _choose_columns(first.features)
    images = [HubImages(table, image) for table in tables.values()]
    names = getattr(first.features[label], "names", None)
    columns = {split: pl.Series(list(table[label])) for split, table in tables.items()}
    labels, class_names = encode_labels(columns, names)
    return ListedDataset(
        safe_name(name),
        class_names,
        arrange_splits(labels, val_frac=val_frac, seed=seed),
        _read_images(images),
    )


class HubImages:
    """The encoded images of one split.

    Args:
        table: The split, in the library's own type.
        column: Name of the column of images.
    """

    def __init__(self, table: Any, column: str) -> None:
        import datasets

        undecoded = datasets.Image(decode=False)
        self._table = table.select_columns([column]).cast_column(column, undecoded)
        self._column = column

    def __len__(self) -> int:
        return len(self._table)

    def read(self, rows: Sequence[int]) -> list[EncodedImage]:
        """Read the encoded images of some rows."""
        return [encoded_image(value, Path()) for value in self._table[rows][self._column]]


def open_hub_images(name: str) -> dict[str, HubImages]:
    """Open the images of a data set of the hub, decoding none.

    Args:
        name: ``owner/name`` or ``name``.

    Returns:
        The images of the splits that ``load_hub`` reads, by name of the split.

    Raises:
        NotOnHubError: If the data set is unknown or the hub cannot be reached.
        DataError: If its columns are not those of image classification.
    """
    tables = _choose_tables(name, _fetch(name))
    image, _ = _choose_columns(next(iter(tables.values())).features)
    return {split: HubImages(table, image) for split, table in tables.items()}


def _fetch(name: str) -> Any:
    """Load by one request that fails fast; without an answer, from the cache or not at all."""
    import datasets

    # Running the script that an old data set brings along would be running a stranger's code.
    datasets.config.HF_DATASETS_TRUST_REMOTE_CODE = False
    trouble = _ask_hub(name)
    try:
        with _without_network() if trouble else contextlib.nullcontext():
            return datasets.load_dataset(name)
    except Exception as error:
        reason = trouble or f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise NotOnHubError(
            f"The data set {name!r} cannot be loaded from the Hugging Face hub: {reason} "
            "Check the name and the network, or give the path of a local folder."
        ) from error


def _ask_hub(name: str) -> str | None:
    """Ask the hub for a data set; return what stands in the way."""
    from huggingface_hub import HfApi, errors

    try:
        HfApi().dataset_info(name, timeout=_SECONDS_TO_ANSWER)
    except errors.GatedRepoError:
        return "it is gated; accept its terms on its page and run `hf auth login`."
    except errors.RepositoryNotFoundError:
        return "there is none of that name, or it is private."
    except Exception as error:  # noqa: BLE001 - which kinds there are depends on the HTTP library
        return f"the hub does not answer ({type(error).__name__})."
    return None


@contextlib.contextmanager
def _without_network() -> Iterator[None]:
    """Have the libraries look into their cache only, instead of trying again for minutes."""
    import datasets
    from huggingface_hub import constants

    holders: list[Any] = [datasets.config, constants]
    before = [holder.HF_HUB_OFFLINE for holder in holders]
    try:
        for holder in holders:
            holder.HF_HUB_OFFLINE = True
        yield
    finally:
        for holder, value in zip(holders, before, strict=True):
            holder.HF_HUB_OFFLINE = value


def _choose_tables(name: str, loaded: Any) -> dict[str, Any]:
    """Choose the tables of the two splits, or the one there is."""
    train, val = choose_splits(list(loaded))
    if train is None and len(loaded) != 1:
        raise DataError(
            f"{name} has the splits {', '.join(loaded)}; expected one of them to be 'train'."
        )
    chosen = (train, val) if train is not None else (next(iter(loaded)), None)
    return {split: loaded[split] for split in chosen if split is not None}


def _choose_columns(features: Any) -> tuple[str, str]:
    import datasets

    columns = list(features)
    images = [n for n, feature in features.items() if isinstance(feature, datasets.Image)]
    classes = [n for n, feature in features.items() if isinstance(feature, datasets.ClassLabel)]
    plain = [
        n
        for n, feature in features.items()
        if getattr(feature, "dtype", "").startswith(("int", "uint", "string"))
    ]
    return (
        choose_column("images", IMAGE_COLUMNS, images, columns),
        choose_column("labels", LABEL_COLUMNS, classes or plain, columns),
    )


def _read_images(splits: Sequence[HubImages]) -> Iterator[Sequence[EncodedImage]]:
    for images in splits:
        for start in range(0, len(images), _ROWS_AT_ONCE):
            yield images.read(range(start, min(start + _ROWS_AT_ONCE, len(images))))
