"""Reading an image classification data set of the Hugging Face hub."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataparams.batches.decoding import ListedDataset, decode_dataset
from dataparams.errors import DataError
from dataparams.sources.folder import safe_name
from dataparams.sources.hub.download import (
    Download,
    measure_files,
    parse_addresses,
    require_room,
    secret,
)
from dataparams.sources.hub.refusals import NotOnHubError, Place, explain_refusal
from dataparams.sources.hub.token import find_token
from dataparams.sources.parquet import encoded_image
from dataparams.sources.tables import (
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    arrange_splits,
    choose_column,
    choose_splits,
    encode_labels,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from dataparams.batches.decoding import Progress
    from dataparams.batches.labeled_images import ImageDataset
    from dataparams.contents.image_files import EncodedImage
    from dataparams.sources.hub.download import FetchProgress
    from dataparams.sources.hub.token import HubToken

__all__ = [
    "HubImages",
    "NotOnHubError",
    "hub_repository",
    "is_hub_name",
    "load_hub",
    "open_hub_images",
    "open_hub_tables",
    "short_hub_name",
]

_SECONDS_TO_ANSWER = 10
_SECONDS_BETWEEN_LOOKS = 0.5
_ROWS_AT_ONCE = 1024
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_SHORT_NAMES = {"imagenet-1k": "ILSVRC/imagenet-1k"}
_INFO = "dataset_info.json"


def is_hub_name(name: str) -> bool:
    """Whether a name has the form of a data set on the hub.

    Example:
        >>> is_hub_name("uoft-cs/cifar10"), is_hub_name("beans"), is_hub_name("a/b/c")
        (True, True, False)
    """
    return _HUB_NAME.fullmatch(name) is not None and not name.startswith(".")


def hub_repository(name: str) -> str:
    """Find the repository that a name means: some are known by a short name.

    Example:
        >>> hub_repository("imagenet-1k"), hub_repository("uoft-cs/cifar10")
        ('ILSVRC/imagenet-1k', 'uoft-cs/cifar10')
    """
    wanted = name.lower()
    known = (r for short, r in _SHORT_NAMES.items() if wanted in (short, r.lower()))
    return next(known, name)


def short_hub_name(name: str) -> str:
    """Name of a data set that can be a folder's name; the short one where there is one.

    Example:
        >>> short_hub_name("ILSVRC/imagenet-1k"), short_hub_name("uoft-cs/cifar10")
        ('imagenet-1k', 'uoft-cs-cifar10')
    """
    return known_short_name(name) or safe_name(name)


def known_short_name(name: str) -> str | None:
    """The short name of a data set that has one, however it is called; otherwise None.

    Example:
        >>> known_short_name("ilsvrc/imagenet-1k"), known_short_name("uoft-cs/cifar10")
        ('imagenet-1k', None)
    """
    repository = hub_repository(name)
    return next((short for short, known in _SHORT_NAMES.items() if known == repository), None)


def load_hub(
    name: str,
    *,
    val_frac: float,
    seed: int,
    image_size: int | None = None,
    on_progress: Progress | None = None,
    on_fetch: FetchProgress | None = None,
) -> ImageDataset:
    """Load a data set of the Hugging Face hub, or what an earlier load left in its cache.

    Args:
        name: ``owner/name`` or ``name``.
        val_frac: Share of every class to set aside where the data set has no validation or test
            split.
        seed: What that choice depends on.
        image_size: Height and width of the result; None decides by the images.
        on_progress: Called with the number of images done and the number of all images.
        on_fetch: See ``open_hub_tables``.

    Returns:
        The data set, with ids ``<split>/<row>``.

    Raises:
        NotOnHubError: If the data set is unknown or the hub cannot be reached.
        DataError: If the hub refuses it, or its columns or labels are not those of image
            classification.
    """
    listed = split_hub(name, val_frac=val_frac, seed=seed, on_fetch=on_fetch)
    return decode_dataset(listed, image_size=image_size, on_progress=on_progress)


def split_hub(
    name: str, *, val_frac: float, seed: int, on_fetch: FetchProgress | None = None
) -> ListedDataset:
    """List and split what ``load_hub`` loads, decoding nothing; arguments are the same."""
    listing = list_hub(name, on_fetch=on_fetch)
    return ListedDataset(
        listing.name,
        listing.class_names,
        arrange_splits(listing.labels, val_frac=val_frac, seed=seed),
        _read_images(listing.tables),
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
        DataError: If the hub refuses it, or its columns are not those of image classification.
    """
    tables = open_hub_tables(name)
    image, _ = _choose_columns(next(iter(tables.values())).features)
    return {split: HubImages(table, image) for split, table in tables.items()}


