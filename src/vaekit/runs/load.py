"""Loads a run folder, for use or for resuming. `vaekit.runs.write` writes what is read here."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vaekit.config import options as s
from vaekit.config.configured import strict
from vaekit.config.methods import find_method, resolve
from vaekit.core import DataError, RunError, SettingError, foreign, warn_of
from vaekit.data import SOURCES, Data, Split
from vaekit.data.labels import find_class, renumbered
from vaekit.data.like import Form
from vaekit.data.sources import load_like
from vaekit.distributions.likelihoods import measured_under
from vaekit.images.notebook import Displayed, spread_over
from vaekit.metrics import Under
from vaekit.models import Model
from vaekit.models.autoencoder import CANNOT_SAMPLE
from vaekit.models.base import CodeDensity
from vaekit.models.build import given_by_data, seeded_model
from vaekit.models.capabilities import HasPrior, TakesPrior
from vaekit.models.carried import Carried
from vaekit.runs.files import read_tensors
from vaekit.runs.frames import MetricLines, main_figures
from vaekit.runs.origin import from_folder
from vaekit.runs.plausible import check_previews, check_sizes, check_weights
from vaekit.runs.previews import read_previews
from vaekit.runs.prior_place import PRIOR, prior_folder
from vaekit.runs.records import (
    CONFIG,
    PREVIEWS,
    WEIGHTS,
    MetricLine,
    RunConfig,
    Summary,
    as_folder,
    changes_of,
    read_metrics,
    read_run_config,
    read_summary,
)
from vaekit.runs.write import weights_fingerprint
from vaekit.runtime.device import choose_device


@dataclass(frozen=True, repr=False)
class Run(Displayed, Carried):
    """A trained run, ready to be used.

    Attributes:
        path: its folder.
        model: with the weights that every command uses, in eval mode.
        settings: resolved settings.
        config: config.json.
        summary: summary.json; None while the run has not ended.
        metrics: the lines of metrics.jsonl; `frame()` makes a table of them.
        previews: up to 64 test images.

    Example:
        >>> run = vaekit.load_run("runs/first")
        >>> run.settings.method, run.summary.steps > 0
        ('vae', True)
        >>> run.model.embed(run.load_data("photos/sky/000.png").test.images).shape
        torch.Size([1, 3])
    """

    elsewhere: ClassVar[Mapping[str, str]] = {
        name: f"its model has: run.model.{name}"
        for name in ("sample", "encode", "decode", "reconstruct", "embed")
    }

    path: Path
    model: Model
    settings: s.Settings
    config: RunConfig
    summary: Summary | None
    metrics: list[MetricLine]
    previews: Split

    def facts(self) -> dict[str, Any]:
        data = self.config.data
        about = {"method": self.settings.method, "data": data.source, "shape": data.shape}
        ended = (None, "not ended") if self.summary is None else (self.summary.steps, None)
        return {"path": str(self.path), **about, "steps": ended[0], "state": ended[1]}

    def key_figures(self) -> Mapping[str, float]:
        return {} if self.summary is None else main_figures(self.summary)

    def measured_under(self) -> Under:
        return self.under

    def thumbnails(self) -> Tensor | None:
        return (
            None if self.model.pixels == "real" else spread_over(self.previews.images, self.previews.labels)
        )

    @property
    def class_names(self) -> list[str] | None:
        """Returns the name of each class number of its data, or None where these had no labels."""
        names = self.config.data.class_names
        return None if names is None else list(names)

    @property
    def under(self) -> Under:
        """Returns the conditions of its numbers, as far as their wording depends on them."""
        return measured_under(self.model.likelihood_name, self.model.classes > 0)

    @property
    def classes(self) -> list[str]:
        """Returns the names of the classes the model is conditioned on, numbers where they have none."""
        return self.class_names or [str(number) for number in range(self.model.sampled_classes)]

    def class_number(self, word: str, option: str = "label") -> int:
        """The class that a word means to this run's model: its name, or else its number.

        Args:
            word: a name or a number.
            option: name of the argument that it was given for, which an error says.

        Raises:
            SettingError: no such class, or the model is not conditioned on any.
        """
        if not self.model.sampled_classes:
            raise SettingError(
                f"{option}='{word}': {self.path} was trained without labels ({self.settings.method}); "
                "a cvae can be asked for classes."
            )
        return find_class(word, self.classes, option)

    def load_data(
        self, source: object = None, label: str | None = None, labels: object | None = None
    ) -> Data:
        """The run's own data, or another source brought to the same form.

        A conditional run has the labels of another source as numbers of its own class names. What training asks of a
        set is not asked of another source: any number of examples will do, and those that are too few or too alike to
        split are all in the test split.

        Args:
            source: as in `vaekit.load_data`, or one image file, one row (D,) or one image as an array; None takes
                the run's own.
            label: class of all images of a source without labels, for a conditional run.
            labels: of each image of an array, as in `vaekit.load_data`.

        Raises:
            DataError: the source is gone, or its images do not have the shape of the run's, or no labels
                or unknown classes where the run wants them.
            SettingError: a label that is unknown, or where none is wanted.
            RunError: the run's own data were an array in memory, or have changed since.
        """
        number = None if label is None else self.class_number(label)
        own = source is None
        data = load_own_data(self.path, self.settings, self.config) if own else self._other(source, labels)
        return self.with_own_classes(data, number) if self.model.classes else data

    @property
    def form(self) -> Form:
        """Returns the form of the examples that it takes."""
        about = self.config.data
        return Form(about.shape, self.model.pixels, str(self.path), about.columns, about.label_column)

    def _other(self, source: object, labels: object | None) -> Data:
        options = dataclasses.asdict(self.settings.data)
        del options["data"]
        anew: dict[str, Any] = {"layout": "auto", "images_key": None, "labels_key": None}
        return load_like(source, self.form, labels=labels, **options | anew)

    def with_own_classes(self, data: Data, number: int | None = None) -> Data:
        """The same data, their labels as numbers of this run's classes, or all of class `number`.

        Args:
            data: of the run's form.
            number: of a class, for data without labels.

        Raises:
            DataError: a class that the run does not know, or no labels.
            SettingError: a number for data that have labels.
        """
        ours, theirs = self.class_names, data.class_names
        if number is not None and theirs is not None:
            raise SettingError(f"label= is for images without labels; {data.source} has its own.")
        changed = {}
        for name, split in data.splits.items():
            labels = split.labels
            if number is not None:
                labels = torch.full((len(split),), number)
            elif labels is None and len(split):
                raise DataError(
                    f"{data.source}: the {name} images have no labels, and {self.path} is conditioned on the class of "
                    "each image; label='NAME' says which class they all are."
                )
            elif labels is not None and ours is not None and theirs is not None and ours != theirs:
                labels = renumbered(labels, theirs, ours, data.source)
            changed[name] = dataclasses.replace(split, labels=labels)
        return data.replace(**changed, class_names=ours)


@strict
def load_run(
    path: Any, *, encoder: nn.Module | None = None, decoder: nn.Module | None = None, device: str = "cpu"
) -> Run:  # fmt: skip
    """Loads a run folder.

    Args:
        path: the folder, or a history that has one.
        encoder, decoder: the modules that the run was trained with, if they were its user's own.
        device: where the model goes: auto, cpu, cuda or mps.

    Returns:
        The run, its model in eval mode.

    Raises:
        RunError: not a run folder, a damaged one, or one that has no weights yet.

    Example:
        >>> vaekit.load_run("runs/first").model.sample(4).shape
        torch.Size([4, 1, 8, 8])
    """
    folder = as_folder(path)
    config = read_run_config(folder)
    settings = settings_of(folder, config)
    weights = folder / WEIGHTS
    if not weights.exists():
        raise RunError(f"{folder} has no weights yet; resume it: vaekit resume {folder}")
    tensors, _ = read_tensors(weights)
    previews, _ = read_previews(folder)
    check_previews(previews, config.data, folder / PREVIEWS)
    check_sizes(settings.model.flat(), [tuple(tensor.shape) for tensor in tensors.values()], folder / CONFIG)
    model = build_model(settings, config, encoder, decoder)
    load_weights(model, tensors, weights)
    model = model.to(choose_device(device)).eval()
    if isinstance(model, TakesPrior) and (has_prior(folder) or not isinstance(model, HasPrior)):
        model.fitted = cache(partial(load_prior, folder, model, config.data.fingerprint, device))
    model.origin = from_folder(model, folder)
    warn_of(changes_of(folder))
    records = read_summary(folder), MetricLines(read_metrics(folder))
    return Run(folder, model, settings, config, *records, previews)


def has_prior(folder: Path) -> bool:
    """Returns whether a prior was fitted to the latents of a run, or is being fitted and has weights."""
    return (prior_folder(folder) / WEIGHTS).exists()


def load_prior(folder: Path, model: Model, data: str, device: str) -> CodeDensity:
    """The prior that was fitted to the latents of a run.

    Args:
        folder: of the run.
        model: its model, with its weights.
        data: fingerprint of its data.

    Raises:
        SettingError: there is none.
        RunError: it was fitted to the latents of other weights or data.
    """
    if not has_prior(folder):
        raise SettingError(f"{folder}: {CANNOT_SAMPLE.format(run=folder)}")
    prior = load_run(prior_folder(folder), device=device)
    if prior.config.data.fingerprint != codes_fingerprint(model, data):
        raise RunError(
            f"{folder / PRIOR} was fitted to other weights of {folder}; fit it anew (vaekit prior {folder}) with replace=True."
        )
    assert isinstance(prior.model, CodeDensity)
    return prior.model


def codes_fingerprint(model: Model, data: str) -> str:
    """Returns the fingerprint of what latents are a function of: the model's weights and the data."""
    return f"{weights_fingerprint(model)} {data}"


