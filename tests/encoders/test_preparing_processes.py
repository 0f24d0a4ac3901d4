"""Processes that prepare contents give what threads give, and end with what they are for."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import timm

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import EncodedImage, PixelImage
from dataparams.encoders import extraction, measuring
from dataparams.encoders.extraction import Measurements, extract
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.image_encoder import image_encoder
from dataparams.encoders.measuring import StoredMeasurements, measure_all
from dataparams.encoders.reading_ahead import examined_ahead
from dataparams.errors import DataError, Stopped
from dataparams.health.picture_measuring import PictureMeasuring
from dataparams.sources.reading_processes import forked_workers
from forked_processes import SUPPORT, run_program
from made_contents import ListedContents
from made_copies import made_picture

if TYPE_CHECKING:
    from dataparams.contents.content import Content

pytestmark = pytest.mark.skipif(not forked_workers(), reason="processes are not forked here")
PROCESSES = 2


class Deadly(EncodedImage):
    """Kills the process that looks at it."""

    def loaded(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Unplugged(EncodedImage):
    """Lies on a drive that is gone."""

    def loaded(self):
        raise DataError("the drive is gone")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(30):
        made_picture(number, 40).save(folder / f"{number}.jpg")
    return [folder / f"{number}.jpg" for number in range(30)]


@pytest.fixture(scope="module")
def contents(files):
    """Files, bytes, views of bytes and pixels; each picture twice, far apart; two are damaged."""
    stored = [file.read_bytes() for file in files]
    kinds: list[Content | UnreadableContentError] = [
        *(EncodedImage(None, str(file)) for file in files[:10]),
        *(EncodedImage(data) for data in stored[10:20]),
        *(EncodedImage(memoryview(data)) for data in stored[20:]),
        PixelImage(np.full((9, 12, 3), 40, np.uint8)),
        EncodedImage(b"no picture"),
        UnreadableContentError("the file is missing"),
    ]
    return ListedContents([*kinds, *reversed(kinds)])


@pytest.fixture(scope="module")
def encoder():
    return image_encoder("mine", timm.create_model("test_efficientnet", num_classes=0))


def swept(contents, encoder, folder, processes, **options):
    """What was found out, the features and the measurements."""
    cache = FeatureCache(folder)
    stored = cache.open(encoder)
    kept = StoredMeasurements(cache, PictureMeasuring())
    sweep = extract(
        encoder,
        stored,
        contents,
        np.arange(len(contents)),
        measurements=Measurements(PictureMeasuring(), kept),
        processes=processes,
        **options,
    )
    return sweep, stored.read(sweep.digests), kept.read(sweep.digests)


def test_processes_find_out_what_threads_do(contents, encoder, tmp_path):
    (one, features, measures), (other, there, measured) = (
        swept(contents, encoder, tmp_path / name, processes)
        for name, processes in (("threads", 0), ("processes", PROCESSES))
    )
    np.testing.assert_array_equal(one.rows, other.rows)
    np.testing.assert_array_equal(one.digests, other.digests)
    assert one.unreadable == other.unreadable
    assert len(one.unreadable) == 4
    np.testing.assert_array_equal(features, there)
    np.testing.assert_array_equal(measures, measured)
    assert one.computed == other.computed == 31


def test_processes_are_chosen_by_what_is_to_be_done(contents, encoder, tmp_path, monkeypatch):
    chosen = []

    def noting(*arguments, processes, **options):
        chosen.append(processes)
        return examined_ahead(*arguments, processes=processes, **options)

    monkeypatch.setattr(extraction, "examined_ahead", noting)
    monkeypatch.setattr(encoder, "processes", PROCESSES)
    swept(contents, encoder, tmp_path, None)
    monkeypatch.setattr(extraction, "FEWEST_FOR_PROCESSES", len(contents))
    swept(contents, encoder, tmp_path, None)
    swept(contents, encoder, tmp_path / "elsewhere", None)
    others = ListedContents([PixelImage(np.full((9, 9), shade, np.uint8)) for shade in range(70)])
    swept(others, encoder, tmp_path, None)
    # Too few; all kept; nothing kept; kept are others.
    assert chosen == [0, 0, PROCESSES, PROCESSES]


def test_what_is_kept_is_not_prepared_again(contents, encoder, tmp_path):
    swept(contents, encoder, tmp_path, PROCESSES)
    assert swept(contents, encoder, tmp_path, PROCESSES)[0].computed == 0


def test_a_process_that_is_killed_is_told_of(files, encoder, tmp_path):
    contents = ListedContents([*(EncodedImage(None, str(file)) for file in files), Deadly(b"")])
    with pytest.raises(DataError, match=r"ended unexpectedly.*same command again.*kept"):
        swept(contents, encoder, tmp_path, PROCESSES)
    assert not multiprocessing.active_children()


def test_a_process_that_is_killed_while_the_network_is_at_work_is_told_of(files, encoder, tmp_path):
    contents = ListedContents([EncodedImage(None, str(file)) for file in files] * 40)

    def kill_one():
        for process in multiprocessing.active_children()[:1]:
            os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.5)
        return 0

    with pytest.raises(DataError, match=r"ended unexpectedly.*same command again.*kept"):
        swept(contents, encoder, tmp_path, PROCESSES, should_stop=kill_one)
    assert not multiprocessing.active_children()


def test_what_cannot_be_sent_is_an_error_and_no_wait_for_ever(files, encoder, tmp_path):
    class Local(EncodedImage):
        """Its class cannot be found by another process."""

    contents = ListedContents([*(EncodedImage(None, str(file)) for file in files), Local(b"")])
    with pytest.raises(AttributeError, match="pickle"):
        swept(contents, encoder, tmp_path, PROCESSES)
    assert not multiprocessing.active_children()


def test_an_error_of_a_user_arrives_in_its_words(files, encoder, tmp_path):
    contents = ListedContents([*(EncodedImage(None, str(file)) for file in files), Unplugged(b"")])
    with pytest.raises(DataError, match=r"^the drive is gone$"):
        swept(contents, encoder, tmp_path, PROCESSES)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_stops_and_says_how_to_go_on(number, files, tmp_path):
    words = [str(number.value), str(tmp_path), *map(str, files)]
    told = run_program(SUPPORT / "stopped_preparing.py", *words, folder=tmp_path)
    assert told.returncode == 128 + number, told.stderr
    assert "same command goes on" in told.stdout


def test_processes_end_when_a_signal_asks_to_stop(contents, encoder, tmp_path):
    asked = iter([0, 0, *[signal.SIGTERM] * 100])
    with pytest.raises(Stopped, match="same command goes on"):
        swept(contents, encoder, tmp_path, PROCESSES, should_stop=lambda: next(asked))
    assert not multiprocessing.active_children()


def test_many_pictures_are_measured_in_processes(contents, tmp_path, monkeypatch):
    kept = {}
    for name, fewest in (("threads", 1000), ("processes", 1)):
        monkeypatch.setattr(measuring, "FEWEST_FOR_PROCESSES", fewest)
        stored = StoredMeasurements(FeatureCache(tmp_path / name), PictureMeasuring())
        measure_all(contents, np.arange(len(contents)), PictureMeasuring(), stored)
        digests = [content.digest() for content in contents.read(range(31))]
        words = np.frombuffer(bytes.fromhex("".join(digests)), np.uint8).reshape(-1, 16)
        kept[name] = stored.read(words)
    np.testing.assert_array_equal(kept["threads"], kept["processes"])
