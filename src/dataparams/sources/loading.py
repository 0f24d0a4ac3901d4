"""Loading a data set by what the user calls it: a known name, a path, or a name on the hub."""

from __future__ import annotations

import difflib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dataparams.errors import DataError, UserError
from dataparams.sources.builtin import BUILTIN_NAMES, builtin_name, load_builtin
from dataparams.sources.folder import load_folder, split_folder
from dataparams.sources.hub.tables import NotOnHubError, is_hub_name, load_hub, split_hub
from dataparams.sources.parquet import has_parquet, load_parquet, split_parquet

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataparams.batches.decoding import ListedDataset, Progress
    from dataparams.batches.labeled_images import ImageDataset
    from dataparams.sources.hub.download import FetchProgress

LARGEST_SIZE = 1024
_Loaded = TypeVar("_Loaded")


def load_dataset(
    name: str,
    *,
    data_dir: Path = Path("data"),
    val_frac: float = 0.1,
    seed: int = 0,
    image_size: int | None = None,
    on_progress: Progress | None = None,
    on_fetch: FetchProgress | None = None,
) -> ImageDataset:
    """Load a labeled image data set into memory.

    Args:
        name: What to load, the first of these that fits: the name of a built-in data set
            (``digits``, ``cifar10``, ``cifar100``, ``mnist``, ``fashion-mnist``; case, hyphens and
            underscores do not matter); the path of an image folder (``<class>/<image>``, perhaps
            below ``train/`` and ``val/``), of a Parquet file, or of a folder of Parquet files; the
            name of a data set on the Hugging Face hub (``imagenet-1k`` for short). A path that is
            named like a built-in data set is written with a separator: ``./digits``.
        data_dir: Where built-in data sets are kept and downloaded to.
        val_frac: Share of every class to set aside for validation, above 0 and below 1, where the
            data set does not come split.
        seed: What that choice depends on.
        image_size: Height and width in pixels, 1 ... 1024: the shorter side is resized, the longer
            one cropped around its middle. None takes the images' own size if they share one of at
            most 96 x 96, and otherwise 64.
        on_progress: Called with the number of images decoded and the number of all images.
        on_fetch: Called while a data set of the hub is downloaded and prepared, with what is being
            done, the number of bytes done and of all bytes; not always in the calling thread.

    Returns:
        The data set. Images that cannot be read are left out, listed in ``unreadable``.

    Raises:
        DataError: If nothing of that name is found, or what is found cannot be read.
        UserError: If an argument is out of its range.

    Example:
        >>> digits = load_dataset("digits", val_frac=0.2)
        >>> len(digits.train), len(digits.val), tuple(digits.train.images.shape[1:])
        (1438, 359, (1, 8, 8))
    """
    require_arguments(val_frac, image_size)
    builtin = builtin_name(name)
    if builtin is not None:
        dataset = load_builtin(
            builtin, data_dir=data_dir, val_frac=val_frac, seed=seed, image_size=image_size
        )
        if on_progress is not None:
            total = len(dataset.train) + len(dataset.val)
            on_progress(total, total)
        return dataset
    path = local_path(name)
    if path is not None:
        load = load_parquet if is_parquet(path) else load_folder
        return load(
            path, val_frac=val_frac, seed=seed, image_size=image_size, on_progress=on_progress
        )
    load_named = partial(
        load_hub,
        val_frac=val_frac,
        seed=seed,
        image_size=image_size,
        on_progress=on_progress,
        on_fetch=on_fetch,
    )
    return from_hub(name, load_named)


def list_dataset(name: str, *, val_frac: float = 0.1, seed: int = 0) -> ListedDataset:
    """List the samples of a data set that is not built in, decoding nothing.

    Args:
        name: As of ``load_dataset``.
        val_frac: Share of every class to set aside where the data set does not come split.
        seed: What that choice depends on.

    Returns:
        Names, ids and labels; damaged images are among them, as nobody has looked at them.

    Raises:
        DataError: If nothing of that name is found, or what is found cannot be read.
        UserError: If an argument is out of its range.
    """
    require_arguments(val_frac, None)
    path = local_path(name)
    if path is None:
        return from_hub(name, partial(split_hub, val_frac=val_frac, seed=seed))
    return (split_parquet if is_parquet(path) else split_folder)(path, val_frac=val_frac, seed=seed)


def local_path(name: str) -> Path | None:
    """The file or folder that a data set's name means, or None where there is none."""
    path = Path(name).expanduser()
    return path if name and path.exists() else None


def from_hub(name: str, load: Callable[[str], _Loaded]) -> _Loaded:
    """Load from the hub what is neither built in nor a path, or say all that was tried.

    Args:
        name: What the user calls the data set.
        load: What loads a data set of the hub by its name.

    Returns:
        What ``load`` returns.

    Raises:
        DataError: If the hub has no such data set either.
    """
    nearest = difflib.get_close_matches(name.lower(), BUILTIN_NAMES, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    sought = (
        f"There is no data set {name!r}.{hint} It is none of the built-in ones "
        f"({', '.join(BUILTIN_NAMES)}), and there is no such file or folder"
    )
    if not is_hub_name(name):
        raise DataError(f"{sought}; nor can it be a name on the Hugging Face hub (owner/name).")
    try:
        return load(name)
    except NotOnHubError as error:
        raise DataError(f"{sought}. {error}") from error


def is_parquet(path: Path) -> bool:
    """Tell Parquet from an image folder.

    Args:
        path: A file or folder that exists.

    Returns:
        Whether it is a Parquet file or a folder of such; otherwise it is a folder.

    Raises:
        DataError: If it is a file of another kind.
    """
    if path.is_dir():
        return has_parquet(path)
    if path.suffix.lower() == ".parquet":
        return True
    raise DataError(
        f"{path} is a file, but not a Parquet file; expected an image folder "
        "(<class>/<image>), a .parquet file, or a folder of .parquet files."
    )


def require_arguments(val_frac: float, image_size: int | None) -> None:
    """Raise UserError if an argument of ``load_dataset`` is out of its range.

    Args:
        val_frac: Above 0 and below 1.
        image_size: 1 ... 1024, or None.
    """
    if not 0 < val_frac < 1:
        raise UserError(f"--val-frac is {val_frac}; expected a share above 0 and below 1.")
    if image_size is not None and not 1 <= image_size <= LARGEST_SIZE:
        raise UserError(
            f"--image-size is {image_size}; expected a number of pixels, 1 ... {LARGEST_SIZE}."
        )
