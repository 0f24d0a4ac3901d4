"""Lays a map out, where memory is short in a process of its own, which gives it back by ending.

``python -m dataparams.review.laying_out`` reads trajectories and writes positions, both as the
contents of an ``.npy`` file.
"""

from __future__ import annotations

import io
import subprocess
import sys
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from dataparams.errors import RunError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LayingOut:
    """Lays out one map at a time; can be ended while it does.

    Args:
        is_apart: In a process of its own, which takes seconds to start for every map.
    """

    def __init__(self, *, is_apart: bool) -> None:
        self._is_apart = is_apart
        self._lock = Lock()
        self._is_closed = False
        self._process: subprocess.Popen[bytes] | None = None

    def positions(self, trajectories: NDArray[np.float32]) -> NDArray[np.float64]:
        """Where samples lie, (m, 2).

        Args:
            trajectories: Log temperatures, (m, epochs).

        Raises:
            RunError: If the other process failed, or was ended.
        """
        if not self._is_apart:
            return _embedded(trajectories)
        command = [sys.executable, "-m", "dataparams.review.laying_out"]
        with self._lock:
            if self._is_closed:
                raise RunError("The server is ending; no map was made.")
            # In a session of its own Ctrl-C does not reach it, which would have it complain.
            process = self._process = subprocess.Popen(  # noqa: S603 - our own module
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        answer, _ = process.communicate(npy_of(trajectories))
        if process.returncode:
            raise RunError(
                "The map could not be made: the process that does it ended with status "
                f"{process.returncode}. See what it wrote where the server was started."
            )
        positions: NDArray[np.float64] = np.load(io.BytesIO(answer), allow_pickle=False)
        return positions

    def close(self) -> None:
        """End what runs."""
        with self._lock:
            self._is_closed = True
            if self._process is not None:
                self._process.kill()


def npy_of(array: NDArray[np.generic]) -> bytes:
    """An array as the contents of an ``.npy`` file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _embedded(trajectories: NDArray[np.float32]) -> NDArray[np.float64]:
    # What draws figures takes seconds and memory to import, and many ask for no map.
    from dataparams.figures import embed

    return embed(trajectories.T)


def main() -> None:
    """Read, lay out and write."""
    trajectories = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
    sys.stdout.buffer.write(npy_of(_embedded(trajectories)))


if __name__ == "__main__":
    main()
