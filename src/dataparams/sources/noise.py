"""Wrong labels on purpose: injected by a rule, or taken from a file, with the truth kept."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, get_args

import numpy as np
import torch
from torch import Tensor

from dataparams.batches.labeled_images import LabeledImages
from dataparams.batches.streamed_images import StreamedImages
from dataparams.errors import DataError, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

_Split = TypeVar("_Split", LabeledImages, StreamedImages, LabeledImages | StreamedImages)
NoiseKind: TypeAlias = Literal["swap", "symmetric", "pairflip"]
NOISE_KINDS: tuple[str, ...] = get_args(NoiseKind)
KEEP = -1
_FILE_PREFIX = "file:"


@dataclass(frozen=True, eq=False)
class CorruptedLabels:
    """Labels of which some are wrong, and what they should be.

    Attributes:
        labels: The labels to train on, (n,), int64.
        true_labels: The labels before corruption, (n,), int64.
        is_corrupted: Where the two differ, (n,), bool.
    """

    labels: Tensor
    true_labels: Tensor
    is_corrupted: Tensor


def corrupt_labels(
    labels: Tensor, *, kind: NoiseKind, fraction: float, num_classes: int, seed: int
) -> CorruptedLabels:
    """Make some labels wrong.

    ``round(fraction * n)`` samples are chosen, each with the same probability. Then ``swap``
    permutes the labels among them, which leaves the histogram as it is and a few labels right by
    chance; ``symmetric`` gives each a random other class; ``pairflip`` makes class c class c + 1,
    and the last class the first.

    Args:
        labels: Class of each sample, (n,), int64, ``0 ... num_classes - 1``.
        kind: ``swap``, ``symmetric`` or ``pairflip``.
        fraction: Share of the samples to choose, 0 ... 1.
        num_classes: Number of classes, at least 2.
        seed: What the choice depends on, beside the arguments above.

    Returns:
        The new labels and the truth; ``labels`` stays as it is.

    Raises:
        UserError: If ``kind`` or ``fraction`` is not one of those.
        ValueError: If ``num_classes`` is below 2, or a label is out of range.

    Example:
        >>> labels = torch.tensor([0, 0, 1, 1, 2, 2])
        >>> noisy = corrupt_labels(labels, kind="pairflip", fraction=0.5, num_classes=3, seed=0)
        >>> int(noisy.is_corrupted.sum())
        3
    """
    _require_noise_arguments(kind, fraction)
    if num_classes < 2:
        raise ValueError(f"num_classes is {num_classes}; expected at least 2.")
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < num_classes:
        raise ValueError(
            f"labels run from {int(labels.min())} to {int(labels.max())}; "
            f"expected 0 ... {num_classes - 1}, since num_classes is {num_classes}."
        )
    generator = torch.Generator().manual_seed(seed)
    count = round(fraction * len(labels))
    chosen = torch.randperm(len(labels), generator=generator)[:count]
    if kind == "swap":
        replacement = labels[chosen[torch.randperm(count, generator=generator)]]
    elif kind == "symmetric":
        shift = torch.randint(1, num_classes, (count,), generator=generator)
        replacement = (labels[chosen] + shift) % num_classes
    else:
        replacement = (labels[chosen] + 1) % num_classes
    corrupted = labels.clone()
    corrupted[chosen] = replacement
    return CorruptedLabels(corrupted, labels.clone(), corrupted != labels)


def apply_noise(
    train: _Split, noise: str, fraction: float, *, seed: int, class_names: Sequence[str]
) -> tuple[_Split, CorruptedLabels]:
    """Make some labels of a training split wrong; its own labels count as the truth.

    Args:
        train: The training split.
        noise: ``swap``, ``symmetric``, ``pairflip``, or ``file:PATH`` for the labels in a file
            (see ``read_labels``), whose rows are positions in the data source.
        fraction: Share of the samples to choose, 0 ... 1; a file makes no use of it.
        seed: What the choice depends on.
        class_names: Name of class 0, 1, ...

    Returns:
        The split with the new labels; and labels, truth and where they differ.

    Raises:
        UserError: If ``noise`` or ``fraction`` is not one of those.
        DataError: If the file cannot be used.
    """
    if noise.startswith(_FILE_PREFIX):
        path = Path(noise.removeprefix(_FILE_PREFIX)).expanduser()
        given = read_labels(path, num_instances=train.num_instances, class_names=class_names)
        given = given[train.index]
        labels = torch.where(given == KEEP, train.labels, given)
        noisy = CorruptedLabels(labels, train.labels.clone(), labels != train.labels)
    else:
        kind = _require_noise_arguments(noise, fraction)
        noisy = corrupt_labels(
            train.labels, kind=kind, fraction=fraction, num_classes=len(class_names), seed=seed
        )
    return train.with_labels(noisy.labels), noisy


def require_noise(noise: str, fraction: float) -> None:
    """Refuse a noise that nobody knows, also where its fraction is 0 and it would change nothing.

    Args:
        noise: As in :func:`apply_noise`; a file is not looked for.
        fraction: As in :func:`apply_noise`.

    Raises:
        UserError: If ``noise`` or ``fraction`` is not one of those.
    """
    if not noise.startswith(_FILE_PREFIX):
        _require_noise_arguments(noise, fraction)


def _require_noise_arguments(kind: str, fraction: float) -> NoiseKind:
    for known in get_args(NoiseKind):
        if known == kind:
            if not 0 <= fraction <= 1:
                raise UserError(
                    f"The share of labels to corrupt is {fraction}; expected a number 0 ... 1."
                )
            noise: NoiseKind = known
            return noise
    raise UserError(
        f"There is no noise {kind!r}; expected {', '.join(NOISE_KINDS)} or file:PATH."
        + _suggestion(kind, NOISE_KINDS)
    )


def _suggestion(given: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(given, known, n=1)
    return f" Did you mean {nearest[0]!r}?" if nearest else ""


def read_labels(path: Path, *, num_instances: int, class_names: Sequence[str]) -> Tensor:
    """Read one label per sample of a data source from a file.

    Args:
        path: ``.npy`` with integers, (num_instances,); or ``.csv`` with a column ``label`` and a
            row per sample, or with columns ``index`` and ``label`` that may name some samples
            only. In a CSV file a label is the name of a class or its number; where a class is
            named by a number, the name counts.
        num_instances: Samples in the data source.
        class_names: Name of class 0, 1, ...

    Returns:
        Class of each sample, (num_instances,), int64; -1 for those the file does not name, whose
        label is to stay.

    Raises:
        DataError: If the file is missing, is neither of these, has the wrong length, or has a
            label or index out of range; with the row.
    """
    if not path.is_file():
        raise DataError(f"The file of labels {path} does not exist.")
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _read_npy(path, num_instances, len(class_names))
    if suffix == ".csv":
        return _read_csv(path, num_instances, class_names)
    raise DataError(f"The file of labels {path} ends in {suffix!r}; expected .npy or .csv.")


def _read_npy(path: Path, num_instances: int, num_classes: int) -> Tensor:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read as a NumPy file: {error}") from error
    if not isinstance(array, np.ndarray) or not np.issubdtype(array.dtype, np.integer):
        found = getattr(array, "dtype", "several arrays")
        raise DataError(f"{path} holds {found}; expected one array of integers.")
    if array.shape != (num_instances,):
        raise DataError(
            f"{path} has shape {array.shape}; expected ({num_instances},), a label for each "
            "sample of the data set."
        )
    is_outside = (array < 0) | (array >= num_classes)
    if is_outside.any():
        row = int(is_outside.argmax())
        raise DataError(_out_of_range(path, row, str(array[row]), num_classes))
    return torch.from_numpy(array.astype(np.int64))


def _out_of_range(path: Path, row: int, given: str, num_classes: int) -> str:
    return f"Row {row} of {path} has the label {given}; expected 0 ... {num_classes - 1}."


def _read_csv(path: Path, num_instances: int, class_names: Sequence[str]) -> Tensor:
    import polars as pl

    try:
        table = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        first_line = str(error).partition("\n")[0]
        raise DataError(f"{path} cannot be read as CSV: {first_line}") from error
    table = table.rename({name: name.strip().lower() for name in table.columns})
    if "label" not in table.columns:
        raise DataError(
            f"{path} has the columns {', '.join(table.columns)}; "
            "expected 'label', or 'index' and 'label'."
        )
    labels = torch.tensor(_parse_labels(path, table["label"], class_names), dtype=torch.int64)
    if "index" in table.columns:
        index = _parse_index(path, table["index"], num_instances)
        every = torch.full((num_instances,), KEEP, dtype=torch.int64)
        every[index] = labels
        return every
    if len(labels) != num_instances:
        raise DataError(
            f"{path} has {len(labels)} labels; expected {num_instances}, a label for each sample "
            "of the data set. To name some samples only, add a column 'index'."
        )
    return labels


def _parse_labels(path: Path, column: pl.Series, class_names: Sequence[str]) -> list[int]:
    number = {name: position for position, name in enumerate(class_names)}
    labels = []
    for row, given in enumerate(column):
        text = (given or "").strip()
        label = number.get(text, _integer(text))
        if label is None:
            raise DataError(
                f"Row {row} of {path} has the label {text!r}; expected the name of a class or a "
                f"number 0 ... {len(class_names) - 1}." + _suggestion(text, class_names)
            )
        if not 0 <= label < len(class_names):
            raise DataError(_out_of_range(path, row, text, len(class_names)))
        labels.append(label)
    return labels


def _parse_index(path: Path, column: pl.Series, num_instances: int) -> Tensor:
    seen: dict[int, int] = {}
    for row, given in enumerate(column):
        index = _integer((given or "").strip())
        if index is None or not 0 <= index < num_instances:
            raise DataError(
                f"Row {row} of {path} has the index {given!r}; expected 0 ... {num_instances - 1}."
            )
        if index in seen:
            raise DataError(f"Rows {seen[index]} and {row} of {path} both have the index {index}.")
        seen[index] = row
    return torch.tensor(list(seen), dtype=torch.int64)


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
