"""The published CIFAR recipe: ``dataparams train --recipe cifar`` under the name its users know."""

import sys
from pathlib import Path

# So that `pip install -r requirements.txt` is enough, from whatever folder this is run.
sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from dataparams.cli import main_of_script

if __name__ == "__main__":
    sys.exit(main_of_script("cifar"))
