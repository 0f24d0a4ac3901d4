"""``python -m dataparams``."""

import sys

from dataparams.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
