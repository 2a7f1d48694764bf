"""`train`: a method by name, on a source of images, into a run folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from vaekit.config.fields import imported
from vaekit.config.likelihood_parts import decide_likelihood
from vaekit.config.methods import METHODS, find_method, resolve
from vaekit.config.network_parts import MLP, decide_network
from vaekit.config.options import Settings
from vaekit.config.parts import CUSTOM, Undecided
from vaekit.config.run_length import LENGTHS
from vaekit.core import choose, examples, warn_of
from vaekit.data import Data, load_data, to_unit
from vaekit.data.moments import standard_of
from vaekit.data.sources import check_not_given
from vaekit.models.latent import centred
from vaekit.networks.principal import Curve, held_out_curve, held_out_gain, varying_directions
from vaekit.runs.files import check_writable
from vaekit.runs.start import check_start, model_options_of
from vaekit.runs.write import check_free, reserved_run_path
from vaekit.runtime.device import choose_device
from vaekit.runtime.launch import launched
from vaekit.training.fit import History, fit
from vaekit.training.fresh import new_model
from vaekit.training.progress import Progress
from vaekit.training.recipe import LATENTS, MOST_COLUMNS, Choice, Facts, recipe, start_for
from vaekit.training.trackers import check_log


def train(
    method: str,
    data: object,
    *,
    labels: object | None = None,
    out: str | Path | None = None,
    stem: str | None = None,
    start: str | Path | None = None,
    progress: str | bool | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
    callbacks: object = (),
    tell: Callable[[str], object] = lambda line: None,
    **options: Any,
) -> History:
    """Trains a model and keeps the run: `train("vae", "digits", latent_dim=2, epochs=30)`.

    Loads the data, makes model and objective from the seed, and fits them. What is odd about data or options is a
    VaekitWarning.

    Args:
        method: key of METHODS.
        data: a source as in `load_data`, an array, or a data set that is loaded already.
        labels: class numbers or names of an array's images, (N,).
        out: run folder, which must not exist yet; None makes runs/STEM-SOURCE-N with the first free N.
        stem: of that name; None takes the method's.
        start: folder of a run whose weights training begins with, on these data; options of the model are that run's
            unless they are given.
        progress: "auto" or True, "none" or False, or an object of that protocol.
        should_stop: asked after every step; a reason ends the run, resumable.
        callbacks: as in `fit`.
        tell: is given a line before the training.
        options: of data, model, objective and training, by their names on the command line. Those of the
            data are not for a data set that is loaded already.

    Returns:
        The history, with the folder in `out`; after an interrupt that of the part that was run.

    Raises:
        SettingError: no such method or option, a value that does not fit the others or the data, or weights that do
            not fit the model.
        DataError: data that cannot be used.
        RunError: `out` is not free or cannot be written, or `start` is no run.
        NonFiniteError: a loss term became NaN or infinite.

    Example:
        >>> history = vaekit.train("vae", "digits", latent_dim=2, steps=4, out="runs/two", progress=False)
        >>> history.out.name
        'two'
        >>> vaekit.load_run(history.out).model.latent_dim
        2
    """
    choose(method, METHODS, "method")
    begun = {} if start is None else model_options_of(Path(start), method, options)
    settings = resolve(method, begun, options, {"data": _source(method, data, options)}, where="")
    leads = launched().leads
    if leads:
        check_writable(Path("runs", "new")) if out is None else check_free(Path(out))
    choose_device(settings.fit.device)
    check_log(settings.fit.log)
    images = _loaded(settings, data, labels)
    if start is not None:
        warn_of(check_start(Path(start), images, find_method(method).labels))
    choices = choices_for(settings, images, [*find_method(method).overrides, *begun, *options])
    told = {choice.name: choice.value for choice in choices}
    settings = resolve(method, told, begun, options, {"data": settings.data.data}, where="")
    model, objective = new_model(settings, images)
    warn_of(images.notes)
    size = f"{examples(len(images.train), images.shape)} of {'x'.join(map(str, images.shape))}"
    numbered = out is None and leads  # the other processes write nothing
    with reserved_run_path(stem or method, images.source) if numbered else nullcontext(out) as folder:
        after = "" if start is None else f" from the weights of {start}"
        tell(f"training {method} on {images.source} ({size}){after} into {folder}")
        for choice in choices:
            tell(f"  {choice.name} {choice.value}: {choice.reason}")
        return fit(
            model,
            objective,
            images,
            out=folder,
            method=method,
            start=start,
            progress=progress,
            should_stop=should_stop,
            callbacks=callbacks,
            options=settings.fit,
        )


def _source(method: str, data: object, options: dict[str, Any]) -> str:
    """Names the data.

    Raises:
        SettingError: options of loading, for a data set that is loaded already.
    """
    if isinstance(data, Data):
        check_not_given(options, find_method(method).data_options)
        return data.source
    return str(data) if isinstance(data, str | Path) else "array"


def _loaded(settings: Settings, data: object, labels: object | None) -> Data:
    """The data as the settings say, or those that are loaded already."""
    if isinstance(data, Data):
        return data
    if isinstance(data, str | Path) and labels is None:
        return find_method(settings.method).load(settings.data)
    return load_data(**settings.data.flat() | {"data": data}, labels=labels)


def choices_for(settings: Settings, data: Data, given: Collection[str]) -> list[Choice]:
    """Choices of what the data decide of the settings.

    Args:
        settings: with the defaults of everything that is not given.
        given: names of the options that are, or that the method decides.
    """
    method = find_method(settings.method)
    options = {name for name in method.options() if name not in given}
    if not open_width(settings, data.shape):
        options.discard("width")
    if settings.fit.length:
        options -= set(LENGTHS)
    facts = Facts(len(data.train), data.shape)
    by_components = "init" in {*method.options()} - {*method.overrides} and begins_at_components(
        settings, data.pixels
    )
    if not by_components:
        return recipe(facts, options - {"latent_dim"}, settings.fit.batch_size)
    open_start = "init" in options
    if open_start:
        facts = facts_of(data, method.labels)
    starts_fitted = not facts.begins_at_random if open_start else settings.model.init != "random"
    facts = replace(facts, fitted=starts_fitted)
    if "latent_dim" in options:
        facts = replace(facts, curve=curve_of(data, method.labels))
    choices = recipe(facts, options, settings.fit.batch_size)
    return [*start_for(facts, options), *choices] if open_start else choices


def begins_at_components(settings: Settings, pixels: str) -> bool:
    """Says whether the model can begin at probabilistic PCA: p(x|z) is normal, and the networks are vaekit's own."""
    likelihood, network = settings.model.likelihood, settings.model.network
    part = decide_likelihood(likelihood, pixels)
    return imported(part.module).normal and network != Undecided(CUSTOM)


