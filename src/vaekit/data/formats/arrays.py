"""Arrays as a source: .npy files, numpy arrays and tensors. Several with names: `named_arrays`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vaekit.config.options import DataSettings
from vaekit.core import DataError, foreign, reason
from vaekit.data.cache import RESIDENT, copy_on_write, is_mapped, read_npy, release_pages, rows_at_once
from vaekit.data.dataset import Loaded, Split
from vaekit.data.formats.array_shapes import arranged, doubts
from vaekit.data.formats.class_labels import class_numbers
from vaekit.data.formats.numpy_files import Unfit, bytes_behind
from vaekit.data.formats.row_values import kind_of_rows


def load_npy_file(path: Path, settings: DataSettings) -> Loaded:
    """Images from an .npy file; mapped, not read, when it is large.

    Raises:
        DataError: unreadable, pickled, or not an array of images or features.
    """
    loaded = from_array(read_array(path), None, settings, str(path))
    loaded.path = str(path.resolve())
    if behind := bytes_behind(path):
        loaded.notes.append(
            f"{behind:,} bytes behind the array are not read: a file that holds several is a .npz"
        )
    return loaded


def read_array(path: Path) -> np.ndarray:
    """The array of an .npy file, as `read_npy` gives it.

    Raises:
        DataError: unreadable, or pickled.
    """
    with foreign(str(path), say=unreadable):
        return read_npy(path)


def from_array(
    array: np.ndarray | Tensor, labels: object | None, settings: DataSettings, where: str
) -> Loaded:
    """Images from an array in memory or mapped.

    Args:
        array: (N, H, W), (N, C, H, W), (N, H, W, C) or (N, D).
        labels: as in `class_numbers`, or None.
        where: names the source in errors.

    Raises:
        DataError: type, shape, values or labels are not those of images.
    """
    with foreign(f"{where}: cannot be taken as a numpy array; give a dense one of plain numbers, on the CPU"):
        array = _numpy(array, where)
    told = kind_of_rows(array) if array.ndim == 2 and settings.pixels == "auto" else None
    if told is not None:
        settings = replace(settings, pixels=told[0])
    values = torch.from_numpy(_values(array, settings.pixels, where))
    mapped = array.nbytes > RESIDENT and is_mapped(values)
    images = arranged(values, settings.layout, where)
    if len(images) == 0 or images.numel() == 0:
        raise DataError(f"{where}: an array of shape {tuple(array.shape)} holds no images.")
    numbers, names = class_numbers(labels, len(images), where) if labels is not None else (None, None)
    rows = None if mapped else [str(row) for row in range(len(images))]  # so that embeddings have names
    loaded = Loaded({"train": Split(images, numbers, rows)}, class_names=names, mapped=mapped)
    loaded.doubts = doubts(tuple(array.shape), settings.layout, settings.pixels)
    if told is not None:
        loaded.pixels = told[0]
        loaded.notes.append(told[1])
    elif images.ndim == 2 and settings.pixels == "auto":
        loaded.notes.append("rows are taken as pixels, by their values; pixels='real' makes them features")
    return loaded


def _values(array: np.ndarray, pixels: str, where: str) -> np.ndarray:
    """The array as uint8 or as finite float32, whichever keeps its values; real values as float64 where they came so."""
    kind = array.dtype.kind
    if array.ndim == 0:
        raise DataError(f"{where}: a single number is no set of images; give an array of them.")
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
    """Checks part by part that the values are finite numbers, also in the type in which they are kept."""
    step, most = rows_at_once(array.shape), float(np.finfo(kept).max)
    for start in range(0, len(array), step):
        part = array[start : start + step]
        if not np.isfinite(part).all():
            place = np.argwhere(~np.isfinite(part))[0]
            row = start + int(place[0])
            what = "NaN" if np.isnan(array[row]).any() else "infinite values"
            if array.ndim == 2:
                raise DataError(
                    f"{where}: {what} in row {row}, column {place[1]}; remove or repair such rows."
                )
            raise DataError(f"{where}: {what} in image {row}; remove or repair such images.")
        if array.dtype.itemsize > np.dtype(kept).itemsize and not (np.abs(part) <= most).all():
            row = start + int(np.argwhere(np.abs(part) > most)[0][0])
            raise DataError(
                f"{where}: image {row} has values beyond {most:.2g}, the largest that {np.dtype(kept)} holds; "
                "bring the data to another unit."
            )
        release_pages()
    return array.astype(kept, copy=False)


def _numpy(array: object, where: str) -> np.ndarray:
    """A numpy array that torch can take: native byte order, positive strides, not masked, never a file of the user's
    that could be written to.

    Raises:
        DataError: values that are masked, or a tensor that numpy has no type for.
    """
    if isinstance(array, Tensor):
        array = of_tensor(array, where)
    assert isinstance(array, np.ndarray)
    if isinstance(array, np.ma.MaskedArray):
        if missing := int(np.ma.count_masked(array)):
            raise DataError(
                f"{where}: {missing:,} of {array.size:,} values are masked; fill them (array.filled(0), say), or leave "
                "such images out."
            )
        array = array.data
    array = copy_on_write(array)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if any(stride < 0 for stride in array.strides) or not array.flags.writeable:
        array = array.copy()
    return np.asarray(array)


def of_tensor(tensor: Tensor, where: str) -> np.ndarray:
    """The values of a tensor of any kind.

    Raises:
        DataError: it has none that numpy could hold.
    """

    def said(error: BaseException) -> str:
        return f"a tensor of {tensor.dtype} cannot be read ({reason(error)}); give a plain one."

    with foreign(where, say=said):
        plain = tensor.detach()
        if plain.layout != torch.strided or plain.is_quantized:
            plain = plain.dequantize() if plain.is_quantized else plain.to_dense()
        plain = plain.cpu().resolve_conj().resolve_neg()
        exotic = plain.dtype == torch.bfloat16 or (plain.is_floating_point() and plain.dtype.itemsize < 2)
        return (plain.float() if exotic else plain).numpy()


def unreadable(error: BaseException) -> str:
    """An error of a reader of numpy files in words, with the remedy."""
    line = reason(error)
    if isinstance(error, Unfit):
        return str(error)
    if isinstance(error, PermissionError):
        return f"cannot be read ({line}); check its permissions."
    if isinstance(error, MemoryError) or reason(MemoryError()) in line:
        return "is too large for this machine's memory, or damaged; save it again."
    if "Object arrays" in line:
        return "holds Python objects; save an array of uint8 or float32 with numpy.save."
    if "pickled" in line:  # numpy takes whatever it does not know for a pickle
        return "is not a numpy file; save an array with numpy.save."
    return f"cannot be read as a numpy file, perhaps cut short ({line}); save it again."
