"""Restored pictures as files: a folder of pictures under their names, none of which leads out of it, or an .npz."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from vaekit.coding.portion import Group
from vaekit.core import DataError, SettingError
from vaekit.images.png import png
from vaekit.runs.files import new_folder, sync_folder, writing
from vaekit.runs.temporaries import temporary

ENDINGS = (".npz", "")
LONGEST = 200  # bytes of a piece of a name
UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')  # what a name may not have somewhere
DEVICES = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")


class Place(Protocol):
    """Takes restored examples, group by group."""

    renamed: int

    def add(self, first: int, group: Group) -> None:
        """Examples from number `first` of the whole set on.

        Raises:
            RunError: they cannot be written.
        """
        ...


def shown(levels: np.ndarray, pixels: str) -> np.ndarray:
    """Levels as they are stored in files: binary ones as 0 and 255."""
    return levels * np.uint8(255) if pixels == "binary" else levels


class Folder:
    """A folder of files: pictures as PNG, whatever they were before, others as they were.

    Attributes:
        renamed: files that could not have their own name.

    Args:
        folder: where they go.
        head: what the .vk file says of itself.
    """

    def __init__(self, folder: Path, head: Mapping[str, Any]) -> None:
        self.renamed = 0
        self._folder, self._pixels = folder, head["pixels"]
        self._classes = head["classes"]
        self._digits = max(4, len(str(max(head["images"] - 1, 0))))
        self._taken: set[str] = set()  # files, in lower case: some systems know no difference
        self._folders: set[str] = set()

    def add(self, first: int, group: Group) -> None:
        """Writes each example to its file."""
        pictures = iter(shown(group.levels, self._pixels))
        for place in range(len(group)):
            name = self._name(first + place, place, group)
            content = group.files.get(place)
            if content is None:
                content = _as_png(next(pictures))
                name = name if name.lower().endswith(".png") else re.sub(r"\.\w{1,5}$", "", name) + ".png"
            path = self._folder / self._free(name)
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as file:
                    file.write(content)

    def _name(self, number: int, place: int, group: Group) -> str:
        if group.names is not None:
            return group.names[place]
        plain = f"{number:0{self._digits}d}.png"
        if group.labels is None or self._classes is None:
            return plain
        label = int(group.labels[place])
        return f"{self._classes[label]}/{plain}" if 0 <= label < len(self._classes) else plain

    def _free(self, name: str) -> str:
        """A name that lies within the folder and that no other file or folder has."""
        wanted = found = safe_name(name)
        number = 1
        while self._is_taken(found):
            number += 1
            stem, dot, ending = wanted.replace("/", "_").rpartition(".")
            found = f"{stem}-{number}.{ending}" if dot else f"{ending}-{number}"
        self.renamed += found != name
        self._taken.add(found.casefold())
        self._folders |= {part.casefold() for part in _above(found)}
        return found

    def _is_taken(self, name: str) -> bool:
        plain = name.casefold()
        return (
            plain in self._taken
            or plain in self._folders
            or any(p.casefold() in self._taken for p in _above(name))
        )


def _above(name: str) -> list[str]:
    """The folders that a file lies in."""
    pieces = name.split("/")
    return ["/".join(pieces[:i]) for i in range(1, len(pieces))]


def safe_name(name: str) -> str:
    """A name with slashes whose every piece is a plain name of a file on any system, and which leads out of nothing."""
    pieces = [piece for piece in name.replace("\\", "/").split("/") if piece not in ("", ".")]
    return "/".join(map(_safe_piece, pieces)) or "unnamed"


def _safe_piece(piece: str) -> str:
    piece = UNFIT.sub("_", piece)
    if set(piece) <= {"."} or piece[-1] in ". " or DEVICES.fullmatch(piece):
        piece = f"_{piece.rstrip('. ')}"
    encoded = piece.encode("utf-8", "surrogateescape") if _encodable(piece) else b""
    if not encoded:
        piece = piece.encode("ascii", "replace").decode("ascii").replace("?", "_")
        encoded = piece.encode("ascii")
    if len(encoded) > LONGEST:
        stem, dot, ending = piece.rpartition(".")
        ending = dot + ending if stem and len(ending) < 8 else ""
        piece = encoded[: LONGEST - len(ending)].decode("utf-8", "ignore") + ending
    return piece


def _encodable(piece: str) -> bool:
    try:
        piece.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _as_png(levels: np.ndarray) -> bytes:
    """A picture (C, H, W) as PNG.

    Raises:
        DataError: rows of numbers are no picture.
    """
    if levels.ndim != 3 or len(levels) > 4:
        raise DataError("its examples are no pictures; write them to a .npz.")
    return png(np.ascontiguousarray(levels.transpose(1, 2, 0)))


class Arrays:
    """The arrays of an .npz: `images`, `labels` and `names`, of several splits `train_images` and so on.

    Where some examples are lost, `numbers` says which are there.

    Args:
        place: a folder for what is gathered.
        head: what the .vk file says of itself.
    """

    def __init__(self, place: Path, head: Mapping[str, Any]) -> None:
        self.renamed = 0
        self._place, self._pixels = place, head["pixels"]
        self._shape = tuple(head["shape"])
        self._splits = [(str(name), int(count)) for name, count in head["splits"] or [["", head["images"]]]]
        self._files: dict[str, BinaryIO] = {}
        self._labels: dict[str, list[np.ndarray]] = {}
        self._names: dict[str, list[str]] = {}
        self._numbers: dict[str, list[np.ndarray]] = {}

    def add(self, first: int, group: Group) -> None:
        """Adds examples to the arrays of their split."""
        if group.files:
            name = "" if group.names is None else f" ({group.names[next(iter(group.files))]})"
            raise SettingError(
                f"{len(group.files)} of its images are of another size or kind{name}, which no array holds beside the "
                "others; name a folder.",
                "out",
            )
        start = 0
        for split, count in self._splits:
            low, high = max(first, start), min(first + len(group), start + count)
            if low < high:
                rows = slice(low - first, high - first)
                self._add(split, group.levels[rows], rows, np.arange(low, high) - start, group)
            start += count

    def _add(self, split: str, levels: np.ndarray, rows: slice, numbers: np.ndarray, group: Group) -> None:
        if split not in self._files:
            self._files[split] = (self._place / f"{len(self._files)}").open("w+b")
        values = shown(levels, self._pixels)
        if values.ndim == 4:
            values = values[:, 0] if values.shape[1] == 1 else values.transpose(0, 2, 3, 1)
        with writing(self._place):
            self._files[split].write(np.ascontiguousarray(values).data)
        self._numbers.setdefault(split, []).append(numbers)
        if group.labels is not None:
            self._labels.setdefault(split, []).append(group.labels[rows])
        if group.names is not None:
            self._names.setdefault(split, []).extend(group.names[rows])

    def write(self, out: Path, classes: list[str] | None) -> None:
        """The .npz, without ever holding all images."""
        sides = self._shape
        if len(sides) == 3:
            sides = sides[1:] if sides[0] == 1 else (*sides[1:], sides[0])
        with zipfile.ZipFile(out, "w") as archive:
            for split, file in self._files.items():
                mark = f"{split}_" if split else ""
                numbers = np.concatenate(self._numbers[split])
                whole = len(numbers) == dict(self._splits)[split]
                about = {"descr": "|u1", "fortran_order": False, "shape": (len(numbers), *sides)}
                with archive.open(_member(f"{mark}images"), "w", force_zip64=True) as member:
                    np.lib.format.write_array_header_1_0(member, about)  # type: ignore[arg-type]
                    file.seek(0)
                    shutil.copyfileobj(file, member, 2**20)
                beside = {} if whole else {"numbers": numbers}
                if split in self._labels:
                    beside["labels"] = np.concatenate(self._labels[split])
                if split in self._names:
                    beside["names"] = np.array(self._names[split])
                for name, array in beside.items():
                    _write_array(archive, f"{mark}{name}", array)
            if self._labels and classes is not None and classes != [str(i) for i in range(len(classes))]:
                _write_array(archive, "class_names", np.array(classes))

    def close(self) -> None:
        """Closes what was gathered."""
        for file in self._files.values():
            file.close()


def _write_array(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    with archive.open(_member(name), "w", force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def _member(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(f"{name}.npy")  # of a fixed date, so that equal arrays are equal files


@contextmanager
def restored_into(out: Path, head: Mapping[str, Any]) -> Iterator[Place]:
    """Takes examples within the block; the folder or file is there once the block ends well, whole.

    Raises:
        RunError: it cannot be written; nothing is left behind.
    """
    if not out.suffix:
        with new_folder(out) as folder:
            yield Folder(folder, head)
        return
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with temporary(out, folder=True) as place:
            arrays = Arrays(place, head)
            try:
                yield arrays
                with writing(out):
                    arrays.write(place / "whole", head["classes"])
                    (place / "whole").replace(out)
                    sync_folder(out.parent)
            finally:
                arrays.close()
