"""The published CIFAR recipe: ``dataparams train --recipe cifar`` under the name its users know."""

import sys

from dataparams.cli import main_of_script

if __name__ == "__main__":
    sys.exit(main_of_script("cifar"))
