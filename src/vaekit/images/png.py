"""Pixels as PNG, and pictures within a page."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vaekit.plain_files import plain_file

SIGNATURE, END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB\x60\x82"


def png(pixels: np.ndarray, *, optimize: bool = False, level: int | None = None) -> bytes:
    """A picture as PNG.

    Args:
        pixels: uint8 (height, width, channels): 1 grey, 3 RGB, 4 RGB and opacity.
        optimize, level: Pillow's, of the compression.
    """
    from PIL import Image

    buffer = io.BytesIO()
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    options = {} if level is None else {"compress_level": level}
    picture.save(buffer, "PNG", optimize=optimize, **options)
    return buffer.getvalue()


def png_size(content: bytes) -> tuple[int, int]:
    """Width and height of a PNG in dots, from its first 24 bytes."""
    return struct.unpack(">II", content[16:24])


def check_png(path: Path) -> None:
    """Raises ValueError when a file is no whole PNG."""
    content = plain_file(path).read_bytes()
    if not (content.startswith(SIGNATURE) and content.endswith(END) and len(content) >= 45):
        raise ValueError("it is no whole PNG")


def data_uri(content: bytes, kind: str = "png") -> str:
    """A picture as it may stand in a page."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def check_svg(path: Path) -> None:
    """Raises ValueError when a file is no whole SVG."""
    content = plain_file(path).read_bytes()
    if b"<svg " not in content[:1000] or not content.rstrip().endswith(b"</svg>"):
        raise ValueError("it is no whole SVG")


def data_uris(
    pictures: Mapping[str, bytes], limit: int, vectors: Mapping[str, bytes] | None = None
) -> dict[str, str]:
    """PNG as data URIs by name; where they exceed the limit in bytes together, the largest become JPEG.

    Args:
        pictures: name -> PNG.
        limit: bytes.
        vectors: name -> SVG that stands in the place of a PNG, unless it would be too large.
    """
    drawn = {name: ("svg+xml", content) for name, content in (vectors or {}).items()}
    contents = {name: drawn.get(name, ("png", content)) for name, content in pictures.items()}
    for name in sorted(pictures, key=lambda name: -len(contents[name][1])):
        if sum(len(content) for _, content in contents.values()) <= limit:
            break
        contents[name] = min(contents[name], ("jpeg", _jpeg(pictures[name])), key=lambda found: len(found[1]))
    return {name: data_uri(content, kind) for name, (kind, content) in contents.items()}


def _jpeg(content: bytes) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.open(io.BytesIO(content), formats=["PNG"]).convert("RGB").save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
