"""Named sets: digits from scikit-learn, and MNIST-like sets in IDX files, found or downloaded.

IDX format: http://yann.lecun.com/exdb/mnist (two zero bytes, type code, number of axes, big-endian
sizes, values). The hashes are those of the compressed files as their authors published them.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaekit.config.options import DataSettings
from vaekit.core import DataError
from vaekit.data.cache import cache_dir
from vaekit.data.dataset import Loaded, Split
from vaekit.data.formats.idx import read_idx

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"

TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@dataclass(frozen=True)
class IdxSet:
    """The addresses and hashes of the four files of a set.

    Attributes:
        folders: subfolders of the data folder in which they may lie.
        sha256: of each compressed file.
        mirrors: addresses that end in a slash, tried in order.
    """

    folders: tuple[str, ...]
    class_names: tuple[str, ...]
    sha256: dict[str, str]
    mirrors: tuple[str, ...]


IDX_SETS: dict[str, IdxSet] = {
    "mnist": IdxSet(
        folders=("mnist", "MNIST/raw"),
        class_names=tuple("0123456789"),
        sha256={
            TRAIN_IMAGES: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            TRAIN_LABELS: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            TEST_IMAGES: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            TEST_LABELS: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
    ),
    "fashion-mnist": IdxSet(
        folders=("fashion-mnist", "FashionMNIST/raw"),
        class_names=(
            "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
            "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        ),
        sha256={
            TRAIN_IMAGES: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            TRAIN_LABELS: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            TEST_IMAGES: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            TEST_LABELS: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
    ),
}  # fmt: skip


def load_digits(settings: DataSettings) -> Loaded:
    """The 1,797 digits of scikit-learn (Alpaydin & Kaynak 1998), 8x8, levels 0..16 scaled to 0..255.

    Raises:
        DataError: scikit-learn is not installed.
    """
    levels, labels = _digits_table()
    pixels = np.rint(levels * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    split = Split(torch.from_numpy(pixels), torch.from_numpy(labels.astype(np.int64)))
    return Loaded({"train": split}, class_names=list("0123456789"))


def load_idx_set(settings: DataSettings) -> Loaded:
    """MNIST or a set like it: from local files, else downloaded into the user's cache.

    Raises:
        DataError: a file is missing, damaged or not what its name says, or cannot be downloaded.
    """
    name = settings.data
    known = IDX_SETS[name]
    if name == "mnist" and settings.binarize == "static" and settings.image_size is None:
        folder = _find_folder(amat_folders(settings.data_dir), "binarized_mnist_train.amat")
        if folder is not None:
            return load_larochelle(folder)
    notes: list[str] = []
    folder = _find_folder(data_folders(name, settings.data_dir), TRAIN_IMAGES, f"{TRAIN_IMAGES}.gz")
    if folder is None:
        folder = download(name, known)
        if settings.data_dir is not None:
            notes.append(f"data_dir='{settings.data_dir}' has no files of {name}; downloaded to {folder}")
    classes = len(known.class_names)
    parts = {
        "train": _read_pair(folder, TRAIN_IMAGES, TRAIN_LABELS, classes),
        "test": _read_pair(folder, TEST_IMAGES, TEST_LABELS, classes),
    }
    sizes = {part: tuple(split.images.shape[1:]) for part, split in parts.items()}
    if sizes["train"] != sizes["test"]:
        raise DataError(f"{folder}: train and test images differ in size ({sizes}); check the files.")
    return Loaded(parts, class_names=list(known.class_names), path=str(folder.resolve()), notes=notes)


def data_folders(name: str, data_dir: str | None) -> list[Path]:
    """Folders in which the files of a named set may lie, best first.

    Raises:
        DataError: the folder given does not exist.
    """
    found = []
    subfolders = IDX_SETS[name].folders
    if data_dir is not None:
        root = Path(data_dir).expanduser()
        if not root.is_dir():
            raise DataError(f"data_dir={str(data_dir)!r}: no such folder.")
        found += [root / sub for sub in subfolders]
        if root.name == name or root.name not in IDX_SETS:  # all sets use the same file names
            found.append(root)
    if variable := os.environ.get("VAEKIT_DATA"):
        found += [Path(variable) / sub for sub in subfolders]
    return found


def amat_folders(data_dir: str | None) -> list[Path]:
    """Folders in which Larochelle's binarised MNIST may lie."""
    return [
        place
        for folder in data_folders("mnist", data_dir)
        for place in (folder, folder.parent / "binarized_mnist", folder / "binarized_mnist")
    ]


