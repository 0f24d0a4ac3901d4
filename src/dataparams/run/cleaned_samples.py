"""``cleaned.parquet``: the samples to train on, with their labels and weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.errors import RunError
from dataparams.run.safe_files import parquet_bytes, write_whole
from dataparams.run.table_checks import require_among, require_columns, require_range

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataparams.run.table_checks import Kind

CLEANED = "cleaned.parquet"
"""The file's name in a run folder."""
LABEL_SOURCES = ("given", "suggested", "reviewed")
"""Where a label comes from: the data source, the model, or people."""
_COLUMNS: dict[str, Kind] = {
    "index": "integer",
    "id": "text",
    "label": "integer",
    "weight": "number",
    "label_source": "text",
    "split": "text",
}
_TRAINING = "train"


@dataclass(frozen=True, eq=False)
class CleanedSamples:
    """The contents of a ``cleaned.parquet``: what to train on, and how that was decided.

    Attributes:
        samples: ``index``, ``id``, ``label`` (class number), ``weight`` (0 ... 1),
            ``label_source`` (one of ``LABEL_SOURCES``), ``split``; a row per sample that is kept.
            Those of the split ``train`` are to be trained on, the others are for validation.
        made: How it was made: ``strategy`` and its settings; ``class_names``, ``fingerprint``,
            ``source`` and ``config`` of the run.
    """

    samples: pl.DataFrame
    made: dict[str, Any]

    def is_of_people(self) -> bool:
        """Whether what people decided is in it."""
        is_reviewed = (self.samples["label_source"] == "reviewed").any()
        return bool(is_reviewed or self.made.get("strategy") == "reviewed")

    def misfit(
        self, class_names: Sequence[str], fingerprint: object, image_size: object
    ) -> str | None:
        """Why these samples are not of some data; None where they may be.

        Args:
            class_names: Name of class 0, 1, ...
            fingerprint: Of the data. It tells of pixels, so nothing where ``image_size`` differs.
            image_size: To which the images were resized.
        """
        # Those of the data; people may have added and renamed some since.
        if list(class_names) != self.made.get("given_class_names", self.made["class_names"]):
            return "the classes differ"
        is_as_large = image_size == self.made["source"].get("image_size")
        if is_as_large and fingerprint != self.made["fingerprint"]:
            return "the fingerprints differ"
        return None


def read_cleaned(file: Path) -> CleanedSamples:
    """Read a ``cleaned.parquet`` from anywhere.

    Raises:
        RunError: If it does not exist, is damaged, or is not what ``dataparams clean`` writes.
    """
    if not file.is_file():
        raise RunError(
            f"There is no file {file}; expected what `dataparams clean RUN` writes: "
            f"{CLEANED} in the run folder, or where that was told to write."
        )
    try:
        samples = pl.read_parquet(file)
        text = pl.read_parquet_metadata(file).get("dataparams", "null")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunError(f"{file} cannot be read; it is damaged ({error}).") from error
    made = _made_of_cleaned(file, text)
    samples = _with_splits(samples)
    require_columns(samples, _COLUMNS, file)
    for name, limit in (("index", None), ("label", len(made["class_names"]))):
        require_range(samples, name, limit, file)
    require_among(samples, "label_source", LABEL_SOURCES, file)
    if not samples["weight"].is_between(0, 1).all():
        raise RunError(f"{file} is damaged: its column weight has values outside 0 ... 1.")
    if not samples["weight"].sum() > 0:
        raise RunError(f"{file} is damaged: all weights are 0.")
    if samples["index"].is_duplicated().any():
        raise RunError(f"{file} is damaged: its column index names a sample twice.")
    plain = samples.select(*_COLUMNS).cast(
        {"index": pl.Int64, "label": pl.Int64, "weight": pl.Float64}
    )
    return CleanedSamples(plain.sort("index"), made)


def _with_splits(samples: pl.DataFrame) -> pl.DataFrame:
    """The samples with the split of each; earlier versions had those to train on alone."""
    return samples if "split" in samples.columns else samples.with_columns(split=pl.lit(_TRAINING))


def write_cleaned(file: Path, cleaned: CleanedSamples) -> None:
    """Write a ``cleaned.parquet``; how it was made goes into its metadata."""
    samples = _with_splits(cleaned.samples).select(*_COLUMNS)
    write_whole(file, parquet_bytes(samples, cleaned.made))


def cleaned_classes(file: Path) -> Path:
    """Where the table of classes lies beside a ``cleaned.parquet``, where they are many.

    Example:
        >>> from pathlib import Path
        >>> cleaned_classes(Path("run/cleaned.parquet")).name
        'cleaned_classes.csv'
    """
    return file.with_name(f"{file.stem}_classes.csv")


def is_of_people(file: Path) -> bool:
    """Whether people's decisions are in a file named like a ``cleaned.parquet``.

    One that cannot be read may hold them: this program does not remove it.
    """
    try:
        return read_cleaned(file).is_of_people()
    except RunError:
        return True


def _made_of_cleaned(file: Path, text: str) -> dict[str, Any]:
    try:
        made = json.loads(text)
    except ValueError:
        made = None
    kinds = {"class_names": list, "fingerprint": str, "source": dict, "config": dict}
    if not isinstance(made, dict) or not all(
        isinstance(made.get(name), kind) for name, kind in kinds.items()
    ):
        raise RunError(
            f"{file} does not say how it was made; expected what `dataparams clean` writes."
        )
    return made