def open_hub_tables(name: str, *, on_fetch: FetchProgress | None = None) -> dict[str, Any]:
    """Open the splits of a data set of the hub as tables that are mapped from disk.

    The first call downloads the training and the validation split, and no other; later ones use
    no network. The token is that of ``token_file``, of HF_TOKEN, or of the hub library's login.

    Args:
        name: ``owner/name`` or ``name``.
        on_fetch: Called with what is being done ("downloading", then "preparing"), the number of
            bytes done and of all bytes; not always in the calling thread.

    Returns:
        Tables (``datasets.Dataset``) by the name of their split, in the order training,
        validation; one entry where there is only one split.

    Raises:
        NotOnHubError: If the data set is unknown or the hub cannot be reached.
        DataError: If the hub refuses it, the disk has no room, or what was downloaded is damaged.
    """
    repository = hub_repository(name)
    with quiet_libraries():
        tables = _open_prepared(repository) or _open_library_cache(repository)
        if tables is None:
            _prepare(repository, on_fetch)
            tables = _open_prepared(repository)
    if tables is None:
        raise DataError(f"The data set {name!r} was prepared and is gone again; try once more.")
    return tables


# --- what is on the disk -------------------------------------------------------------------------


def _prepared_folder(repository: str) -> Path:
    import datasets

    folder = repository.replace("/", "___")
    return Path(datasets.config.HF_DATASETS_CACHE).expanduser() / "dataparams" / folder


def _open_prepared(repository: str) -> dict[str, Any] | None:
    """Open what an earlier call prepared, the newest; None where there is nothing."""
    found = [
        info
        for info in _prepared_folder(repository).glob(f"*/{_INFO}")
        if not info.parent.name.endswith(".incomplete")
    ]
    if not found:
        return None
    folder = max(found, key=lambda info: info.stat().st_mtime).parent
    try:
        return _read_prepared(folder)
    except Exception as error:  # noqa: BLE001 - each of several libraries has its own
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
    raise DataError(
        f"The copy of {repository!r} in {folder} is damaged ({reason}). Remove that folder; the "
        "same command makes it anew from what was downloaded."
    )


def _read_prepared(folder: Path) -> dict[str, Any]:
    import datasets

    splits = datasets.DatasetInfo.from_directory(str(folder)).splits
    tables = {}
    for split in _choose_names(folder.name, splits):
        pieces = [
            *folder.glob(f"*-{split}.arrow"),
            *sorted(folder.glob(f"*-{split}-?????-of-?????.arrow")),
        ]
        opened = [datasets.Dataset.from_file(str(piece)) for piece in pieces]
        table = datasets.concatenate_datasets(opened) if opened else []
        if len(table) != splits[split].num_examples:
            raise ValueError(
                f"the split {split} has {len(table)} rows, expected {splits[split].num_examples}"
            )
        tables[split] = table
    return tables


def _open_library_cache(repository: str) -> dict[str, Any] | None:
    """Open what other programs had the library load, or nothing."""
    import datasets

    try:
        with _without_network():
            loaded = datasets.load_dataset(repository)
        return {split: loaded[split] for split in _choose_names(repository, loaded)}
    except Exception:  # noqa: BLE001 - whatever it is that hinders, the hub is asked then
        return None


@contextlib.contextmanager
def _without_network() -> Iterator[None]:
    """Have the libraries look into their cache only."""
    import datasets
    from huggingface_hub import constants

    with _set(datasets.config, HF_HUB_OFFLINE=True), _set(constants, HF_HUB_OFFLINE=True):
        yield


