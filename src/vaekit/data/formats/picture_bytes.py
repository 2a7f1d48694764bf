"""An image in memory as the content of a file."""

from __future__ import annotations

import io
from typing import Any

AS_TIFF = frozenset(
    {"F", "I", "CMYK", "YCbCr", "LAB"}
)  # modes that a PNG cannot hold; each of these a TIFF can

CLOSEST = {
    "La": "LA",
    "RGBa": "RGBA",
    "HSV": "RGB",
    "PA": "RGBA",
    "RGBX": "RGB",
    "I;16L": "I",
    "I;16N": "I",
}  # of modes that neither can


def content_of(picture: Any) -> bytes:
    """A picture of Pillow as PNG, or as TIFF what a PNG cannot hold: without loss, and upright."""
    from PIL import ImageOps

    image = ImageOps.exif_transpose(picture)
    content = io.BytesIO()
    mode = CLOSEST.get(image.mode)
    image = image.convert(mode) if mode else image
    if image.mode in AS_TIFF:
        image.save(content, "TIFF")
    else:
        image.save(content, "PNG", compress_level=1)
    return content.getvalue()
