"""What an analysis found of the data as a whole, as it is kept beside the rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.analysis.cautions import cautions
from dataparams.analysis.noise_rate import NoiseEstimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.analysis.recorded_noise import RecordedNoise
    from dataparams.runs import RunFolder


@dataclass(frozen=True)
class Findings:
    """What holds for the samples together.

    Attributes:
        noise: The estimated share of wrong labels, with its interval.
        warnings: Sentences that come first.
        unlearned: The numbers of the classes that the model never learned, ascending.
    """

    noise: NoiseEstimate
    warnings: tuple[str, ...] = ()
    unlearned: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class ValidationCounts:
    """How many validation samples of each class were right in each epoch, (epochs, C) each."""

    correct: NDArray[np.int64]
    count: NDArray[np.int64]

    def accuracies(self) -> NDArray[np.float64]:
        """The share of all validation samples that were right, (epochs,)."""
        accuracies: NDArray[np.float64] = self.correct.sum(axis=1) / self.count.sum(axis=1)
        return accuracies


def validation_counts(
    run: RunFolder, epochs: NDArray[np.integer], num_classes: int
) -> ValidationCounts | None:
    """Those of some epochs of a run; None where there were no validation samples.

    Raises:
        RunError: If ``validation.parquet`` is damaged.
    """
    table = run.validation()
    if table is None:
        return None
    wanted = pl.DataFrame({"epoch": np.repeat(epochs, num_classes)}).with_columns(
        label=pl.Series(np.tile(np.arange(num_classes), len(epochs)))
    )
    plain = table.cast(pl.Int64)
    joined = wanted.cast(pl.Int64).join(
        plain, on=["epoch", "label"], how="left", maintain_order="left"
    )
    counts = joined.select(pl.col("correct", "count").fill_null(0)).to_numpy()
    correct, count = counts.T.reshape(2, len(epochs), num_classes)
    return ValidationCounts(correct, count) if (count.sum(axis=1) > 0).all() else None


def findings_of(
    noise: RecordedNoise, epochs: int, validation: ValidationCounts | None = None
) -> Findings:
    """Put together what the records say, and what must be said before it.

    Args:
        noise: From the records.
        epochs: How many epochs there are.
        validation: Of the same epochs, where there were validation samples.
    """
    right, counts, what = noise.agreed.astype(np.float64), noise.counts, "training"
    if validation is not None and noise.epochs is not None:
        telling = noise.epochs[len(noise.epochs) // 2 :]
        right = validation.correct[telling].mean(axis=0)
        counts, what = validation.count[telling[-1]], "validation"
    return Findings(
        noise=noise.estimate,
        warnings=cautions(right, counts, what=what, epochs=epochs),
        unlearned=tuple(np.flatnonzero(noise.standing.is_unlearned).tolist()),
    )


def stored(findings: Findings) -> dict[str, Any]:
    """The findings as JSON can hold them."""
    return asdict(findings)


def restored(made: dict[str, Any]) -> Findings | None:
    """What :func:`stored` made; None where that is not there, or something else.

    Example:
        >>> found = Findings(NoiseEstimate(0.1, 0.05, 0.2), ("Look.",), (3,))
        >>> restored(stored(found)) == found
        True
    """
    noise, warnings, unlearned = (made.get(name) for name in Findings.__annotations__)
    if not isinstance(noise, dict) or set(noise) != set(NoiseEstimate.__annotations__):
        return None
    if not all(isinstance(value, int | float) for value in noise.values()):
        return None
    if not isinstance(warnings, list | tuple) or not isinstance(unlearned, list | tuple):
        return None
    return Findings(
        NoiseEstimate(**{name: float(value) for name, value in noise.items()}),
        tuple(map(str, warnings)),
        tuple(number for number in unlearned if isinstance(number, int)),
    )