@contextlib.contextmanager
def _set(holder: Any, **values: Any) -> Iterator[None]:
    """Set what a module has of some settings, meanwhile."""
    before = {name: getattr(holder, name) for name in values if hasattr(holder, name)}
    try:
        for name in before:
            setattr(holder, name, values[name])
        yield
    finally:
        for name, value in before.items():
            setattr(holder, name, value)


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep the libraries from printing, from reporting home, and from running strangers' code."""
    import datasets
    from huggingface_hub import constants

    with contextlib.ExitStack() as stack:
        stack.enter_context(
            _set(
                datasets.config,
                HF_DATASETS_TRUST_REMOTE_CODE=False,
                HF_UPDATE_DOWNLOAD_COUNTS=False,
            )
        )
        stack.enter_context(_set(constants, HF_HUB_DISABLE_TELEMETRY=True))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for library in ("datasets", "huggingface_hub"):
            logger = logging.getLogger(library)
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL)
        stack.enter_context(_without_bars())
        yield


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    import datasets
    from huggingface_hub import utils

    libraries = (datasets.utils, utils)
    silenced = [library for library in libraries if not library.are_progress_bars_disabled()]
    try:
        for library in silenced:
            library.disable_progress_bars()
        yield
    finally:
        for library in silenced:
            library.enable_progress_bars()


# --- what the hub has ----------------------------------------------------------------------------


def _prepare(repository: str, on_fetch: FetchProgress | None) -> None:
    """Download a data set and prepare it for reading."""
    import datasets
    from huggingface_hub import constants

    token = find_token()
    place = Place(repository, constants.ENDPOINT, str(Path(constants.HF_HOME)))
    downloads: list[Download] = []
    try:
        builder = _builder(repository, _ask_hub(repository, token), token)
        folder = _prepared_folder(repository) / str(builder.hash or "main")
        download = _plan(builder, token)
        if download is not None:
            arrow = Path(datasets.config.HF_DATASETS_CACHE).expanduser()
            _require_room(repository, builder, download, arrow)
            downloads.append(download)
            download.run(on_fetch)
            downloads.clear()
        with _watched(folder, builder.info.dataset_size or 0, on_fetch):
            builder.download_and_prepare(str(folder))
    except Exception as error:  # noqa: BLE001 - which kinds there are depends on the HTTP library
        kept = "".join(d.kept_text(Path(constants.HF_HUB_CACHE)) for d in downloads)
        refusal = explain_refusal(error, place, token, kept)
    else:
        return
    if repository in _SHORT_NAMES.values():
        # This one is known to exist: nobody mistyped it.
        refusal = DataError(str(refusal))
    # Not from the error: what hangs on it are requests, and these carry the token.
    raise refusal.with_traceback(None)


def _ask_hub(repository: str, token: HubToken | None) -> tuple[str, str | None]:
    """Ask the hub by requests that fail fast: the data set's own name, and its newest commit."""
    from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url

    info = HfApi(token=secret(token)).dataset_info(repository, timeout=_SECONDS_TO_ANSWER)
    files = [file.rfilename for file in info.siblings or []]
    if files and (info.gated or info.private):
        # Everybody sees that a gated data set is there; only its files tell who may read them.
        files.sort(key=lambda file: file.endswith(".parquet"))
        get_hf_file_metadata(
            hf_hub_url(info.id, files[-1], repo_type="dataset", revision=info.sha),
            token=secret(token),
            timeout=_SECONDS_TO_ANSWER,
        )
    return info.id, info.sha


def _builder(repository: str, found: tuple[str, str | None], token: HubToken | None) -> Any:
    """Make the library's builder of a data set, of the chosen splits only."""
    import datasets

    name, commit = found
    builder = datasets.load_dataset_builder(name, revision=commit, token=secret(token))
    files = builder.config.data_files
    if files:
        chosen = _choose_names(repository, files)
        for split in set(files) - set(chosen):
            del files[split]
        for split in set(builder.info.splits or ()) - set(chosen):
            del builder.info.splits[split]
    known = (builder.info.splits or {}).values()
    builder.info.dataset_size = sum(split.num_bytes or 0 for split in known) or None
    # The library would want room once more for what is downloaded by then.
    builder.info.download_size = builder.info.size_in_bytes = None
    return builder


