"""Labeled images in memory, as training takes them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from dataparams.sources.source import Source


@dataclass(frozen=True)
class UnreadableSample:
    """A sample of the data source whose image could not be decoded.

    Attributes:
        index: Row in the source, ``0 ... num_instances - 1``.
        id: Path or ``split/row``, as in ``LabeledImages.ids``.
        reason: Why, in a few words.
    """

    index: int
    id: str
    reason: str


def require_numbers(count: int, labels: Tensor, index: Tensor, num_instances: int) -> None:
    """Check the labels and indices of some samples.

    Args:
        count: Number of samples, n.
        labels: Class of each, (n,).
        index: Row of each in the source, (n,).
        num_instances: Rows of the source.

    Raises:
        ValueError: If the shapes do not fit, or an index is out of range.
    """
    for name, values in (("labels", labels), ("index", index)):
        if values.shape != (count,):
            raise ValueError(
                f"{name} has shape {tuple(values.shape)}; expected ({count},), one for each id."
            )
    if count and not 0 <= int(index.min()) <= int(index.max()) < num_instances:
        raise ValueError(
            f"index runs from {int(index.min())} to {int(index.max())}; expected 0 ... "
            f"{num_instances - 1}, since num_instances is {num_instances}."
        )


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """The readable samples of one split of a data source, in the order of the source.

    Attributes:
        images: Pixels 0 ... 255, (n, channels, height, width), uint8; 1 or 3 channels.
        labels: Class of each sample as given, (n,), int64.
        ids: Path or ``split/row`` of each sample, n of them.
        index: Row of each sample in the source, (n,), int64, ``0 ... num_instances - 1``. A
            selection keeps it.
        num_instances: Samples in the source, of all splits, readable or not, selected or not.
        unreadable: Samples of the source that are left out because their image is damaged.
        digests: What tells the content of each sample from others, n of them; empty where it is not
            known but by the pixels.

    Raises:
        ValueError: If the shapes do not fit each other, or an index is out of range.

    Example:
        >>> import torch
        >>> samples = LabeledImages(
        ...     images=torch.zeros(3, 1, 8, 8, dtype=torch.uint8),
        ...     labels=torch.tensor([0, 1, 1]),
        ...     ids=("train/0", "train/1", "train/2"),
        ...     index=torch.arange(3),
        ...     num_instances=3,
        ... )
        >>> chosen = samples.select(torch.tensor([2, 0]))
        >>> len(chosen), chosen.ids, chosen.index.tolist(), chosen.num_instances
        (2, ('train/2', 'train/0'), [2, 0], 3)
    """

    images: Tensor
    labels: Tensor
    ids: tuple[str, ...]
    index: Tensor
    num_instances: int
    unreadable: tuple[UnreadableSample, ...] = ()
    digests: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.ids)
        if self.images.ndim != 4 or len(self.images) != count:
            raise ValueError(
                f"images has shape {tuple(self.images.shape)}; "
                f"expected ({count}, channels, height, width), one image for each id."
            )
        require_numbers(count, self.labels, self.index, self.num_instances)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def select(self, positions: Tensor) -> LabeledImages:
        """Take some samples; they keep their index in the data source.

        Args:
            positions: Positions within these samples, (m,), int64, in the order wanted.

        Returns:
            The m samples. ``num_instances`` and ``unreadable`` stay: they tell of the source.
        """
        return replace(
            self,
            images=self.images[positions],
            labels=self.labels[positions],
            ids=tuple(self.ids[position] for position in positions.tolist()),
            index=self.index[positions],
            digests=tuple(self.digests[position] for position in positions.tolist())
            if self.digests
            else (),
        )

    def with_labels(self, labels: Tensor) -> LabeledImages:
        """Give the same samples other labels.

        Args:
            labels: Class of each sample, (n,), int64.

        Returns:
            A copy that shares the images.

        Raises:
            ValueError: If the number of labels differs from the number of samples.
        """
        return replace(self, labels=labels)

    def in_color(self) -> LabeledImages:
        """The same samples with three channels; gray images get three equal channels."""
        return replace(self, images=self.images.expand(-1, 3, -1, -1))


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """A data set: two splits, the names of the classes, and what identifies its contents.

    Attributes:
        name: Short name that can be a folder's name, such as ``cifar10``.
        train: The training split.
        val: The validation split.
        class_names: Name of class 0, 1, ...
        fingerprint: SHA-256, in hex, of the ids, labels and pixels of both splits.
        source: Where they come from; None where they were made in Python.
    """

    name: str
    train: LabeledImages
    val: LabeledImages
    class_names: tuple[str, ...]
    fingerprint: str
    source: Source | None = None


def make_dataset(
    name: str,
    train: LabeledImages,
    val: LabeledImages,
    class_names: tuple[str, ...],
    source: Source | None = None,
) -> ImageDataset:
    """Put two splits together and take their fingerprint.

    Args:
        name: Short name of the data set that can be a folder's name.
        train: The training split, on the CPU.
        val: The validation split, on the CPU.
        class_names: Name of class 0, 1, ...
        source: Where they come from; None where they were made in Python.

    Returns:
        The data set.
    """
    return ImageDataset(name, train, val, class_names, _fingerprint(train, val), source)


def _fingerprint(*splits: LabeledImages) -> str:
    digest = hashlib.sha256()
    for split in splits:
        # JSON keeps ["ab", "c"] apart from ["a", "bc"]; the shape does the same for pixels.
        digest.update(json.dumps([split.ids, list(split.images.shape)]).encode())
        digest.update(split.labels.contiguous().numpy().data)
        digest.update(split.images.contiguous().numpy().data)
    return digest.hexdigest()
