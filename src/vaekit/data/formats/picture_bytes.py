"""An image in memory as the content of a file."""

from __future__ import annotations

import io
from typing import Any

# Modes that a PNG cannot hold, each of which a TIFF can; and the closest of those that neither can.
AS_TIFF = frozenset({"F", "I", "CMYK", "YCbCr", "LAB"})
CLOSEST = {"La": "LA", "RGBa": "RGBA", "HSV": "RGB", "PA": "RGBA", "RGBX": "RGB", "I;16L": "I", "I;16N": "I"}


def content_of(picture: Any) -> bytes:
    """A picture of Pillow as PNG, or as TIFF what a PNG cannot hold: without loss, and upright."""
    from PIL import ImageOps

    image = ImageOps.exif_transpose(picture)
    content = io.BytesIO()
    if image.mode in CLOSEST:
        image = image.convert(CLOSEST[image.mode])
    if image.mode in AS_TIFF:
        image.save(content, "TIFF")
    else:
        image.save(content, "PNG", compress_level=1)
    return content.getvalue()
