from __future__ import annotations

import dataclasses
import gzip
import inspect
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from made_files import tiff
from vaekit.config.options import DataSettings
from vaekit.core import InputError
from vaekit.data import SOURCES, load_data


def test_arguments_mirror_the_settings():
    parameters = dict(inspect.signature(load_data).parameters)
    assert parameters.pop("labels").default is None
    fields = dataclasses.fields(DataSettings)
    assert list(parameters) == [field.name for field in fields]
    for field in fields[1:]:
        assert parameters[field.name].default == field.default


@pytest.mark.parametrize("change", [{}, {"binarize": "dynamic", "validation": 0.25, "image_size": "9"}])
def test_options_load_the_same_again(tmp_path, monkeypatch, grey, change):
    np.savez(tmp_path / "a.npz", pictures=grey)
    monkeypatch.chdir(tmp_path)
    data = load_data("a.npz", images_key="pictures", **change)
    monkeypatch.chdir(tmp_path.parent)
    assert data.source == "a.npz"
    assert load_data(**data.options).fingerprint == data.fingerprint


def test_a_named_set_goes_before_a_folder_of_that_name(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert sum(map(len, load_data("digits").splits.values())) == 1797
    with pytest.raises(InputError, match="no images"):
        load_data("./digits")


def test_options_without_effect_are_said(grey):
    data = load_data(grey, labels_key="kinds", fit="pad")
    assert data.notes == [
        "labels_key= has no effect on this source",
        "fit= has no effect without image_size=",
    ]
    assert load_data("digits", layout="NHW").notes == ["layout= has no effect on this source"]


# Bad input. Each case makes something bad in a folder and says what to load; the error must be one
# line that names the thing and the remedy.

Case = tuple[object, dict[str, object]]
CASES: dict[str, tuple[Callable[[Path], Case], list[str]]] = {}


def case(*expected: str) -> Callable[[Callable[[Path], Case]], Callable[[Path], Case]]:
    def keep(make: Callable[[Path], Case]) -> Callable[[Path], Case]:
        CASES[make.__name__] = (make, list(expected))
        return make

    return keep


def greys(count: int = 20, size: int = 12) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size), dtype=np.uint8)


def pictures(folder: Path, count: int = 12, size: int = 12) -> Path:
    folder.mkdir(exist_ok=True)
    for i, array in enumerate(greys(count, size)):
        Image.fromarray(array).save(folder / f"{i}.png")
    return folder


