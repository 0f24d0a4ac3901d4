"""Prepares pictures in processes, and signals all of them.

``stopped_preparing.py SIGNAL FOLDER FILE ...``
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import timm

from dataparams.contents.images import EncodedImage
from dataparams.encoders.extraction import extract
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.image_encoder import image_encoder
from dataparams.errors import Stopped
from dataparams.training.signals import StopSignals
from made_contents import ListedContents


def main(number: int, folder: Path, files: list[str]) -> int:
    """Exits as a command does."""
    os.setpgrp()
    contents = ListedContents([EncodedImage(None, file) for file in files * 40])
    encoder = image_encoder("mine", timm.create_model("test_efficientnet", num_classes=0))
    asked = 0
    with StopSignals() as signals:

        def should_stop() -> int:
            nonlocal asked
            asked += 1
            if asked == 3:
                os.killpg(0, number)
            return signals.received

        stored = FeatureCache(folder / "cache").open(encoder)
        rows = np.arange(len(contents))
        try:
            extract(encoder, stored, contents, rows, processes=2, should_stop=should_stop)
        except Stopped as stopped:
            print(stopped)
            return stopped.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
