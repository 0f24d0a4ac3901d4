"""The tables of a data set of the Hugging Face hub: downloaded, prepared, mapped from disk."""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from dataparams.errors import DataError
from dataparams.sources.hub.download import (
    HubFile,
    download,
    is_downloaded,
    kept_text,
    measure_files,
    parse_addresses,
    require_room,
    secret,
)
from dataparams.sources.hub.library import quiet_libraries, without_network
from dataparams.sources.hub.names import hub_repository, known_short_name
from dataparams.sources.hub.refusals import Place, explain_refusal
from dataparams.sources.hub.token import find_token
from dataparams.sources.split_names import choose_splits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dataparams.sources.hub.download import FetchProgress
    from dataparams.sources.hub.token import HubToken

    ChooseNames: TypeAlias = Callable[[str, Iterable[str]], list[str]]
    """Chooses, of a data set of some name, among the names of its splits."""

_SECONDS_TO_ANSWER = 10
_SECONDS_BETWEEN_LOOKS = 0.5
_INFO = "dataset_info.json"
_UNUSED = "unused_splits.json"
_FURTHER = "further_splits"


class HubSplits(NamedTuple):
    """The splits of a data set of the hub.

    Attributes:
        tables: Tables (``datasets.Dataset``) by the name of their split, in the order training,
            validation; one entry where there is only one split.
        unused: Number of rows of the splits that are not used, None where it is not known.
        others: Tables of those of them that are at hand.
    """

    tables: dict[str, Any]
    unused: dict[str, int | None]
    others: Mapping[str, Any] = MappingProxyType({})


def open_hub_splits(
    name: str, *, all_splits: bool = False, on_fetch: FetchProgress | None = None
) -> HubSplits:
    """Open the splits of a data set of the hub as tables that are mapped from disk.

    The first call downloads the training and the validation split, and no other but where all are
    wanted; later ones use no network. The token is that of ``token_file``, of
    HF_TOKEN, or of the hub library's login.

    Args:
        name: ``owner/name`` or ``name``.
        all_splits: Whether further splits that are for judging a model, such as ``test`` beside
            ``validation``, are wanted too; those that cannot be had are among the unused.
        on_fetch: Called with what is being done ("downloading", then "preparing"), the number of
            bytes done and of all bytes; not always in the calling thread.

    Raises:
        NotOnHubError: If the data set is unknown or the hub cannot be reached.
        DataError: If the hub refuses it, the disk has no room, or what was downloaded is damaged.
    """
    repository = hub_repository(name)
    with quiet_libraries():
        splits = _open_prepared(repository) or _open_library_cache(repository)
        if splits is None:
            folder = _prepared_folder(_folder_name(repository))
            _prepare(repository, folder, _choose_names, on_fetch)
            splits = _open_prepared(repository)
        if splits is None:
            raise DataError(f"The data set {name!r} was prepared and is gone again; try once more.")
        further = [split for split in splits.unused if _is_for_judging(split)]
        return _with_further(repository, splits, further, on_fetch) if all_splits else splits


def _is_for_judging(split: str) -> bool:
    return choose_splits([split])[1] is not None


def _with_further(
    repository: str, splits: HubSplits, further: Sequence[str], on_fetch: FetchProgress | None
) -> HubSplits:
    """The splits with further ones, which have a copy of their own: none is prepared twice."""
    missing = [split for split in further if split not in splits.others]
    found = _further_copy(repository, missing, on_fetch) if missing else {}
    at_hand = {**splits.others, **found}
    used = {split: at_hand[split] for split in further if split in at_hand}
    unused = {split: count for split, count in splits.unused.items() if split not in used}
    return HubSplits(splits.tables | used, unused)


