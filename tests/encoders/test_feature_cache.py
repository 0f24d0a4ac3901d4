"""What the cache keeps is whole, or not there; whoever is killed, and whatever is damaged."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dataparams.contents.content import digest_of
from dataparams.encoders.cache_folder import cache_folder
from dataparams.encoders.feature_cache import FeatureCache, StoredFeatures
from dataparams.encoders.features import features_of
from dataparams.errors import RunError
from dataparams.terminal.words import size_text
from forked_processes import start_program
from toy_encoders import LetterEncoder, letters_of, numbered_texts, texts

PROGRAM = Path(__file__).parents[1] / "support" / "extracted_in_processes.py"
WIDTH = 5


def digests_of(*words):
    digests = [bytes.fromhex(digest_of([word.encode()])) for word in words]
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 16)


def values_of(*words):
    return np.array([[float(word) + column for column in range(WIDTH)] for word in words], "f2")


def stored_in(folder, **options):
    return StoredFeatures(folder, WIDTH, **options)


def filled(folder, *groups):
    stored = stored_in(folder)
    for words in groups:
        stored.add(digests_of(*words), [values_of(*words)])
    return stored


def test_features_are_found_by_content_in_any_order_by_whoever_opens_the_folder(tmp_path):
    filled(tmp_path, ["1", "2", "3"], ["4", "5"])
    stored = stored_in(tmp_path)
    assert stored.has(digests_of("5", "9", "1")).tolist() == [True, False, True]
    found = stored.read(digests_of("5", "1", "4", "1"))
    np.testing.assert_array_equal(found, values_of("5", "1", "4", "1"))
    with pytest.raises(KeyError):
        stored.read(digests_of("9"))


def test_a_file_can_be_read_by_other_programs(tmp_path):
    from safetensors.numpy import load_file

    filled(tmp_path, ["1", "2"])
    (file,) = tmp_path.glob("*.safetensors")
    tensors = load_file(file)
    np.testing.assert_array_equal(tensors["values"], values_of("1", "2"))
    np.testing.assert_array_equal(tensors["digests"], digests_of("1", "2"))


def _cut(file):
    os.truncate(file, file.stat().st_size // 2)


def _emptied(file):
    os.truncate(file, 0)


def _flipped(place):
    def flip(file):
        stored = bytearray(file.read_bytes())
        stored[place] ^= 0x10
        file.write_bytes(stored)

    return flip


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _emptied,
        _flipped(-1),
        _flipped(-WIDTH * 2 * 3 - 1),
        _flipped(0),
        _flipped(7),
        _flipped(12),
        lambda file: file.write_bytes(b"no file of features" * 100),
        lambda file: file.write_bytes(b"\xff" * 400),
    ],
)
def test_a_damaged_file_is_told_of_and_as_if_it_were_not_there(damage, tmp_path):
    filled(tmp_path, ["1", "2", "3"])
    (file,) = tmp_path.glob("*.safetensors")
    filled(tmp_path, ["4"])
    damage(file)
    told: list[str] = []
    stored = stored_in(tmp_path, on_notice=told.append)
    assert stored.has(digests_of("1", "4")).tolist() == [False, True]
    assert [str(file) in notice and "computed again" in notice for notice in told] == [True]
    stored.add(digests_of("1", "2"), [values_of("1", "2")])
    np.testing.assert_array_equal(stored.read(digests_of("2", "4")), values_of("2", "4"))
    assert stored_in(tmp_path, on_notice=told.append).has(digests_of("2"))[0]
    assert len(told) == 1


def test_what_a_damaged_file_held_is_computed_again(tmp_path):
    words = numbered_texts(20)
    cache = FeatureCache(tmp_path)
    features_of(texts(*words), range(20), LetterEncoder(), cache)
    (file,) = tmp_path.rglob("*.safetensors")
    _flipped(-5)(file)
    told: list[str] = []
    encoder = LetterEncoder()
    cache = FeatureCache(tmp_path, on_notice=told.append)
    features = features_of(texts(*words), range(20), encoder, cache)
    assert (len(encoder.encoded), len(told)) == (20, 1)
    np.testing.assert_array_equal(features.values, [letters_of(word) for word in words])


def test_many_small_files_become_few_and_other_readers_do_not_mind(tmp_path):
    words = [str(number) for number in range(100)]
    filled(tmp_path, *[[word, "0"] for word in words])
    reader = stored_in(tmp_path)
    reader.read(digests_of("0"))
    stored_in(tmp_path).merge()
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    np.testing.assert_array_equal(reader.read(digests_of(*words)), values_of(*words))
    np.testing.assert_array_equal(stored_in(tmp_path).read(digests_of("7")), values_of("7"))
    (file,) = tmp_path.glob("*.safetensors")
    assert file.stat().st_size < 100 * (16 + 2 * WIDTH) + 1000


def test_merging_while_others_write_and_read_loses_nothing(tmp_path):
    filled(tmp_path, *[[str(number)] for number in range(40)])
    errors = []

    def work(number):
        try:
            stored = stored_in(tmp_path)
            for word in (str(100 * number + each) for each in range(1, 15)):
                stored.add(digests_of(word), [values_of(word)])
                stored.merge()
                known = digests_of("3", "17", word)
                np.testing.assert_array_equal(stored.read(known), values_of("3", "17", word))
        except Exception as error:  # noqa: BLE001 - shown by the thread that waits
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    words = [str(100 * number + each) for number in range(1, 5) for each in range(1, 15)]
    np.testing.assert_array_equal(stored_in(tmp_path).read(digests_of(*words)), values_of(*words))


def test_what_a_killed_process_had_begun_is_removed_an_hour_later(tmp_path):
    filled(tmp_path, ["1"])
    for age, name in ((10, "new"), (7200, "old")):
        file = tmp_path / f"{name}.safetensors.tmp"
        file.write_bytes(b"half")
        then = file.stat().st_mtime - age
        os.utime(file, (then, then))
    assert stored_in(tmp_path).has(digests_of("1"))[0]
    assert [file.name for file in tmp_path.glob("*.tmp")] == ["new.safetensors.tmp"]


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(tmp_path):
    (tmp_path / "features").write_text("a file stands in the way")
    with pytest.raises(RunError, match="DATAPARAMS_CACHE"):
        FeatureCache(tmp_path).open(LetterEncoder())


def test_how_much_disk_is_needed_is_known_beforehand(tmp_path):
    words = numbered_texts(1000)
    cache, encoder = FeatureCache(tmp_path), LetterEncoder()
    assert cache.size_on_disk() == 0
    features_of(texts(*words), range(1000), encoder, cache)
    needed = cache.disk_needed(1000, encoder.width)
    assert needed <= cache.size_on_disk(encoder) == cache.size_on_disk() <= needed + 4096


def test_where_the_cache_lies(monkeypatch, tmp_path):
    monkeypatch.setenv("DATAPARAMS_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.delenv("DATAPARAMS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "dataparams"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder() == tmp_path / ".cache" / "dataparams"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "dataparams"


# --- processes -----------------------------------------------------------------------------------


def started(folder, **options):
    return start_program(PROGRAM, folder, json.dumps(options), folder=folder)


def outcome(program):
    return json.loads(program.ended().stdout.splitlines()[-1])


def test_a_killed_process_is_gone_on_from(tmp_path):
    program = started(tmp_path, count=400, seconds=0.05)
    next(line for line in program.lines() if int(line.split()[1]) >= 100)
    program.process.kill()
    assert program.ended().returncode == -signal.SIGKILL
    kept = sum(len(piece) for piece in FeatureCache(tmp_path).open(LetterEncoder())._pieces)
    assert 50 < kept < 400
    assert outcome(started(tmp_path, count=400)) == {"encoded": 400 - kept, "is_right": True}


def test_two_processes_at_once_lose_nothing(tmp_path):
    programs = [started(tmp_path, count=count, seconds=0.02) for count in (300, 400)]
    outcomes = [outcome(program) for program in programs]
    assert all(each["is_right"] for each in outcomes)
    assert outcome(started(tmp_path, count=400)) == {"encoded": 0, "is_right": True}


def test_a_full_disk_is_told_with_what_is_needed_and_keeps_what_was_written(tmp_path):
    assert outcome(started(tmp_path, count=20))["encoded"] == 20
    full = started(tmp_path, count=1000, seconds_of_a_piece=600, most_bytes=10_000)
    told = outcome(full)
    assert (full.process.exitcode, told["code"]) == (4, 4)
    needed = size_text(FeatureCache.disk_needed(980, LetterEncoder.width))
    assert f"{needed} are needed for 980 more samples" in told["error"]
    assert "The features written before are kept" in told["error"]
    assert not list(tmp_path.rglob("*.tmp"))
    assert outcome(started(tmp_path, count=1000)) == {"encoded": 980, "is_right": True}


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, r"1\.0 kB are free\. .* Free space and start again"),
        (errno.EDQUOT, r"your quota there is used up.* have the quota raised, and start again"),
        (errno.EFBIG, r"a file may not become so large.* Raise the limit and start again"),
        (errno.EROFS, r"cannot be kept in .*Read-only file system"),
    ],
)
def test_what_there_is_no_room_on_is_told(number, told, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    usage = SimpleNamespace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr("dataparams.encoders.feature_cache.write_piece", refuse)
    with pytest.raises(RunError, match=told) as error:
        stored_in(tmp_path).add(digests_of("1"), [values_of("1")], left=4)
    assert "DATAPARAMS_CACHE" in str(error.value)
