"""Files that are either whole or not there: atomic writing, JSON, safetensors. No file is ever unpickled."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaekit.core import RunError, foreign, reach
from vaekit.plain_files import plain_file, utf8
from vaekit.runs.temporaries import is_temporary, temporary
from vaekit.runs.temporaries import remove_temporaries as remove_temporaries

if TYPE_CHECKING:  # files of whole numbers are restored where there is no torch
    from torch import Tensor

WINDOWS = os.name == "nt"
NOT_AS_WRITTEN = "its content is not what was written, by its checksum"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an error of the file system into one line for the user."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(
            f"cannot write {path}: {reason}. What was written before is whole; mend this and resume."
        ) from error


def write_atomic(path: Path, content: bytes, new: bool = False) -> None:
    """Writes a file so that, whatever happens, either the old or the new one is there, whole.

    Args:
        new: there must be none yet; of several processes that try at once, one succeeds.

    Raises:
        RunError: it cannot be written (no space, no permission); nothing is left behind.
    """
    with writing(path), temporary(path) as place:
        reach(f"{path.stem}: before writing")
        with place.open("wb") as file:
            file.write(content[: len(content) // 2])
            reach(f"{path.stem}: half written")
            file.write(content[len(content) // 2 :])
            file.flush()
            os.fsync(file.fileno())
        reach(f"{path.stem}: before renaming")
        _publish(place, path, new)
        sync_folder(path.parent)
        reach(f"{path.stem}: after renaming")


def _publish(temporary: Path, path: Path, new: bool) -> None:
    if new:
        try:
            os.link(temporary, path)
            return
        except FileExistsError:
            raise RunError(
                f"{path} is there already: a run has just begun here; name another folder."
            ) from None
        except OSError:  # a file system without hard links
            pass
    for _ in range(20 if WINDOWS else 0):
        try:
            os.replace(temporary, path)
            return
        except PermissionError:  # a virus scanner or a reader holds the old file for a moment
            time.sleep(0.05)
    os.replace(temporary, path)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to write into, which appears at `out` once it is whole; an empty one that is there goes.

    Raises:
        RunError: it cannot be written, or something has come into its place; nothing is left behind.
    """
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with temporary(out, folder=True) as place:
            yield place
            reach("folder: before renaming")
            if WINDOWS and out.is_dir():
                out.rmdir()
            os.rename(place, out)


def check_writable(path: Path) -> None:
    """Tries whether a file or folder could be made at a path, before any work is done for it.

    Raises:
        RunError: its folder, or the nearest above it that is there, cannot be written.
    """
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    with writing(path), temporary(folder / "try"):
        pass


def check_empty(folder: Path) -> None:
    """Raises RunError where something else than an empty folder, or what killed processes left, is in the way of a new
    one."""
    with writing(folder):
        if folder.exists() and (
            not folder.is_dir() or any(not is_temporary(entry.name) for entry in folder.iterdir())
        ):
            raise RunError(f"out='{folder}': something else is there; name a new folder.")


def next_folder(stem: str, mine: Callable[[Path], bool]) -> Path:
    """The default of an `out`: runs/STEM-N with the first N that is free, or `mine`: of this very call, unfinished."""
    for number in itertools.count(1):
        folder = Path("runs") / f"{stem}-{number}"
        if not folder.exists() or mine(folder):
            return folder
    raise AssertionError


def write_json(path: Path, content: Mapping[str, Any], new: bool = False) -> None:
    """Atomically, indented, in UTF-8; NaN and infinity are refused rather than written as no JSON."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomic(path, utf8(text + "\n"), new)


def sync_file(path: Path) -> None:
    """Makes what was appended to a file durable."""
    with writing(path):
        with path.open("ab") as file:
            os.fsync(file.fileno())
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes a rename durable, where the platform can."""
    if WINDOWS:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """A safetensors file with a JSON header and a checksum, atomically. Tensors are copied, so they may share memory."""
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    summed = {**header, "checksum": checksum_of(plain, json.dumps(header))}
    write_atomic(path, save(plain, {"vaekit": json.dumps(summed)}))  # one entry: several have no order


def checksum_of(tensors: Mapping[str, Tensor], about: str) -> str:
    """Hash of names, shapes, types and bytes of tensors, and of the text beside them."""
    import torch

    digest = hashlib.blake2b(about.encode("utf-8", "surrogatepass"), digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"\n{name} {tuple(tensor.shape)} {tensor.dtype} ".encode("utf-8", "surrogatepass"))
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def checksum_of_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """As `checksum_of`, of arrays of numpy."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(
            f"{name} {array.shape} {array.dtype.str} ".encode("utf-8", "surrogatepass") + array.tobytes()
        )
    return digest.hexdigest()


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and header of a file of `write_tensors`; files of before there were checksums have none to compare.

    Raises:
        RunError: the file is missing, damaged, or not of vaekit.
    """
    from safetensors.torch import load

    try:
        content = plain_file(path).read_bytes()  # no memory map: the file may be replaced while it is used
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}.") from None
    # A zip archive, or a pickle of torch, by its first number.
    if content.startswith((b"PK\x03\x04", b"\x80\x02\x8a")):
        raise RunError(
            f"{path} is a file of torch.save, which vaekit does not read; vaekit.save(model, path) writes one that it does."
        )
    with foreign(f"{path} is damaged", RunError):
        tensors = load(content)
        (length,) = struct.unpack("<Q", content[:8])
        about = (json.loads(content[8 : 8 + length]).get("__metadata__") or {}).get("vaekit")
        header = None if about is None else parse_json(about)
    if header is None:
        raise RunError(f"{path} was not written by vaekit.")
    if not isinstance(header, dict):
        raise RunError(f"{path} is damaged: its header is no JSON object.")
    checksum = header.pop("checksum", None)
    with foreign(f"{path} is damaged", RunError):
        if checksum is not None and checksum != checksum_of(tensors, json.dumps(header)):
            raise ValueError(NOT_AS_WRITTEN)
    return tensors, header


def has_checksum(path: Path) -> bool:
    """Returns whether a file of `write_tensors` that can be read has one, as all have but those of earlier versions."""
    with plain_file(path).open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return "checksum" in json.loads(json.loads(file.read(length))["__metadata__"]["vaekit"])


def parse_json(text: str) -> Any:
    """JSON without NaN and infinity, which are none, and which vaekit never writes."""
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def read_json(path: Path) -> dict[str, Any]:
    """Raises RunError when the file is not a JSON object."""
    with foreign(f"{path} cannot be read as JSON", RunError):
        content = parse_json(plain_file(path).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise RunError(f"{path} must hold a JSON object.")
    return content