def _further_copy(
    repository: str, wanted: Sequence[str], on_fetch: FetchProgress | None
) -> dict[str, Any]:
    """Tables of further splits; nothing where they cannot be had, since the others can be judged.

    Without them a data set that was opened before can be opened without a network.
    """
    folder = _prepared_folder(f"{_FURTHER}/{_folder_name(repository)}")

    def choose(_: str, names: Iterable[str]) -> list[str]:
        return [name for name in names if name in wanted]

    try:
        copy = _newest_copy(folder, repository, choose)
        if copy is None:
            _prepare(repository, folder, choose, on_fetch)
            copy = _newest_copy(folder, repository, choose)
    except DataError:
        return {}
    return {} if copy is None else copy.tables


# --- what is on the disk -------------------------------------------------------------------------


def _prepared_folder(name: str) -> Path:
    import datasets

    place = Path(datasets.config.HF_DATASETS_CACHE).expanduser() / "dataparams"
    return place / name


def _folder_name(repository: str) -> str:
    return repository.replace("/", "___")


def _open_prepared(repository: str) -> HubSplits | None:
    """Open what an earlier call prepared, the newest; None where there is nothing."""
    return _newest_copy(_prepared_folder(_folder_name(repository)), repository, _choose_names)


def _newest_copy(folder: Path, repository: str, choose: ChooseNames) -> HubSplits | None:
    found = [
        info for info in folder.glob(f"*/{_INFO}") if not info.parent.name.endswith(".incomplete")
    ]
    if not found:
        return None
    newest = max(found, key=lambda info: info.stat().st_mtime).parent
    try:
        return _read_prepared(newest, choose)
    except Exception as error:  # noqa: BLE001 - each of several libraries has its own
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
    raise DataError(
        f"The copy of {repository!r} in {newest} is damaged ({reason}). Remove that folder; the "
        "same command makes it anew from what was downloaded."
    )


def _read_prepared(folder: Path, choose: ChooseNames) -> HubSplits:
    import datasets

    splits = datasets.DatasetInfo.from_directory(str(folder)).splits
    chosen = choose(folder.name, splits)
    others = [split for split in splits if split not in chosen]
    unused = _read_unused(folder) | {split: splits[split].num_examples for split in others}
    return HubSplits(
        {split: _read_table(folder, split, splits[split].num_examples) for split in chosen},
        unused,
        {split: _read_table(folder, split, splits[split].num_examples) for split in others},
    )


def _read_table(folder: Path, split: str, count: int) -> Any:
    """A split of a prepared copy, mapped from disk.

    Raises:
        ValueError: If it has more or fewer rows.
    """
    import datasets

    pieces = [
        *folder.glob(f"*-{split}.arrow"),
        *sorted(folder.glob(f"*-{split}-?????-of-?????.arrow")),
    ]
    opened = [datasets.Dataset.from_file(str(piece)) for piece in pieces]
    table = datasets.concatenate_datasets(opened) if opened else []
    if len(table) != count:
        raise ValueError(f"the split {split} has {len(table)} rows, expected {count}")
    return table


def _read_unused(folder: Path) -> dict[str, int | None]:
    """The splits that were not downloaded; unknown, and empty, for copies of older versions."""
    try:
        known = json.loads((folder / _UNUSED).read_text())
    except FileNotFoundError:
        return {}
    return {str(split): count for split, count in known.items()}


def _open_library_cache(repository: str) -> HubSplits | None:
    """Open the library's own cache, as other programs have filled it; None without one."""
    import datasets

    try:
        with without_network():
            loaded = datasets.load_dataset(repository)
        tables = {split: loaded[split] for split in _choose_names(repository, loaded)}
        unused: dict[str, int | None] = {
            split: len(table) for split, table in loaded.items() if split not in tables
        }
        return HubSplits(tables, unused, {split: loaded[split] for split in unused})
    except Exception:  # noqa: BLE001 - whatever it is that hinders, the hub is asked then
        return None


# --- what the hub has ----------------------------------------------------------------------------


