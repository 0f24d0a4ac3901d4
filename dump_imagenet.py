"""ImageNet-1k as ``<class>/<image>``: ``dataparams export`` under the name its users know."""

import argparse
import sys
from pathlib import Path

# So that `pip install -r requirements.txt` is enough, from whatever folder this is run.
sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from dataparams.cli import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        description="Dump ImageNet-1k, as it is on this machine or on the hub, with the original "
        "bytes of every image.",
        epilog="The flags of `dataparams export` work as well: --split, --form, --to, --overwrite.",
    )
    parser.add_argument("--out", required=True, help="folder to write to; a second call goes on")
    parser.add_argument("--data", default="ILSVRC/imagenet-1k", help="a local copy, or hub name")
    known, others = parser.parse_known_args()
    words = [known.data, "--to", "cleanlab-studio", "--form", "folder", "--out", known.out]
    sys.exit(main(["export", *words, *others], "dump_imagenet.py"))
