"""Features of photographs per second, from encoded files to the cache, on the device at hand."""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from dataparams.contents.images import EncodedImage
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.features import features_of
from dataparams.encoders.image_encoder import ImageEncoder
from dataparams.encoders.opening import open_encoder
from dataparams.health.picture_measuring import PictureMeasuring
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


def enlarged(file: bytes, longest_side: int) -> bytes:
    """A photograph with so many pixels on its longer side, as JPEG."""
    image = Image.open(io.BytesIO(file)).convert("RGB")
    scale = longest_side / max(image.size)
    size = round(scale * image.width), round(scale * image.height)
    stream = io.BytesIO()
    image.resize(size, Image.Resampling.BICUBIC).save(stream, "JPEG", quality=96)
    return stream.getvalue()


def seconds_of(photographs: DistinctPhotographs, processes: int, folder: Path) -> float:
    """Seconds to have features and measures of them in a folder's cache."""
    encoder, cache = open_encoder(), FeatureCache(folder)
    assert isinstance(encoder, ImageEncoder)
    encoder.processes = processes
    started = time.perf_counter()
    found = features_of(
        photographs, range(len(photographs)), encoder, cache, measuring=PictureMeasuring()
    )
    assert len(found.values) == len(photographs)
    return time.perf_counter() - started


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, default=Path("../shared/data/caltech20"))
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--images-by-threads", type=int, default=5_000)
    arguments = parser.parse_args()
    source = open_source(str(arguments.photographs))
    read = source.read(range(len(source)))
    small = [bytes(one.encoded()) for one in read if isinstance(one, EncodedImage)]
    kinds = {
        "about 300 x 200": small,
        "500 on the longer side": [enlarged(one, 500) for one in small],
    }
    encoder = open_encoder()
    assert isinstance(encoder, ImageEncoder)
    rows = []
    for name, files in kinds.items():
        with tempfile.TemporaryDirectory() as warm:
            # The network is loaded, and the device warmed up.
            seconds_of(DistinctPhotographs(files, 1024), 0, Path(warm))
        for processes, count in (
            (0, arguments.images_by_threads),
            (encoder.processes, arguments.images),
        ):
            photographs = DistinctPhotographs(files, count)
            how = f"{processes} processes" if processes else "threads"
            with tempfile.TemporaryDirectory() as folder:
                for what in (how, "kept before"):
                    seconds = seconds_of(photographs, processes, Path(folder))
                    row = [name, what, f"{count:,}", f"{seconds:.1f}", f"{count / seconds:,.0f}"]
                    rows.append(row)
                    print(row, flush=True)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    sizes = " and ".join(
        f"{np.mean([len(one) for one in files]) / 1e3:.0f} kB" for files in kinds.values()
    )
    body = table(["photographs", "prepared by", "features", "seconds", "per second"], rows) + (
        f"\n\n{encoder.name} at 224 x 224, with what is measured of pictures; {len(small):,} "
        f"photographs of Caltech-101 in turns, each time another file, {sizes} on the average; "
        f"{device}, {os.cpu_count()} processors."
    )
    write_section(f"Features per second ({'cuda' if torch.cuda.is_available() else 'cpu'})", body)


if __name__ == "__main__":
    main()
