"""Features of photographs per second, from encoded files to the cache, on the device at hand."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from dataparams.contents.images import EncodedImage
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.features import features_of
from dataparams.encoders.opening import open_encoder
from dataparams.sources.opening import open_source
from dataparams.sources.source import Contents
from results import table, write_section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.contents.content import Content, UnreadableContentError


class DistinctPhotographs(Contents):
    """A few photographs again and again, each time with other bytes behind the picture.

    Contents that are the same would be encoded once.
    """

    def __init__(self, files: Sequence[bytes], count: int) -> None:
        self._files, self._count = files, count

    def __len__(self) -> int:
        return self._count

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Some of them."""
        return [
            EncodedImage(self._files[row % len(self._files)] + row.to_bytes(8, "little"))
            for row in rows
        ]

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each."""
        sizes = np.array([len(file) + 8 for file in self._files], dtype=np.int64)
        return np.resize(sizes, self._count)


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, default=Path("../shared/data/caltech20"))
    parser.add_argument("--images", type=int, default=50_000)
    arguments = parser.parse_args()
    source = open_source(str(arguments.photographs))
    read = source.read(range(len(source)))
    files = [bytes(one.encoded()) for one in read if isinstance(one, EncodedImage)]
    photographs = DistinctPhotographs(files, arguments.images)
    encoder = open_encoder()
    rows = []
    for what in ("computed", "found in the cache"):
        if what == "computed":
            # The network is loaded, and the device warmed up.
            with tempfile.TemporaryDirectory() as warm:
                features_of(photographs, range(1024), encoder, FeatureCache(Path(warm)))
            folder = tempfile.TemporaryDirectory()
        started = time.perf_counter()
        found = features_of(
            photographs, range(arguments.images), encoder, FeatureCache(Path(folder.name))
        )
        seconds = time.perf_counter() - started
        assert len(found.values) == arguments.images
        rows.append([what, f"{seconds:.1f}", f"{arguments.images / seconds:,.0f}"])
    folder.cleanup()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    body = table([f"{arguments.images:,} features", "seconds", "per second"], rows) + (
        f"\n\n{encoder.name} at 224 x 224; {len(files):,} photographs of Caltech-101 (about 300 x "
        f"200) in turns, each time another file; {device}, {os.cpu_count()} processors."
    )
    write_section(f"Features per second ({'cuda' if torch.cuda.is_available() else 'cpu'})", body)


if __name__ == "__main__":
    main()
