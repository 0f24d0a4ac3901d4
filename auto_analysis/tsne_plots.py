"""t-SNE maps of each class: ``dataparams figures`` under the name its users know."""

import sys
from pathlib import Path

# So that `pip install -r requirements.txt` is enough, from whatever folder this is run.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from dataparams.cli import main

# The folder of the run to draw, such as "weights_CL/cifar100/run". Where it is empty, the newest
# run below weights_CL is drawn. The flag --analysis_dir goes before it.
analysis_dir = ""

if __name__ == "__main__":
    chosen = ["--analysis_dir", str(analysis_dir)] if analysis_dir else []
    sys.exit(main(["figures", *chosen, *sys.argv[1:], "--kind", "maps"]))
