"""Formats that other packages read (HEIC, JPEG XL, DICOM, NIfTI), and what to do about those that none is asked to.

What such a package gives becomes a PNG in memory, so that everything after it is as for any other image file.
"""

from __future__ import annotations

import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from math import prod
from pathlib import PurePath
from typing import Any

import numpy as np

from vaekit.core import foreign, reason
from vaekit.data.formats.picture_bytes import content_of
from vaekit.images.opening import check_pixels, open_image

MOST = 2**30  # bytes of a volume

REMEDIES = {
    ".feather": "read it as a table and pass that: load_data(pandas.read_feather(...))",
    ".arrow": "open it with datasets.Dataset.from_file(...) and pass that",
    ".xlsx": "read it as a table and pass that: load_data(pandas.read_excel(...)), or save it as .csv",
    ".pt": "pass the tensor itself in Python, or save it with numpy.save as .npy",
    ".pth": "pass the tensor itself in Python, or save it with numpy.save as .npy",
    ".pkl": "it may run any code when it is opened; save arrays with numpy.savez as .npz",
    ".pickle": "it may run any code when it is opened; save arrays with numpy.savez as .npz",
    ".safetensors": "pass its tensors as a dict in Python, or save them with numpy.savez as .npz",
    ".h5": "read the arrays with h5py and pass them, or save them with numpy.savez as .npz",
    ".hdf5": "read the arrays with h5py and pass them, or save them with numpy.savez as .npz",
    ".mat": "read the arrays with scipy.io.loadmat and pass them, or save them with numpy.savez as .npz",
    ".gz": "unpack it first",
    ".7z": "unpack it into a folder, or save it as .zip",
    ".rar": "unpack it into a folder, or save it as .zip",
    ".json": "read it as a table and pass that: load_data(pandas.read_json(...))",
    ".ods": "read it as a table and pass that: load_data(pandas.read_excel(...)), or save it as .csv",
    ".xls": "read it as a table and pass that: load_data(pandas.read_excel(...)), or save it as .csv",
    ".orc": "read it as a table and pass that: load_data(pandas.read_orc(...))",
    ".dta": "read it as a table and pass that: load_data(pandas.read_stata(...))",
    ".sav": "read it as a table and pass that: load_data(pandas.read_spss(...))",
    ".sqlite": "read it as a table and pass that: load_data(pandas.read_sql(...))",
    ".arff": "read it with scipy.io.arff.loadarff and pass the table",
    ".wav": "read its samples with scipy.io.wavfile.read, and pass pieces of one length as rows (N, D)",
    ".mp3": "decode it, and pass pieces of one length of its samples as rows (N, D)",
    ".flac": "decode it, and pass pieces of one length of its samples as rows (N, D)",
    ".pdf": "save its pages as PNG in a folder",
    ".svg": "draw it as PNG, in a folder of such images",
    ".psd": "save it as PNG, in a folder of such images",
    ".xcf": "save it as PNG, in a folder of such images",
    ".dng": "develop it to PNG or TIFF of 16 bits, in a folder of such images",
    ".cr2": "develop it to PNG or TIFF of 16 bits, in a folder of such images",
    ".nef": "develop it to PNG or TIFF of 16 bits, in a folder of such images",
    ".mov": "save its frames as images in a folder",
    ".mkv": "save its frames as images in a folder",
    ".zst": "unpack it first",
    ".bz2": "unpack it first",
    ".mp4": "save its frames as images in a folder",
    ".avi": "save its frames as images in a folder",
}  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """A package that reads a format.

    Attributes:
        called: the format, in words.
        module, package: its name in Python, and for pip.
        read: gives a picture of Pillow from the content of a file.
        note: what is said of such images, behind their number; empty where nothing is lost.
    """

    called: str
    module: str
    package: str
    read: Callable[[bytes], Any]
    note: str = ""


def _heic(content: bytes) -> Any:
    import_module("pillow_heif").register_heif_opener()
    return _opened(content, "HEIF")


def _jpeg_xl(content: bytes) -> Any:
    import_module("pillow_jxl")
    return _opened(content, "JXL")


def _opened(content: bytes, format: str) -> Any:
    with open_image(io.BytesIO(content), [format]) as image:
        image.load()
        return image


