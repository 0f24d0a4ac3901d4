"""How the data of a training are found, read and split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataparams.training.config import Loader


@dataclass(frozen=True)
class SourceSettings:
    """How a data set is found, read and split.

    Attributes:
        location: A built-in data set, a path, or a name on the Hugging Face hub.
        data_dir: Where built-in data sets are kept and downloaded to.
        image_column: Which column of a table has the images; None to find it.
        label_column: Which column of a table has the labels; None to find it.
        loader: Whether images are kept in memory, or streamed, and by what they are decoded.
        cache: The file to stream from instead, made from the data set; None for none.
        image_size: Height and width in pixels; None for what the images suggest.
        val_frac: Share set aside for validation where the data set does not come split.
        seed: What that choice depends on.
        all_splits: Whether classes are those of all splits, as an audit numbers them, and a column
            of a table may tell of splits.
    """

    location: str
    data_dir: str = "data"
    image_column: str | None = None
    label_column: str | None = None
    loader: Loader = "memory"
    cache: str | None = None
    image_size: int | None = None
    val_frac: float = 0.1
    seed: int = 0
    all_splits: bool = False
