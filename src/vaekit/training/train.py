"""`train`: a method by name, on a source of images, into a run folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from vaekit.config.methods import METHODS, find_method, resolve
from vaekit.config.options import Settings
from vaekit.core import choose, counted, warn_of
from vaekit.data import Data, load_data
from vaekit.data.sources import check_not_given
from vaekit.distributions import LIKELIHOODS
from vaekit.metrics import KINDS
from vaekit.models import Model
from vaekit.runs.write import check_free, reserved_run_path
from vaekit.runtime.device import choose_device
from vaekit.runtime.launch import launched
from vaekit.training.fit import History, fit
from vaekit.training.fresh import new_model
from vaekit.training.progress import Progress


def train(
    method: str,
    data: Data | str | Path | np.ndarray | Tensor,
    *,
    labels: object | None = None,
    out: str | Path | None = None,
    stem: str | None = None,
    progress: str | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
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
        progress: "auto", "none", or an object of that protocol.
        should_stop: asked after every step; a reason ends the run, resumable.
        tell: is given a line before the training.
        options: of data, model, objective and training, by their names on the command line. Those of the
            data are not for a data set that is loaded already.

    Returns:
        The history, with the folder in `out`; after an interrupt that of the part that was run.

    Raises:
        SettingError: no such method or option, or a value that does not fit the others or the data.
        DataError: data that cannot be used.
        RunError: `out` is not free or cannot be written.
        NonFiniteError: a loss term became NaN or infinite.
    """
    choose(method, METHODS, "method")
    settings = resolve(method, options, {"data": _source(method, data, options)}, where="")
    leads = launched().leads
    if leads and out is not None:
        check_free(Path(out))
    choose_device(settings.fit.device)
    images = _loaded(settings, data, labels)
    model, objective = new_model(settings, images)
    warn_of([*images.notes, *likelihood_notes(settings, model, images)])
    size = f"{counted(len(images.train), 'image')} of {'x'.join(map(str, images.shape))}"
    numbered = out is None and leads  # the other processes write nothing
    with reserved_run_path(stem or method, images.source) if numbered else nullcontext(out) as folder:
        tell(f"training {method} on {images.source} ({size}) into {folder}")
        return fit(
            model,
            objective,
            images,
            out=folder,
            method=method,
            progress=progress,
            should_stop=should_stop,
            options=settings.fit,
        )


def _source(method: str, data: Data | str | Path | np.ndarray | Tensor, options: dict[str, Any]) -> str:
    """Names the data.

    Raises:
        SettingError: options of loading, for a data set that is loaded already.
    """
    if isinstance(data, Data):
        check_not_given(options, find_method(method).data_options)
        return data.source
    return str(data) if isinstance(data, str | Path) else "array"


def _loaded(settings: Settings, data: Data | str | Path | np.ndarray | Tensor, labels: object | None) -> Data:
    """The data as the settings say, or those that are loaded already."""
    if isinstance(data, Data):
        return data
    if isinstance(data, str | Path) and labels is None:
        return find_method(settings.method).load(settings.data)
    return load_data(**settings.data.flat() | {"data": data}, labels=labels)


def likelihood_notes(settings: Settings, model: Model, data: Data) -> list[str]:
    """Says that `auto` took what is no likelihood, and which ones are."""
    name = model.likelihood_name
    if settings.flat().get("likelihood") != "auto" or name is None or KINDS[LIKELIHOODS[name].kind].bounds:
        return []
    proper = [k for k, v in LIKELIHOODS.items() if data.pixels in v.pixels and KINDS[v.kind].bounds]
    return [
        f"{name} gives pleasant pictures but is no likelihood of {data.pixels} pixels; "
        f"these are: likelihood= {', '.join(proper)}"
    ]
