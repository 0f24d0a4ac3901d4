"""Downloading files of the hub into its library's cache, if there is room."""

from __future__ import annotations

import contextlib
import inspect
import re
import shutil
import threading
import time
from collections import deque
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
_SECONDS_TO_STOP = 2.0
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
    """A token as the hub's library takes it; without one, it is not to look for one itself."""
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


def _are_at_work(workers: Sequence[threading.Thread], seconds: float) -> bool:
    """Wait for threads, but not longer; whether one of them is still at work."""
    until = time.monotonic() + seconds
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
    return any(worker.is_alive() for worker in workers)


class Download:
    """A download of several files, of which whole ones stay when it is broken off.

    Args:
        files: The files, with their sizes where known.
        token: What opens the repository.
    """

    def __init__(self, files: Sequence[HubFile], token: HubToken | None) -> None:
        self.missing = [file for file in files if not is_downloaded(file)]
        self.total = sum(file.size for file in files)
        self._files = files
        self._token = token
        self._kept = self.total - sum(file.size for file in self.missing)
        self._received = dict.fromkeys(self.missing, 0)
        self._waiting = deque(self.missing)
        self._failures: list[Exception] = []
        self._is_stopped = threading.Event()

    @property
    def num_missing_bytes(self) -> int:
        """How much is to be downloaded."""
        return sum(file.size for file in self.missing)

    def run(self, on_fetch: FetchProgress | None = None) -> None:
        """Download what is missing, several files at once.

        Args:
            on_fetch: Called in this thread.
        """
        # Not a pool: at the end of the process Python waits for a pool's threads, and a connection
        # that hangs would keep the user from interrupting.
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(_FILES_AT_ONCE)]
        for worker in workers:
            worker.start()
        try:
            while _are_at_work(workers, _SECONDS_BETWEEN_REPORTS):
                self._report(on_fetch)
        except BaseException:
            self._is_stopped.set()
            _are_at_work(workers, _SECONDS_TO_STOP)
            raise
        if self._failures:
            raise self._failures[0]
        self._report(on_fetch)

    def _work(self) -> None:
        # After a failure the files on their way are finished: the library keeps no parts.
        while self._waiting and not self._failures and not self._is_stopped.is_set():
            with contextlib.suppress(IndexError):
                file = self._waiting.popleft()
                try:
                    self._fetch(file)
                except Exception as error:  # noqa: BLE001 - raised by the thread that waits
                    self._failures.append(error)

    def _report(self, on_fetch: FetchProgress | None) -> None:
        if on_fetch is not None and self.total and self.missing:
            received = min(self._kept + sum(self._received.values()), self.total)
            on_fetch("downloading", received, self.total)

    def kept_text(self, folder: Path) -> str:
        """What stays of it, in words, after it was broken off."""
        left = [file for file in self._files if not is_downloaded(file)]
        kept = self.total - sum(file.size for file in left)
        return (
            f"{len(self._files) - len(left)} of {len(self._files)} files ({size_text(kept)} of "
            f"{size_text(self.total)}) are whole and stay in {folder}: the same command goes on "
            "from there."
        )

    def _fetch(self, file: HubFile) -> None:
        from huggingface_hub import hf_hub_download

        # The library's earlier versions report nothing of a file that is on its way.
        reports = "tqdm_class" in inspect.signature(hf_hub_download).parameters
        options: dict[str, Any] = {"tqdm_class": self._bar(file)} if reports else {}
        hf_hub_download(
            file.repository,
            file.path,
            revision=file.revision,
            repo_type=file.kind,
            token=secret(self._token),
            **options,
        )
        self._received[file] = file.size

    def _bar(self, file: HubFile) -> type:
        """A class of bars that show nothing and note how much of a file has arrived."""
        from huggingface_hub.utils.tqdm import tqdm

        received, is_stopped = self._received, self._is_stopped

        class Bar(tqdm):
            def __init__(self, *_: object, initial: float = 0, **__: object) -> None:
                super().__init__(disable=True)  # type: ignore[no-untyped-call]
                self._so_far = int(initial)

            def update(self, n: float | None = 1) -> None:
                if is_stopped.is_set():
                    raise InterruptedError("the download was interrupted")
                self._so_far += int(n or 0)
                # There may be two bars for a file: what is received, and what is written.
                received[file] = min(max(received[file], self._so_far), file.size)

        return Bar
