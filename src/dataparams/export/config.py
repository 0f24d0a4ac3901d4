"""The arguments of an export, which are the flags of ``dataparams export``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro  # noqa: TC002 - it reads the annotations

Target = Literal[
    "cleanlab-studio",
    "image-folder",
    "csv",
    "jsonl",
    "parquet",
    "hf-dataset",
    "label-studio",
    "fiftyone",
    "cleanlab",
    "coco",
]


@dataclass(frozen=True)
class ExportConfig:
    """Write a data set, or what a run knows of its samples, for another tool to read."""

    what: tyro.conf.Positional[str]
    """A run folder, or a data set as train --dataset takes it: a folder, Parquet, a name."""
    to: Target
    """For which tool; csv and jsonl are tables, with texts and the columns of rows, without images.
    They are for programs: names and texts stay as they are, also where a spreadsheet would run one
    as a formula. cleanlab-studio, image-folder, fiftyone and coco are for images alone."""
    folder: tyro.conf.Positional[Path | None] = None
    """Where to; the same as --out."""
    out: Path | None = None
    """Where to. A file that is there already with the same bytes is left alone: a second call goes
    on where the first was stopped."""
    split: str = "all"
    """Which splits: all, or names with commas between, such as train or validation,test. What is
    damaged, or no sample, is listed in left_out.csv."""
    include: str | None = None
    """The categories to export, such as easy,review; by default all samples."""
    labels: Literal["given", "suggested", "cleaned", "applied"] | None = None
    """given: as the run was given them. suggested: the analysis's where it is sure enough. cleaned:
    those of the run's cleaned.parquet, and its samples alone; the default where there is such a
    file. applied: as dataparams apply wrote them; otherwise the default where it did."""
    confidence: float = 0.5
    """How confident a suggested label has to be, 0 ... 1."""
    with_truth: bool = False
    """With csv, jsonl or parquet: also the columns true_label and is_corrupted, of a run whose
    labels were made wrong on purpose. What goes to annotators never has them."""
    analysis: bool = True
    """Write the columns of the analysis; --no-analysis leaves them out, for a table to train on:
    what the data have, with the exported labels."""
    form: Literal["folder", "zip", "both"] | None = None
    """For cleanlab-studio: class folders, one ZIP file, or (the default) both."""
    link: bool = False
    """Make hard links to the files of an image folder where that can be done, instead of copies."""
    data: str | None = None
    """Where the data of a run lie, where they have moved since."""
    image_column: str | None = None
    """Which column of a table has the images, where that is not clear."""
    text_column: str | None = None
    """Which column of a table has the texts, where that is not clear; of several, such as
    title,body, a text is made of all."""
    label_column: str | None = None
    """Which column of a table has the labels, where that is not clear."""
    row_columns: tuple[str, ...] = ()
    """Which columns of a data set belong to a row, where samples are rows of a table; * for all but
    the labels. By default what numbers the rows, or gives the label away, is left out."""
    data_dir: Path = Path("data")
    """Where built-in data sets lie."""
    hf_token_file: Path | None = None
    """File with a token of the Hugging Face hub, for gated data sets; it is not stored."""
    overwrite: bool = False
    """Replace files that are there with other contents."""
