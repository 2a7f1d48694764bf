"""How a run is loaded, to be used or to be gone on with. `vaekit.runfolder` writes what is read here."""

from __future__ import annotations

import dataclasses
import json
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vaekit import metrics
from vaekit import settings as s
from vaekit.checkpoints import read_tensors
from vaekit.core import DataError, RunError, SettingError, derive_seed
from vaekit.data import SOURCES, Data, Split, load_data
from vaekit.methods import find_method, resolve
from vaekit.models import Autoencoder, Model, create_model
from vaekit.models.base import CANNOT_SAMPLE, CodeDensity
from vaekit.objectives import Objective, create_objective
from vaekit.precision import choose_device, own_randomness, seed_noise
from vaekit.runfolder import weights_fingerprint

PRIOR = "prior"  # folder within a run


@dataclass(frozen=True)
class Run:
    """A trained run, ready to be used.

    Attributes:
        path: its folder.
        model: with the weights that every command uses, in eval mode.
        settings: resolved settings.
        config: all of config.json.
        summary: all of summary.json; empty while the run has not ended.
        metrics: the lines of metrics.jsonl.
        previews: up to 64 test images.
    """

    path: Path
    model: Model
    settings: s.Settings
    config: dict[str, Any]
    summary: dict[str, Any]
    metrics: list[dict[str, Any]]
    previews: Split

    @property
    def class_names(self) -> list[str] | None:
        return self.config["data"]["class_names"]

    def load_data(self, source: str | None = None) -> Data:
        """The run's own data, or another source brought to the same form.

        Raises:
            DataError: the source is gone, or its images do not have the shape of the run's.
            RunError: the run's own data were an array in memory, or have changed since.
        """
        if source is None:
            return load_own_data(self.path, self.settings, self.config)
        options = dataclasses.asdict(self.settings.data)
        data = load_data(
            **options | {"data": source, "layout": "auto", "images_key": None, "labels_key": None}
        )
        if list(data.shape) != self.config["data"]["shape"]:
            theirs, ours = ("x".join(map(str, shape)) for shape in (data.shape, self.config["data"]["shape"]))
            raise DataError(f"{source}: images are {theirs}, those of {self.path} are {ours}.")
        return data


def load_run(
    path: str | Path, *, encoder: nn.Module | None = None, decoder: nn.Module | None = None, device: str = "cpu"
) -> Run:  # fmt: skip
    """Loads a run folder.

    Args:
        path: the folder.
        encoder, decoder: the modules that the run was trained with, if they were its user's own.
        device: where the model goes: auto, cpu, cuda or mps.

    Raises:
        RunError: not a run folder, a damaged one, or one that has no weights yet.
    """
    folder = Path(path)
    config = read_run_config(folder)
    settings = settings_of(folder, config)
    weights = folder / "model.safetensors"
    if not weights.exists():
        raise RunError(f"{folder} has no weights yet; go on with it: vaekit resume {folder}")
    tensors, _ = read_tensors(weights)
    model = build_model(settings, config, encoder, decoder)
    load_weights(model, tensors, weights)
    model = model.to(choose_device(device)).eval()
    if isinstance(model, Autoencoder) and (has_prior(folder) or not model.own_prior):
        model.fitted = cache(partial(load_prior, folder, model, config["data"]["fingerprint"], device))
    return Run(
        folder,
        model,
        settings,
        config,
        read_json(folder / "summary.json") if (folder / "summary.json").exists() else {},
        metrics.read_metrics(folder / metrics.FILE),
        read_previews(folder),
    )


def has_prior(folder: Path) -> bool:
    """Whether a prior was fitted to the codes of a run, or is being fitted and has weights."""
    return (folder / PRIOR / "model.safetensors").exists()


def load_prior(folder: Path, model: Autoencoder, data: str, device: str) -> CodeDensity:
    """The prior that was fitted to the codes of a run.

    Args:
        folder: of the run.
        model: its model, with its weights.
        data: fingerprint of its data.

    Raises:
        SettingError: there is none.
        RunError: it was fitted to the codes of other weights or data.
    """
    if not has_prior(folder):
        raise SettingError(f"{folder}: {CANNOT_SAMPLE.format(run=folder)}")
    prior = load_run(folder / PRIOR, device=device)
    if prior.config["data"]["fingerprint"] != codes_fingerprint(model, data):
        raise RunError(
            f"{folder / PRIOR} was fitted to other weights of {folder}; fit it anew: vaekit prior {folder} --replace"
        )
    assert isinstance(prior.model, CodeDensity)
    return prior.model


def codes_fingerprint(model: Autoencoder, data: str) -> str:
    """What the codes of a data set are a function of: the model's weights and the data."""
    return f"{weights_fingerprint(model)} {data}"


