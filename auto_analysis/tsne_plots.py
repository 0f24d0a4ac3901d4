"""t-SNE maps of each class: ``dataparams figures`` under the name its users know."""

import sys

from dataparams.cli import main

if __name__ == "__main__":
    sys.exit(main(["figures", *sys.argv[1:], "--kind", "maps"]))
