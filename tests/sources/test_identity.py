"""Whether samples are told from others by what they hold, and by nothing else."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import EncodedImage
from dataparams.sources.identity import KnownContents, identity_of, size_words
from made_contents import Text

texts = st.text(max_size=8)
ids = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=30, unique=True)


def known_of(ids, words):
    return KnownContents(pl.DataFrame({"id": ids, "content": words}))


@settings(max_examples=100, deadline=None)
@given(ids=ids, data=st.data())
def test_exactly_the_changed_samples_are_named(ids, data):
    before = [Text(data.draw(texts)) for _ in ids]
    after = [data.draw(st.sampled_from([one, Text(data.draw(texts))])) for one in before]
    order = data.draw(st.permutations(range(len(ids))))
    cut = data.draw(st.integers(0, len(ids)))
    words = [content.digest() for content in before]
    known = known_of([*ids[cut:], *ids[:cut]], [*words[cut:], *words[:cut]])
    changed = known.changed([ids[i] for i in order], [after[i] for i in order])
    assert sorted(changed) == sorted(
        name for name, was, now in zip(ids, before, after, strict=True) if was != now
    )


@settings(max_examples=50, deadline=None)
@given(ids=ids, data=st.data())
def test_where_sizes_are_known_only_a_size_tells(ids, data):
    before = [Text(data.draw(texts)) for _ in ids]
    after = [Text(data.draw(texts)) for _ in ids]
    known = known_of(ids, size_words(np.array([content.size() for content in before])))
    assert known.changed(ids, after) == [
        name for name, was, now in zip(ids, before, after, strict=True) if was.size() != now.size()
    ]


def test_what_is_not_known_or_not_readable_did_not_change():
    cat, gone = EncodedImage(b"cat"), UnreadableContentError("the file is missing")
    known = known_of(["a", "b", "c"], [cat.digest(), None, cat.digest()])
    dog, missing = EncodedImage(b"dog"), EncodedImage(None, "/nowhere/a.jpg")
    assert known.changed(["a", "b", "new"], [cat, dog, dog]) == []
    assert known.changed(["a", "c"], [gone, missing]) == []
    assert known.changed(["a"], [dog]) == ["a"]
    assert not known.is_empty


def test_older_runs_know_nothing_and_say_so():
    assert known_of([], []).is_empty
    assert known_of(["a"], [None]).is_empty
    assert known_of([], []).changed(["a"], [EncodedImage(b"cat")]) == []
    assert identity_of([]) == identity_of([None, None]) == "id"
    assert identity_of([None, "12 bytes"]) == "size"
    assert identity_of([EncodedImage(b"cat").digest()]) == "content"
