"""What an analysis found of the data as a whole, as it is kept beside the rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.analysis.cautions import cautions
from dataparams.analysis.noise_rate import NoiseEstimate
from dataparams.analysis.split_findings import SplitFindings, restored_splits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.analysis.recorded_noise import RecordedNoise


@dataclass(frozen=True)
class Findings:
    """What holds for the samples together.

    Attributes:
        noise: The estimated share of wrong labels, with its interval.
        warnings: Sentences that come first.
        unlearned: The numbers of the classes that the model never learned, ascending.
        disputed: Of an audit the share of labels for which another class is likelier, right or
            wrong; None of a training.
        splits: What is found of each split by itself; empty where there is one split alone.
    """

    noise: NoiseEstimate
    warnings: tuple[str, ...] = ()
    unlearned: tuple[int, ...] = ()
    disputed: float | None = None
    splits: tuple[SplitFindings, ...] = ()


def findings_of(
    noise: RecordedNoise,
    epochs: int | None,
    noticed: Sequence[str] = (),
    splits: tuple[SplitFindings, ...] = (),
) -> Findings:
    """Put together what the records say, and what must be said before it.

    Args:
        noise: From the records.
        epochs: How many epochs there are; None of heads, which need few.
        noticed: Sentences about the data that whoever made the run noticed.
        splits: What is found of each split by itself.
    """
    return Findings(
        noise=noise.estimate,
        warnings=(*cautions(noise.accuracies, epochs), *noticed),
        unlearned=tuple(np.flatnonzero(noise.standing.is_unlearned).tolist()),
        disputed=noise.disputed,
        splits=splits,
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
    noise, warnings, unlearned, disputed, splits = map(made.get, Findings.__annotations__)
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
        float(disputed) if isinstance(disputed, int | float) else None,
        restored_splits(splits),
    )
