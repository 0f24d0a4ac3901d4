"""Features are those of the contents, computed once each, whatever happens meanwhile."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dataparams.contents.content import UnreadableContentError
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.features import features_of
from dataparams.errors import DataError, RunError, Stopped
from made_contents import ListedContents, Text
from toy_encoders import LetterEncoder, letters_of, numbered_texts, texts


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path / "cache")


def test_each_row_has_the_feature_of_its_content_in_the_order_of_the_source(cache):
    words = numbered_texts(50)
    features = features_of(texts(*words), [40, 3, 7, 20], LetterEncoder(), cache)
    assert features.rows.tolist() == [3, 7, 20, 40]
    expected = [letters_of(words[row]) for row in features.rows]
    np.testing.assert_array_equal(features.values, expected)
    assert features.digests.to_list() == [Text(words[row]).digest() for row in features.rows]
    assert features.values.dtype == np.float16
    assert (features.computed, features.unreadable) == (4, {})


def test_what_was_computed_is_never_computed_again(cache):
    words = numbered_texts(30)
    features_of(texts(*words), range(30), LetterEncoder(), cache)
    encoder = LetterEncoder()
    again = features_of(texts(*words), range(30), encoder, FeatureCache(cache.folder.parent))
    assert (again.computed, encoder.prepared, encoder.encoded) == (0, 0, [])


def test_adding_ten_samples_computes_ten(cache):
    words = numbered_texts(30)
    features_of(texts(*words), range(30), LetterEncoder(), cache)
    encoder = LetterEncoder()
    more = texts(*numbered_texts(10, start=500), *reversed(words))
    features = features_of(more, range(40), encoder, cache)
    assert (features.computed, len(encoder.encoded)) == (10, 10)
    expected = [letters_of(content.text) for content in more.read(range(40))]
    np.testing.assert_array_equal(features.values, expected)


def test_the_same_content_twice_is_encoded_once(cache):
    encoder = LetterEncoder()
    features = features_of(texts("same", "other", "same", "same"), range(4), encoder, cache)
    assert (sorted(encoder.encoded), features.computed) == (["other", "same"], 2)
    np.testing.assert_array_equal(features.values[0], features.values[3])


def test_another_encoder_finds_nothing_of_the_first(cache):
    features_of(texts("one"), [0], LetterEncoder("letters-1"), cache)
    assert features_of(texts("one"), [0], LetterEncoder("letters-2"), cache).computed == 1


def test_what_cannot_be_read_has_its_reason_and_the_others_their_features(cache):
    gone = UnreadableContentError("the file is missing")
    contents = ListedContents([Text("one"), gone, Text(""), Text("two"), Text("three"), Text("")])
    features = features_of(contents, range(5), LetterEncoder(), cache)
    assert features.rows.tolist() == [0, 3, 4]
    assert features.unreadable == {1: "the file is missing", 2: "the text is empty"}


def test_where_most_cannot_be_read_that_is_said_with_the_reasons(cache):
    with pytest.raises(DataError, match="2 of 3 samples cannot be read: 2 x the text is empty"):
        features_of(texts("", "one", ""), range(3), LetterEncoder(), cache)


def test_no_samples_at_all_are_no_crash(cache):
    with pytest.raises(DataError, match="no sample"):
        features_of(texts(), [], LetterEncoder(), cache)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_encoder_that_gives_no_numbers_is_named(bad, cache):
    class Broken(LetterEncoder):
        name = "broken-net"

        def encode(self, prepared):
            values = super().encode(prepared)
            values[np.array([bytes(one) == b"bad" for one in prepared]), 0] = bad
            return values

    with pytest.raises(DataError, match=r"The encoder broken-net gave .* in row 2"):
        features_of(texts("one", "two", "bad", "four"), range(4), Broken(), cache)


def test_progress_ends_at_all_and_counts_what_is_kept_as_done(cache):
    words = numbered_texts(20)
    features_of(texts(*words[:12]), range(12), LetterEncoder(), cache)
    told = []
    features_of(
        texts(*words),
        range(20),
        LetterEncoder(),
        cache,
        on_progress=lambda *done: told.append(done),
    )
    assert told[0] == (0, 20)
    assert told[-1] == (20, 20)
    assert told == sorted(told)
    assert any(done >= 12 for done, _ in told[:-1])


def test_a_stop_writes_what_is_done_and_says_how_to_go_on(cache):
    words = numbered_texts(400)
    first = LetterEncoder()
    asked = iter([0] * 20 + [signal.SIGTERM] * 100)
    with pytest.raises(Stopped, match=r"of 400 samples are kept.*goes on") as stopped:
        features_of(texts(*words), range(400), first, cache, should_stop=lambda: next(asked))
    assert stopped.value.exit_code == 128 + signal.SIGTERM
    second = LetterEncoder()
    features = features_of(texts(*words), range(400), second, cache)
    assert 0 < len(first.encoded) < 400
    assert len(first.encoded) + len(second.encoded) == 400
    assert features.computed == len(second.encoded)


def test_an_interrupt_and_an_error_in_the_source_lose_nothing(cache):
    class Failing(ListedContents):
        def sweep(self, rows):
            for number, found in enumerate(super().sweep(rows)):
                if number == 3:
                    raise DataError("the disk was unplugged")
                yield found

    words, threads = numbered_texts(400), threading.active_count()
    first = LetterEncoder()
    with pytest.raises(DataError, match="unplugged"):
        features_of(Failing(map(Text, words)), range(400), first, cache)
    second = LetterEncoder()
    features_of(texts(*words), range(400), second, cache)
    assert len(second.encoded) <= 400 - len(first.encoded) + 2 * first.batch_size
    assert threading.active_count() < threads + 10


class _Group:
    """Threads that stand for processes."""

    def __init__(self, rank, count, barrier, values):
        self.rank, self.count = rank, count
        self._barrier, self._values = barrier, values

    def gathered(self, value):
        self._values[self.rank] = value
        self._barrier.wait(60)
        values = list(self._values)
        self._barrier.wait(60)
        return values


def _in_group(count, work):
    barrier, values = threading.Barrier(count), [None] * count
    with ThreadPoolExecutor(count) as pool:
        groups = [_Group(rank, count, barrier, values) for rank in range(count)]
        return [future.result() for future in [pool.submit(work, group) for group in groups]]


def test_several_processes_share_the_work_and_all_get_all(cache):
    words = numbered_texts(5000)
    encoders = [LetterEncoder() for _ in range(3)]

    def work(group):
        encoder = encoders[group.rank]
        return features_of(texts(*words), range(5000), encoder, cache, companions=group)

    results = _in_group(3, work)
    counts = [len(encoder.encoded) for encoder in encoders]
    assert sum(counts) == 5000
    assert min(counts) >= 900
    for features in results:
        assert features.rows.tolist() == list(range(5000))
        np.testing.assert_array_equal(features.values, results[0].values)
        assert features.computed == 5000
    np.testing.assert_array_equal(results[0].values[4321], letters_of(words[4321]))


def test_a_process_that_fails_leaves_none_waiting(cache):
    class Broken(LetterEncoder):
        def encode(self, prepared):
            raise ValueError("no such kernel")

    def work(group):
        encoder = Broken() if group.rank else LetterEncoder()
        words = numbered_texts(3000)
        with pytest.raises((RunError, ValueError)) as error:
            features_of(texts(*words), range(3000), encoder, cache, companions=group)
        return str(error.value)

    other, own = _in_group(2, work)
    assert own == "no such kernel"
    assert "Process 1 of 2 failed: ValueError: no such kernel" in other


def test_many_features_are_mapped_from_the_disk(cache, monkeypatch):
    monkeypatch.setattr("dataparams.encoders.features.MOST_BYTES_IN_MEMORY", 1000)
    monkeypatch.setattr("dataparams.encoders.features.ROWS_AT_ONCE", 7)
    words = numbered_texts(100)
    features = features_of(texts(*words), range(100), LetterEncoder(), cache)
    assert isinstance(features.values, np.memmap)
    np.testing.assert_array_equal(features.values, [letters_of(word) for word in words])
    kept = FeatureCache(cache.folder.parent).size_on_disk()
    assert kept < 100 * (2 * 26 + 16) + 1000
