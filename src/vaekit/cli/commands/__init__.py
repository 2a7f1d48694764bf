"""The commands of the terminal, one module per group; `vaekit.cli.main` calls them."""

from __future__ import annotations
