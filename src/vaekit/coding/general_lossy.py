"""General coders on pictures that come back nearly the same: bytes against squared error, by Pillow."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vaekit.coding.jpeg_xl import KIND, has_jpeg_xl
from vaekit.images.opening import open_image
from vaekit.runs.file_cost import Point

QUALITIES = {
    "WebP": (0, 5, 10, 20, 40),
    "JPEG": (1, 5, 10, 20, 40),
    "JPEG XL": (1, 5, 10, 20, 40),
}  # in rising bytes
KINDS = {"WebP": "WEBP", "JPEG": "JPEG", "JPEG XL": KIND}  # Pillow's names
OPTIONS = {"WebP": {"method": 6}, "JPEG": {"optimize": True}, "JPEG XL": {"effort": 9}}
SCAN = "JPEG, its scan alone"
START_OF_SCAN = b"\xff\xda"


def general_points(
    levels: NDArray[np.uint8],
    tell: Callable[[str], object] = lambda name: None,
    should_stop: Callable[[], object] = lambda: None,
) -> dict[str, list[Point]]:
    """WebP, JPEG and, where Pillow can write it, JPEG XL, each picture as a file: coder -> points of rising bytes.

    Beside JPEG stands its scan alone: what would be left if tables and header were sent once for all.

    Args:
        levels: (N, C, H, W), N >= 1; C is 1 or 3, else there are none, nor without Pillow.
        tell: is given the name of each coder before it works.
        should_stop: asked before each quality; after a reason there are no points.
    """
    if levels.shape[1] not in (1, 3) or find_spec("PIL") is None:
        return {}
    from PIL import Image

    Image.init()
    has_jpeg_xl()  # by which Pillow has it
    found: dict[str, list[Point]] = {}
    for name, qualities in QUALITIES.items():
        if KINDS[name] in Image.SAVE:
            tell(name)
            for quality in qualities:
                if should_stop():
                    return {}
                size, scan, error = measured(levels, KINDS[name], quality=quality, **OPTIONS.get(name, {}))
                found.setdefault(name, []).append(Point(size, error))
                if name == "JPEG":
                    found.setdefault(SCAN, []).append(Point(scan, error))
    return found


def measured(levels: NDArray[np.uint8], kind: str, **options: object) -> tuple[float, float, float]:
    """Bytes of a file, bytes of a JPEG's scan, and mean squared error, on average over pictures."""
    from PIL import Image

    sizes, scans, errors = [], [], []
    for picture in levels:
        written = io.BytesIO()
        image = Image.fromarray(picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0))
        image.save(written, kind, **options)
        content = written.getvalue()
        sizes.append(len(content))
        scans.append(len(content) - max(content.rfind(START_OF_SCAN), 0))
        with open_image(io.BytesIO(content), (kind,)) as opened:
            read = np.asarray(opened.convert(image.mode), np.float64)
        errors.append(((read - np.asarray(image, np.float64)) ** 2).mean() / 255**2)
    return float(np.mean(sizes)), float(np.mean(scans)), float(np.mean(errors))


def size_at(points: Sequence[Point], error: float) -> float | None:
    """Bytes at an error, between points on a line of the logarithms of both; None where it is outside of them."""
    ordered = sorted(points, key=lambda point: point.error)
    for a, b in pairwise(ordered):
        if a.error <= error <= b.error:
            share = math.log(error / a.error) / math.log(b.error / a.error) if b.error > a.error > 0 else 0.0
            return a.size * (b.size / a.size) ** share
    return None


def said_at(points: Sequence[Point], error: float) -> str:
    """Bytes of a picture at an error, in words; where no point is beyond it, those of the nearest, with its own error."""
    size = size_at(points, error)
    if size is not None:
        return f"{size:.1f}"
    near = min(points, key=lambda point: abs(math.log(max(point.error, 1e-12) / max(error, 1e-12))))
    return f"{near.size:.1f} at {near.error:.5f}, no nearer"


SAVED = 1e-3  # bytes of a picture at least, below which a saving is rounding


def pays_after(model: float, size: float, other: float) -> int | None:
    """Pictures after which a model of so many bytes has paid for itself; None where it never does.

    Args:
        model: its bytes.
        size, other: bytes of a picture with it, and by another coder (at the same error).
    """
    return math.ceil(model / (other - size)) if other - size > SAVED else None
