"""What the commands of the terminal do, one module a group; `vaekit.cli.main` calls them."""

from __future__ import annotations
