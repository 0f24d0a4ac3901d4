"""What training recorded of every sample in every epoch, read piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from dataparams.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from numpy.typing import NDArray

    from dataparams.run.epoch_record import EpochRecord
    from dataparams.run.folder import RunFolder

_ROWS_AT_ONCE = 1 << 16
_ROWS_PER_MAPPING = 400_000
_MOVED_OVER_ALL = 1.67
_RECORDED = ("margin", "loss", "error_norm", "rival")
_WIDEST = float(np.log(20))


@dataclass(frozen=True, eq=False)
class Trajectories:
    """The records of n samples over the epochs, (epochs, n) each.

    Attributes:
        log_temperature: Log temperature after the epoch.
        margin: Logit of the given label minus the highest other one; None where not recorded.
        loss: Cross-entropy without temperature; None where not recorded.
        error_norm: Norm of the error vector; None where not recorded.
        rival: Class of the highest logit other than the given label's; None where not recorded.
    """

    log_temperature: NDArray[np.float32]
    margin: NDArray[np.float32] | None = None
    loss: NDArray[np.float32] | None = None
    error_norm: NDArray[np.float32] | None = None
    rival: NDArray[np.integer] | None = None


class TrajectorySource(Protocol):
    """Trajectories of many samples, read for some of them at a time."""

    @property
    def epochs(self) -> NDArray[np.integer]:
        """The numbers of the epochs, (epochs,), ascending."""

    def of(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The log temperatures of some samples, (epochs, len(rows))."""

    def part(
        self, rows: NDArray[np.integer], epochs: NDArray[np.integer] | None = None
    ) -> Trajectories:
        """All records of some samples, at some positions among the epochs; None for all."""


