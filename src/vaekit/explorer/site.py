"""The page itself: its files, as the server sends them and an export writes them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".png": "image/png",
    ".bin": "application/octet-stream",
}


def page_files() -> dict[str, bytes]:
    """Name -> content. What only the type checker reads is not part of it."""
    folder = files("vaekit.explorer").joinpath("page")
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if Path(entry.name).suffix in KINDS}