def _prepare(
    repository: str, copies: Path, choose: ChooseNames, on_fetch: FetchProgress | None
) -> None:
    """Download some splits of a data set and prepare them for reading, in a folder of copies."""
    import datasets
    from huggingface_hub import constants

    token = find_token()
    place = Place(repository, constants.ENDPOINT, str(Path(constants.HF_HOME)))
    unfinished: list[HubFile] = []
    try:
        builder, unused = _builder(repository, ask_hub(repository, token), token, choose)
        folder = copies / str(builder.hash or "main")
        files = _files_of(builder, token)
        if files:
            arrow = Path(datasets.config.HF_DATASETS_CACHE).expanduser()
            _require_room(repository, builder, files, arrow)
            unfinished += files
            download(files, token, on_fetch)
            unfinished.clear()
        with _watched(folder, builder.info.dataset_size or 0, on_fetch):
            builder.download_and_prepare(str(folder))
        _write_unused(folder, unused)
    except Exception as error:  # noqa: BLE001 - which kinds there are depends on the HTTP library
        kept = kept_text(unfinished, Path(constants.HF_HUB_CACHE)) if unfinished else ""
        refusal = explain_refusal(error, place, token, kept)
    else:
        return
    if known_short_name(repository) is not None:
        # This one is known to exist, so that its name is not mistyped.
        refusal = DataError(str(refusal))
    # Not from the error: what hangs on it are requests, and these carry the token.
    raise refusal.with_traceback(None)


def ask_hub(repository: str, token: HubToken | None) -> tuple[str, str | None]:
    """Ask the hub for the data set's own name and newest commit, with a short timeout."""
    from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url

    info = HfApi(token=secret(token)).dataset_info(repository, timeout=_SECONDS_TO_ANSWER)
    files = [file.rfilename for file in info.siblings or []]
    if files and (info.gated or info.private):
        # That a gated data set is there is public; only its files tell who may read them.
        files.sort(key=lambda file: file.endswith(".parquet"))
        get_hf_file_metadata(
            hf_hub_url(info.id, files[-1], repo_type="dataset", revision=info.sha),
            token=secret(token),
            timeout=_SECONDS_TO_ANSWER,
        )
    return info.id, info.sha


def _builder(
    repository: str,
    found: tuple[str, str | None],
    token: HubToken | None,
    choose: ChooseNames,
) -> tuple[Any, dict[str, int | None]]:
    """Make the library's builder of a data set, of the chosen splits; and say what is left out."""
    import datasets

    name, commit = found
    builder = datasets.load_dataset_builder(name, revision=commit, token=secret(token))
    files = builder.config.data_files
    unused: dict[str, int | None] = {}
    if files:
        chosen = choose(repository, files)
        about = builder.info.splits or {}
        for split in [split for split in files if split not in chosen]:
            unused[split] = about[split].num_examples if split in about else None
            del files[split]
        for split in set(about) - set(chosen):
            del about[split]
    known = (builder.info.splits or {}).values()
    builder.info.dataset_size = sum(split.num_bytes or 0 for split in known) or None
    # The library would want room once more for what is downloaded by then.
    builder.info.download_size = builder.info.size_in_bytes = None
    return builder, unused


def _write_unused(folder: Path, unused: dict[str, int | None]) -> None:
    """Record which splits a prepared copy leaves out, so that the hub is not asked again."""
    unfinished = folder / f"{_UNUSED}.incomplete"
    unfinished.write_text(json.dumps(unused))
    unfinished.replace(folder / _UNUSED)


def _files_of(builder: Any, token: HubToken | None) -> list[HubFile]:
    """The builder's files with their sizes, if all lie in one repository of the hub."""
    addresses = [file for files in (builder.config.data_files or {}).values() for file in files]
    files = parse_addresses(addresses)
    if len({(file.repository, file.revision) for file in files}) != 1:
        return []
    return measure_files(files, token)


def _require_room(repository: str, builder: Any, files: list[HubFile], arrow: Path) -> None:
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE)
    # Images are compressed already, so that both copies are about as large.
    builder.info.dataset_size = builder.info.dataset_size or sum(file.size for file in files)
    missing = sum(file.size for file in files if not is_downloaded(file))
    require_room(
        repository,
        {cache: missing, arrow: builder.info.dataset_size},
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
