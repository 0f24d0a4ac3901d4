"""What one round of cross-fitting says of every sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Round:
    """What one round says of n samples.

    Attributes:
        probability: Of the given label by the heads that did not see the sample, (n,), float32.
        vote: Share of the neighbors' votes for the given label, (n,), float32.
        evidence: Evidence for the given label, (n,), float32; that of all classes sums to 1.
        classes: The likeliest classes by evidence, (n, k), the likeliest first.
        class_evidence: Evidence for them, (n, k), float32.
        class_probability: The heads' probabilities of them, (n, k), float32.
        plain: Probability of the given label by the plain heads, (n,), float32; 1 / C without them.
        class_plain: Those of the likeliest classes, (n, k), float32.
        is_unlikely: Whether the given label is in the less likely half of the classes, (n,).
        is_kept: Whether the sample trains in the next round, (n,).
    """

    probability: NDArray[np.float32]
    vote: NDArray[np.float32]
    evidence: NDArray[np.float32]
    classes: NDArray[np.int32]
    class_evidence: NDArray[np.float32]
    class_probability: NDArray[np.float32]
    plain: NDArray[np.float32]
    class_plain: NDArray[np.float32]
    is_unlikely: NDArray[np.bool_]
    is_kept: NDArray[np.bool_]

    def as_if_given(
        self, rows: NDArray[np.int64], labels: NDArray[np.int64], num_classes: int
    ) -> Round:
        """The same of some samples, with the evidence for labels that were not given."""
        classes = self.classes[rows]
        is_asked = classes == labels[:, None]

        def of_asked(table: str) -> NDArray[np.float32]:
            values: NDArray[np.float32] = getattr(self, table)[rows]
            left = np.maximum(1 - values.sum(axis=1), 0) / max(num_classes - classes.shape[1], 1)
            left = np.minimum(left, values.min(axis=1))
            found = (values * is_asked).sum(axis=1)
            asked: NDArray[np.float32] = np.where(is_asked.any(axis=1), found, left)
            return asked

        changed = {name: of_asked(f"class_{name}") for name in ("evidence", "probability", "plain")}
        return Round(**{name: value[rows] for name, value in vars(self).items()} | changed)


class RoundInProgress:
    """A round that is filled a part at a time: no table of all samples and classes is made.

    Args:
        count: Number of samples.
        likeliest: How many of the likeliest classes are kept of each.
    """

    def __init__(self, count: int, likeliest: int) -> None:
        self.probability, self.vote, self.evidence, self.plain = (
            np.empty(count, dtype=np.float32) for _ in range(4)
        )
        self.is_unlikely = np.empty(count, dtype=bool)
        self.classes = np.empty((count, likeliest), dtype=np.int32)
        self.class_evidence = np.empty((count, likeliest), dtype=np.float32)
        self.class_probability = np.empty((count, likeliest), dtype=np.float32)
        self.class_plain = np.empty((count, likeliest), dtype=np.float32)

    def fill(
        self,
        rows: NDArray[np.int64],
        chance: Tensor,
        votes: Tensor,
        plain: Tensor,
        evidence: Tensor,
        labels: NDArray[np.int64],
    ) -> None:
        """Keep what was found of some samples.

        Args:
            rows: Which, (m,).
            chance: The heads' probabilities, (m, C).
            votes: The neighbors' votes, (m, C).
            plain: The plain heads' probabilities, (m, C).
            evidence: Evidence for each class, (m, C); it is scaled in place.
            labels: Their given labels, (m,).
        """
        evidence /= evidence.sum(dim=1, keepdim=True)
        column = torch.from_numpy(labels).unsqueeze(1)
        given = evidence.gather(1, column)
        self.probability[rows] = chance.gather(1, column).squeeze(1).numpy()
        self.plain[rows] = plain.gather(1, column).squeeze(1).numpy()
        self.vote[rows] = votes.gather(1, column).squeeze(1).numpy()
        self.evidence[rows] = given.squeeze(1).numpy()
        likelier = (evidence > given).sum(dim=1).numpy()
        self.is_unlikely[rows] = likelier >= evidence.shape[1] - evidence.shape[1] // 2
        best = evidence.topk(self.classes.shape[1], dim=1)
        self.classes[rows] = best.indices.to(torch.int32).numpy()
        self.class_evidence[rows] = best.values.numpy()
        self.class_probability[rows] = chance.gather(1, best.indices).numpy()
        self.class_plain[rows] = plain.gather(1, best.indices).numpy()

    def round(self, kept_above: float) -> Round:
        """The whole round; see ``CrossFittingSettings.kept_above``."""
        is_kept = self.evidence > kept_above * self.class_evidence[:, 0]
        return Round(**vars(self), is_kept=is_kept)
