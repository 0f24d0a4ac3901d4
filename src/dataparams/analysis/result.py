"""What an analysis hands over to figures, report and review: tables, trajectories and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

Category = Literal["easy", "hard", "review"]
CATEGORIES: tuple[Category, ...] = ("easy", "hard", "review")
"""``easy``: learned early and kept. ``hard``: never learned, a wrong label or an outlier.
``review``: neither with confidence."""


class Pictures(Protocol):
    """Where the pictures of samples come from."""

    def read(self, ids: Sequence[str]) -> list[NDArray[np.uint8] | None]:
        """The pictures of some samples, (height, width, 3) each; None where one is unreadable."""


class LogTemperatures(Protocol):
    """The log temperatures of samples over the epochs."""

    def of(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The trajectories of some samples, (epochs, len(rows)); rows are rows of the frame."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """A run understood: a row per sample, and what sums the rows up.

    Attributes:
        name: What was analysed, for titles.
        frame: A row per sample: ``index``, ``id``, ``label``, ``label_name``, ``category``, its
            posterior ``p_easy``, ``p_hard``, ``p_review``; ``noise_probability`` (that the label is
            wrong); ``suspicion`` (0 ... 1, the share of samples that are less suspicious);
            ``suggested_label``, ``suggested_name`` (the class that the model preferred over the
            epochs) and ``suggested_confidence`` (how likely that is the true class, given the
            label as well); ``subgroup`` (null for easy samples); the other scores; where the truth
            is known ``true_label`` and ``is_corrupted``.
        class_names: Name of class 0, 1, ...
        epochs: The epochs of which trajectories are made, ascending.
        log_temperatures: The trajectories.
        classes: A row per class: ``label``, ``label_name``, ``count``, ``easy``, ``hard``,
            ``review`` (counts), ``noise_rate`` (estimated share of wrong labels).
        confusions: Given label against suggested label, the most frequent first: ``label``,
            ``label_name``, ``suggested_label``, ``suggested_name``, ``count``.
        subgroups: The kinds within the hard and need-review samples of each class: ``label``,
            ``label_name``, ``subgroup``, ``count``, ``hard``, ``review`` (counts),
            ``share_of_hard``, ``share_of_review`` (of the class's), ``suggested_name`` (the most
            frequent).
        bands: Temperatures over the epochs: ``group`` (a category; ``clean`` and ``corrupted``
            where the truth is known), ``epoch``, ``low`` (5 %), ``median``, ``high`` (95 %).
        noise_rate: Estimated share of wrong labels in the whole.
        pictures: Where pictures come from; None where there are none.
    """

    name: str
    frame: pl.DataFrame
    class_names: tuple[str, ...]
    epochs: tuple[int, ...]
    log_temperatures: LogTemperatures
    classes: pl.DataFrame
    confusions: pl.DataFrame
    subgroups: pl.DataFrame
    bands: pl.DataFrame
    noise_rate: float
    pictures: Pictures | None = None