def download(name: str, known: IdxSet) -> Path:
    """Fetches the files of a set into the cache, checking their hashes; files there are kept.

    Raises:
        DataError: no mirror gave the right file, or the cache cannot be written.
    """
    try:
        folder = cache_dir() / "downloads" / name
    except OSError as error:
        raise DataError(f"data='{name}': cannot be downloaded: {error.strerror}.") from None
    for file, sha256 in known.sha256.items():
        _download_file(f"{file}.gz", sha256, known.mirrors, folder, name)
    return folder


def load_larochelle(folder: Path) -> Loaded:
    """The fixed binarisation of Larochelle & Murray (2011): 50,000, 10,000 and 10,000 images, no labels.

    Raises:
        DataError: one of the three files is missing or damaged.
    """
    files = {"train": "train", "validation": "valid", "test": "test"}
    parts = {part: Split(_read_amat(folder / f"binarized_mnist_{n}.amat")) for part, n in files.items()}
    counts = ", ".join(f"{len(split):,} {part}" for part, split in parts.items())
    note = f"static: Larochelle's binarised MNIST ({counts}; it has no labels)"
    return Loaded(parts, path=str(folder.resolve()), notes=[note], binarized=True)


def _digits_table() -> tuple[np.ndarray, np.ndarray]:
    """Levels (1797, 64) and labels. The file is read directly where it lies: importing
    scikit-learn takes longer than the training of a small model."""
    found = importlib.util.find_spec("sklearn")
    if found is None or found.origin is None:
        raise DataError("data='digits' needs scikit-learn: pip install 'vaekit[all]'")
    file = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz"
    if file.is_file():
        table = np.loadtxt(file, delimiter=",")
        return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_digits as load

    bunch: Any = load()
    return bunch.data, bunch.target


def _read_pair(folder: Path, images: str, labels: str, classes: int) -> Split:
    pixels = read_idx(_existing(folder, images), 3)
    numbers = read_idx(_existing(folder, labels), 1)
    if len(pixels) != len(numbers):
        raise DataError(
            f"{folder}: {images} has {len(pixels):,} images but {labels} {len(numbers):,} labels; "
            "the files do not belong together."
        )
    if len(numbers) and numbers.max() >= classes:
        raise DataError(f"{folder}: {labels} has label {numbers.max()}, but there are {classes} classes.")
    return Split(torch.from_numpy(pixels)[:, None], torch.from_numpy(numbers.astype(np.int64)))


def _existing(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise DataError(f"{folder}: {name} (or {name}.gz) is missing; put all four files there.")


def _find_folder(folders: Sequence[Path], *files: str) -> Path | None:
    return next((f for f in folders if any((f / file).is_file() for file in files)), None)


def _read_amat(path: Path) -> torch.Tensor:
    """A text file of 784 zeros and ones per line as (N, 1, 28, 28) uint8 0 and 1."""
    try:
        text = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
        raise DataError(f"{path}: {reason}; all three .amat files are needed.") from None
    space = np.isin(text, np.frombuffer(b" \t\r\n", np.uint8))
    values = text[~space] - ord("0")
    if values.size == 0 or values.size % 784 or values.max() > 1:
        raise DataError(f"{path}: damaged: not lines of 784 values 0 or 1; fetch the file again.")
    return torch.from_numpy(values.reshape(-1, 1, 28, 28))


def _download_file(file: str, sha256: str, mirrors: Sequence[str], folder: Path, name: str) -> None:
    try:
        import pooch
    except ImportError:
        raise DataError(
            f"data='{name}': downloading needs pooch: pip install 'vaekit[all]' (or data_dir=)"
        ) from None
    reasons = []
    for mirror in mirrors:
        try:
            pooch.retrieve(mirror + file, known_hash=f"sha256:{sha256}", fname=file, path=folder)
            return
        except ValueError:  # pooch's wrong hash
            reasons.append(f"{mirror} gave a file with a wrong hash")
        except OSError as error:  # network errors of requests are OSErrors
            reasons.append(f"{mirror} failed ({type(error).__name__})")
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    raise DataError(
        f"data='{name}': {file} could not be downloaded: {'; '.join(reasons)}. "
        f"Put the four .gz files into a folder {name} and name its parent with data_dir=."
    )
