"""Processes that prepare contents give what threads give, and end with what they are for."""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest
import timm

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import EncodedImage, PixelImage
from dataparams.encoders import measuring
from dataparams.encoders.extraction import Measurements, extract
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.image_encoder import image_encoder
from dataparams.encoders.measuring import StoredMeasurements, measure_all
from dataparams.errors import DataError, Stopped
from dataparams.health.picture_measuring import PictureMeasuring
from dataparams.sources.reading_processes import forked_workers
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


def test_what_is_kept_is_not_prepared_again(contents, encoder, tmp_path):
    swept(contents, encoder, tmp_path, PROCESSES)
    assert swept(contents, encoder, tmp_path, PROCESSES)[0].computed == 0


def test_a_process_that_is_killed_is_told_of(files, encoder, tmp_path):
    contents = ListedContents([*(EncodedImage(None, str(file)) for file in files), Deadly(b"")])
    with pytest.raises(DataError, match=r"ended unexpectedly.*same command again.*kept"):
        swept(contents, encoder, tmp_path, PROCESSES)
    assert not multiprocessing.active_children()


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
