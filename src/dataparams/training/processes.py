"""The processes of one command: which goes first, which writes, and what all of them do next."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch
import torch.distributed as dist

from dataparams.errors import LostProcessError, Stopped, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataparams.training.launched import LaunchedPlace

T = TypeVar("T")
# Reading and decoding images may take hours, in which the others wait; a step or a file may not.
_PREPARING = timedelta(days=1)
_TRAINING = timedelta(minutes=30)
# Features and heads of millions of samples take as long as they take. A process that has died is
# noticed by its connection, whatever the limit.
_AUDITING = timedelta(days=365)


class ProcessPlace(Protocol):
    """Where a process stands among the others, as Accelerate's ``Accelerator`` says it."""

    @property
    def process_index(self) -> int:
        """Number of this process on all machines."""

    @property
    def num_processes(self) -> int:
        """Number of processes on all machines."""

    @property
    def is_local_main_process(self) -> bool:
        """Whether this is the first process of its machine."""


class Processes:
    """Lets the hosts of all processes agree, over connections of their own.

    Nothing here touches a device, so that nothing here waits for one. Where a process has died, the
    others get a ``LostProcessError``.

    Args:
        place: This process's place among the others.
        timeout: How long a process waits for the others in ``on_main``, ``gathered`` and
            ``decide``.

    Attributes:
        rank: Number of this process, ``0 ... count - 1``.
        count: Number of processes on all machines.
    """

    def __init__(self, place: ProcessPlace, timeout: timedelta = _TRAINING) -> None:
        self.rank: int = place.process_index
        self.count: int = place.num_processes
        self._is_first_on_machine: bool = place.is_local_main_process
        self._timeout = timeout
        self._groups: dict[timedelta, dist.ProcessGroup] = {}
        if self.count > 1:
            for each in dict.fromkeys((max(_PREPARING, timeout), timeout)):
                group: Any = dist.new_group(backend="gloo", timeout=each)
                self._groups[each] = group
        self._wishes: tuple[dist.Work, torch.Tensor] | None = None

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def on_main(self, action: Callable[[], T]) -> T:
        """Let the main process act; all get what it returns, or the user's error that it raises."""
        if self.count == 1:
            return action()
        outcome = [_attempted(action) if self.is_main else None]
        with _lost_processes_named():
            dist.broadcast_object_list(outcome, src=0, group=self._groups[self._timeout])
        assert outcome[0] is not None  # noqa: S101
        result, error = outcome[0]
        if error is not None:
            raise error
        return result  # type: ignore[return-value]

    def first_on_each_machine(self, action: Callable[[], T]) -> T:
        """Let one process of each machine act, then the others: these find what those downloaded.

        A user's error in any process is raised in all.
        """
        if self.count == 1:
            return action()
        result, error = _attempted(action) if self._is_first_on_machine else (None, None)
        self._raise_any(error)
        if not self._is_first_on_machine:
            result, error = _attempted(action)
        self._raise_any(error)
        return result  # type: ignore[return-value]

    def gathered(self, value: T) -> list[T]:
        """The value of each process, by rank."""
        if self.count == 1:
            return [value]
        return self._gathered(value, self._timeout)

    def decide(self, wish: Callable[[], int]) -> int:
        """The highest wish of all processes, the same in all; 0 where nobody wishes anything.

        Wishes travel while the next step is computed: with several processes a call returns what
        was wished at the call before, so nobody waits for the slowest.

        Args:
            wish: What this process wishes, 0 or above. Not asked at a call that returns something
                other than 0.
        """
        if self.count == 1:
            return wish()
        decision = self._wished()
        if not decision:
            value = torch.tensor(wish())
            group = self._groups[self._timeout]
            work = dist.all_reduce(value, dist.ReduceOp.MAX, group=group, async_op=True)
            self._wishes = (work, value)
        return decision

    def close(self) -> None:
        """Close the connections, at the end that all processes come to together."""
        self._wished()
        for group in self._groups.values():
            dist.destroy_process_group(group)
        self._groups = {}

    def _wished(self) -> int:
        if self._wishes is None:
            return 0
        work, value = self._wishes
        self._wishes = None
        work.wait()
        return int(value)

    def _gathered(self, value: T, timeout: timedelta) -> list[T]:
        values: list[T] = [value] * self.count
        with _lost_processes_named():
            dist.all_gather_object(values, value, group=self._groups[timeout])
        return values

    def _raise_any(self, error: UserError | None) -> None:
        for one in self._gathered(error, max(_PREPARING, self._timeout)):
            if one is not None:
                raise one


@contextmanager
def joined_processes(place: LaunchedPlace) -> Iterator[Processes]:
    """The processes that a launcher started for one audit; a process alone joins no group.

    They wait for each other as long as the work takes. Each is given a GPU of its machine, where
    there are some.

    Raises:
        LostProcessError: If a process has died.
    """
    if place.num_processes == 1:
        yield Processes(place)
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(place.local_index % torch.cuda.device_count())
    dist.init_process_group("gloo")
    with process_group_left():
        processes = Processes(place, _AUDITING)
        try:
            yield processes
        except Stopped:
            processes.close()
            raise
        processes.close()


@contextmanager
def process_group_left() -> Iterator[None]:
    """Leave PyTorch's process group at an end that all processes come to together.

    After a failure nothing is left: the others may be dead, and would be waited for.
    """
    try:
        yield
    except Stopped:
        _leave()
        raise
    _leave()


def _leave() -> None:
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


@contextmanager
def _lost_processes_named() -> Iterator[None]:
    """Tell a broken connection from other errors."""
    try:
        yield
    except RuntimeError as error:
        raise LostProcessError(str(error)) from error


def _attempted(action: Callable[[], T]) -> tuple[T | None, UserError | None]:
    try:
        return action(), None
    except UserError as error:
        return None, error
