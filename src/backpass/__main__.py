"""The module run as a program: ``python -m backpass`` is ``backpass``."""

import sys

from backpass.cli import main

if __name__ == "__main__":
    sys.exit(main())
