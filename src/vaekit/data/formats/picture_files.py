"""Image files of any common kind, decoded in parallel to arrays of one size and channel count.

Two passes: `probe` reads the headers, which settles size and channels and finds unfitting files
before the long work; `decode` reads the pixels. What had to be converted is counted by kind.
"""

from __future__ import annotations

import io
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from vaekit.core import DataError, counted
from vaekit.data.formats.readers import READERS, converted
from vaekit.data.kinds.image import check_size
from vaekit.data.splits import hash_bytes

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = frozenset({
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".gif", ".webp", ".avif", ".tif", ".tiff",
    ".bmp", ".dib", ".pbm", ".pgm", ".ppm", ".pnm", ".pcx", ".tga", ".ico", *READERS,
})  # fmt: skip

AHEAD = 512  # files handed to the threads at a time

ORIENTATION = 0x0112  # EXIF tag; values 5 to 8 turn the image by a quarter

ODD_MODES = {
    "1": "1-bit", "P": "palette", "PA": "palette",
    "CMYK": "CMYK", "YCbCr": "YCbCr", "LAB": "LAB", "HSV": "HSV",
    "I;16": "16-bit", "I;16L": "16-bit", "I;16B": "16-bit", "I;16N": "16-bit", "I": "32-bit", "F": "float",
}  # fmt: skip

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})

COLOURS = {1: "grey", 3: "RGB", 4: "RGBA"}

File = TypeVar("File")

Result = TypeVar("Result")


@dataclass(frozen=True)
class Header:
    """The header of an image file. Size: (height, width), upright."""

    path: Path
    size: tuple[int, int]
    mode: str
    grey: bool
    alpha: bool
    orientation: int
    frames: int


@dataclass(frozen=True)
class Plan:
    """The way that all images are brought to one shape. Size: (height, width)."""

    size: tuple[int, int]
    fit: str
    channels: int


@dataclass(frozen=True)
class Decoded:
    """Pixels (C, H, W) uint8 and the hash of the file."""

    path: Path
    pixels: np.ndarray
    key: bytes


@dataclass(frozen=True)
class Bad:
    """A file that cannot be used, and why."""

    path: Path
    reason: str


def probe(path: Path, content: bytes | None = None) -> Header | Bad:
    """The header of an image file, or of its content where that is at hand."""
    from PIL import Image

    try:
        content = converted(path, content, path.read_bytes)
        with Image.open(path if content is None else io.BytesIO(content)) as image:
            # A PNG without an early eXIf chunk would be decoded in search of a late one.
            seeks = image.format != "PNG" or "exif" in image.info
            orientation = image.getexif().get(ORIENTATION, 1) if seeks else 1
            width, height = image.size
            size = (width, height) if orientation in (5, 6, 7, 8) else (height, width)
            frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
            grey = image.mode in GREY_MODES or _grey_palette(image)
            return Header(path, size, image.mode, grey, image.has_transparency_data, orientation, frames)
    except Exception as error:  # decoders raise errors of many kinds on damaged files
        return Bad(path, _reason(error))


def decode(header: Header, plan: Plan, content: bytes | None = None) -> Decoded | Bad:
    """The pixels of an image file, or of its content, as the plan wants them."""
    from PIL import Image, ImageOps

    try:
        content = header.path.read_bytes() if content is None else content
        key = hash_bytes(content)
        content = converted(header.path, content, bytes) or content
        with Image.open(io.BytesIO(content)) as image:
            side = 2 * max(plan.size)
            image.draft(None, (side, side))  # a large JPEG is decoded at a fraction of its size
            upright = _turned(_in_mode(image, plan.channels), header.orientation)
        size = (plan.size[1], plan.size[0])
        if upright.size != size:
            method = ImageOps.fit if plan.fit == "crop" else ImageOps.pad
            upright = method(upright, size, method=Image.Resampling.LANCZOS)
        pixels = np.asarray(upright)
        pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        return Decoded(header.path, np.ascontiguousarray(pixels), key)
    except Exception as error:  # as above
        return Bad(header.path, _reason(error))


def plan_for(headers: Sequence[Header], size: tuple[int, int] | None, fit: str, where: str) -> Plan:
    """Size and channels for a set of images: grey if all are, alpha only if all have it.

    Raises:
        DataError: sizes differ and none is asked for, or the one size is not possible.
    """
    sizes = Counter(header.size for header in headers)
    if size is None and len(sizes) > 1:
        (first, most), (second, next_most) = sizes.most_common(2)
        others = sum(sizes.values()) - most - next_most
        rest = f", {others:,} of other sizes" if others else ""
        raise DataError(
            f"{where}: images of different sizes: {most:,} of {_text(first)} (height x width), {next_most:,} "
            f"of {_text(second)}{rest}; bring them to one with image_size={_suggested(first, most / len(headers))!r}."
        )
    if size is None:
        check_size(*next(iter(sizes)), where)
    channels = 1 if all(header.grey for header in headers) else 3
    if all(header.alpha for header in headers) and not any(parallel(_is_opaque, headers)):
        channels = 4
    return Plan(size or headers[0].size, fit, channels)


