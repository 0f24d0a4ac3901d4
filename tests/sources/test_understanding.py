"""What is said of a source: that it is true, and in words that fit one thing as well as many."""

from __future__ import annotations

import torch

from dataparams.sources.source import LeftOut, Source
from dataparams.sources.splits import split_rows
from dataparams.sources.text_column import TextColumn
from dataparams.sources.understanding import understand
from made_contents import ListedContents, Text


def source_of(labels, **others):
    return Source(
        kind="list",
        place="here",
        name="here",
        class_names=("cat", "dog", "emu"),
        ids=TextColumn([f"train/{row}" for row in range(len(labels))]),
        labels=torch.tensor(labels),
        contents=ListedContents([Text(str(row)) for row in range(len(labels))]),
        **{"train_rows": None, **others},
    )


def lines_of(source, val_frac=None) -> list[str]:
    splits = () if val_frac is None else split_rows(source, val_frac, seed=0)
    return understand(source, splits, val_frac or 0.0).lines()[1:]


def test_nothing_is_said_to_be_set_aside_of_what_is_not_split():
    assert lines_of(source_of([0, 1, 2] * 2)) == ["Split: it does not come split."]
    split = source_of([0, 1, 2, 0], train_rows=1, split_names=("Train", "Test"))
    assert lines_of(split)[0] == "Split: Train (1 sample), Test (3)."


def test_classes_that_are_too_small_to_validate_are_named():
    assert lines_of(source_of([0, 1] + [2] * 20), 0.2)[1:] == [
        "Note: 2 classes are too small for a sample to be set aside: cat, dog."
    ]
    assert lines_of(source_of([0] * 9 + [1] + [2] * 20), 0.2)[1:] == [
        "Note: 1 class is too small for a sample to be set aside: dog."
    ]
    assert len(lines_of(source_of([0, 1, 2] * 10), 0.2)) == 1


def test_names_are_cut_short_only_where_there_are_more():
    left_out = (
        LeftOut("row of another file", ["extra.parquet"], 60),
        LeftOut("hidden file", [".a", ".b", ".c", ".d"], 4),
        LeftOut("the split 'val', which has no rows", (), 0),
    )
    assert lines_of(source_of([0, 1, 2], left_out=left_out))[1:] == [
        "Left out: 60 x row of another file (extra.parquet).",
        "Left out: 4 x hidden file (.a, .b, .c, ...).",
        "Left out: the split 'val', which has no rows.",
    ]


def test_a_class_without_samples_is_one_class():
    (_, note) = lines_of(source_of([0, 2, 0, 2]))
    assert note == "Note: 1 of the declared classes has no sample: dog."
