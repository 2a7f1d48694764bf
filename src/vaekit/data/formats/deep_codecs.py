"""JPEG 2000 and AVIF of more than 8 bits in colour or with alpha: Pillow cuts them, imagecodecs does not where it is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from vaekit.data.formats.stored_bits import stored_bits

PACKAGE = "imagecodecs"
DECODERS = {"JPEG2000": "jpeg2k_decode", "AVIF": "avif_decode"}
SYCC = (18).to_bytes(4, "big")  # EnumCS of the colour box: YCbCr, which is not turned into RGB here


def reads_deep(format: str | None, head: bytes) -> bool:
    """Returns whether a picture of more than 8 bits can be had whole.

    Args:
        format: Pillow's name.
        head: the first bytes of the file, as for `stored_bits`.
    """
    if format not in DECODERS or stored_bits(head) > 16 or find_spec(PACKAGE) is None:
        return False
    colours = head.find(b"colr\x01")
    return format == "AVIF" or colours < 0 or head[colours + 7 : colours + 11] != SYCC


def deep_pixels(content: bytes, format: str | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Samples as they are stored.

    Returns:
        (H, W) or (H, W, 3), and alpha (H, W) or None.

    Raises:
        Exception: of any kind, on damaged files.
        ValueError: samples of another type or number than pictures have.
    """
    decoders: Any = import_module(PACKAGE)
    stored = np.asarray(getattr(decoders, DECODERS[format or ""])(content))
    stored = stored[:, :, None] if stored.ndim == 2 else stored
    if stored.dtype.kind != "u" or stored.ndim != 3 or stored.shape[2] not in (1, 2, 3, 4):
        raise ValueError(f"samples of {stored.dtype} in {stored.shape[-1]} bands; save it as PNG")
    bands = stored.shape[2]
    alpha = stored[:, :, -1] if bands in (2, 4) else None
    return stored[:, :, 0] if bands < 3 else stored[:, :, :3], alpha
