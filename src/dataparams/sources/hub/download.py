"""Downloading files of the hub into its library's cache, if there is room."""

from __future__ import annotations

import inspect
import re
import shutil
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias
from urllib.parse import unquote

from dataparams.errors import DataError
from dataparams.terminal.words import size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from dataparams.sources.hub.token import HubToken

    FetchProgress: TypeAlias = Callable[[str, int, int], None]
    """Called with what is done to the data, the number of bytes done, and of all bytes."""

_FILES_AT_ONCE = 8
_PATHS_AT_ONCE = 500
_SECONDS_BETWEEN_REPORTS = 0.2
_ADDRESS = re.compile(r"hf://datasets/(?P<repository>[^@]+)@(?P<revision>[^/]+)/(?P<path>[^:]+)")


class HubFile(NamedTuple):
    """A file of a data set, or of a network.

    Attributes:
        repository: ``owner/name``.
        revision: The commit, or the name of a branch.
        path: Path in the repository.
        size: Bytes, 0 if not known.
        kind: What the repository holds.
    """

    repository: str
    revision: str
    path: str
    size: int = 0
    kind: Literal["dataset", "model"] = "dataset"


def parse_addresses(addresses: Iterable[str]) -> list[HubFile]:
    """Take addresses of files on the hub apart; those of another form are left out.

    Example:
        >>> parse_addresses(["hf://datasets/owner/pets@0a1b/data/a.parquet", "https://a.b/c.zip"])
        [HubFile(repository='owner/pets', revision='0a1b', path='data/a.parquet', size=0,
        kind='dataset')]
    """
    matches = filter(None, map(_ADDRESS.fullmatch, addresses))
    return [HubFile(m["repository"], unquote(m["revision"]), m["path"]) for m in matches]


def measure_files(files: Sequence[HubFile], token: HubToken | None) -> list[HubFile]:
    """Ask the hub for the sizes of files.

    Args:
        files: Files of one repository and revision.
        token: What opens the repository.

    Returns:
        The files with their sizes.
    """
    from huggingface_hub import HfApi

    api = HfApi(token=secret(token))
    sizes: dict[str, int] = {}
    for start in range(0, len(files), _PATHS_AT_ONCE):
        some = files[start : start + _PATHS_AT_ONCE]
        found = api.get_paths_info(
            some[0].repository,
            [file.path for file in some],
            revision=some[0].revision,
            repo_type=some[0].kind,
        )
        sizes |= {item.path: getattr(item, "size", None) or 0 for item in found}
    return [file._replace(size=sizes.get(file.path, 0)) for file in files]


def secret(token: HubToken | None) -> str | bool:
    """A token as the hub's library takes it; False forbids it to look for one itself."""
    return token.reveal() if token else False


def is_downloaded(file: HubFile) -> bool:
    """Whether a file lies whole in the library's cache."""
    return downloaded_path(file) is not None


def downloaded_path(file: HubFile) -> str | None:
    """Where a file lies whole in the library's cache; None if it does not."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(
        file.repository, file.path, revision=file.revision, repo_type=file.kind
    )
    return found if isinstance(found, str) else None


def require_room(
    name: str, needs: Mapping[Path, int], purposes: Mapping[Path, str], kind: str = "data set"
) -> None:
    """Check that there is room on the disks before anything is downloaded.

    Args:
        name: What it is for, for the message.
        needs: Bytes that each folder will take; those on the same disk are added.
        purposes: What each folder is for.
        kind: What it is, for the message.

    Raises:
        DataError: Saying how much is needed, how much there is, and how to use another disk.
    """
    by_disk: dict[int, list[Path]] = {}
    for folder in needs:
        by_disk.setdefault(_existing(folder).stat().st_dev, []).append(folder)
    for folders in by_disk.values():
        needed = sum(needs[folder] for folder in folders)
        free = shutil.disk_usage(_existing(folders[0])).free
        if needed > free:
            parts = " and ".join(
                f"{size_text(needs[folder])} {purposes[folder]} in {folder}" for folder in folders
            )
            raise DataError(
                f"The {kind} {name!r} needs {size_text(needed)} of disk space ({parts}), but "
                f"{size_text(free)} are free there. Free space, or set the environment variable "
                "HF_HOME to a folder on a larger disk; then give the same command."
            )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def download(
    files: Sequence[HubFile], token: HubToken | None, on_fetch: FetchProgress | None = None
) -> None:
    """Download the files that are not in the library's cache, several at once.

    What arrived before an interruption stays, and the next call goes on from there.

    Args:
        files: The files, with their sizes where known.
        token: What opens the repository.
        on_fetch: Called in this thread.
    """
    # The library's ``snapshot_download`` compares each path with each pattern: 40 s for 10,000.
    missing = [file for file in files if not is_downloaded(file)]
    received = _Received(files, missing)
    pool = ThreadPoolExecutor(_FILES_AT_ONCE)
    waiting = {pool.submit(_fetch, file, token, received) for file in missing}
    try:
        while waiting:
            done, waiting = wait(waiting, _SECONDS_BETWEEN_REPORTS, FIRST_COMPLETED)
            if on_fetch is not None and received.total:
                on_fetch("downloading", received.so_far(), received.total)
            for each in done:
                each.result()
    except Exception:
        # Files on their way are finished.
        pool.shutdown(cancel_futures=True)
        raise
    except BaseException:
        received.is_stopped = True
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _Received:
    """How much of each file has arrived."""

    def __init__(self, files: Sequence[HubFile], missing: Sequence[HubFile]) -> None:
        self.total = sum(file.size for file in files)
        self._kept = self.total - sum(file.size for file in missing)
        self._bytes = dict.fromkeys(missing, 0)
        self.is_stopped = False

    def so_far(self) -> int:
        return min(self._kept + sum(self._bytes.values()), self.total)

    def note(self, file: HubFile, count: int) -> None:
        if self.is_stopped:
            raise InterruptedError("the download was interrupted")
        # There may be two bars for a file: what is received, and what is written.
        self._bytes[file] = min(max(self._bytes[file], count), file.size)


def _fetch(file: HubFile, token: HubToken | None, received: _Received) -> None:
    from huggingface_hub import hf_hub_download

    # The library's earlier versions report nothing of a file that is on its way.
    reports = "tqdm_class" in inspect.signature(hf_hub_download).parameters
    options: dict[str, Any] = {"tqdm_class": _bar(file, received)} if reports else {}
    hf_hub_download(
        file.repository,
        file.path,
        revision=file.revision,
        repo_type=file.kind,
        token=secret(token),
        **options,
    )
    received.note(file, file.size)


def _bar(file: HubFile, received: _Received) -> type:
    """A class of bars that show nothing and note how much of a file has arrived."""
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *_: object, initial: float = 0, **__: object) -> None:
            super().__init__(disable=True)  # type: ignore[no-untyped-call]
            self._so_far = int(initial)

        def update(self, n: float | None = 1) -> None:
            self._so_far += int(n or 0)
            received.note(file, self._so_far)

    return Bar


def kept_text(files: Sequence[HubFile], folder: Path) -> str:
    """A sentence on the files that are kept of an interrupted download.

    Args:
        files: All files of the download.
        folder: The library's cache.
    """
    kept = [file for file in files if is_downloaded(file)]
    sizes = [size_text(sum(file.size for file in some)) for some in (kept, files)]
    return (
        f"{len(kept)} of {len(files)} files ({sizes[0]} of {sizes[1]}) are whole and stay in "
        f"{folder}: the same command goes on from there."
    )
