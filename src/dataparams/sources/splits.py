"""The splits of a source: the rows of each, and a share of every class set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dataparams.errors import ArgumentError, DataError
from dataparams.sources.split_names import ALL_SPLITS, means_same_split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.sources.source import Source

TRAINING = "train"
"""What the training split is called in a run, whatever the source calls it."""


def split_by_class(labels: Tensor, val_frac: float, *, seed: int) -> tuple[Tensor, Tensor]:
    """Split samples so that every class gives the same share to the validation split.

    Every class keeps at least one training sample; at least one sample is set aside.

    Args:
        labels: Class of each sample, (n,), int64.
        val_frac: Share to set aside, above 0 and below 1.
        seed: What the choice depends on, beside ``labels``.

    Returns:
        Positions of the training and of the validation samples, each sorted.

    Raises:
        DataError: If no class has two samples, so that nothing can be set aside.

    Example:
        >>> train, val = split_by_class(torch.tensor([0, 0, 1, 1, 1, 1]), 0.5, seed=0)
        >>> len(train), len(val)
        (3, 3)
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.argsort(labels, stable=True)
    counts = torch.unique(labels, return_counts=True)[1].tolist()
    if max(counts, default=0) < 2:
        raise DataError(
            "No class has two images, so none can be set aside for validation. "
            "Add images, or give the split as train/ and val/ subfolders."
        )
    shares = [min(round(val_frac * count), count - 1) for count in counts]
    if not any(shares):
        shares[counts.index(max(counts))] = 1
    is_val = torch.zeros(len(labels), dtype=torch.bool)
    start = 0
    for count, share in zip(counts, shares, strict=True):
        chosen = torch.randperm(count, generator=generator)[:share]
        is_val[order[start + chosen]] = True
        start += count
    return (~is_val).nonzero().squeeze(1), is_val.nonzero().squeeze(1)


def split_rows(source: Source, val_frac: float, *, seed: int) -> tuple[Tensor, Tensor]:
    """Split a source: as it comes, or by setting a share of every class aside.

    Args:
        source: All its samples.
        val_frac: Share to set aside, above 0 and below 1, where the source does not come split.
        seed: What that choice depends on.

    Returns:
        Rows of the training and of the validation samples, each sorted.

    Raises:
        DataError: If nothing can be set aside.
    """
    if not comes_split(source):
        return split_by_class(source.labels, val_frac, seed=seed)
    numbers = torch.from_numpy(numbers_of_splits(source))
    return (numbers == 0).nonzero().squeeze(1), (numbers == 1).nonzero().squeeze(1)


def comes_split(source: Source) -> bool:
    """Whether a source has a split to train on and others."""
    return source.train_rows is not None or source.split_numbers is not None


def split_numbers(sizes: Sequence[int]) -> NDArray[np.int64] | None:
    """The splits of rows that come split by split; None for two, which need no more than a border.

    Example:
        >>> split_numbers([2, 1, 1]).tolist(), split_numbers([2, 1])
        ([0, 0, 1, 2], None)
    """
    if len(sizes) <= len(("train", "val")):
        return None
    return np.repeat(np.arange(len(sizes)), sizes)


def numbers_of_splits(source: Source) -> NDArray[np.int64]:
    """Which split each row of a source is in, (N,): a place in :func:`names_of_splits`."""
    if source.split_numbers is not None:
        return source.split_numbers
    numbers = np.zeros(len(source), dtype=np.int64)
    if source.train_rows is not None:
        numbers[source.train_rows :] = 1
    return numbers


def names_of_splits(source: Source) -> tuple[str, ...]:
    """What the splits of a source are called in a run: ``train``, and the others as they are.

    Example:
        >>> from dataparams.sources.opening import open_source
        >>> names_of_splits(open_source("digits"))
        ('train',)
    """
    if not comes_split(source):
        return (TRAINING,)
    return (TRAINING, *(source.split_names[1:] or ("val",)))


def rows_of_splits(source: Source, wanted: str) -> NDArray[np.int64]:
    """The rows of the splits that somebody names.

    Args:
        source: The source.
        wanted: ``all``; or names with commas between, as of :func:`chosen_splits`.

    Returns:
        The rows, ascending.

    Raises:
        ArgumentError: If the source has no split of a name.

    Example:
        >>> from dataparams.sources.opening import open_source
        >>> len(rows_of_splits(open_source("digits"), "all"))
        1797
    """
    if wanted == ALL_SPLITS:
        return np.arange(len(source))
    names = names_of_splits(source)
    # The training split may be called otherwise there.
    own = dict(zip(source.split_names, names, strict=False))
    words = [own.get(word.strip(), word) for word in wanted.split(",")]
    chosen = [names.index(name) for name in chosen_splits(names, ",".join(words), source.place)]
    return np.flatnonzero(np.isin(numbers_of_splits(source), chosen))


def chosen_splits(names: Sequence[str], wanted: str, place: str) -> list[str]:
    """The splits that somebody names.

    Args:
        names: What the splits are called, training first, then what is validated on.
        wanted: ``all``; or names with commas between, as they are or by another word for the same:
            ``validation`` is ``val``, too, and whatever is validated on where nothing is called so.
        place: Whose splits they are, for an error.

    Raises:
        ArgumentError: If there is no split of a name.

    Example:
        >>> chosen_splits(["train", "val", "test"], "validation, test", "photos")
        ['val', 'test']
        >>> chosen_splits(["train", "test"], "val", "photos")
        ['test']
    """
    if wanted == ALL_SPLITS:
        return list(names)
    return list(dict.fromkeys(_chosen(names, word.strip(), place) for word in wanted.split(",")))


def _chosen(names: Sequence[str], wanted: str, place: str) -> str:
    same = [name for name in names if name.casefold() == wanted.casefold()]
    alike = same or [name for name in names if means_same_split(name, wanted)]
    if not alike and means_same_split(wanted, "val"):
        alike = list(names[1:2])
    if len(alike) != 1:
        there = ", ".join(names) if len(names) > 1 else f"{names[0]} alone"
        raise ArgumentError(
            f"`split` names {wanted!r}, but the samples of {place} are of: {there}. Expected "
            "`all`, or some of these with commas between."
        )
    return alike[0]
