"""The samples to train on as arrays, for a training loop of one's own."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis import current_analysis
from dataparams.cleaning.selection import TRAINING, CleanSettings
from dataparams.cleaning.writing import clean_run
from dataparams.decisions.store import DecisionStore
from dataparams.errors import ArgumentError
from dataparams.run.cleaned_samples import read_cleaned
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CleanedArrays:
    """The samples to train on, n of them, by ascending index.

    Attributes:
        index: Number of each sample in the run, (n,), int64.
        label: Class of each, as it was decided, (n,), int64.
        weight: What its loss is to be multiplied by, (n,), float32, 0 ... 1.
        class_names: Name of class 0, 1, ...

    Example:
        >>> weight = np.array([1, 0.5], dtype=np.float32)
        >>> kept = CleanedArrays(np.array([0, 2]), np.array([1, 0]), weight, ("cat", "dog"))
        >>> len(kept), kept.of_all(4)
        (2, (array([ 1, -1,  0, -1]), array([1. , 0. , 0.5, 0. ], dtype=float32)))
    """

    index: NDArray[np.int64]
    label: NDArray[np.int64]
    weight: NDArray[np.float32]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.index)

    def of_all(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Labels and weights of all samples by their number; -1 and 0 where one is not kept.

        Args:
            count: The number of samples, N, kept or not.

        Returns:
            Labels (N,) and weights (N,).

        Raises:
            ArgumentError: If there are more.
        """
        if len(self) and int(self.index[-1]) >= count:
            raise ArgumentError(
                f"`count` is {count}, but sample {self.index[-1]} is kept; expected the number of "
                "all samples that the run was given."
            )
        labels, weights = np.full(count, -1, dtype=np.int64), np.zeros(count, dtype=np.float32)
        labels[self.index], weights[self.index] = self.label, self.weight
        return labels, weights


def cleaned(run: str | Path | RunFolder) -> CleanedArrays:
    """The samples of a run to train on next, with the labels and weights that were decided.

    They are those of ``cleaned.parquet``, as ``dataparams clean`` left it. Where there is none yet,
    it is made as that command makes it: of people's decisions where there are some, else of the
    easy samples with their own labels; the run is analyzed first, where that is needed.

    Args:
        run: The run folder, its path, or the path of a ``cleaned.parquet`` that lies elsewhere.

    Returns:
        Index, label and weight of each sample that is kept.

    Raises:
        RunError: If there is no such run, it has no finished epoch, or the file is damaged.
        ArgumentError: If a class would be left without samples.

    Example:
        Digits with a fifth of the labels wrong, recorded in a loop and cleaned:

        >>> import torch
        >>> from tempfile import mkdtemp
        >>> from sklearn.datasets import load_digits
        >>> from dataparams import Recording
        >>> digits = load_digits()
        >>> x, truth = torch.tensor(digits.data / 16).float(), torch.tensor(digits.target)
        >>> y = torch.where(torch.arange(len(x)) % 5 == 0, (truth + 1) % 10, truth)
        >>> model = torch.nn.Linear(64, 10)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        >>> run = Recording(f"{mkdtemp()}/digits", labels=y, epochs=5, batch_size=64)
        >>> for epoch in run.epochs(model, optimizer):
        ...     for index in torch.randperm(len(x)).split(64):
        ...         loss = run.loss(model(x[index]), y[index], index)
        ...         optimizer.zero_grad(); loss.backward(); optimizer.step(); run.step()
        >>> kept = cleaned(run.run)
        >>> share_right = (truth[kept.index].numpy() == kept.label).mean()
        >>> bool(share_right > 0.95), len(kept) > 1000
        (True, True)
    """
    if isinstance(run, str | Path) and Path(run).is_file():
        samples = read_cleaned(Path(run))
    else:
        folder = run if isinstance(run, RunFolder) else RunFolder(run)
        if not folder.cleaned.is_file():
            settings = CleanSettings("reviewed" if _has_decisions(folder) else "easy")
            clean_run(folder, current_analysis(folder).frame, settings)
        samples = read_cleaned(folder.cleaned)
    table = samples.samples.filter(samples.samples["split"] == TRAINING)
    return CleanedArrays(
        table["index"].to_numpy().copy(),
        table["label"].to_numpy().copy(),
        table["weight"].to_numpy().astype(np.float32),
        tuple(samples.made["class_names"]),
    )


def _has_decisions(run: RunFolder) -> bool:
    """Whether people's decisions are in force."""
    if not run.review.is_file():
        return False
    with closing(DecisionStore(run.review, read_only=True)) as store:
        return len(store.in_force()) > 0
