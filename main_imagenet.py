"""The published ImageNet recipe, ``dataparams train --recipe imagenet``, by its users' name."""

import sys

from dataparams.cli import main_of_script

if __name__ == "__main__":
    sys.exit(main_of_script("imagenet"))
