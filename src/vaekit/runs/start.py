"""A run whose weights another begins with: the options that it brings, and whether its weights fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaekit.config.fields import rule_of
from vaekit.config.methods import find_method
from vaekit.config.parts import CUSTOM
from vaekit.core import RunError, SettingError
from vaekit.data import Data
from vaekit.models import Model
from vaekit.runs.files import read_tensors
from vaekit.runs.load import load_weights, settings_of
from vaekit.runs.records import WEIGHTS, StartRecord, read_run_config
from vaekit.runs.write import weights_fingerprint


def model_options_of(start: Path, method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The model options of a run, for a method that begins with its weights; flat, without those that are given.

    Raises:
        RunError: not a run folder.
        SettingError: its model is of another kind, or has own networks.
    """
    settings = settings_of(start, read_run_config(start))
    before, after = find_method(settings.method), find_method(method)
    if before.model_class() is not after.model_class() or before.labels != after.labels:
        raise SettingError(
            f"start='{start}': it is a {settings.method}, whose model a {method} does not have.", "start"
        )
    if settings.model.flat().get("network") == CUSTOM:
        raise SettingError(
            f"start='{start}': it has own networks; in Python, vaekit.fit(model, ..., start='{start}').",
            "start",
        )
    fields = [field for field in dataclasses.fields(settings.model) if field.name not in given]
    parts = [rule_of(field).flat(field.name, getattr(settings.model, field.name)) for field in fields]
    return {name: value for part in parts for name, value in part.items()}


def check_start(start: Path, data: Data, labels: bool) -> list[str]:
    """Notes on what is odd about data that a model with the weights of a run is to be trained on.

    Args:
        labels: the model is conditioned on classes.

    Raises:
        SettingError: they do not have the shape, or the number of classes, of the run's.
    """
    about = read_run_config(start).data
    if about.shape != data.shape:
        theirs, ours = ("x".join(map(str, shape)) for shape in (about.shape, data.shape))
        raise SettingError(
            f"start='{start}': its model takes examples of {theirs}, those of {data.source} are {ours}; "
            "give examples of that shape.",
            "start",
        )
    if not labels:
        return []
    if about.classes != data.classes:
        raise SettingError(
            f"start='{start}': its model knows {about.classes} classes, {data.source} has {data.classes}.",
            "start",
        )
    pairs = zip(about.class_names or (), data.class_names or (), strict=False)
    changed = [f"{new} takes the place of {old}" for old, new in pairs if new != old]
    return [f"classes by their numbers: {', '.join(changed)}"] if changed else []


def start_from(model: Model, start: Path) -> StartRecord:
    """Gives a model the weights of a run, and says which they are.

    Raises:
        RunError: not a run folder, a damaged one, or one without weights.
        SettingError: they do not fit the model.
    """
    settings = settings_of(start, read_run_config(start))
    tensors, _ = read_tensors(start / WEIGHTS)
    try:
        load_weights(model, tensors, start)
    except RunError:
        theirs = settings.model.flat()
        differing = [
            f"{name}={value} and not {theirs[name]}"
            for name, value in model.arguments.items()
            if name in theirs and theirs[name] != value
        ]
        why = f" ({', '.join(differing)})" if differing else ""
        raise SettingError(
            f"start='{start}': its weights do not fit this model{why}; leave out what changes the model's shape.",
            "start",
        ) from None
    return StartRecord(str(start.resolve()), weights_fingerprint(model))


def start_again(folder: Path, start: StartRecord, model: Model) -> None:
    """Gives a model the weights of another run that its own began with.

    Raises:
        RunError: they are gone or have changed.
    """
    if start_from(model, Path(start.path)) != start:
        raise RunError(
            f"{folder} has no state yet, and the weights of {start.path}, with which it began, have changed; "
            "train anew."
        )
