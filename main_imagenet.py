"""The published ImageNet recipe, ``dataparams train --recipe imagenet``, by its users' name."""

import sys

from dataparams.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", "--recipe", "imagenet", *sys.argv[1:]]))
