"""What values are usual in the rows of a class, read when its first row is shown."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from dataparams.web.unusual_values import class_norms

if TYPE_CHECKING:
    from dataparams.analysis.result import SampleContents
    from dataparams.review.samples import ReviewSamples
    from dataparams.web.unusual_values import ClassNorms

_CLASSES_KEPT = 1_000


class RowNorms:
    """What values are usual in the rows of each class.

    Args:
        samples: All samples.
        contents: Where their rows come from.
    """

    def __init__(self, samples: ReviewSamples, contents: SampleContents) -> None:
        self._samples, self._contents = samples, contents
        self._of_class = lru_cache(_CLASSES_KEPT)(self._read)

    def of(self, index: int) -> ClassNorms:
        """The norms of the class that a sample was given.

        Raises:
            UserError: If the source is gone, or samples of the class are not what they were.
        """
        (rank,) = self._samples.ranks_of([index])
        return self._of_class(int(self._samples.label[rank]))

    def _read(self, label: int) -> ClassNorms:
        return class_norms(self._contents, self._samples.ids(self._samples.members(label)))
