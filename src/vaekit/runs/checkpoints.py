"""Resumable states: one safetensors file each, its tensors, and everything else as JSON in its header."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from vaekit.core import RunError, VaekitWarning, foreign, reach
from vaekit.runs.files import read_tensors, sync_folder, write_tensors, writing

KEPT = 2  # resumable states: if the machine dies while one is being written, the other is whole


def pack(value: Any, tensors: dict[str, Tensor], name: str = "") -> Any:
    """A nested state as JSON; its tensors go into `tensors` under their path in the nest."""
    if isinstance(value, Tensor):
        while name in tensors:  # {"a.b": 1, "a": {"b": 2}}
            name += "'"
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"items": [[key, pack(item, tensors, f"{name}.{key}")] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [pack(item, tensors, f"{name}.{index}") for index, item in enumerate(value)]
    return value


def unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The nested state that `pack` took apart; tuples come back as lists."""
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]].clone()  # in memory aligned as torch aligns its own
        return {key: unpack(item, tensors) for key, item in value["items"]}
    if isinstance(value, list):
        return [unpack(item, tensors) for item in value]
    return value


def save_state(folder: Path, step: int, state: Mapping[str, Any]) -> None:
    """Writes a resumable state of this step and removes all but the last KEPT.

    Raises:
        RunError: it cannot be written; the states before it stay.
    """
    with writing(folder):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
    tensors: dict[str, Tensor] = {}
    packed = pack(state, tensors)
    write_tensors(folder / f"step-{step:09d}.safetensors", tensors, {"state": packed})
    with writing(folder):
        for old in states(folder)[:-KEPT]:
            old.unlink(missing_ok=True)
            reach("state: old one removed")


def keep_last(folder: Path) -> None:
    """Removes all states but the last, from which a run that has ended can be trained longer: nothing is being written
    any more that the one before would be needed for.

    Raises:
        RunError: one cannot be removed.
    """
    with writing(folder):
        for old in states(folder)[:-1]:
            old.unlink(missing_ok=True)


def load_state(
    folder: Path, check: Callable[[dict[str, Any], Path], object] = lambda state, path: None
) -> dict[str, Any] | None:
    """The newest state that is whole, or None if there is none at all.

    Damaged ones after it are renamed, so that they neither stand in the way nor count as kept; a
    warning says so.

    Args:
        check: given a state and its file; raises whatever it likes for one that is none of this training.

    Raises:
        RunError: there are states, and all are damaged.
    """
    damaged: dict[Path, RunError] = {}
    for path in reversed(states(folder)):
        try:
            state = read_state(path)
            with foreign(f"{path} is not a resumable state of this run", RunError):
                check(state, path)
        except RunError as error:
            damaged[path] = error
        else:
            _set_aside(damaged, path)
            return state
    if damaged:
        raise next(iter(damaged.values()))
    return None


def read_state(path: Path) -> dict[str, Any]:
    """The nested state in a file.

    Raises:
        RunError: damaged, or of another kind.
    """
    tensors, header = read_tensors(path)
    with foreign(f"{path} is not a resumable state", RunError):
        return dict(unpack(header["state"], tensors))


def _set_aside(damaged: Mapping[Path, RunError], whole: Path) -> None:
    for path, error in damaged.items():
        with writing(path):
            path.replace(path.with_suffix(".damaged"))
        text = f"{str(error).removesuffix('.')}; resuming from {whole.name}, the state before it."
        warnings.warn(text, VaekitWarning, stacklevel=4)


def states(folder: Path) -> list[Path]:
    """Resumable states, oldest first."""
    return sorted(folder.glob("step-*.safetensors"))