def _plan(builder: Any, token: HubToken | None) -> Download | None:
    """Plan the download of the builder's files, as far as they lie on the hub."""
    addresses = [file for files in (builder.config.data_files or {}).values() for file in files]
    files = parse_addresses(addresses)
    if not files or len({(file.repository, file.revision) for file in files}) > 1:
        return None
    return Download(measure_files(files, token), token)


def _require_room(repository: str, builder: Any, download: Download, arrow: Path) -> None:
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE)
    # Images are compressed already, so that both copies are about as large.
    builder.info.dataset_size = builder.info.dataset_size or download.total
    require_room(
        repository,
        {cache: download.num_missing_bytes, arrow: builder.info.dataset_size},
        {cache: "to download", arrow: "prepared for reading"},
    )


@contextlib.contextmanager
def _watched(folder: Path, total: int, on_fetch: FetchProgress | None) -> Iterator[None]:
    """Report from a thread how much of a folder has been written."""
    if on_fetch is None or not total:
        yield
        return
    is_done = threading.Event()

    def watch(report: FetchProgress) -> None:
        while not is_done.wait(_SECONDS_BETWEEN_LOOKS):
            files = folder.with_name(f"{folder.name}.incomplete").glob("*.arrow")
            with contextlib.suppress(OSError):
                report("preparing", min(sum(f.stat().st_size for f in files), total), total)

    watcher = threading.Thread(target=watch, args=(on_fetch,), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_done.set()
        watcher.join()
    on_fetch("preparing", total, total)


def _choose_names(name: str, splits: Iterable[str]) -> list[str]:
    """Choose the names of the two splits, or of the one there is."""
    names = list(splits)
    train, val = choose_splits(names)
    if train is None and len(names) != 1:
        raise DataError(
            f"{name} has the splits {', '.join(names)}; expected one of them to be 'train'."
        )
    return [split for split in (train or names[0], val if train else None) if split is not None]


# --- columns and rows ----------------------------------------------------------------------------


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


# --- images that stay encoded --------------------------------------------------------------------


class HubTable(HubImages):
    """The encoded images of one split, of which a store is made.

    Args:
        table: The split, in the library's own type.
        column: Name of the column of images.
        folder: What paths in the column are relative to.
    """

    def __init__(self, table: Any, column: str, folder: Path = Path()) -> None:
        super().__init__(table, column)
        self._folder = folder

    def read(self, rows: Sequence[int]) -> list[EncodedImage]:
        """Read the encoded images of some rows."""
        cells = self._table[list(rows)][self._column]
        return [encoded_image(cell, self._folder) for cell in cells]

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each encoded image, (n,), -1 where there is only a path, or nothing."""
        import pyarrow.compute as pc

        column = pc.struct_field(self._table.data.column(self._column), "bytes")
        lengths = pc.fill_null(pc.binary_length(column), -1)
        return np.asarray(lengths.to_numpy(), dtype=np.int64)


class HubListing(NamedTuple):
    """The rows of a data set of the hub, none of their images read.

    Attributes:
        name: Short name of the data set.
        class_names: Name of class 0, 1, ...
        labels: Class of each row by split, (n,) each, int64.
        tables: The images of each split.
    """

    name: str
    class_names: tuple[str, ...]
    labels: dict[str, Tensor]
    tables: list[HubTable]


def list_hub(name: str, *, on_fetch: FetchProgress | None = None) -> HubListing:
    """List a data set of the hub, as ``load_hub`` describes it.

    Args:
        name: ``owner/name`` or ``name``.
        on_fetch: See ``open_hub_tables``.

    Raises:
        NotOnHubError: If the data set is unknown or the hub cannot be reached.
        DataError: If the hub refuses it, or its columns or labels are not those of image
            classification.
    """
    import polars as pl

    tables = open_hub_tables(name, on_fetch=on_fetch)
    features = next(iter(tables.values())).features
    image, label = _choose_columns(features)
    columns = {
        split: pl.Series(table.select_columns([label]).with_format("arrow")[:][label])
        for split, table in tables.items()
    }
    labels, class_names = encode_labels(columns, getattr(features[label], "names", None))
    images = [HubTable(table, image) for table in tables.values()]
    return HubListing(short_hub_name(name), class_names, labels, images)
