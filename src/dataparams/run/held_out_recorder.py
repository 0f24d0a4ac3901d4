"""What a model in training says of samples that it is not trained on, kept on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import torch

from dataparams.run.sample_recorder import combined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

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
        self._probabilities, self._classes = combined(
            self._classes[:, 0] > 0, self._probabilities, self._classes
        )

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
