"""A source of texts: all that is built on sources works with it as it is."""

from __future__ import annotations

import pickle

import numpy as np
import polars as pl
import torch

from dataparams.contents.content import UnreadableContentError
from dataparams.sources.identity import KnownContents, identity_of
from dataparams.sources.noise import corrupt_source
from dataparams.sources.source import LeftOut, SelectedContents, Source
from dataparams.sources.splits import split_rows
from dataparams.sources.text_column import TextColumn
from dataparams.sources.understanding import understand
from made_contents import ListedContents, Text

SENTENCES = [
    f"sentence {number} about {'cards' if number % 2 else 'loans'}" for number in range(40)
]


def source_of(sentences, **others):
    return Source(
        kind="file of texts",
        place="questions.csv",
        name="questions",
        class_names=("loans", "cards"),
        ids=TextColumn([f"train/{row}" for row in range(len(sentences))]),
        labels=torch.tensor([row % 2 for row in range(len(sentences))]),
        train_rows=None,
        contents=ListedContents(map(Text, sentences)),
        columns={"text": "question", "label": "intent"},
        **others,
    )


def test_what_was_understood_is_said_of_texts_too():
    source = source_of(SENTENCES, left_out=(LeftOut("no label", ["train/40", "train/41"], 2),))
    lines = understand(source, split_rows(source, 0.25, seed=0), 0.25).lines()
    assert lines == [
        "questions.csv: file of texts, 40 samples of 2 classes (20 samples each).",
        "Columns: text from 'question', label from 'intent'.",
        (
            "Split: it does not come split; 25% of every class are set aside: 30 samples to train "
            "on, 10 to validate."
        ),
        "Left out: 2 x no label (train/40, train/41).",
    ]


def test_texts_are_read_by_row_and_by_id():
    source = source_of(SENTENCES)
    assert [one.text for one in source.read([3, 0])] == [SENTENCES[3], SENTENCES[0]]
    rows = source.ids.find(["train/7", "train/99"])
    chosen = SelectedContents(source.contents, rows)
    there, missing = chosen.read([0, 1])
    assert there.text == SENTENCES[7]
    assert isinstance(missing, UnreadableContentError)
    assert chosen.sizes().tolist() == [len(SENTENCES[7]), -1]
    again = pickle.loads(pickle.dumps(source))  # noqa: S301
    assert again.read([5]) == source.read([5])
    swept = [
        (place, one.text)
        for found in source.contents.sweep(range(40))
        for place, one in zip(*found, strict=True)
    ]
    assert swept == list(enumerate(SENTENCES))


def test_changed_texts_are_named():
    before, after = source_of(SENTENCES), source_of([*SENTENCES[:38], "another", SENTENCES[39]])
    words = [content.digest() for content in before.read(range(40))]
    assert identity_of(words) == "content"
    known = KnownContents(pl.DataFrame({"id": list(before.ids), "content": words}))
    assert known.changed(list(after.ids), after.read(range(40))) == ["train/38"]
    moved = source_of(SENTENCES[::-1])
    assert len(known.changed(list(moved.ids), moved.read(range(40)))) == 40


def test_labels_of_texts_are_made_wrong_by_the_same_rule():
    source = source_of(SENTENCES)
    train, _ = split_rows(source, 0.25, seed=0)
    noisy = corrupt_source(source, train, "symmetric", 0.5, seed=0)
    assert int(noisy.is_corrupted.sum()) == 15
    assert torch.equal(noisy.true_labels, source.labels[train])
    assert source.fingerprint() != source_of(SENTENCES[1:]).fingerprint()


def test_a_text_is_shown_in_as_many_letters_as_fit():
    (text,) = source_of(SENTENCES).read([0])
    small, large = text.views([8, 100])
    assert (small.media_type, small.data) == ("text/plain", "sentenc…".encode())
    assert large.data.decode() == SENTENCES[0]
    assert np.array_equal(source_of(SENTENCES).contents.sizes(), [len(s) for s in SENTENCES])
