"""The way of images to a foreign network and back: the order of their axes, and the values of black and white."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from vaekit.core import SettingError

ENDS = {"0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0), "0..255": (0.0, 255.0)}


class Network(Protocol):
    """One network of a foreign autoencoder; `OnnxNetwork` and `CalledNetwork` say what the attributes are."""

    name: str
    where: str
    given: tuple[int | None, ...] | None
    batch: int | None
    dtype: np.dtype
    digest: str

    def __call__(self, x: np.ndarray, y: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """The outputs by name, (N, ...) each, for inputs (N, ...) and classes (N,) where it takes some."""
        ...


def shapes_of(shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Returns the shapes that an image (C, H, W), or a row (D,), can have for a network, by the order of the axes."""
    if len(shape) == 1:
        return {"flat": shape}
    channels, height, width = shape
    grey = {"NHW": (height, width)} if channels == 1 else {}
    orders = {"NCHW": shape, "NHWC": (height, width, channels)}
    return orders | grey | {"flat": (channels * height * width,)}


def fits(declared: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    """Returns whether a declared shape can be that one."""
    return len(declared) == len(shape) and all(a in (None, b) for a, b in zip(declared, shape, strict=True))


def axes_of(network: Network, shape: tuple[int, ...], wanted: str) -> str:
    """The order of the axes in which an encoder takes images.

    Args:
        shape: of an image, (C, H, W) or (D,).
        wanted: one of the order's names, or "auto": the first that fits what the network declares, channels first.

    Raises:
        SettingError: none fits.
    """
    known = shapes_of(shape)
    if wanted != "auto" and wanted not in known:
        raise SettingError(f"axes={wanted!r}: images of {text(shape)} have no such order of axes.", "axes")
    orders = list(known) if wanted == "auto" else [wanted]
    found = [order for order in orders if network.given is None or fits(network.given, known[order])]
    if found:
        return found[0]
    remedy = _remedy(network.given or (), shape)
    raise SettingError(
        f"{network.where}: takes {text(network.given or ())}, and these images are {text(shape)}: {remedy}.",
        "encoder",
    )


def _remedy(declared: tuple[int | None, ...], shape: tuple[int, ...]) -> str:
    """Another size of the images, where nothing else differs."""
    if len(declared) == len(shape) == 3:
        for size, channels in ((declared[1:], declared[0]), (declared[:2], declared[2])):
            if channels in (None, shape[0]) and None not in size:
                return f"give image_size='{text(size)}'"
    return "give images of that form, or networks for these"


def text(shape: tuple[int | None, ...]) -> str:
    """A shape in words: 3x?x?"""
    return "x".join("?" if size is None else str(size) for size in shape)


def range_of(wanted: str, dtype: np.dtype) -> str:
    """The values of black and white that a network takes or gives, a key of ENDS."""
    if wanted != "auto":
        return wanted
    return "0..255" if dtype.kind in "iu" else "0..1"


def to_network(images: Tensor, axes: str, values: str, dtype: np.dtype) -> np.ndarray:
    """Images (N, *shape) in [0, 1] as a network takes them.

    Args:
        axes: as `axes_of` gives it.
        values: key of ENDS; "" leaves the values as they are.
    """
    x = images
    if values:
        low, high = ENDS[values]
        x = x * (high - low) + low
    if axes == "NHWC":
        x = x.movedim(1, -1)
    elif axes == "NHW":
        x = x[:, 0]
    elif axes == "flat":
        x = x.flatten(1)
    whole = x.round() if dtype.kind in "iu" else x
    return np.ascontiguousarray(whole.numpy().astype(dtype))


def from_network(found: np.ndarray, axes: str, values: str, shape: tuple[int, ...], where: str) -> Tensor:
    """The output of a decoder as images (N, *shape); where it lies outside of black and white, it stays there.

    Args:
        axes: of the encoder, which decide where the shape alone does not.
        values: key of ENDS; "" leaves the values as they are.
        where: the decoder, for messages.

    Raises:
        SettingError: images of another size.
    """
    known = shapes_of(shape)
    order = next((o for o in (axes, *known) if known[o] == found.shape[1:]), None)
    if order is None:
        given = text(found.shape[1:])
        raise SettingError(f"{where}: gives images of {given}, and these are {text(shape)}.", "decoder")
    x = torch.from_numpy(np.ascontiguousarray(found.astype(np.float32)))
    x = x.movedim(-1, 1) if order == "NHWC" else x.reshape(len(x), *shape)
    if not values:
        return x
    low, high = ENDS[values]
    return (x - low) / (high - low)
