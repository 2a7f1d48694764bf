"""JPEG XL, which Pillow writes and reads with a plugin that may be there or not."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

PLUGIN = "pillow_jxl"
KIND = "JXL"  # Pillow's name of the format


@cache
def has_jpeg_xl() -> bool:
    """Returns whether Pillow can write and read it; tells Pillow of the plugin, where that is installed."""
    if find_spec("PIL") is None or find_spec(PLUGIN) is None:
        return False
    try:
        import pillow_jxl  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:  # of another platform, or of another Pillow
        return False
    return True