def saved(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def mnist(folder: Path, name: str, change: Callable[[bytes], bytes]) -> Case:
    """Good IDX files of which one is changed."""
    (folder / "mnist").mkdir()
    for prefix, count in (("train", 20), ("t10k", 10)):
        pixels = bytes([0, 0, 8, 3]) + np.array([count, 12, 12], ">u4").tobytes() + greys(count).tobytes()
        labels = (
            bytes([0, 0, 8, 1]) + np.array([count], ">u4").tobytes() + bytes(i % 10 for i in range(count))
        )
        (folder / "mnist" / f"{prefix}-images-idx3-ubyte").write_bytes(pixels)
        (folder / "mnist" / f"{prefix}-labels-idx1-ubyte").write_bytes(labels)
    path = folder / "mnist" / name
    path.write_bytes(change(path.read_bytes()))
    return "mnist", {"data_dir": folder}


@case("mnst", "Did you mean mnist?", "no such file or folder")
def misspelt_name(folder: Path) -> Case:
    return "mnst", {}


@case("no-such-folder", "no such file or folder", "digits")
def missing_path(folder: Path) -> Case:
    return folder / "no-such-folder", {}


@case("empty", "no images in this folder", ".png")
def empty_folder(folder: Path) -> Case:
    (folder / "empty").mkdir()
    return folder / "empty", {}


@case("no images in this folder", "3 files skipped: not images (.txt)")
def folder_of_text(folder: Path) -> Case:
    for i in range(3):
        (folder / f"{i}.txt").write_text("hello", encoding="utf-8")
    return folder, {}


@case("none of the 5 images can be read", "first 0.png", "check that the files are whole")
def all_corrupt(folder: Path) -> Case:
    for i in range(5):
        (folder / f"{i}.png").write_bytes(b"not a png")
    return folder, {}


@case("none of the 12 images can be read", "truncated")
def all_truncated(folder: Path) -> Case:
    for path in pictures(folder / "cut").iterdir():
        path.write_bytes(path.read_bytes()[:-40])
    return folder / "cut", {}


@case("different sizes", "12 of 12x12", "3 of 20x20", "image_size='12'")
def mixed_sizes(folder: Path) -> Case:
    pictures(folder)
    for i, array in enumerate(greys(3, 20)):
        Image.fromarray(array).save(folder / f"large{i}.png")
    return folder, {}


@case("different sizes", "2 of 12x12", "image_size='64'")
def no_common_size(folder: Path) -> Case:
    for i, array in enumerate(greys(12, 30)):
        Image.fromarray(array[: 12 + i // 2, :12]).save(folder / f"cut{i:02}.png")
    return folder, {}


@case("300x300", "8 to 256", "image_size=64")
def too_large(folder: Path) -> Case:
    return pictures(folder / "large", 12, 300), {}


@case("5x5", "8 to 256", "image_size=64")
def too_small(folder: Path) -> Case:
    return greys(20, 5), {}


@case("only 4 images", "at least 10")
def fewer_images_than_splits_need(folder: Path) -> Case:
    return pictures(folder / "few", 4), {}


@case("test, val but no train folder", "put the training images into train")
def no_training_folder(folder: Path) -> Case:
    pictures(folder / "test")
    pictures(folder / "val")
    return folder, {}


@case("NaN in image 7", "remove or repair")
def nan(folder: Path) -> Case:
    array = greys().astype(np.float32) / 255
    array[7, 3, 3] = np.nan
    return array, {}


@case("infinite values in image 2", "remove or repair")
def infinity(folder: Path) -> Case:
    array = torch.rand(20, 8, 8)
    array[2, 0, 0] = float("inf")
    return array, {"pixels": "real"}


@case("values from 0 to 255", "divide by 255", "pixels='8-bit'", "pixels='real'")
def floats_outside_0_to_1(folder: Path) -> Case:
    np.save(
        folder / "a.npy", np.clip(greys().astype(np.float64), 0, 255) / greys().max() * 255 * (greys() > 0)
    )
    return folder / "a.npy", {}


@case("values from -1 to 1", "[0, 1]", "pixels='real'")
def floats_around_0(folder: Path) -> Case:
    array = np.linspace(-1, 1, 20 * 64).reshape(20, 8, 8)
    return array, {}


@case("whole numbers from 0 to 9", "0..255", "pixels='real'")
def whole_numbers_outside_bytes(folder: Path) -> Case:
    array = np.zeros((20, 8, 8), np.int64)
    array[:, 0, 0] = np.arange(20) * 500
    return array, {}


@case("data='': no such file or folder", "digits")
def nothing(folder: Path) -> Case:
    return "", {}


@case("objects.npy", "Python objects", "numpy.save")
def object_array(folder: Path) -> Case:
    np.save(folder / "objects.npy", np.array([greys(1), None], dtype=object), allow_pickle=True)
    return folder / "objects.npy", {}


@case("objects.npz", "Python objects")
def object_array_in_npz(folder: Path) -> Case:
    return saved(folder / "objects.npz", images=np.array([{"a": 1}, None], dtype=object)), {}


@case("complex128", "uint8 or float32")
def complex_array(folder: Path) -> Case:
    return np.zeros((20, 8, 8), complex), {}


@case("(20, 4, 9, 3)", "layout='NCHW' or layout='NHWC'")
def ambiguous_layout(folder: Path) -> Case:
    return np.zeros((20, 4, 9, 3), np.uint8), {}


@case("(20, 9, 9, 9)", "1 to 4 channels")
def no_channels(folder: Path) -> Case:
    return np.zeros((20, 9, 9, 9), np.uint8), {}


@case("layout='NCHW' has 4 axes", "(20, 12, 12)")
def layout_of_other_axes(folder: Path) -> Case:
    return greys(), {"layout": "NCHW"}


@case("layout='NCHW'", "12 channels", "1 to 4")
def layout_of_too_many_channels(folder: Path) -> Case:
    return np.zeros((20, 12, 12, 3), np.uint8), {"layout": "NCHW"}


@case("layout", "NHCW", "Did you mean N")
def misspelt_layout(folder: Path) -> Case:
    return greys(), {"layout": "NHCW"}


@case("(0, 12, 12)", "holds no images")
def empty_array(folder: Path) -> Case:
    return greys()[:0], {}


@case("(7,)", "(N, H, W)")
def one_axis(folder: Path) -> Case:
    return np.zeros(7, np.uint8), {}


@case("no array named images or x", "images_key=", "Arrays there: before, after, kinds")
def wrong_npz_keys(folder: Path) -> Case:
    return saved(folder / "a.npz", before=greys(), after=greys(), kinds=np.arange(20)), {}


@case("no array named klassen", "labels_key=", "Arrays there: images")
def wrong_labels_key(folder: Path) -> Case:
    return saved(folder / "a.npz", images=greys()), {"labels_key": "klassen"}


@case("a.npy", "cut short", "save it again")
def truncated_npy(folder: Path) -> Case:
    np.save(folder / "a.npy", greys())
    (folder / "a.npy").write_bytes((folder / "a.npy").read_bytes()[:-99])
    return folder / "a.npy", {}


@case("a.npz", "numpy file")
def truncated_npz(folder: Path) -> Case:
    saved(folder / "a.npz", images=greys())
    (folder / "a.npz").write_bytes((folder / "a.npz").read_bytes()[:-99])
    return folder / "a.npz", {}


@case("a.npy", "not a numpy file")
def text_called_npy(folder: Path) -> Case:
    (folder / "a.npy").write_text("hello", encoding="utf-8")
    return folder / "a.npy", {}


@case("a.xlsx", "nor a .npy, .npz, .csv or .parquet file")
def other_file(folder: Path) -> Case:
    (folder / "a.xlsx").write_text("1,2", encoding="utf-8")
    return folder / "a.xlsx", {}


@case("a.csv", "line 3 has 1 cell")
def a_table_of_one_row(folder: Path) -> Case:
    (folder / "a.csv").write_text("a,b\n1,2\n1\n", encoding="utf-8")
    return folder / "a.csv", {}


@case("none.pt", "save it with numpy.save")
def weights_of_torch(folder: Path) -> Case:
    (folder / "none.pt").write_bytes(b"PK")
    return folder / "none.pt", {}


@case("one.png", "a set to train on is a folder of such images")
def one_picture(folder: Path) -> Case:
    return next(pictures(folder / "p", 1).rename(folder / "q").iterdir()).rename(folder / "one.png"), {}


@case("a.zip", "cannot be read as an archive", "save it again, or unpack it")
def no_archive(folder: Path) -> Case:
    (folder / "a.zip").write_bytes(b"hello")
    return folder / "a.zip", {}


@case("none of the 12 images can be read", "a TIFF with 5 bands")
def five_bands(folder: Path) -> Case:
    for i in range(12):
        (folder / f"{i}.tif").write_bytes(tiff(np.full((8, 8, 5), i, np.uint8)))
    return folder, {}


@case("outside 0 to 1", "white=255")
def a_tiff_of_floats_to_255(folder: Path) -> Case:
    for i in range(12):
        (folder / f"{i}.tif").write_bytes(tiff(np.linspace(0, 254 - i, 64).reshape(8, 8).astype("f4")))
    return folder, {}


@case("no images in this folder", "12 files skipped: not images (no ending)")
def pictures_without_an_ending(folder: Path) -> Case:
    for path in pictures(folder).iterdir():
        path.rename(path.with_suffix(""))
    return folder, {}


@case("data is an object", "a numpy array, a tensor, a list")
def other_type(folder: Path) -> Case:
    return object(), {}


@case("labels of shape (3,)", "20 images")
def too_few_labels(folder: Path) -> Case:
    return greys(), {"labels": [1, 2, 3]}


@case("labels are not whole numbers")
def fractional_labels(folder: Path) -> Case:
    return greys(), {"labels": np.linspace(0, 1, 20)}


@case("labels= belongs to an array")
def labels_for_a_named_set(folder: Path) -> Case:
    return "digits", {"labels": [1]}


@case("train-images-idx3-ubyte", "truncated", "2,880", "fetch the file again")
def truncated_idx(folder: Path) -> Case:
    return mnist(folder, "train-images-idx3-ubyte", lambda content: content[:-50])


@case("t10k-labels-idx1-ubyte", "0000080d", "00000801", "fetch the file again")
def wrong_magic(folder: Path) -> Case:
    return mnist(folder, "t10k-labels-idx1-ubyte", lambda content: b"\0\0\x08\x0d" + content[4:])


@case("train-labels-idx1-ubyte", "damaged", "fetch the file again")
def damaged_gz(folder: Path) -> Case:
    return mnist(folder, "train-labels-idx1-ubyte", lambda content: gzip.compress(content)[:-6])


@case("t10k-images-idx3-ubyte", "damaged", "fetch the file again")
def scrambled_gz(folder: Path) -> Case:
    def scramble(content: bytes) -> bytes:
        packed = bytearray(gzip.compress(content))
        packed[len(packed) // 2] ^= 255
        return bytes(packed)

    return mnist(folder, "t10k-images-idx3-ubyte", scramble)


@case("train-images-idx3-ubyte", "nothing")
def empty_idx(folder: Path) -> Case:
    return mnist(folder, "train-images-idx3-ubyte", lambda content: b"")


@case("20 images", "21 labels", "do not belong together")
def labels_of_another_file(folder: Path) -> Case:
    longer = bytes([0, 0, 8, 1, 0, 0, 0, 21]) + bytes(21)
    return mnist(folder, "train-labels-idx1-ubyte", lambda content: longer)


@case("label 10", "10 classes")
def label_out_of_range(folder: Path) -> Case:
    return mnist(folder, "train-labels-idx1-ubyte", lambda content: content[:-1] + b"\x0a")


@case("t10k-labels-idx1-ubyte", "missing", "all four files")
def missing_idx(folder: Path) -> Case:
    found = mnist(folder, "t10k-labels-idx1-ubyte", lambda content: content)
    (folder / "mnist" / "t10k-labels-idx1-ubyte").unlink()
    return found


@case("data_dir=", "no-such", "no such folder")
def missing_data_dir(folder: Path) -> Case:
    return "mnist", {"data_dir": folder / "no-such"}


@case("validation must be", "not 1", "from 0 to below 1")
def validation_one(folder: Path) -> Case:
    return "digits", {"validation": 1}


@case("validation must be", "not -0.1", "from 0 to below 1")
def validation_negative(folder: Path) -> Case:
    return "digits", {"validation": -0.1}


@case("validation must be", "not nan", "from 0 to below 1")
def validation_nan(folder: Path) -> Case:
    return "digits", {"validation": float("nan")}


@case("image_size='big'", "write 64, or 48x64")
def image_size_of_words(folder: Path) -> Case:
    return "digits", {"image_size": "big"}


@case("image_size='64x'", "write 64, or 48x64")
def image_size_half_written(folder: Path) -> Case:
    return "digits", {"image_size": "64x"}


@case("image_size='4'", "8 to 256")
def image_size_too_small(folder: Path) -> Case:
    return "digits", {"image_size": 4}


@case("image_size='64x1000'", "8 to 256")
def image_size_too_large(folder: Path) -> Case:
    return "digits", {"image_size": "64x1000"}


@case("rows of features", "image_size=")
def image_size_of_features(folder: Path) -> Case:
    return np.random.default_rng(0).random((20, 5)), {"image_size": 8}


@case("fit", "squeeze", "crop, pad")
def misspelt_fit(folder: Path) -> Case:
    return "digits", {"fit": "squeeze"}


@case("binarize='dynamic'", "binary already")
def binarize_binary(folder: Path) -> Case:
    return greys() > 100, {"binarize": "dynamic"}


@case("binarize='static'", "real numbers")
def binarize_real(folder: Path) -> Case:
    return np.random.default_rng(0).normal(size=(20, 5)), {"binarize": "static", "pixels": "real"}


@case("binarize='dynamic'", "3 channels")
def binarize_colour(folder: Path) -> Case:
    return np.random.default_rng(0).random((20, 8, 8, 3)), {"binarize": "dynamic"}


@case("binarize", "dynamical", "Did you mean dynamic?")
def misspelt_binarize(folder: Path) -> Case:
    return "digits", {"binarize": "dynamical"}


@case("pixels='binary'", "binarize='dynamic'")
def grey_called_binary(folder: Path) -> Case:
    return greys(), {"pixels": "binary"}


@case("pixels='8-bit'", "multiples of 1/255")
def floats_called_bytes(folder: Path) -> Case:
    return np.random.default_rng(0).random((20, 8, 8)), {"pixels": "8-bit"}


@case("denied", "cannot be read", "permissions")
def folder_without_permission(folder: Path) -> Case:
    if os.name == "nt" or os.geteuid() == 0:
        pytest.skip("permissions do not bind this user")
    denied = pictures(folder / "denied")
    denied.chmod(0)
    return denied, {}


@pytest.mark.parametrize(
    "ending",
    [
        "pth",
        "h5",
        "mat",
        "safetensors",
        "arrow",
        "gz",
        "idx",
        "mp4",
        "exr",
        "json",
        "x",
        "",
    ],
)
def test_files_of_other_kinds_have_a_remedy(tmp_path, ending):
    path = tmp_path / f"file.{ending}" if ending else tmp_path / "file"
    path.write_bytes(b"hello" * 50)
    with pytest.raises(InputError, match=r"nor a \.npy, \.npz, \.csv or \.parquet file; \w+") as caught:
        load_data(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ["psd", "sgi", "dds", "pfm", "qoi", "exr", "j2k", "jpx", "apng"])
def test_a_folder_of_another_format_says_which(tmp_path, ending):
    for path in pictures(tmp_path / "a").iterdir():
        path.rename(path.with_suffix(f".{ending}"))
    with pytest.raises(InputError, match=rf"12 files skipped: not images \(\.{ending}\)\); images end in"):
        load_data(tmp_path / "a")


def test_a_file_without_permission(tmp_path, monkeypatch):
    import builtins

    np.save(tmp_path / "locked.npy", greys())
    opened = builtins.open

    def refuse(file, *more, **options):
        if str(file).endswith("locked.npy"):
            raise PermissionError(13, "Permission denied", str(file))
        return opened(file, *more, **options)

    monkeypatch.setattr(builtins, "open", refuse)
    with pytest.raises(
        InputError, match=r"locked\.npy: cannot be read \(Permission denied.*check its permissions"
    ):
        load_data(tmp_path / "locked.npy")


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gives_one_line_with_the_remedy(name, tmp_path, own_cache):
    make, expected = CASES[name]
    (tmp_path / "case").mkdir()
    source, options = make(tmp_path / "case")
    with pytest.raises(InputError) as caught:
        load_data(source, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    assert caught.value.__cause__ is None
    for words in expected:
        assert words in message
    assert not list(own_cache.rglob("*.tmp"))


def test_a_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    """As without permission, also where the tests run as root."""

    def denied(path: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    pictures(tmp_path / "denied")
    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(InputError, match=r"denied: cannot be read \(Permission denied\).*permissions"):
        load_data(tmp_path / "denied")


@pytest.mark.parametrize(("module", "source"), [("sklearn", "digits"), ("PIL", "folder"), ("pooch", "mnist")])
def test_missing_packages_are_named_with_the_remedy(tmp_path, monkeypatch, module, source):
    import importlib.util
    import sys

    pictures(tmp_path / "folder")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == module else find(name, *a)
    )
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"pip install 'vaekit\[all\]'"):
        load_data(tmp_path / "folder" if source == "folder" else source)


def test_errors_of_zlib_are_the_ones_expected():
    """The scrambled file above must really fail inside the compressed stream."""
    packed = bytearray(gzip.compress(bytes(1000)))
    packed[len(packed) // 2] ^= 255
    with pytest.raises((zlib.error, OSError, EOFError)):
        gzip.decompress(bytes(packed))


def test_every_named_set_has_a_loader():
    assert {"digits", "mnist", "fashion-mnist"} <= set(SOURCES)
