"""Pictures of more than 8 bits: what value is white, and their samples in full depth."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vaekit.data.formats.deep_codecs import DECODERS, deep_pixels, reads_deep
from vaekit.data.formats.png_chunks import deep_samples
from vaekit.data.formats.stored_bits import HEAD, stored_bits
from vaekit.data.formats.tiff_samples import MOST_PIXELS, READ, form_of, read_samples

if TYPE_CHECKING:
    from PIL import Image

DARK = 8  # the values of a set may stay below a part of white; below this one they are of another scale
EXACT = 2**20  # values, of the largest pictures that are computed in double precision
ROUNDING = 1e-6  # by so much of white may a value stand out
LUMA = np.array([299, 587, 114]) / 1000  # ITU-R 601-2, as Pillow's


@dataclass(frozen=True)
class Depth:
    """Depth of a picture's samples.

    Attributes:
        kind: in words: 16-bit, float.
        top: the value of white, unless somebody says otherwise.
        inverted: 0 is white and `top` black.
        route: who reads it: "grey" Pillow, "png", "tiff" and "ppm" the modules here, a key of DECODERS imagecodecs.
        shift: bits that Pillow puts below those of the file.
    """

    kind: str
    top: float
    inverted: bool = False
    route: str = "grey"
    shift: int = 0

    @property
    def deep(self) -> bool:
        """More than 8 bits."""
        return self.kind != "8-bit"


@dataclass(frozen=True)
class Samples:
    """Samples of a picture.

    Attributes:
        values: (H, W) or (H, W, 3), with 0 for black.
        alpha: (H, W) from 0 to 1, or None.
        top: the value of white.
        highest: the greatest value as it is stored, where black may be the greatest.
    """

    values: np.ndarray
    alpha: np.ndarray | None
    top: float
    highest: float


def depth_of(image: Image.Image) -> Depth | None:
    """The depth of a picture that Pillow has opened but not read; None for one of 8 bits."""
    raw = raw_mode(image)
    inverted = image.format == "TIFF" and image.tag_v2.get(262) == 0  # type: ignore[attr-defined]
    if image.mode == "F":
        return Depth("float", 1.0, inverted)
    if raw == "I;12":
        return Depth("12-bit", 4095, inverted)
    if image.mode.startswith("I;16") and image.format == "JPEG2000":
        bits = stored_bits(_head(image))
        return Depth(f"{bits}-bit", 2.0**bits - 1, shift=16 - bits) if bits <= 16 else Depth("16-bit", 65535)
    if image.mode.startswith("I;16"):
        return Depth("16-bit", 65535, inverted)
    if image.format == "PPM" and (most := _most(image)) > 255:
        return Depth("16-bit", float(most), route="ppm")
    if image.mode == "I":
        if raw in ("I;16S", "I;16BS"):
            return Depth("signed 16-bit", 32767, inverted)
        if raw in ("I;32S", "I;32BS"):
            return Depth("signed 32-bit", 2**31 - 1, inverted)
        return Depth("32-bit", 2**32 - 1, inverted) if raw == "I;32N" else Depth("16-bit", 65535, inverted)
    if ";16" in raw and image.format == "PNG" and image.size[0] * image.size[1] <= MOST_PIXELS:
        return Depth("16-bit", 65535, route="png")
    if image.format in DECODERS and image.size[0] * image.size[1] <= MOST_PIXELS:
        head = _head(image)
        if (bits := stored_bits(head)) > 8 and reads_deep(image.format, head):
            return Depth(f"{bits}-bit", 2.0**bits - 1, route=image.format or "")
    return None


def _most(image: Image.Image) -> int:
    """The greatest value of the pixels of a binary PPM; 0 of others, which are decoded to 8 bits."""
    codec, _, _, arguments = image.tile[0]  # type: ignore[attr-defined]
    return int(arguments[-1]) if isinstance(arguments, tuple) and codec == "ppm" else 0


def is_cut(image: Image.Image) -> tuple[bool, bool]:
    """Returns whether Pillow would give 8 of more bits, and whether it would misread the file."""
    if image.format != "TIFF":
        return depth_of(image) is None and _bits(image) > 8, False
    tags = image.tag_v2  # type: ignore[attr-defined]
    bits = tags.get(258, (1,))
    cut = len(bits) > 1 and max(bits) > 8
    planes = len(bits) > 1 and tags.get(284) == 2 and (cut or image.mode not in ("RGB", "CMYK"))
    swapped = (
        tags.prefix == b"MM" and tags.get(259, 1) != 1 and image.mode in ("I", "F")
    )  # libtiff has turned the bytes
    signed = bits[0] == 8 and 2 in tags.get(339, (1,))  # taken as unsigned
    read = tags.get(259, 1) in READ and tags.get(262) in (1, 2) and tags[256] * tags[257] <= MOST_PIXELS
    multiplied = 1 in tags.get(338, ()) and len(bits) in (2, 4) and read  # divided by alpha, but not rounded
    return cut, planes or swapped or signed or multiplied


def _bits(image: Image.Image) -> int:
    """Bits per sample in the file of a picture that Pillow gives with 8 or fewer."""
    if ";16" in raw_mode(image):
        return 16
    if image.format == "PPM":
        arguments = image.tile[0][3]  # type: ignore[attr-defined]
        most = arguments[-1] if isinstance(arguments, tuple) else 0
        return most.bit_length() if isinstance(most, int) else 8
    return stored_bits(_head(image)) if image.format in DECODERS else 8


def _head(image: Image.Image) -> bytes:
    """The first bytes of the file of a picture that is open."""
    file = image.fp  # type: ignore[attr-defined]
    place = file.tell()
    file.seek(0)
    head = file.read(HEAD)
    file.seek(place)
    return head


def depth_of_tiff(content: bytes) -> tuple[Depth, tuple[int, int, int, bool, bool, int]] | None:
    """The depth of a TIFF that Pillow cannot read, or cuts to 8 bits.

    Returns:
        Also height and width as stored, orientation, whether it is grey, whether it has alpha, and frames; None for
        content of another kind.

    Raises:
        ValueError: a TIFF that cannot be read; the message says why.
    """
    form = form_of(content)
    if form is None:
        return None
    names = {"f": "float", "i": f"signed {form.bits}-bit", "u": f"{form.bits}-bit"}
    depth = Depth(names[form.dtype.kind], form.top, form.photometric == 0, "tiff")
    grey = form.bands - bool(form.alpha) == 1
    return depth, (*form.size, form.orientation, grey, bool(form.alpha), form.frames)


def raw_mode(image: Image.Image) -> str:
    """The layout of the samples of a picture in its file, in Pillow's words; empty where that is not said."""
    tiles = getattr(image, "tile", None) or [("", (), 0, "")]
    arguments = tiles[0][3]
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def samples_of(
    image: Image.Image | None, content: bytes, depth: Depth, orientation: int, white: float | None
) -> Samples:
    """The samples of a picture, upright, with 0 for black.

    Args:
        image: that Pillow has loaded, upright; None where it does not read it.
        orientation: by which the others are to be turned.
        white: the value of white, where it is not the depth's own.

    Raises:
        OSError, ValueError: damaged.
    """
    top = depth.top if white is None or not depth.deep else float(white)
    alpha: np.ndarray | None = None
    if depth.route == "tiff":
        values, alpha = _of_tiff(content)
    elif depth.route == "png":
        assert image is not None
        values, alpha = deep_samples(io.BytesIO(content), image.size)
        alpha = None if alpha is None else alpha / np.float32(65535)
    elif depth.route == "ppm":
        assert image is not None
        values = _of_ppm(content, image)
    elif depth.route in DECODERS:
        values, alpha = deep_pixels(content, depth.route)
        alpha = None if alpha is None else alpha / np.float32(depth.top)
    else:
        assert image is not None
        values = np.asarray(image) >> depth.shift if depth.shift else np.asarray(image)
        values = values.view(np.uint32) if depth.kind == "32-bit" else values
        if isinstance(key := image.info.get("transparency"), int):
            alpha = np.where(values == key, np.float32(0), np.float32(1))
    if depth.route != "grey":
        values = turned(values, orientation)
        alpha = None if alpha is None else turned(alpha, orientation)
    highest = float(values.max())
    values = top - values.astype(_working(values)) if depth.inverted else values
    return Samples(values, alpha, top, highest)


