"""Arrays as a source: .npy and .npz files, numpy arrays and tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vaekit.config.options import DataSettings
from vaekit.core import DataError, foreign, reason
from vaekit.data.cache import RESIDENT, read_npy, rows_at_once
from vaekit.data.dataset import Loaded, Split
from vaekit.data.formats.folder import natural
from vaekit.data.formats.numpy_files import Arrays, Unfit, open_npz

CHANNELS = range(1, 5)

LAYOUT_AXES = {"NHW": 3, "NCHW": 4, "NHWC": 4, "ND": 2}


def load_npy_file(path: Path, settings: DataSettings) -> Loaded:
    """Images from an .npy file; mapped, not read, when it is large.

    Raises:
        DataError: unreadable, pickled, or not an array of images or features.
    """
    with foreign(str(path), say=_unreadable):
        array = read_npy(path)
    loaded = from_array(array, None, settings, str(path))
    loaded.path = str(path.resolve())
    return loaded


def load_npz_file(path: Path, settings: DataSettings) -> Loaded:
    """Images and labels from an .npz file.

    Raises:
        DataError: as for an .npy file, or the file has no array of the name wanted.
    """
    with foreign(str(path), say=_unreadable), open_npz(path) as file:
        images = _member(file, settings.images_key, ("images", "x"), "images_key", path)
        labels = _member(file, settings.labels_key, ("labels", "y"), "labels_key", path)
    assert images is not None
    loaded = from_array(images, labels, settings, str(path))
    loaded.path = str(path.resolve())
    return loaded


def from_array(
    array: np.ndarray | Tensor, labels: object | None, settings: DataSettings, where: str
) -> Loaded:
    """Images from an array in memory or mapped.

    Args:
        array: (N, H, W), (N, C, H, W), (N, H, W, C) or (N, D).
        labels: (N,) whole numbers or words, or None.
        where: names the source in errors.

    Raises:
        DataError: type, shape, values or labels are not those of images.
    """
    with foreign(f"{where}: cannot be taken as a numpy array; give a dense one of plain numbers, on the CPU"):
        array = _numpy(array)
    mapped = isinstance(array, np.memmap) and array.nbytes > RESIDENT
    images = arranged(torch.from_numpy(_values(array, settings.pixels, where)), settings.layout, where)
    if len(images) == 0 or images.numel() == 0:
        raise DataError(f"{where}: an array of shape {tuple(array.shape)} holds no images.")
    numbers, names = class_numbers(labels, len(images), where) if labels is not None else (None, None)
    rows = None if mapped else [str(row) for row in range(len(images))]  # so that embeddings have names
    return Loaded({"train": Split(images, numbers, rows)}, class_names=names, mapped=mapped)


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


def class_numbers(labels: object, count: int, where: str) -> tuple[Tensor, list[str]]:
    """Labels as class numbers 0, 1, ... in the order of the labels, and the name of each.

    Args:
        labels: (N,) or (N, 1) whole numbers or words.
        count: how many there must be.

    Raises:
        DataError: wrong number or shape, fractions, or of another type.
    """
    with foreign(
        f"{where}: labels cannot be taken as a numpy array; give one whole number or word per image"
    ):
        values = _numpy(labels) if isinstance(labels, Tensor) else np.asarray(labels)
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if values.shape != (count,):
        raise DataError(f"{where}: labels of shape {values.shape} for {count:,} images; give one per image.")
    if values.dtype.kind == "f":
        if not (np.isfinite(values).all() and (values == np.rint(values)).all()):
            raise DataError(f"{where}: labels are not whole numbers; give class numbers or names.")
        values = values.astype(np.int64)
    if values.dtype.kind not in "biuU":
        raise DataError(f"{where}: labels of type {values.dtype}; give whole numbers or text.")
    known, numbers = np.unique(values, return_inverse=True)
    if values.dtype.kind == "U":
        order = sorted(range(len(known)), key=lambda i: natural(str(known[i])))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        known, numbers = known[order], rank[numbers]
    return torch.from_numpy(numbers.astype(np.int64)), [str(name) for name in known]


def _guess_layout(shape: tuple[int, ...], where: str) -> str:
    if len(shape) == 2:
        return "ND"
    if len(shape) == 3:
        return "NHW"
    if len(shape) != 4:
        raise DataError(
            f"{where}: an array of shape {shape}; it must be (N, H, W), (N, C, H, W), (N, H, W, C) or (N, D)."
        )
    first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
    if first and last:
        raise DataError(f"{where}: shape {shape} could be either; give layout='NCHW' or layout='NHWC'.")
    if not first and not last:
        raise DataError(f"{where}: shape {shape} has no axis of 1 to 4 channels, second or last.")
    return "NCHW" if first else "NHWC"


def _values(array: np.ndarray, pixels: str, where: str) -> np.ndarray:
    """The array as uint8 or as finite float32, whichever keeps its values; real values as float64 where they came so."""
    kind = array.dtype.kind
    if kind == "b":
        return array.view(np.uint8) if array.flags.c_contiguous else array.astype(np.uint8)
    if kind in "iu" and pixels == "real":
        return array.astype(np.float32 if array.dtype.itemsize < 4 else np.float64)
    if kind in "iu":
        return _bytes(array, where)
    if kind == "f":
        return _floats(
            array, np.float64 if pixels == "real" and array.dtype.itemsize >= 8 else np.float32, where
        )
    raise DataError(f"{where}: an array of {array.dtype} cannot be images; save it as uint8 or float32.")


def _bytes(array: np.ndarray, where: str) -> np.ndarray:
    if array.dtype == np.uint8 or array.size == 0:
        return array
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > 255:
        raise DataError(
            f"{where}: whole numbers from {low} to {high}; bring them to 0..255 "
            "(16-bit: divide by 257), or pixels='real' if they are features."
        )
    return array.astype(np.uint8)


def _floats(array: np.ndarray, kept: type[np.floating], where: str) -> np.ndarray:
    step = rows_at_once(array.shape)
    for start in range(0, len(array) if array.ndim else 0, step):
        part = array[start : start + step]
        if not np.isfinite(part).all():
            row = start + int(np.argwhere(~np.isfinite(part))[0][0])
            what = "NaN" if np.isnan(array[row]).any() else "infinite values"
            raise DataError(f"{where}: {what} in image {row}; remove or repair such images.")
    return array.astype(kept, copy=False)


def _numpy(array: object) -> np.ndarray:
    """A numpy array that torch can take: native byte order, positive strides."""
    if isinstance(array, Tensor):
        array = array.detach().cpu().resolve_neg()
        array = (array.float() if array.dtype == torch.bfloat16 else array).numpy()
    assert isinstance(array, np.ndarray)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if any(stride < 0 for stride in array.strides) or not array.flags.writeable:
        array = array.copy()
    return array


def _member(
    file: Arrays, chosen: str | None, usual: tuple[str, ...], option: str, path: Path
) -> np.ndarray | None:
    names = (chosen,) if chosen is not None else usual
    for name in names:
        if name in file.files:
            return file[name]
    if chosen is None and option == "labels_key":
        return None
    there = ", ".join(file.files) or "none"
    raise DataError(f"{path}: no array named {' or '.join(names)}; give {option}=. Arrays there: {there}.")


def _unreadable(error: BaseException) -> str:
    line = reason(error)
    if isinstance(error, Unfit):
        return str(error)
    if isinstance(error, PermissionError):
        return f"cannot be read ({line}); check its permissions."
    if "Object arrays" in line:
        return "holds Python objects; save an array of uint8 or float32 with numpy.save."
    if "pickled" in line:  # numpy takes whatever it does not know for a pickle
        return "is not a numpy file; save an array with numpy.save."
    return f"cannot be read as a numpy file, perhaps cut short ({line}); save it again."