def build_model(
    settings: s.Settings, config: dict[str, Any], encoder: nn.Module | None = None, decoder: nn.Module | None = None
) -> Model:  # fmt: skip
    """The model of a run as it was at its start, from its settings and what config.json says of its data."""
    given = {"shape": tuple(config["data"]["shape"]), "pixels": config["data"]["pixels"]}
    if settings.flat().get("network") == "custom":
        if encoder is None or decoder is None:
            raise SettingError("this run was trained with own networks; pass encoder= and decoder= again.")
        given |= {"encoder": encoder, "decoder": decoder}
    return seeded_model(settings, given)


def seeded_model(settings: s.Settings, given: dict[str, Any]) -> Model:
    """A fresh model, a function of the settings and of what the data say: the seed decides its weights."""
    with own_randomness(torch.device("cpu")):
        seed_noise(torch.device("cpu"), derive_seed("weights", settings.fit.seed))
        return create_model(settings.method, settings.model, given)


def new_model(settings: s.Settings, data: Data) -> tuple[Model, Objective]:
    """Model and objective for a data set, as `vaekit train` makes them."""
    model = seeded_model(settings, {"shape": data.shape, "pixels": data.pixels})
    return model, create_objective(settings.method, settings.objective)


def load_own_data(folder: Path, settings: s.Settings, config: dict[str, Any]) -> Data:
    """The data that a run was trained on.

    Raises:
        DataError: they are gone.
        RunError: they were an array in memory, or have changed since.
    """
    if settings.data.data not in SOURCES and config["data"].get("path") is None:
        raise RunError(f"{folder} was trained on an array in memory; pass data= in Python.")
    data = find_method(settings.method).load(settings.data)
    check_unchanged(folder, data, config)
    return data


def check_unchanged(folder: Path, data: Data, config: dict[str, Any]) -> None:
    """Raises RunError when these are not the images and the split that a run began with."""
    if data.fingerprint != config["data"]["fingerprint"]:
        raise RunError(
            f"{folder}: the images or the split of {data.source} have changed since this run began."
        )


def load_weights(model: nn.Module, tensors: dict[str, Tensor], where: Path) -> None:
    """Raises RunError when the tensors of a file are not those of the model."""
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:200]
        raise RunError(f"{where} does not hold the weights of this run's model: {detail}") from None


def read_run_config(folder: Path) -> dict[str, Any]:
    """config.json of a run folder.

    Raises:
        RunError: no such folder, not a run, or written by a newer vaekit.
    """
    if not folder.exists():
        siblings = sorted(path.parent.name for path in folder.parent.glob("*/config.json"))
        there = f" In {folder.parent} there are: {', '.join(siblings[:10])}." if siblings else ""
        raise RunError(f"{folder}: no such run folder.{there}")
    if not (folder / "config.json").is_file():
        raise RunError(f"{folder} is not a run folder: it has no config.json.")
    path = folder / "config.json"
    config = read_json(path)
    try:
        s.check_format(config, str(path))
    except SettingError as error:
        raise RunError(str(error)) from None
    settings, data = config.get("settings"), config.get("data")
    if not (
        isinstance(settings, dict)
        and isinstance(data, dict)
        and {"shape", "pixels", "fingerprint"} <= data.keys()
    ):
        raise RunError(f"{path} is not the config of a run.")
    return config


def settings_of(folder: Path, config: dict[str, Any]) -> s.Settings:
    """Settings from config.json.

    Raises:
        RunError: unknown options or methods, or wrong types.
    """
    where = str(folder / "config.json")
    try:
        values = config["settings"]
        if not isinstance(values.get("method"), str):
            raise SettingError(f"{where}: no method.")
        return resolve(values["method"], values, where=where)
    except SettingError as error:
        raise RunError(str(error) if where in str(error) else f"{where}: {error}") from None


def read_json(path: Path) -> dict[str, Any]:
    """Raises RunError when the file is not a JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read as JSON: {error}.") from None
    if not isinstance(content, dict):
        raise RunError(f"{path} must hold a JSON object.")
    return content


def read_previews(folder: Path) -> Split:
    """Raises RunError when previews.npz is missing or damaged."""
    try:
        # opened here: numpy leaves a damaged file open
        with open(folder / "previews.npz", "rb") as file, np.load(file, allow_pickle=False) as arrays:
            labels = torch.from_numpy(arrays["labels"]) if "labels" in arrays else None
            names = [str(name) for name in arrays["names"]] if "names" in arrays else None
            return Split(torch.from_numpy(arrays["images"]), labels, names)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise RunError(f"{folder / 'previews.npz'} cannot be read: {error}.") from None
