"""Interprets pixel values: by the values or as `pixels` says, binarised on demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from vaekit.core import DataError
from vaekit.data.cache import release_pages, rows_at_once
from vaekit.data.dataset import Loaded, to_unit

STATIC_SEED = 20110411  # of the fixed draw; any number would do, but changing it changes the data
FEW = 64  # images at a time
ROUNDING = 1e-5  # values may leave [0, 1] by so much: float32 after interpolation, with room
DARK = 1 / 8  # of white, as in files of more than 8 bits: below it a set is taken to be of another scale
LEVELS = 2**16  # the static draw compares 16-bit numbers: P(1) = x/255 to within 1/131072


def interpret(loaded: Loaded, asked: str, where: str) -> str:
    """Brings the images to the storage of their kind of pixels; gives the kind, a key of PIXELS.

    Args:
        loaded: its images are uint8 or float32 and are replaced where their storage changes.
        asked: a key of PIXELS, or "auto".
        where: names the source in errors.

    Raises:
        DataError: the values do not fit what was asked for, or are outside [0, 1].
    """
    images = {name: split.images for name, split in loaded.parts.items()}
    if asked == "auto" and loaded.pixels is not None:
        asked = loaded.pixels
    if asked == "real":
        loaded.set_images(
            {
                name: tensor if tensor.is_floating_point() else tensor.float()
                for name, tensor in images.items()
            }
        )
        return asked
    whole = all(tensor.dtype == torch.uint8 for tensor in images.values())
    top = 1 if not whole else _top(images.values())
    if asked in ("auto", "binary") and _two_valued(images.values(), top):
        loaded.set_images({n: _binary(t) for n, t in images.items() if top == 1})
        if asked == "auto":
            loaded.notes.append(f"all values are 0 or {top}: taken as binary")
        return "binary"
    if asked == "binary":
        raise DataError(
            f"{where}: pixels='binary', but there are other values than 0 and {top}; "
            "binarise with binarize='dynamic' or binarize='static'."
        )
    if asked == "unit":
        images = {n: t.float() if top == 1 else to_unit(t) for n, t in images.items()}
        loaded.set_images(images)
    elif whole:
        return "8-bit"
    elif asked == "8-bit":
        loaded.set_images({name: _to_bytes(tensor, where) for name, tensor in images.items()})
        return "8-bit"
    _into_unit(loaded, images, where)
    return "unit"


def interpret_like(loaded: Loaded, asked: str, like: str, where: str) -> str:
    """As `interpret`, for a model that is trained already: few images need not show what their values are.

    Args:
        like: key of PIXELS, of the images that it was trained on.
    """
    images = {name: split.images for name, split in loaded.parts.items()}
    whole = all(tensor.dtype == torch.uint8 for tensor in images.values())
    if like == "real" or asked not in ("auto", like):
        return interpret(loaded, "real" if like == "real" else asked, where)
    if like == "binary" and all(
        bool(((p == 0) | (p == 1)).all()) for t in images.values() for p in chunks(t)
    ):
        loaded.set_images({name: _binary(tensor) for name, tensor in images.items()})
        return "binary"
    if like == "8-bit" and whole:
        return like
    if like == "unit" and whole:
        loaded.set_images({name: to_unit(tensor) for name, tensor in images.items()})
        return like
    kind = interpret(loaded, "auto", where)
    if kind != "binary" or like == "binary":
        return kind
    return interpret_like(loaded, asked, like, where)  # now as bytes


def binarize(loaded: Loaded, pixels: str, how: str, where: str) -> tuple[str, bool]:
    """Makes grey images binary, or marks them to be binarised in each batch.

    Returns:
        The kind of pixels afterwards, and whether a draw is to be made for each batch.

    Raises:
        DataError: the images are binary already, not grey, or any real numbers.
    """
    if how == "none" or loaded.binarized:
        return pixels, False
    if pixels in ("binary", "real"):
        what = "binary already" if pixels == "binary" else "real numbers, not grey levels"
        raise DataError(f"{where}: binarize={how!r}, but the values are {what}; leave binarize= away.")
    shape = loaded.parts["train"].images.shape
    if len(shape) == 4 and shape[1] != 1:
        raise DataError(f"{where}: binarize={how!r} needs grey images, these have {shape[1]} channels.")
    if how == "dynamic":
        return "binary", True
    source = np.random.PCG64(STATIC_SEED)
    loaded.set_images({name: static_draw(split.images, source) for name, split in loaded.parts.items()})
    loaded.notes.append("static: one fixed seeded draw (not Larochelle's)")
    return "binary", False


def static_draw(images: Tensor, source: np.random.PCG64) -> Tensor:
    """One binary image for each grey one, uint8 0 and 255, with P(255) = its grey level.

    The raw output of PCG64 is used because numpy keeps that the same in all versions.
    """
    result = torch.empty(images.shape, dtype=torch.uint8)
    values = images[0].numel() if len(images) else 0
    per_image = -(-values // 4)  # a raw number is four of 16 bits
    for grey, drawn in zip(chunks(images), chunks(result), strict=True):
        raw = np.asarray(source.random_raw(len(grey) * per_image), dtype="<u8").view("<u2")
        noise = raw.reshape(len(grey), -1)[:, :values].reshape(grey.shape)
        drawn.copy_(torch.from_numpy((noise < _thresholds(grey)) * np.uint8(255)))
    return result


def _thresholds(grey: Tensor) -> np.ndarray:
    """Grey levels times LEVELS, as whole numbers."""
    if grey.dtype == torch.uint8:
        return np.rint(np.arange(256) * (LEVELS / 255)).astype(np.int32)[grey.numpy()]
    return np.rint(grey.numpy() * LEVELS).astype(np.int32)


def chunks(images: Tensor) -> Iterator[Tensor]:
    """Views of as many images as fit easily into memory as floats."""
    step = rows_at_once(images.shape)
    for start in range(0, len(images), step):
        yield images[start : start + step]
        release_pages()


def value_range(images: Iterable[Tensor]) -> tuple[float, float]:
    """Least and greatest value of all."""
    ends = [torch.stack(torch.aminmax(part)) for tensor in images for part in chunks(tensor)]
    return float(min(end[0] for end in ends)), float(max(end[1] for end in ends))


def dark(images: Iterable[Tensor], kind: str) -> list[str]:
    """A note where no value comes near white: the scale may be another.

    Args:
        images: of all splits, as `interpret` leaves them.
        kind: key of PIXELS.
    """
    white = {"8-bit": 255, "unit": 1}.get(kind)
    parts = list(images)
    if white is None or any(part.max() > white * DARK for tensor in parts for part in chunks(tensor)):
        return []
    high = value_range(parts)[1]
    return [
        f"no value is above {high:g}, of {white} for white: if {high:g} is white, divide the values by it"
        if high > 0
        else "all values are 0"
    ]


def _top(images: Iterable[Tensor]) -> int:
    """255, or 1 if no value is greater."""
    return 255 if any(part.max() > 1 for tensor in images for part in chunks(tensor)) else 1


def _two_valued(images: Iterable[Tensor], top: int) -> bool:
    """Returns whether 0 and `top` both occur and nothing else does."""
    low = high = False
    for part in (part for tensor in images for part in chunks(tensor)):
        for few in part.split(FEW):  # the masks are as large as what they are of
            zeros, tops = few == 0, few == top
            if not bool((zeros | tops).all()):
                return False
            low, high = low or bool(zeros.any()), high or bool(tops.any())
    return low and high


def _binary(images: Tensor) -> Tensor:
    """Values 0 and 1 as uint8 0 and 255."""
    return images.to(torch.uint8) * 255


def _to_bytes(images: Tensor, where: str) -> Tensor:
    """Floats that are whole numbers 0..255, or multiples of 1/255, as uint8."""
    low, high = value_range([images])
    scale = 255 if high <= 1 else 1
    levels = (images * scale).round()
    if low < 0 or high > 255 or not torch.allclose(levels, images * scale, atol=1e-3, rtol=0):
        raise DataError(
            f"{where}: pixels='8-bit', but values from {low:g} to {high:g} are neither whole numbers 0..255 "
            "nor multiples of 1/255; use pixels='unit' or save them as uint8."
        )
    return levels.to(torch.uint8)


def within_unit(low: float, high: float) -> bool:
    """Returns whether values lie in [0, 1], but for rounding errors."""
    return low >= -ROUNDING and high <= 1 + ROUNDING


def _into_unit(loaded: Loaded, images: Mapping[str, Tensor], where: str) -> None:
    """Checks that values lie in [0, 1]; what a rounding error puts outside is brought back.

    Raises:
        DataError: they do not; names the range.
    """
    low, high = value_range(images.values())
    if not within_unit(low, high):
        grey = ", or pixels='8-bit' if they are whole numbers 0..255" if low >= 0 and high <= 255 else ""
        raise DataError(
            f"{where}: values from {low:g} to {high:g}, but images must lie in [0, 1]: scale them "
            f"(divide by 255, say){grey}, or pixels='real' if they are features."
        )
    if low < 0 or high > 1:
        loaded.set_images({name: tensor.clamp(0, 1) for name, tensor in images.items()})
        loaded.notes.append(f"values from {low:.8g} to {high:.8g}: rounding errors, brought to [0, 1]")
