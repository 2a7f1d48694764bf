"""`python -m vaekit`."""

from __future__ import annotations

import sys

from vaekit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