def conversions(headers: Sequence[Header], plan: Plan) -> list[str]:
    """One line for each kind of image that is not taken as it is."""
    kinds = Counter(ODD_MODES[header.mode] for header in headers if header.mode in ODD_MODES)
    target = COLOURS[plan.channels]
    scaled = {"16-bit": " (divided by 257)", "32-bit": " (divided by 257)", "float": " (times 255)"}
    lines = [f"{_images(n, kind)} converted to {target}{scaled.get(kind, '')}" for kind, n in kinds.items()]
    grey = sum(header.grey and header.mode not in ODD_MODES for header in headers)
    if plan.channels > 1 and grey:
        lines.append(f"{_images(grey, 'grey')} converted to {target}")
    alpha = sum(header.alpha for header in headers)
    if alpha:
        done = "kept as fourth channel" if plan.channels == 4 else "laid onto white"
        lines.append(f"{_images(alpha)} with transparency: {done}")
    if turned := sum(header.orientation in range(2, 9) for header in headers):
        lines.append(f"{_images(turned)} turned upright as the EXIF orientation says")
    if moving := sum(header.frames > 1 for header in headers):
        lines.append(f"{_images(moving)} with several frames: only the first is used")
    return lines


def parallel(work: Callable[[File], Result], files: Sequence[File]) -> Iterator[Result]:
    """Results in order from threads (Pillow decodes without the interpreter lock)."""
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.simplefilter("ignore")  # Pillow's, about files that it reads nevertheless
        for start in range(0, len(files), AHEAD):
            yield from pool.map(work, files[start : start + AHEAD])


def good(results: Iterable[Result | Bad], bad: list[Bad]) -> Iterator[Result]:
    """The good results; the bad ones go to a list."""
    for result in results:
        if isinstance(result, Bad):
            bad.append(result)
        else:
            yield result


def _in_mode(image: Image.Image, channels: int) -> Image.Image:
    """Grey, RGB or RGBA; transparency that is not kept is laid onto white."""
    from PIL import Image

    image = _eight_bit(image)
    if channels == 4:
        return image.convert("RGBA")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image.convert("L" if channels == 1 else "RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey images of 16 or more bits as 8-bit ones: 65535, or 1.0 as float, becomes 255."""
    from PIL import Image

    if image.mode[0] not in "IF":
        return image
    top = 1 if image.mode == "F" else 65535
    values = np.asarray(image).astype(np.float64) * (255 / top)
    if not (values.min() >= 0 and values.max() <= 255):
        raise ValueError(f"values outside 0 to {top}")
    return Image.fromarray(np.rint(values).astype(np.uint8))


def _is_opaque(header: Header) -> bool:
    """Returns whether the alpha channel is fully opaque; False for a damaged file."""
    from PIL import Image

    try:
        with Image.open(header.path) as image:
            return image.convert("RGBA").getchannel("A").getextrema() == (255, 255)
    except Exception:  # as in probe; decode will say why
        return False


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    """The image upright, given its EXIF orientation."""
    from PIL import Image

    turn = Image.Transpose
    turns = {
        2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE,
        6: turn.ROTATE_270, 7: turn.TRANSVERSE, 8: turn.ROTATE_90,
    }  # fmt: skip
    return image.transpose(turns[orientation]) if orientation in turns else image


def _grey_palette(image: Image.Image) -> bool:
    """Returns whether all colours of a palette are grey."""
    palette = (image.getpalette("RGB") if image.mode in ("P", "PA") else None) or [0, 1, 1]
    return palette[0::3] == palette[1::3] == palette[2::3]


def _reason(error: Exception) -> str:
    """The error in a few words."""
    line = " ".join(str(error).split())
    if "cannot identify" in line:
        return "not an image"
    return line[:100] or type(error).__name__


def _images(count: int, kind: str = "") -> str:
    return counted(count, f"{kind} image".strip())


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _suggested(size: tuple[int, int], share: float) -> str:
    """The commonest size itself if half of the images have it and the networks can take it, else 64."""
    if share < 0.5 or not all(8 <= side <= 256 for side in size):
        return "64"
    return str(size[0]) if size[0] == size[1] else _text(size)