def open_width(settings: Settings, shape: tuple[int, ...]) -> bool:
    """Says whether the width of a perceptron is for the data to decide: `auto` takes one, and nobody named a size."""
    network = getattr(settings.model, "network", None)
    if not isinstance(network, Undecided) or network.word == CUSTOM or "width" in network.options:
        return False
    return isinstance(decide_network(network, shape), MLP)


def facts_of(data: Data, labels: bool) -> Facts:
    """Facts that the start of a model goes by: size and, of a table, by how much kernels say more of it than components.

    Args:
        labels: whether the model knows the classes.
    """
    facts = Facts(len(data.train), data.shape)
    if len(data.shape) != 1 or data.shape[0] > MOST_COLUMNS or data.pixels != "real":
        return facts
    return replace(facts, bent=held_out_gain(rows_of(data, labels)))


def rows_of(data: Data, labels: bool) -> Tensor:
    """Training images as they are shown, (N, P), less their mean, or that of their class if the model knows it."""
    standard = standard_of(data)
    classes = data.classes if labels else 0
    return centred(data.train, classes, lambda images: to_unit(standard(images)).flatten(1))[0]


def curve_of(data: Data, labels: bool) -> Curve:
    """The curve of what components of the training images are worth, within each class if the model knows it."""
    rows = rows_of(data, labels)
    directions = varying_directions(rows) if data.pixels == "real" else None
    return held_out_curve(rows if directions is None else rows @ directions, 2 * LATENTS)
