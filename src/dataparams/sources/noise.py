"""Wrong labels on purpose: injected by a rule, or taken from a file, with the truth kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from dataparams.errors import ArgumentError, require_share
from dataparams.sources.file_rows import nearest_name
from dataparams.sources.label_file import KEEP, read_labels

if TYPE_CHECKING:
    from dataparams.sources.source import Source

NoiseKind: TypeAlias = Literal["swap", "symmetric", "pairflip"]
NOISE_KINDS: tuple[str, ...] = get_args(NoiseKind)
_FILE_PREFIX = "file:"


@dataclass(frozen=True, eq=False)
class CorruptedLabels:
    """Labels of which some are wrong, and what they should be.

    Attributes:
        labels: The labels to train on, (n,), int64.
        true_labels: The labels before corruption, (n,), int64.
        is_corrupted: Where the two differ, (n,), bool.
        unused: How many labels a file has for samples that are not among these.
    """

    labels: Tensor
    true_labels: Tensor
    is_corrupted: Tensor
    unused: int = 0


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
        ArgumentError: If ``kind`` or ``fraction`` is not one of those.
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


def corrupt_source(
    source: Source, rows: Tensor, noise: str, fraction: float, *, seed: int
) -> CorruptedLabels:
    """Make labels of some samples of a source wrong; its own labels count as the truth.

    Args:
        source: All samples.
        rows: Rows of those to train on, (n,), int64, none twice.
        noise: ``swap``, ``symmetric``, ``pairflip``, or ``file:PATH`` for the labels in a file;
            see :func:`~dataparams.sources.label_file.read_labels`.
        fraction: Share of the samples to choose, 0 ... 1; 0 beside a file.
        seed: What the choice depends on.

    Returns:
        Labels and truth of these rows, in their order.

    Raises:
        ArgumentError: If ``noise`` or ``fraction`` is not one of those.
        DataError: If the file cannot be used.
    """
    require_noise(noise, fraction)
    true_labels = source.labels[rows]
    if not noise.startswith(_FILE_PREFIX):
        return corrupt_labels(
            true_labels,
            kind=_require_noise_arguments(noise, fraction),
            fraction=fraction,
            num_classes=len(source.class_names),
            seed=seed,
        )
    given = read_labels(Path(noise.removeprefix(_FILE_PREFIX)).expanduser(), source)
    of_rows = given[rows]
    labels = torch.where(of_rows == KEEP, true_labels, of_rows)
    unused = int((given != KEEP).sum() - (of_rows != KEEP).sum())
    return CorruptedLabels(labels, true_labels, labels != true_labels, unused)


def require_noise(noise: str, fraction: float) -> None:
    """Refuse an unknown kind of noise, even with a fraction of 0, which changes no label.

    Args:
        noise: As in :func:`corrupt_source`; a file is not looked for.
        fraction: As in :func:`corrupt_source`.

    Raises:
        ArgumentError: If ``noise`` or ``fraction`` is not one of those, or a fraction is given
            beside a file.
    """
    if not noise.startswith(_FILE_PREFIX):
        _require_noise_arguments(noise, fraction)
    elif fraction:
        raise ArgumentError(
            f'`rand_fraction` is {fraction}, but the labels of `noise="{noise}"` are taken as the '
            "file has them, and no others are made wrong. Leave out `rand_fraction`, or give "
            f"as `noise` one of {', '.join(NOISE_KINDS[:-1])} or {NOISE_KINDS[-1]}."
        )


def _require_noise_arguments(kind: str, fraction: float) -> NoiseKind:
    for known in get_args(NoiseKind):
        if known == kind:
            require_share("rand_fraction", fraction)
            noise: NoiseKind = known
            return noise
    nearest = nearest_name(kind, NOISE_KINDS)
    raise ArgumentError(
        f"`noise` is {kind!r}; expected {', '.join(NOISE_KINDS)} or file:PATH."
        + ("" if nearest is None else f" Did you mean {nearest!r}?")
    )