class ArrayTrajectories:
    """Trajectories from arrays in memory.

    Example:
        >>> source = ArrayTrajectories(Trajectories(np.zeros((3, 5), np.float32)))
        >>> source.of(np.array([4, 0])).shape
        (3, 2)
    """

    def __init__(self, trajectories: Trajectories) -> None:
        self._whole = trajectories
        self.epochs: NDArray[np.integer] = np.arange(1, len(trajectories.log_temperature) + 1)

    def of(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The log temperatures of some samples, (epochs, len(rows))."""
        return self._whole.log_temperature[:, rows]

    def part(
        self, rows: NDArray[np.integer], epochs: NDArray[np.integer] | None = None
    ) -> Trajectories:
        """All records of some samples, at some positions among the epochs; None for all."""
        chosen = np.arange(len(self.epochs)) if epochs is None else epochs
        present = {name: v for name, v in vars(self._whole).items() if v is not None}
        return Trajectories(**{name: values[chosen][:, rows] for name, values in present.items()})


class RunTrajectories:
    """Trajectories from a run folder whose epoch files stay on the disk until they are read.

    Memory holds what is asked for at a time, not the run: the files are mapped, not loaded.

    Where no temperatures of samples were learned, margins stand in for them: what the log
    temperatures would have been, to first order, at the rate that training chooses by itself.

    A sample that took no part in an epoch, as where the last batch is dropped or samples are drawn
    by weight, has there what was recorded of it before, or the first time.

    Args:
        run: The run folder; training may still be going on.
        index: Position in the data source of each sample wanted, (n,).

    Raises:
        RunError: If no epoch is finished.
    """

    def __init__(self, run: RunFolder, index: NDArray[np.integer]) -> None:
        numbers = run.epochs()
        if not numbers:
            raise RunError(_why_no_epoch(run))
        self._run = run
        self._records = [run.epoch_record(number, mapped=True) for number in numbers]
        self._served = 0
        self.epochs: NDArray[np.integer] = np.array(numbers)
        self._index = index
        self.has_temperatures = _has_temperatures(run, self._records)
        _require_all_samples(run, self._records, index, has_temperatures=self.has_temperatures)

    def of(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The log temperatures of some samples, (epochs, len(rows))."""
        if self.has_temperatures:
            return self._stack("instance_log_temperature", rows, self._records)
        margin, loss = (self._stack(name, rows, self._records) for name in ("margin", "loss"))
        source = _epochs_to_look_in(self._stack("rival", rows, self._records))
        if source is not None:
            margin, loss = (np.take_along_axis(values, source, axis=0) for values in (margin, loss))
        return log_temperatures_from_margins(margin, loss)

    def part(
        self, rows: NDArray[np.integer], epochs: NDArray[np.integer] | None = None
    ) -> Trajectories:
        """All records of some samples, at some positions among the epochs; None for all.

        Raises:
            RunError: If something recorded is not a finite number.
        """
        self._release_now_and_then(len(rows))
        records = self._records if epochs is None else [self._records[k] for k in epochs]
        recorded = {name: self._stack(name, rows, records) for name in _RECORDED}
        if (recorded["rival"] < 0).any():
            recorded = self._completed(rows, epochs)
        part = Trajectories(
            log_temperature=self._log_temperatures(rows, epochs, records), **recorded
        )
        # All epochs were read, and checked, before some of them are.
        if epochs is None:
            self._require_finite(part)
        return part

    def _completed(
        self, rows: NDArray[np.integer], epochs: NDArray[np.integer] | None
    ) -> dict[str, NDArray[Any]]:
        """What was recorded of some samples, where not all took part in every epoch."""
        recorded = {name: self._stack(name, rows, self._records) for name in _RECORDED}
        source = _epochs_to_look_in(recorded["rival"])
        if source is None:
            return recorded
        chosen = source if epochs is None else source[epochs]
        return {
            name: np.take_along_axis(values, chosen, axis=0) for name, values in recorded.items()
        }

    def _log_temperatures(
        self,
        rows: NDArray[np.integer],
        epochs: NDArray[np.integer] | None,
        records: list[EpochRecord],
    ) -> NDArray[np.float32]:
        if self.has_temperatures:
            return self._stack("instance_log_temperature", rows, records)
        return self.of(rows) if epochs is None else self.of(rows)[epochs]

    def _release_now_and_then(self, count: int) -> None:
        """Map the files anew after many samples, which gives the pages read so far back."""
        self._served += count
        if self._served > _ROWS_PER_MAPPING:
            numbers = self.epochs.tolist()
            self._records = [self._run.epoch_record(number, mapped=True) for number in numbers]
            self._served = count

    def _require_finite(self, part: Trajectories) -> None:
        for name in ("log_temperature", "margin", "loss", "error_norm"):
            # A sum is finite where all its terms are, and costs less than looking at each.
            sums = getattr(part, name).sum(axis=1, dtype=np.float64)
            if not np.isfinite(sums).all():
                epoch = int(self.epochs[np.flatnonzero(~np.isfinite(sums))[0]])
                raise RunError(
                    f"The record of epoch {epoch} has a {name} that is not a finite number; "
                    "expected what training writes. Train again with `restart=True`."
                )

    def _stack(
        self, name: str, rows: NDArray[np.integer], records: list[EpochRecord]
    ) -> NDArray[Any]:
        index = self._index[rows]
        return np.stack([getattr(record, name).numpy()[index] for record in records])


def parts(count: int) -> Iterator[NDArray[np.intp]]:
    """The numbers 0 ... count - 1 in pieces small enough to hold all their records in memory."""
    for start in range(0, count, _ROWS_AT_ONCE):
        yield np.arange(start, min(start + _ROWS_AT_ONCE, count))


def trained_samples(run: RunFolder) -> pl.DataFrame:
    """The rows of ``samples.parquet`` that the run trained on in any epoch.

    A selection leaves some out, and so may a loop that drops the last batch or draws by weight.
    """
    import polars as pl

    samples = run.samples()
    numbers = run.epochs()
    if not numbers:
        return samples
    index = samples["index"].to_numpy()
    took_part = np.zeros(len(index), dtype=bool)
    for number in reversed(numbers):
        missing = np.flatnonzero(~took_part)
        if not len(missing):
            break
        predicted = run.epoch_record(number, mapped=True).predicted.numpy()
        if index.max() >= len(predicted):
            raise RunError(
                f"{run.path} is damaged: samples.parquet has more samples than the epoch files."
            )
        took_part[missing] = predicted[index[missing]] >= 0
    return samples.filter(pl.Series(took_part))


def _epochs_to_look_in(rival: NDArray[np.integer]) -> NDArray[np.intp] | None:
    """In which epoch to look for what was recorded of a sample, by where it took part.

    Args:
        rival: As recorded, (epochs, n); -1 where the sample took no part.

    Returns:
        The position of the epoch itself or else the last one before, or else the first one after,
        (epochs, n); None where all samples took part in all epochs.

    Example:
        >>> _epochs_to_look_in(np.array([[-1], [3], [-1], [4]])).ravel().tolist()
        [1, 1, 1, 3]
    """
    is_there = rival >= 0
    if is_there.all():
        return None
    positions = np.arange(len(rival))[:, None]
    last = np.maximum.accumulate(np.where(is_there, positions, -1), axis=0)
    found: NDArray[np.intp] = np.where(last >= 0, last, is_there.argmax(axis=0))
    return found


def _why_no_epoch(run: RunFolder) -> str:
    description = run.description()
    error, status = description.get("error"), description.get("status")
    if status not in ("failed", "stopped") or not error:
        return f"{run.path} has not finished an epoch yet; analyze it when it has."
    return f"{run.path} has no finished epoch to analyze. Its training {status}: {error}"


def log_temperatures_from_margins(
    margin: NDArray[np.float32], loss: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What log temperatures would have been where none were learned, to first order.

    A log temperature moves against the expected margin z_y - sum_j p_j z_j, which is about
    (1 - p_y) times the margin to the strongest rival. Over all epochs a constant one moves it by
    1.67 times as much, as the automatic learning rate has it, within the usual clamp.

    Args:
        margin: Logit of the given label minus the highest other one, (epochs, n).
        loss: Cross-entropy without temperature, (epochs, n).

    Example:
        >>> half = np.full((2, 1), np.log(2), np.float32)
        >>> found = log_temperatures_from_margins(np.float32([[-1], [1]]), half)
        >>> [round(value, 2) for value in found.ravel().tolist()]
        [0.42, 0.0]
    """
    pull = np.expm1(-loss) * margin
    moved = np.cumsum(pull, axis=0) * np.float32(_MOVED_OVER_ALL / len(margin))
    clamped: NDArray[np.float32] = np.clip(moved, -_WIDEST, _WIDEST)
    return clamped


def _has_temperatures(run: RunFolder, records: list[EpochRecord]) -> bool:
    has = [len(record.instance_log_temperature) > 0 for record in records]
    if any(has) and not all(has):
        raise RunError(
            f"{run.path} is damaged: some of its epochs have instance parameters, others have "
            "none; expected the epochs of one training. Train again with `restart=True`."
        )
    return all(has)


def _require_all_samples(
    run: RunFolder,
    records: list[EpochRecord],
    index: NDArray[np.integer],
    *,
    has_temperatures: bool,
) -> None:
    fields = [*_RECORDED]
    if has_temperatures:
        fields.append("instance_log_temperature")
    fewest = min(len(getattr(record, name)) for record in records for name in fields)
    if len(index) and index.max() >= fewest:
        raise RunError(
            f"{run.path} is damaged: samples.parquet has more samples than the epoch files."
        )