def _dicom(content: bytes) -> Any:
    """The first frame; grey values through the window that the file names (DICOM PS3.3, C.11.2.1.2.1), else by their bits."""
    from PIL import Image

    dicom, processing = import_module("pydicom"), import_module("pydicom.pixels")
    file = dicom.dcmread(io.BytesIO(content))
    frames, samples = int(file.get("NumberOfFrames", 1) or 1), int(file.SamplesPerPixel)
    if frames * file.Rows * file.Columns * samples * (file.BitsAllocated // 8) > MOST:
        raise ValueError("more than 1 GB of pixels")
    stored = file.pixel_array[0] if frames > 1 else file.pixel_array
    if samples == 3:
        kind = str(file.PhotometricInterpretation)
        return Image.fromarray(
            stored if kind == "RGB" else processing.convert_color_space(stored, kind, "RGB")
        )
    centre, width = (_first(file.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is not None and width is not None and width > 1:
        values = stored * float(file.get("RescaleSlope", 1)) + float(file.get("RescaleIntercept", 0))
        level = (values - (centre - 0.5)) / (width - 1) + 0.5
    else:
        low = -(2 ** (file.BitsStored - 1)) if file.PixelRepresentation else 0
        level = (stored.astype(np.float64) - low) / (2**file.BitsStored - 1)
    return _grey(1 - level if file.PhotometricInterpretation == "MONOCHROME1" else level)


def _first(value: Any) -> float | None:
    """The first of one value or several."""
    several = not isinstance(value, str) and hasattr(value, "__len__")
    value = value[0] if several and len(value) else None if several else value
    return None if value is None or value == "" else float(value)


def _nifti(content: bytes) -> Any:
    """The middle slice of the last axis of the (first) volume, nose up, from its least to its greatest value."""
    nibabel = import_module("nibabel")
    if content[:2] == b"\x1f\x8b":
        with gzip.open(io.BytesIO(content)) as file:
            content = file.read(MOST + 1)
    if len(content) > MOST:
        raise ValueError("more than 1 GB of values")
    image = nibabel.Nifti1Image.from_bytes(content)
    if prod(image.shape) * 8 > MOST:
        raise ValueError("more than 1 GB of values")
    image = nibabel.as_closest_canonical(image) if len(image.shape) >= 3 else image
    values = np.asarray(image.dataobj, np.float64)
    while values.ndim > 3:
        values = values[..., 0]
    plane = values[:, :, values.shape[2] // 2] if values.ndim == 3 else values
    low, high = float(plane.min()), float(plane.max())
    return _grey((plane.T[::-1] - low) / (high - low if high > low else 1.0))


def _grey(level: np.ndarray) -> Any:
    """Grey values from 0 to 1 as a picture of 16 bits."""
    from PIL import Image

    return Image.fromarray(np.rint(level.clip(0, 1) * 65535).astype(np.uint16))


HEIC = Reader("HEIC", "pillow_heif", "pillow-heif", _heic)
JPEG_XL = Reader("JPEG XL", "pillow_jxl", "pillow-jxl-plugin", _jpeg_xl)
DICOM = Reader(
    "DICOM", "pydicom", "pydicom", _dicom, "the window that each names is black to white, else all its bits"
)
NIFTI = Reader(
    "NIfTI",
    "nibabel",
    "nibabel",
    _nifti,
    "the middle slice of each, its least value black and its greatest white",
)

READERS = {
    ".heic": HEIC, ".heif": HEIC, ".hif": HEIC, ".jxl": JPEG_XL, ".dcm": DICOM, ".dicom": DICOM, ".nii": NIFTI,
}  # fmt: skip


def ending_of(name: str | PurePath) -> str:
    """The ending of a file by which its format is known, in lower case; that of `a.nii.gz` is `.nii`."""
    path = PurePath(name)
    inner = PurePath(path.stem).suffix.lower()
    return inner if path.suffix.lower() == ".gz" and inner in READERS else path.suffix.lower()


def converted(name: object, content: bytes | None, read: Callable[[], bytes]) -> bytes | None:
    """The content of an image file as Pillow reads it by itself.

    Args:
        name: of the file.
        content: of the file, where it is at hand.
        read: gives it, where it is not.

    Returns:
        `content` for a format that needs no other package.

    Raises:
        ImportError: the package is not there; names it.
        DataError: that package cannot read it.
    """
    reader = READERS.get(ending_of(str(name)))
    if reader is None:
        return content
    if find_spec(reader.module) is None:
        raise ImportError(f"{reader.called} needs {reader.package}: pip install {reader.package}")
    content = read() if content is None else content
    with foreign(reader.called, say=reason):
        picture = reader.read(content)
        check_pixels(picture)
        return content_of(picture)


def reader_notes(names: Iterable[object]) -> list[str]:
    """A line for each format whose values had to be brought to black and white."""
    endings = Counter(READERS[ending] for name in names if (ending := ending_of(str(name))) in READERS)
    return [
        f"{count:,} {reader.called} image{'s' * (count > 1)}: {reader.note}"
        for reader, count in endings.items()
        if reader.note
    ]


def remedy_for(ending: str, picture: bool) -> str:
    """Returns what to do with a file of this ending, to put behind its name.

    Args:
        ending: in lower case.
        picture: whether it is that of an image file.
    """
    if picture:
        return "; a set to train on is a folder of such images"
    known = REMEDIES.get(ending)
    return f"; {known}" if known else "; save arrays with numpy.save or numpy.savez, or images in a folder"
