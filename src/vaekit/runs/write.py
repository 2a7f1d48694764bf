"""Begins and writes a run folder. `vaekit.runs.load` reads it.

config.json  model.safetensors  previews.npz  checkpoints/  metrics.jsonl  summary.json
figures/  report.html
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vaekit.config import options as s
from vaekit.config.methods import METHODS, PRIORS, find_method, section_of
from vaekit.core import RunError, SettingError
from vaekit.data import SOURCES, Data
from vaekit.data.picking import mixed
from vaekit.models import Model
from vaekit.objectives.base import Objective
from vaekit.runs.files import (
    check_empty,
    check_writable,
    checksum_of_arrays,
    write_json,
    write_tensors,
    writing,
)
from vaekit.runs.json_records import as_json, sealed
from vaekit.runs.lock import sole_writer
from vaekit.runs.outputs import write_arrays
from vaekit.runs.records import (
    CONFIG,
    PREVIEWS,
    SUMMARY,
    WEIGHTS,
    DataRecord,
    RunConfig,
    StartRecord,
    Summary,
    WeightsRecord,
    read_summary,
)
from vaekit.runs.set_aside import holds_more, set_aside

MOST_PREVIEWS = 64  # test images kept with a run


def method_name(model: Model, objective: Objective) -> str:
    """The first method of these kinds of model and objective.

    Raises:
        SettingError: there is none; says how to add one.
    """
    labels = model.classes > 0
    for name, method in {**METHODS, **PRIORS}.items():
        same = method.model_class() is type(model) and method.objective_class() is type(objective)
        if same and (method.labels == labels or name in PRIORS):
            return name
    pair = f"{type(model).__name__} with {type(objective).__name__}{' and labels' * labels}"
    raise SettingError(f"{pair} is no method; to keep runs of it, add a line to vaekit.METHODS first.")


def settings_for(
    method: str, model: Model, objective: Objective, data: Data, options: s.FitSettings
) -> s.Settings:
    """Resolved settings of a run, from the objects themselves."""
    entry = find_method(method)
    return s.Settings(
        method,
        entry.data_options.of({"data": data.source} | data.options),
        section_of(entry.model_options, model.arguments),
        entry.objective_options.of(objective.arguments),
        options,
    )


def begin_run(folder: Path, config: RunConfig, data: Data) -> None:
    """Makes the folder with config.json and previews.npz, or leaves nothing.

    Raises:
        RunError: there is something already, or it cannot be written.
    """
    check_free(folder)
    made = not folder.exists()
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as undo:
        if made:
            undo.callback(_remove_empty, folder)
        write_json(folder / CONFIG, sealed(as_json(config)), new=True)
        undo.callback((folder / CONFIG).unlink)
        write_previews(folder, data)
        undo.pop_all()


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def check_free(folder: Path) -> None:
    """Raises RunError when something is in the way of a new run folder, or it could not be written."""
    with writing(folder):
        if (folder / CONFIG).exists():
            raise RunError(
                f"out='{folder}': a run is there; resume it (vaekit resume {folder}) or name another."
            )
    check_empty(folder)
    check_writable(folder / CONFIG if folder.is_dir() else folder)


@contextmanager
def reserved_run_path(method: str, source: str) -> Iterator[Path]:
    """The printed default of `out`, runs/METHOD-SOURCE-N with the first free N, made so that no other process
    takes it too; removed at the end if nothing came into it.

    Raises:
        RunError: it cannot be made.
    """
    stem = f"{method}-{Path(source).stem or 'data'}"
    folder = next(path for n in count(1) if _made(path := Path("runs") / f"{stem}-{n}"))
    try:
        yield folder
    finally:
        _remove_empty(folder)


def _made(folder: Path) -> bool:
    """Makes a folder; False if something of that name is there."""
    with writing(folder):
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            return False
    return True


def describe_run(
    settings: s.Settings,
    data: Data,
    model: Model,
    objective: Objective,
    device: torch.device,
    start: StartRecord | None = None,
) -> RunConfig:
    """Returns the record that a run begins with.

    Args:
        model, objective: as the seed makes them.
        start: whose weights the model gets then.
    """
    flat = settings.flat()
    if data.path is not None and flat["data"] not in SOURCES:
        flat["data"] = data.path
    if flat.get("data_dir") is not None:
        flat["data_dir"] = os.path.abspath(flat["data_dir"])
    return RunConfig(
        format=s.FORMAT,
        settings=flat,
        data=describe_data(data),
        initial_weights=weights_fingerprint(model, objective),
        versions=versions(device),
        start=start,
    )


def describe_data(data: Data) -> DataRecord:
    """Returns the record of the data that a run is trained on."""
    return DataRecord(
        source=data.source,
        path=data.path,
        shape=data.shape,
        pixels=data.pixels,
        dynamic=data.dynamic,
        class_names=None if data.class_names is None else tuple(data.class_names),
        classes=data.classes,
        images={name: len(split) for name, split in data.splits.items()},
        fingerprint=data.fingerprint,
        notes=tuple(data.notes),
        columns=None if data.columns is None else tuple(data.columns),
        label_column=data.label_column,
    )


def weights_fingerprint(*modules: nn.Module) -> str:
    """Hash of all weights, the same on every device."""
    digest = hashlib.blake2b(digest_size=16)
    for module in modules:
        units = getattr(module, "units", None)
        unused = set() if units is None or units.given else {f"units.{name}" for name in units.state_dict()}
        for name, tensor in module.state_dict().items():
            if name in unused:  # as runs from before there were units have it
                continue
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype} ".encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def versions(device: torch.device) -> dict[str, Any]:
    """Returns what the bits of a run depend on beside its settings, and where it was made."""
    from vaekit import __version__

    return {
        "vaekit": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "device": str(device),
        "threads": torch.get_num_threads(),
    }


def publish_weights(folder: Path, tensors: dict[str, Tensor], about: WeightsRecord) -> None:
    """Writes model.safetensors: the weights that every command uses."""
    write_tensors(folder / WEIGHTS, tensors, as_json(about))


def write_summary(folder: Path, summary: Summary) -> None:
    """Writes summary.json, by which a run counts as ended."""
    write_json(folder / SUMMARY, as_json(summary))


def keep_evaluation(folder: Path, values: Mapping[str, Any]) -> bool:
    """Puts what was measured into summary.json; False if the run has none, since it has not ended.

    What was measured before and is not measured again is set aside.

    Raises:
        RunError: summary.json is damaged, or cannot be written, or another process is training the run: then it has
            ended no more.
    """
    with sole_writer(folder):
        summary = read_summary(folder)
        if summary is not None:
            if holds_more(summary.evaluation or {}, values):
                set_aside(folder, summary)
            write_summary(folder, replace(summary, evaluation=values))
    return summary is not None


def write_previews(folder: Path, data: Data) -> None:
    """A mix of test images of all classes, as they are stored; without test images of training images."""
    split = data.test if len(data.test) else data.train
    split = mixed(split, MOST_PREVIEWS)
    arrays = {"images": split.images.numpy()}
    if split.labels is not None:
        arrays["labels"] = split.labels.numpy()
    if split.names is not None:
        arrays["names"] = np.array(split.names)
    write_arrays(folder / PREVIEWS, arrays | {"checksum": np.array(checksum_of_arrays(arrays))})
