"""The temperatures that a run learned of its classes: which ones the model discounts most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.errors import RunError
from dataparams.terminal.words import text_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.run.folder import RunFolder

_HIGHEST, _LOWEST = 10, 3


def class_temperatures(run: RunFolder) -> pl.DataFrame | None:
    """The temperature of every class after every epoch.

    In a joint run the temperature of a sample is the sum of its class's and its own.

    Args:
        run: The run folder; training may still be going on.

    Returns:
        A row per epoch and class, in this order: ``epoch``, ``label``, ``label_name``,
        ``temperature`` (above 0). None where class parameters were not learned.

    Raises:
        RunError: If a record has not one number per class, or one that is not finite.
    """
    names = run.class_names()
    learned: dict[int, NDArray[np.float64]] = {}
    for epoch in run.epochs():
        values = run.epoch_record(epoch, mapped=True).class_log_temperature.double().numpy()
        if len(values):
            _require_one_per_class(run, epoch, values, len(names))
            learned[epoch] = np.exp(values)
    if not learned:
        return None
    return pl.DataFrame(
        {
            "epoch": np.repeat(list(learned), len(names)),
            "label": np.tile(np.arange(len(names)), len(learned)),
            "label_name": list(names) * len(learned),
            "temperature": np.concatenate(list(learned.values())),
        }
    )


def ranked_classes(table: pl.DataFrame) -> pl.DataFrame:
    """The classes by their temperature after the last epoch, the highest first.

    Args:
        table: From :func:`class_temperatures`.

    Returns:
        A row per class: ``label``, ``label_name``, ``temperature`` after the last epoch,
        ``first_temperature`` after the first one.

    Example:
        >>> table = pl.DataFrame({
        ...     "epoch": [1, 1, 2, 2], "label": [0, 1, 0, 1], "label_name": ["cat", "dog"] * 2,
        ...     "temperature": [1.0, 1.1, 0.9, 1.5]})
        >>> ranked_classes(table).rows()
        [(1, 'dog', 1.5, 1.1), (0, 'cat', 0.9, 1.0)]
    """
    first = table.filter(pl.col("epoch") == pl.col("epoch").min())
    last = table.filter(pl.col("epoch") == pl.col("epoch").max())
    return (
        last.join(first.select("label", first_temperature="temperature"), on="label", how="left")
        .sort(["temperature", "label"], descending=[True, False])
        .select("label", "label_name", "temperature", "first_temperature")
    )


def class_temperatures_text(table: pl.DataFrame) -> str:
    """The ten classes of the highest temperature and the three of the lowest, for a terminal.

    Args:
        table: From :func:`class_temperatures`.

    Example:
        >>> table = pl.DataFrame({
        ...     "epoch": [1, 1, 2, 2], "label": [0, 1, 0, 1], "label_name": ["cat", "dog"] * 2,
        ...     "temperature": [1.0, 1.1, 0.9, 1.5]})
        >>> print(class_temperatures_text(table))
        Temperatures of the classes, the highest first (high: the model discounts their labels):
          class  temperature  after epoch 1
          dog    1.5          1.1
          cat    0.9          1
    """
    ranked = ranked_classes(table)
    rows = [
        [row["label_name"], f"{row['temperature']:.3g}", f"{row['first_temperature']:.3g}"]
        for row in ranked.iter_rows(named=True)
    ]
    title = "Temperatures of the classes, the highest first"
    if len(rows) > _HIGHEST + _LOWEST:
        title = f"The {_HIGHEST} highest and the {_LOWEST} lowest of {len(rows)} class temperatures"
        rows = [*rows[:_HIGHEST], ["...", "", ""], *rows[-_LOWEST:]]
    header = ["class", "temperature", f"after epoch {int(table['epoch'][0])}"]
    return f"{title} (high: the model discounts their labels):\n" + text_table(header, rows)


def _require_one_per_class(
    run: RunFolder, epoch: int, values: NDArray[np.float64], count: int
) -> None:
    if len(values) != count:
        raise RunError(
            f"{run.path} is damaged: the record of epoch {epoch} has {len(values)} class "
            f"parameters; expected {count}, one per class."
        )
    if not np.isfinite(values).all():
        raise RunError(
            f"The record of epoch {epoch} has a class parameter that is not a finite number; "
            "expected what training writes. Train again with `restart=True`."
        )
