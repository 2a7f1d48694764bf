"""Files that are either whole or not there: atomic writing, JSON, safetensors. No file is ever unpickled."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor

from vaekit.core import RunError, reach

WINDOWS = os.name == "nt"


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
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with writing(path):
        try:
            reach(f"{path.stem}: before writing")
            with temporary.open("wb") as file:
                file.write(content[: len(content) // 2])
                reach(f"{path.stem}: half written")
                file.write(content[len(content) // 2 :])
                file.flush()
                os.fsync(file.fileno())
            reach(f"{path.stem}: before renaming")
            _publish(temporary, path, new)
            sync_folder(path.parent)
            reach(f"{path.stem}: after renaming")
        finally:
            temporary.unlink(missing_ok=True)


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


def remove_temporaries(*folders: Path) -> None:
    """Removes what a killed process left half written."""
    for folder in folders:
        for path in folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)


def write_json(path: Path, content: Mapping[str, Any], new: bool = False) -> None:
    """Atomically, indented, in UTF-8; NaN and infinity are refused rather than written as no JSON."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomic(path, (text + "\n").encode(), new)


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
    """A safetensors file with a JSON header, atomically. Tensors are copied, so they may share memory."""
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_atomic(path, save_safetensors(plain, {"vaekit": json.dumps(header)}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and header of a file of `write_tensors`.

    Raises:
        RunError: the file is missing, damaged, or not of vaekit.
    """
    try:
        content = path.read_bytes()  # not memory-mapped: the file may be replaced while it is used
        tensors = load_safetensors(content)
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])["__metadata__"]["vaekit"]
        return tensors, json.loads(header)
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}.") from None
    except (SafetensorError, struct.error, ValueError) as error:
        raise RunError(f"{path} is damaged: {_first_line(error)}.") from None
    except KeyError:
        raise RunError(f"{path} was not written by vaekit.") from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def read_json(path: Path) -> dict[str, Any]:
    """Raises RunError when the file is not a JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read as JSON: {error}.") from None
    if not isinstance(content, dict):
        raise RunError(f"{path} must hold a JSON object.")
    return content
