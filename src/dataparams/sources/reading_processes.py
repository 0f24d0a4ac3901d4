"""Worker processes that read and decode images, by PyTorch's ``DataLoader``."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

_Result = TypeVar("_Result")
_LESS = "Give fewer `workers`, or a smaller `batch_size`."
PREFETCH = 2
"""Jobs that wait, or are being done, for each process."""


def default_workers() -> int:
    """One process per core, shared among the training processes on this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def forked_workers() -> int:
    """One process per core, as above, where they can be forked; otherwise 0.

    A forked process has all that this one has. Others would run the user's script once more, and
    import PyTorch.
    """
    can_fork = "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
    return default_workers() if can_fork else 0


def reading_loader(
    dataset: Dataset[_Result],
    jobs: Iterable[Any],
    workers: int,
    *,
    start_method: str | None = None,
    is_persistent: bool = False,
) -> DataLoader[_Result]:
    """A loader whose worker processes do jobs; results come in the jobs' order.

    Args:
        dataset: Does a job when it is asked for it as for an item.
        jobs: What it is asked for; gone through anew by each iteration.
        workers: Number of processes; 0 does the jobs in this one.
        start_method: ``fork``, ``spawn`` or ``forkserver``; None takes the system's.
        is_persistent: Whether the processes stay for the next iteration.
    """
    with _any_number_of_processes():
        return DataLoader(
            dataset,
            batch_size=None,
            sampler=jobs,
            num_workers=workers,
            collate_fn=_as_it_is,
            prefetch_factor=PREFETCH if workers else None,
            multiprocessing_context=start_method if workers else None,
            persistent_workers=is_persistent and workers > 0,
            worker_init_fn=_begin,
            # A loader draws a seed for its processes; the global random state is the training's.
            generator=torch.Generator(),
        )


def read_in_processes(
    dataset: Dataset[_Result], jobs: Iterable[Any], workers: int | None
) -> Iterator[_Result]:
    """Do jobs in several processes, few at a time, so that little memory is needed.

    Args:
        dataset: Does a job when it is asked for it as for an item.
        jobs: What it is asked for.
        workers: Number of processes; None for one per core, 0 for none.

    Yields:
        The results in the jobs' order.

    Raises:
        DataError: If a process ends unexpectedly.
    """
    workers = default_workers() if workers is None else workers
    yield from results_of(reading_loader(dataset, jobs, workers))


def results_of(loader: DataLoader[_Result], advice: str = _LESS) -> Generator[_Result, None, None]:
    """Iterate over a loader's results, with an explanation if a process has died.

    Args:
        loader: What ``reading_loader`` made.
        advice: What to do then, in a sentence.

    Yields:
        The results in the jobs' order.

    Raises:
        DataError: If a process ended unexpectedly.
    """
    with _any_number_of_processes():
        results = iter(loader)
    while True:
        try:
            result = next(results)
        except StopIteration:
            return
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise DataError(
                "A process that reads images ended unexpectedly; memory, or shared memory "
                f"(/dev/shm), may be too small. {advice} "
                f"PyTorch says: {str(error).partition(chr(10))[0]}"
            ) from error
        yield result


@contextlib.contextmanager
def _any_number_of_processes() -> Iterator[None]:
    """Allow more processes than cores without PyTorch's warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="This DataLoader will create")
        yield


def _as_it_is(result: _Result) -> _Result:
    return result


def _begin(_: int) -> None:
    # A damaged image is reported as such; Pillow's warning about it would say it twice.
    warnings.filterwarnings("ignore", module=r"PIL\b")
