"""Setting a share of every class aside for validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dataparams.errors import DataError

if TYPE_CHECKING:
    from dataparams.sources.source import Source


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
    if source.train_rows is None:
        return split_by_class(source.labels, val_frac, seed=seed)
    rows = torch.arange(len(source))
    return rows[: source.train_rows], rows[source.train_rows :]
