"""Formats that other packages read: with the package against values that were written, without it one line that names it."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vaekit import DataError, load_data
from vaekit.data.dataset import Data
from vaekit.data.formats import readers
from vaekit.data.formats.readers import ending_of

GREY = np.random.default_rng(0).integers(0, 256, (12, 16, 24), dtype=np.uint8)


def images(data: Data) -> dict[str, np.ndarray]:
    return {
        name: image.numpy()
        for split in data.splits.values()
        for name, image in zip(split.names or [], split.images, strict=True)
    }


@pytest.mark.parametrize(("name", "ending"), [
    ("a.HEIC", ".heic"), ("a.nii.gz", ".nii"), ("a.b.NII.GZ", ".nii"), ("a.csv.gz", ".gz"), ("a", ""), ("a/b.dcm", ".dcm"),
])  # fmt: skip
def test_endings(name: str, ending: str) -> None:
    assert ending_of(name) == ending


@pytest.mark.parametrize(("ending", "package"), [
    ("heic", "pillow-heif"), ("jxl", "pillow-jxl-plugin"), ("dcm", "pydicom"), ("nii.gz", "nibabel"),
])  # fmt: skip
def test_a_package_that_is_missing_is_named(
    tmp_path: Path, ending: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "find_spec", lambda name: None)
    (tmp_path / "a").mkdir()
    for index in range(12):
        (tmp_path / "a" / f"{index}.{ending}").write_bytes(b"anything")
    with pytest.raises(DataError) as caught:
        load_data(tmp_path / "a")
    assert f"pip install {package}" in str(caught.value) and "\n" not in str(caught.value)
    Image.fromarray(GREY[0]).save(tmp_path / "a" / "0.png")
    with pytest.raises(DataError, match="only 1 image"):
        load_data(tmp_path / "a")


@pytest.mark.parametrize(("ending", "module"), [("heic", "pillow_heif"), ("jxl", "pillow_jxl")])
def test_pictures_of_other_packages(tmp_path: Path, ending: str, module: str) -> None:
    """Colour, without loss where the format can: against what that package itself reads."""
    package = pytest.importorskip(module)
    if ending == "heic":
        package.register_heif_opener()
    expected = {}
    for index, array in enumerate(GREY):
        picture = Image.fromarray(np.stack([array, array[::-1], 255 - array], -1))
        name = f"{index}.{ending}"
        picture.save(tmp_path / name, **({"quality": -1} if ending == "heic" else {"lossless": True}))
        with Image.open(tmp_path / name) as again:
            expected[name] = np.moveaxis(np.asarray(again.convert("RGB")), -1, 0)
    found = images(load_data(tmp_path))
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def dicom(path: Path, stored: np.ndarray, **tags: Any) -> None:
    """A file of 12 bits in 16, written tag by tag."""
    pydicom = pytest.importorskip("pydicom")
    file = pydicom.Dataset()
    file.file_meta = pydicom.dataset.FileMetaDataset()
    file.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    file.file_meta.MediaStorageSOPClassUID = file.SOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    file.file_meta.MediaStorageSOPInstanceUID = file.SOPInstanceUID = pydicom.uid.generate_uid()
    file.Rows, file.Columns = stored.shape[-2:]
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 12, 11, 0
    for name, value in tags.items():
        setattr(file, name, value)
    file.PixelData = stored.astype("<u2").tobytes()
    file.save_as(path, enforce_file_format=True)


@pytest.mark.parametrize(("tags", "level"), [
    ({}, lambda x: x / 4095),
    ({"PhotometricInterpretation": "MONOCHROME1"}, lambda x: 1 - x / 4095),
    ({"WindowCenter": 600, "WindowWidth": 801}, lambda x: np.clip((x - 599.5) / 800 + 0.5, 0, 1)),
    ({"WindowCenter": ["100", "9"], "WindowWidth": ["401", "9"], "RescaleSlope": 2, "RescaleIntercept": -1024},
     lambda x: np.clip((2 * x - 1024 - 99.5) / 400 + 0.5, 0, 1)),
])  # fmt: skip
def test_dicom_by_its_window(tmp_path: Path, tags: dict[str, Any], level: Any) -> None:
    stored = np.random.default_rng(0).integers(0, 4096, (12, 16, 24))
    for index, array in enumerate(stored):
        dicom(tmp_path / f"{index}.dcm", array, **tags)
    data = load_data(tmp_path)
    assert any(note.startswith("12 DICOM images: the window") for note in data.notes)
    for name, image in images(data).items():
        expected = level(stored[int(name.split(".")[0])].astype(float)) * 255
        np.testing.assert_allclose(image[0], expected, atol=0.51)


def nifti(values: np.ndarray) -> bytes:
    """A single file by the definition of NIfTI-1: a header of 348 bytes, 4 of extensions, float32 in Fortran order."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, values.ndim, *values.shape, *[1] * (7 - values.ndim))
    struct.pack_into("<hh", header, 70, 16, 32)
    struct.pack_into("<8f", header, 76, *[1.0] * 8)
    struct.pack_into("<f", header, 108, 352.0)
    struct.pack_into("<h", header, 254, 1)  # an affine, of the identity
    for row, place in enumerate((280, 296, 312)):
        struct.pack_into("<4f", header, place, *(1.0 if column == row else 0.0 for column in range(4)))
    header[344:348] = b"n+1\x00"
    return bytes(header) + values.astype("<f4").tobytes(order="F")


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_nifti_is_its_middle_slice(tmp_path: Path, ending: str) -> None:
    pytest.importorskip("nibabel")
    volumes = np.random.default_rng(0).normal(size=(12, 24, 16, 5)).astype(np.float32)
    for index, volume in enumerate(volumes):
        content = nifti(volume)
        (tmp_path / f"{index}.{ending}").write_bytes(
            gzip.compress(content) if ending == "nii.gz" else content
        )
    data = load_data(tmp_path)
    assert any(note.startswith("12 NIfTI images: the middle slice") for note in data.notes)
    for name, image in images(data).items():
        plane = volumes[int(name.split(".")[0])][:, :, 2].T[::-1]
        expected = (plane - plane.min()) / (plane.max() - plane.min()) * 255
        np.testing.assert_allclose(image[0], expected, atol=0.51)


@pytest.mark.parametrize(
    ("ending", "module"),
    [("dcm", "pydicom"), ("nii", "nibabel"), ("heic", "pillow_heif"), ("jxl", "pillow_jxl")],
)
def test_damage_is_a_line(tmp_path: Path, ending: str, module: str) -> None:
    pytest.importorskip(module)
    (tmp_path / f"a.{ending}").write_bytes(b"\x00\x01" * 300)
    with pytest.raises(DataError, match="none of the 1 images can be read") as caught:
        load_data(tmp_path)
    assert "\n" not in str(caught.value)