def _of_ppm(content: bytes, image: Image.Image) -> np.ndarray:
    """The samples of a binary PGM or PPM of two bytes each: after two sides and the greatest value, and one space."""
    shape = image.size[::-1] if image.mode == "I" else (*image.size[::-1], 3)
    head = re.match(rb"P[56](?:(?:\s|#[^\r\n]*[\r\n])+\d+){3}\s", content)
    if head is None:
        raise ValueError("damaged")
    return np.frombuffer(content, ">u2", int(np.prod(shape)), head.end()).reshape(shape)


def _of_tiff(content: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    form = form_of(content)
    assert form is not None
    stored = read_samples(content, form)
    if not form.alpha:
        return stored[:, :, 0] if form.bands == 1 else stored, None
    most = form.top
    alpha = (stored[:, :, -1] / most).astype(np.float32)
    values = stored[:, :, 0] if form.bands == 2 else stored[:, :, :3]
    if form.alpha == 1:  # the colours were multiplied by it
        divisor = np.where(alpha > 0, alpha, 1)
        values = values / (divisor if values.ndim == 2 else divisor[:, :, None])
        values = values if form.dtype.kind == "f" else np.minimum(values, most)
    return values, alpha


def turned(array: np.ndarray, orientation: int) -> np.ndarray:
    """An array (H, W, ...) upright, given its EXIF orientation."""
    turns = {
        2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: lambda a: np.rot90(a, 1),
    }  # fmt: skip
    return turns[orientation](array) if orientation in turns else array


def check_extent(samples: Samples, real: bool) -> None:
    """Checks the least and the greatest value of a picture.

    Args:
        real: whether any finite value will do.

    Raises:
        ValueError: not finite, or outside 0 to white.
    """
    low, high = float(samples.values.min()), float(samples.values.max())
    if not max(-low, high) <= np.finfo(np.float32).max:
        raise ValueError("values that are not finite, or too large for float32")
    most = samples.top * (1 + ROUNDING)
    if not real and (low < samples.top - most or high > most):
        remedy = f"white={white_for(high):g}" if low >= 0 else "pixels='real'"
        raise ValueError(f"values from {low:g} to {high:g}, outside 0 to {samples.top:g}: give {remedy}")


def white_for(high: float) -> float:
    """The white that values up to `high` were probably meant for: the top of a number of bits from 8 on, or 1."""
    return 1.0 if 0 < high <= 1 else float(2 ** max(int(np.ceil(high)).bit_length(), 8) - 1)


def finished(samples: Samples, channels: int, size: tuple[int, int], fit: str, values: str) -> np.ndarray:
    """Samples in the form of a set.

    Args:
        channels: 1, 2 (grey and alpha), 3 or 4.
        size: (height, width).
        fit: crop or pad.
        values: 8-bit, unit or real.

    Returns:
        (C, H, W), uint8 or float32.
    """
    kind, alpha = _working(samples.values), samples.alpha
    white = samples.top if values == "real" else 1.0
    planes = samples.values[None] if samples.values.ndim == 2 else np.moveaxis(samples.values, 2, 0)
    if len(planes) == 3 and channels < 3:
        planes = np.tensordot(LUMA.astype(kind), planes.astype(kind), 1)[None]
    made = []
    for stored in planes:
        plane = stored.astype(kind)
        plane *= white / samples.top
        if alpha is not None:
            plane *= alpha
            plane += 0 if channels in (2, 4) else white * (1 - alpha)
        made.append(_resized(plane, size, fit))
    planes = np.repeat(made, 3, axis=0) if channels > 2 and len(made) == 1 else np.stack(made)
    if channels in (2, 4):
        cover = _resized(np.ones(samples.values.shape[:2]) if alpha is None else alpha, size, fit)
        planes = np.concatenate([planes / np.where(cover > 0, cover, 1), cover[None] * white])
    if values == "real":
        return planes.astype(np.float32)
    planes = planes.clip(0, 1)
    return np.rint(planes * 255).astype(np.uint8) if values == "8-bit" else planes.astype(np.float32)


def _working(values: np.ndarray) -> type[np.floating]:
    """The type to compute in: of large pictures, which are made smaller, one that needs less memory."""
    return np.float64 if values.size <= EXACT else np.float32


def _resized(plane: np.ndarray, size: tuple[int, int], fit: str) -> np.ndarray:
    from PIL import Image, ImageOps

    if plane.shape == size:
        return plane.astype(np.float64)
    method = ImageOps.fit if fit == "crop" else ImageOps.pad
    picture = Image.fromarray(plane.astype(np.float32))
    return np.asarray(method(picture, (size[1], size[0]), method=Image.Resampling.LANCZOS), np.float64)
