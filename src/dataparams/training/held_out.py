"""What a model says of samples that it was not trained on, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch

from dataparams.training.outliers import OUTLIER_ABOVE
from dataparams.training.recorder import over_processes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from dataparams.training.cross_fitting import CrossFit

MOST_CLASSES = 10
"""How many of the likeliest classes are kept of a sample."""


class HeldOutRecorder:
    """Keeps class probabilities of held-out samples, on the device, until an epoch is over.

    Args:
        count: Number of samples, n.
        num_classes: C.
        device: Where the model is.

    Example:
        >>> recorder = HeldOutRecorder(2, 3, torch.device("cpu"))
        >>> logits = torch.tensor([[2.0, 0.0, -1.0]])
        >>> recorder.record(logits, torch.tensor([1]), torch.tensor([0]))
        >>> recorder.gather()
        >>> table = recorder.table([5, 6], ["a.jpg", "b.jpg"], torch.tensor([1, 2]), epoch=3)
        >>> table.select("index", "id", "label", "classes").row(0)
        (5, 'a.jpg', 1, [0, 1, 2])
    """

    def __init__(self, count: int, num_classes: int, device: torch.device) -> None:
        kept = min(MOST_CLASSES, num_classes)
        self._classes = torch.zeros(count, kept, dtype=torch.int32, device=device)
        self._probabilities = torch.zeros(count, kept + 1, device=device)

    def clear(self) -> None:
        """Forget everything, before an evaluation."""
        self._classes.zero_()
        self._probabilities.zero_()

    @torch.no_grad()
    def record(self, logits: Tensor, labels: Tensor, positions: Tensor) -> None:
        """Keep what the model says of a batch.

        Args:
            logits: (B, C).
            labels: Class of each as given, (B,), int64.
            positions: Which of the samples they are, (B,), int64.
        """
        probabilities = logits.float().softmax(dim=1)
        likeliest, classes = probabilities.topk(self._classes.shape[1], dim=1)
        given = probabilities.gather(1, labels.unsqueeze(1))
        self._classes[positions] = classes.to(torch.int32) + 1
        self._probabilities[positions] = torch.cat((given, likeliest), dim=1)

    def gather(self) -> None:
        """Bring together what the processes have; all of them must call it."""
        over_processes(self._classes)
        over_processes(self._probabilities)

    def table(
        self, index: Sequence[int], ids: Sequence[str], labels: Tensor, *, epoch: int
    ) -> pl.DataFrame:
        """The rows of ``held_out.parquet``, of what was gathered.

        Args:
            index: Row of each sample in the source, n of them.
            ids: Path or ``split/row`` of each.
            labels: Class of each as given, (n,), int64.
            epoch: After how many epochs.

        Returns:
            ``index``, ``id``, ``label``, ``probability`` (of the given label), ``classes`` (the ten
            likeliest, the likeliest first), ``probabilities`` (theirs), ``epoch``; no row for a
            sample that could not be shown to the model.
        """
        classes, probabilities = self._classes.cpu(), self._probabilities.cpu()
        table = pl.DataFrame(
            {
                "index": list(index),
                "id": list(ids),
                "label": labels.numpy(),
                "probability": probabilities[:, 0].numpy(),
                "classes": pl.Series((classes - 1).numpy()).cast(pl.List(pl.Int32)),
                "probabilities": pl.Series(probabilities[:, 1:].numpy()).cast(pl.List(pl.Float32)),
            },
            schema_overrides={"index": pl.Int64, "id": pl.String, "label": pl.Int64},
        )
        is_seen = pl.Series((classes[:, 0] > 0).numpy())
        return table.with_columns(epoch=pl.lit(epoch, pl.Int64)).filter(is_seen)


def held_out_table(
    fit: CrossFit,
    outlier_score: NDArray[np.float64],
    index: pl.Series,
    ids: pl.Series,
    labels: pl.Series,
    *,
    epoch: int,
) -> pl.DataFrame:
    """The rows of ``held_out.parquet`` of cross-fitted heads.

    Args:
        fit: What they say of n samples.
        outlier_score: How far each is from all classes, (n,), 0 ... 1.
        index: Row of each sample in the source, (n,).
        ids: Path or ``split/row`` of each.
        labels: Class of each as given.
        epoch: After how many epochs.

    Returns:
        What :meth:`HeldOutRecorder.table` has, by the last round, and beside it ``vote`` (share of
        the neighbors' votes for the given label), ``evidence`` (for it, over all rounds; low is
        bad), ``class_evidence`` (for ``classes``, in the last round), ``is_outlier``,
        ``outlier_score``, and of each round
        ``round_probability``, ``round_vote`` and ``round_evidence``.
    """
    last = fit.rounds[-1]

    def lists(values: NDArray[np.generic]) -> pl.Series:
        kind = pl.Int32 if values.dtype == np.int32 else pl.Float32
        column = pl.Series(values, dtype=pl.Array(kind, values.shape[1]))
        listed: pl.Series = column.cast(pl.List(kind))
        return listed

    rounds = {
        f"round_{name}": lists(np.stack([getattr(one, name) for one in fit.rounds], axis=1))
        for name in ("probability", "vote", "evidence")
    }
    return pl.DataFrame(
        {
            "index": index,
            "id": ids,
            "label": labels,
            "probability": last.probability,
            "classes": lists(last.classes),
            "probabilities": lists(last.class_probability),
            "vote": last.vote,
            "evidence": fit.support,
            "class_evidence": lists(last.class_evidence),
            "is_outlier": outlier_score > OUTLIER_ABOVE,
            "outlier_score": outlier_score.astype(np.float32),
            **rounds,
        },
        schema_overrides={"index": pl.Int64, "id": pl.String, "label": pl.Int64},
    ).with_columns(epoch=pl.lit(epoch, pl.Int64))
