"""Image files of any common kind, decoded in parallel to arrays of one size and channel count.

Two passes: `probe` reads the headers, which settles size and channels and finds unfitting files
before the long work; `decode` reads the pixels. What had to be converted is counted by kind.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from vaekit.data.formats.depth import (
    Depth,
    check_extent,
    depth_of,
    depth_of_tiff,
    finished,
    is_cut,
    samples_of,
)
from vaekit.data.formats.picture_reasons import NO_IMAGE, no_image, reason_of
from vaekit.data.formats.png_chunks import has_late_metadata
from vaekit.data.formats.readers import READERS, converted, ending_of
from vaekit.data.formats.stored_bits import HEAD, stored_bits
from vaekit.data.splits import hash_bytes
from vaekit.images.opening import frames, open_image

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = frozenset({
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".gif", ".webp", ".avif", ".tif", ".tiff",
    ".bmp", ".dib", ".pbm", ".pgm", ".ppm", ".pnm", ".pcx", ".tga", ".ico", *READERS,
})  # fmt: skip

AHEAD = 512  # files handed to the threads at a time

ORIENTATION = 0x0112  # EXIF tag; values 5 to 8 turn the image by a quarter

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})

COLOURS = {1: "grey", 2: "grey with alpha", 3: "RGB", 4: "RGBA"}

USUAL_PROFILES = (b"srgb", b"urgb", b"desc\x03c2", b"61966")

METADATA = frozenset({"exif", "Raw profile type exif", "XML:com.adobe.xmp"})  # that may tell an orientation

File = TypeVar("File")

Result = TypeVar("Result")


@dataclass(frozen=True)
class Header:
    """The header of an image file.

    Attributes:
        size: (height, width), upright.
        mode: Pillow's, empty where it does not read the file.
        alpha: whether transparency is possible.
        orientation: EXIF's; 2 to 8 say that the picture is to be turned.
        depth: of a picture of more than 8 bits that is read as such.
        cut: there are more bits, which Pillow does not give.
        profile: it has a colour profile of another space than sRGB, which nobody applies.
    """

    path: Path
    size: tuple[int, int]
    mode: str
    grey: bool
    alpha: bool
    orientation: int
    frames: int
    depth: Depth | None = None
    cut: bool = False
    profile: bool = False

    @property
    def deep(self) -> bool:
        """More than 8 bits are read."""
        return self.depth is not None and self.depth.deep


@dataclass(frozen=True)
class Plan:
    """The way that all images are brought to one shape.

    Attributes:
        size: (height, width).
        values: 8-bit, or, as floats of all bits there are, unit (0 to 1) or real (as in the file).
        white: the value of white in files of more than 8 bits; None for the usual one.
    """

    size: tuple[int, int]
    fit: str
    channels: int
    values: str = "8-bit"
    white: float | None = None

    @property
    def type(self) -> np.dtype:
        """Type of the pixels."""
        return np.dtype(np.uint8 if self.values == "8-bit" else np.float32)


@dataclass(frozen=True)
class Decoded:
    """Pixels and what was done for them.

    Attributes:
        pixels: (C, H, W), uint8, or float32 where the plan asks for other values.
        key: hash of the file.
        clear: whether some of it was transparent.
        top: the greatest value, of a picture of more than 8 bits; None of others.
    """

    path: Path
    pixels: np.ndarray
    key: bytes
    clear: bool
    top: float | None


@dataclass(frozen=True)
class Bad:
    """A file that cannot be used, and why."""

    path: Path
    reason: str


def probe(path: Path, content: bytes | None = None) -> Header | Bad:
    """The header of an image file, or of its content where that is at hand."""
    try:
        content = converted(path, content, path.read_bytes)
        with open_image(path if content is None else io.BytesIO(content)) as image:
            depth = depth_of(image)
            cut, mixed = is_cut(image)
            if (cut or mixed) and image.format == "TIFF":
                own = _tiff(path, content)
                if mixed or isinstance(own, Header):
                    return own or Bad(path, NO_IMAGE)
            orientation = _orientation(image)
            width, height = _stored_size(image)
            size = (width, height) if orientation in (5, 6, 7, 8) else (height, width)
            grey = image.mode in GREY_MODES or _grey_palette(image)
            cut = cut or (depth is None and _bits_of_reader(path) > 8)
            alpha = image.has_transparency_data
            return Header(
                path,
                size,
                image.mode,
                grey,
                alpha,
                orientation,
                frames(image),
                depth,
                cut,
                _other_colours(image),
            )
    except Exception as error:  # decoders raise errors of many kinds on damaged files
        return _tiff(path, content) or Bad(path, no_image(path, content, reason_of(error)))


def decode(header: Header, plan: Plan, content: bytes | None = None) -> Decoded | Bad:
    """The pixels of an image file, or of its content, as the plan wants them."""
    try:
        content = header.path.read_bytes() if content is None else content
        key = hash_bytes(content)
        content = converted(header.path, content, bytes) or content
        if header.depth is None:
            pixels, clear = _decode_bytes(header, plan, content)
            return Decoded(header.path, pixels, key, clear, None)
        return replace(_decode_deep(header, header.depth, plan, content), key=key)
    except Exception as error:  # as above
        return Bad(header.path, reason_of(error))


def _decode_bytes(header: Header, plan: Plan, content: bytes) -> tuple[np.ndarray, bool]:
    """Pixels of an image of 8 bits, and whether some of it was transparent."""
    from PIL import Image, ImageOps

    with open_image(io.BytesIO(content)) as image:
        side = 2 * max(plan.size)
        image.draft(None, (side, side))  # a large JPEG is decoded at a fraction of its size
        image.load()
        left = _left_to_turn(image, header)
        picture, clear = _in_mode(image, plan.channels)
        upright = _turned(picture, left)
    size = (plan.size[1], plan.size[0])
    if upright.size != size:
        method = ImageOps.fit if plan.fit == "crop" else ImageOps.pad
        upright = method(upright, size, method=Image.Resampling.LANCZOS)
    pixels = np.asarray(upright)
    pixels = np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
    if plan.values == "unit":
        pixels = pixels.astype(np.float32) / np.float32(255)
    return pixels.astype(np.float32) if plan.values == "real" else pixels, clear


def _decode_deep(header: Header, depth: Depth, plan: Plan, content: bytes) -> Decoded:
    """An image of more than 8 bits, by all of them."""

    if depth.route == "tiff":
        samples = samples_of(None, content, depth, header.orientation, plan.white)
    else:
        with open_image(io.BytesIO(content)) as image:
            image.load()
            left = _left_to_turn(image, header)
            upright = _turned(image, left) if depth.route == "grey" else image
            samples = samples_of(upright, content, depth, left, plan.white)
    check_extent(samples, plan.values == "real")
    pixels = finished(samples, plan.channels, plan.size, plan.fit, plan.values)
    clear = samples.alpha is not None and float(samples.alpha.min()) < 1
    return Decoded(header.path, pixels, hash_bytes(content), clear, samples.highest)


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


def _in_mode(image: Image.Image, channels: int) -> tuple[Image.Image, bool]:
    """Grey, RGB, or one of both with alpha; transparency that is not kept is laid onto white, and it is said whether
    there was any."""
    from PIL import Image

    image = image.convert("LA") if image.mode == "La" else image
    if not image.has_transparency_data:
        if channels == 2:
            return Image.merge("LA", [image.convert("L"), Image.new("L", image.size, 255)]), False
        return image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels]), False
    rgba = image.convert("RGBA")
    alpha = rgba.getchannel("A")
    clear = alpha.getextrema() != (255, 255)
    if channels == 4:
        return rgba, clear
    if channels == 2:
        return Image.merge("LA", [rgba.convert("RGB").convert("L"), alpha]), clear
    if clear:
        rgba = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return rgba.convert("RGB").convert("L" if channels == 1 else "RGB"), clear


def _tiff(path: Path, content: bytes | None) -> Header | Bad | None:
    """The header of a TIFF that Pillow cannot read whole; None for what is no TIFF."""
    try:
        found = depth_of_tiff(path.read_bytes() if content is None else content)
    except Exception as error:  # as in probe
        return Bad(path, reason_of(error))
    if found is None:
        return None
    depth, (height, width, orientation, grey, alpha, frames) = found
    size = (width, height) if orientation in (5, 6, 7, 8) else (height, width)
    return Header(path, size, "", grey, alpha, orientation, frames, depth)


def _other_colours(image: Image.Image) -> bool:
    """Returns whether an image has a colour profile (ICC.1:2022) of an RGB space that is not called sRGB."""
    profile = image.info.get("icc_profile") or b""
    names = profile.replace(b"\0", b"").lower()
    return profile[16:20] == b"RGB " and not any(name in names for name in USUAL_PROFILES)


def _bits_of_reader(path: Path) -> int:
    """Bits per sample in a file that another package reads, which may give 8 of them."""
    if ending_of(str(path)) not in READERS:
        return 8
    if isinstance(path, Path):
        with path.open("rb") as file:
            return stored_bits(file.read(HEAD))
    return stored_bits(path.read_bytes())  # a member of an archive


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation of an image that is open; those of PNG may stand after the pixels."""
    if image.format == "PNG" and not METADATA & image.info.keys():
        file = image.fp  # type: ignore[attr-defined]
        place = file.tell()
        late = has_late_metadata(file)
        file.seek(place)
        if not late:
            return 1  # without this, the pixels would be decoded in search of one
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except Exception:  # metadata may be damaged where the picture is not; what else is, decode will say
        return 1
    return found if found in range(2, 9) else 1


def _stored_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) before the image is turned; some versions of Pillow exchange those of a TIFF, others do not."""
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        return tags[256], tags[257]
    return image.size


def _left_to_turn(image: Image.Image, header: Header) -> int:
    """The orientation of an image by which its decoder has not turned it yet, once it is loaded: TIFF is turned by Pillow."""
    return 1 if image.format == "TIFF" else header.orientation


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
