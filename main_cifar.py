"""The published CIFAR recipe: ``dataparams train --recipe cifar`` under the name its users know."""

import sys

from dataparams.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", "--recipe", "cifar", *sys.argv[1:]]))
