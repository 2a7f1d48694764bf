"""The one place where an image file is opened: which formats, and how much of memory and time a file may take.

Pillow looks at the content, not at the name: without a list, a file `holiday.png` that begins `%!PS` is a program that
it hands to Ghostscript. Times are bounded by what takes them: pixels, and the scans of a JPEG, each of which goes over
all pixels again (docs/log.md has the speeds). Of a moving image only the first frame is ever read.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

FORMATS = (
    "PNG", "JPEG", "MPO", "JPEG2000", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "DIB", "PPM", "PCX", "TGA", "ICO",
)  # fmt: skip

MOST_PIXELS = 80_000_000  # of one image: below where Pillow warns, above what most cameras have
MOST_OF = {"JPEG2000": 25_000_000}  # of a format that is decoded at 3 million pixels per second
MOST_DEEP = 40_000_000  # with transparency, or of more than 8 bits: each takes several times the memory
PLAIN = frozenset({"1", "L", "P", "RGB", "CMYK", "YCbCr"})
MOST_SCANNED = 1_000_000_000  # pixels times scans of a JPEG; ten scans are usual for a progressive one
LARGE = 16_000_000  # pixels from which images are decoded one at a time

_large = threading.Lock()


@contextmanager
def open_image(source: Path | io.BytesIO, formats: Sequence[str] = FORMATS) -> Iterator[Image.Image]:
    """Opens an image file, or its content.

    Args:
        source: content is looked at for what its decoding would take; of a path only the header.
        formats: Pillow's names of those that it may be.

    Raises:
        ValueError: more pixels, or more work, than one image may have.
        Exception: of any kind, as the decoder of a damaged file likes (see `vaekit.core.foreign`).
    """
    from PIL import Image

    with Image.open(source, formats=[name for name in formats if _has(name)]) as image:
        pixels = check_pixels(image)
        if isinstance(source, io.BytesIO) and image.format in ("JPEG", "MPO"):
            scans = source.getvalue().count(b"\xff\xda")
            if scans * pixels > MOST_SCANNED:
                raise ValueError(f"a JPEG of {scans:,} scans over {pixels:,} pixels, which takes too long")
        with _large if pixels > LARGE else nullcontext():
            yield image


def check_pixels(image: Image.Image) -> int:
    """The number of pixels of an image whose header was read.

    Raises:
        ValueError: more than one image may have.
    """
    pixels = image.size[0] * image.size[1]
    most = MOST_OF.get(image.format or "", MOST_PIXELS if image.mode in PLAIN else MOST_DEEP)
    if pixels > most:
        raise ValueError(f"{image.size[0]}x{image.size[1]} are more than {most:,} pixels")
    return pixels


def frames(image: Image.Image) -> int:
    """1, or 2 for an image of several frames: to count them all would read them all."""
    if image.format == "MPO":  # a photograph and its preview
        return 1
    return 2 if getattr(image, "is_animated", False) else 1


def _has(name: str) -> bool:
    """Returns whether this Pillow can read a format; some are compiled in or not."""
    from PIL import Image

    Image.init()
    return name in Image.OPEN
