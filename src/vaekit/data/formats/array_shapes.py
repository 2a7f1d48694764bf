"""The axes of an array: which are images, channels, height and width, and what else its shape might mean."""

from __future__ import annotations

from torch import Tensor

from vaekit.core import DataError
from vaekit.data.kinds.image import LARGEST, SMALLEST

CHANNELS = range(1, 5)

SIDES = range(SMALLEST, LARGEST + 1)

LAYOUT_AXES = {"NHW": 3, "NCHW": 4, "NHWC": 4, "ND": 2}

FORMS = "(N, H, W), (N, C, H, W), (N, H, W, C) or (N, D)"


def arranged(images: Tensor, layout: str, where: str) -> Tensor:
    """A view of the array as (N, C, H, W) or (N, D).

    Raises:
        DataError: the layout does not fit the shape, or could be either.
    """
    shape = tuple(images.shape)
    layout = _guess_layout(shape, where) if layout == "auto" else layout
    if LAYOUT_AXES[layout] != len(shape):
        raise DataError(f"{where}: layout={layout!r} has {LAYOUT_AXES[layout]} axes, not shape {shape}.")
    if layout == "ND":
        return images
    images = images[:, None] if layout == "NHW" else images
    images = images.permute(0, 3, 1, 2) if layout == "NHWC" else images
    if images.shape[1] not in CHANNELS:
        raise DataError(
            f"{where}: layout={layout!r} takes shape {shape} as {images.shape[1]} channels; "
            "only 1 to 4 are possible."
        )
    return images


def doubts(shape: tuple[int, ...], layout: str, pixels: str) -> list[str]:
    """The likely meaning of a shape that can be taken as a set, where that is something else: a line, or none.

    Args:
        shape: of the array.
        layout: that was asked for, or "auto".
        pixels: key of PIXELS, or "auto".
    """
    if layout != "auto":
        return []
    if len(shape) == 2 and pixels != "real" and min(shape) >= 2 * SMALLEST and max(shape) <= 2 * min(shape):
        taken = f"shape {shape} is taken as {shape[0]:,} rows of {shape[1]:,} values"
        return [f"{taken}; if it is one picture, array[None] is a set of one"]
    if len(shape) != 3:
        return []
    count, height, width = shape
    taken = f"shape {shape} is taken as {count:,} images of {height}x{width}"
    if width != height and count in SIDES and height in SIDES and (count == height or width > LARGEST):
        return [
            f"{taken}; if it is {width:,} images of {count}x{height}, move the last axis: array.transpose(2, 0, 1)"
        ]
    if count in CHANNELS and height in SIDES and width in SIDES:
        channels = f"{count} channel{'s' * (count > 1)}"
        return [f"{taken}; if it is one picture of {channels}, array[None] is a set of one"]
    return []


def _guess_layout(shape: tuple[int, ...], where: str) -> str:
    if len(shape) == 2:
        return "ND"
    if len(shape) == 3:
        _check_three(shape, where)
        return "NHW"
    if len(shape) != 4:
        meaning = {
            0: "a single number",
            1: "one row, or numbers without rows: array[None] is a set of one row",
        }
        likely = meaning.get(
            len(shape), "volumes or films: take slices of them, or one row of features for each"
        )
        raise DataError(
            f"{where}: an array of shape {shape}; it must be {FORMS}, and this looks like {likely}."
        )
    first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
    if first and last:
        raise DataError(f"{where}: shape {shape} could be either; give layout='NCHW' or layout='NHWC'.")
    if not first and not last:
        raise DataError(
            f"{where}: shape {shape} has no axis of 1 to 4 channels, second or last{_other_order(shape)}."
        )
    return "NCHW" if first else "NHWC"


def _check_three(shape: tuple[int, ...], where: str) -> None:
    """Raises DataError for three axes of which one is too short for a side, with what they probably are."""
    count, height, width = shape
    if 1 in (height, width) and max(height, width) > 1:
        length = max(height, width)
        raise DataError(
            f"{where}: shape {shape} looks like {count:,} rows of {length} values: "
            f"array.reshape({count}, {length}), or array.squeeze(), is (N, D)."
        )
    if width not in CHANNELS or height < SMALLEST:
        return
    if count >= SMALLEST and max(count, height) <= 4 * min(count, height):
        raise DataError(
            f"{where}: shape {shape} looks like one picture of {count}x{height} with {width} channels; a set is "
            "(N, H, W, C), and array[None] is a set of one."
        )
    raise DataError(
        f"{where}: shape {shape} looks like {count:,} signals of {height} steps and {width} channels: "
        f"array.reshape({count}, {height * width}) makes a row of each."
    )


def _other_order(shape: tuple[int, ...]) -> str:
    """The order in which four axes probably are, and how to bring them to another."""
    if shape[2] in CHANNELS:
        return "; it looks like (H, W, C, N): array.transpose(3, 2, 0, 1)"
    return "; it looks like (C, N, H, W): array.transpose(1, 0, 2, 3)" if shape[0] in CHANNELS else ""