def build_model(
    settings: s.Settings, config: RunConfig, encoder: nn.Module | None = None, decoder: nn.Module | None = None
) -> Model:  # fmt: skip
    """The model of a run as it was at its start, from its settings and what config.json says of its data."""
    about = config.data
    given = given_by_data(settings.method, about.shape, about.pixels, about.classes, about.source)
    if settings.flat().get("network") == "custom":
        if encoder is None or decoder is None:
            raise SettingError(
                "this run was trained with own networks; in Python, pass its encoder and decoder again."
            )
        given |= {"encoder": encoder, "decoder": decoder}
        return seeded_model(settings, given)
    with foreign(f"{about.source}: a {settings.method} cannot be built as config.json says", RunError):
        return seeded_model(settings, given)


def load_own_data(folder: Path, settings: s.Settings, config: RunConfig) -> Data:
    """The data that a run was trained on.

    Raises:
        DataError: they are gone.
        RunError: they were an array in memory, or have changed since.
    """
    place = config.data.path
    if settings.data.data not in SOURCES and place is None:
        raise RunError(f"{folder} was trained on an array in memory; pass the array again in Python.")
    if place is not None and not os.path.exists(place):
        raise DataError(
            f"{folder}: its data are no longer at {place}; if they moved, give data='NEW/PLACE', "
            f"or once for all: vaekit resume {folder} data='NEW/PLACE'"
        )
    data = find_method(settings.method).load(settings.data)
    check_unchanged(folder, data, config)
    return data


def check_unchanged(folder: Path, data: Data, config: RunConfig) -> None:
    """Raises RunError when these are not the images and the split that a run began with."""
    if data.fingerprint != config.data.fingerprint:
        raise RunError(
            f"{folder}: the images or the split of {data.source} have changed since this run began; "
            "put them back, or give data= as a source of its own."
        )


def load_weights(model: nn.Module, tensors: dict[str, Tensor], where: Path) -> None:
    """Raises RunError when the tensors of a file are not those of the model."""
    check_weights(model.state_dict(), tensors, where)
    with foreign(f"{where} does not hold the weights of this run's model", RunError):
        model.load_state_dict(tensors)


def settings_of(folder: Path, config: RunConfig) -> s.Settings:
    """Settings from config.json.

    Raises:
        RunError: unknown options or methods, or wrong types.
    """
    where, values = str(folder / CONFIG), config.settings
    try:
        if not isinstance(values.get("method"), str):
            raise SettingError(f"{where}: no method.")
        if values.get("optimizer") == "muon":  # which took every matrix before it had the option
            values = {"every_matrix": True, **values}
        return resolve(values["method"], values, where=where, quiet=True)
    except SettingError as error:
        raise RunError(str(error) if where in str(error) else f"{where}: {error}") from None
