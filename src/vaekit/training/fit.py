"""`fit` and `resume`: everything is checked, a run folder is begun or read, and `vaekit.training.trainer` trains."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

from torch import nn

from vaekit.config.configured import configured
from vaekit.config.options import FitSettings, Settings
from vaekit.core import DataError, RunError, SettingError, VaekitWarning
from vaekit.data import Data
from vaekit.data.labels import check_labels
from vaekit.distributions.likelihoods import check_support
from vaekit.models import Model
from vaekit.objectives.base import Objective
from vaekit.objectives.create import create_objective
from vaekit.runs.checkpoints import load_state
from vaekit.runs.files import read_json, remove_temporaries
from vaekit.runs.load import build_model, check_unchanged, load_own_data, read_run_config, settings_of
from vaekit.runs.lock import sole_writer
from vaekit.runs.write import (
    begin_run,
    method_name,
    settings_for,
    versions,
    weights_fingerprint,
    write_previews,
)
from vaekit.runtime.device import choose_device
from vaekit.runtime.distributed import joined, launched
from vaekit.training.log import FILE, read_metrics
from vaekit.training.progress import Progress, choose_progress
from vaekit.training.state import restore
from vaekit.training.trainer import History, Training

__all__ = ["History", "check_options", "fit", "resume"]


@configured(FitSettings)
def fit(
    model: Model,
    objective: Objective,
    data: Data,
    *,
    options: FitSettings,
    out: str | Path | None = None,
    method: str | None = None,
    progress: str | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
) -> History:
    """Trains a model; afterwards it has the weights that validation chose (or the last).

    Options are given one by one, `fit(..., epochs=30, optimizer=Adam(beta2=0.999))`, or all together as
    `options=FitSettings(...)`.

    Args:
        model: changed in place.
        objective: likewise, if it has parameters.
        data: its validation split chooses the weights, its test split is read once, at the end.
        out: run folder to make; None writes nothing.
        method: key of METHODS to note in the run folder; None finds it from the classes.
        progress: "auto", "none", or an object that is told.
        should_stop: asked after every step; a reason ends the run, resumable.

    Returns:
        The history; after an interrupt (Ctrl-C) that of the part that was run.

    Raises:
        SettingError: an option out of range, or a likelihood that does not fit the data's pixels.
        RunError: `out` is not free or cannot be written.
        NonFiniteError: a loss term became NaN or infinite.
    """
    check_options(options)
    objective.check(model)
    check_data(model, objective.criterion, data, options)
    with joined(choose_device(options.device)) as processes, ExitStack() as held:
        folder = Path(out) if out is not None and processes.leads else None
        shown = choose_progress(progress if processes.leads else "none")
        if folder is not None:
            method = method or method_name(model, objective)
            settings = settings_for(method, model, objective, data, options)
            begin_run(folder, settings, data, model, objective)
            held.enter_context(sole_writer(folder))
        model.prepare(data.train.images)
        return Training(model, objective, data, options, folder, method, shown, should_stop, processes).run()


def resume(
    path: str | Path,
    *,
    data: Data | None = None,
    encoder: nn.Module | None = None,
    decoder: nn.Module | None = None,
    progress: str | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
) -> History:
    """Goes on with a run from its last state, to the weights of the uninterrupted run.

    Args:
        path: run folder.
        data: the data, if they cannot be loaded by their name.
        encoder, decoder: own networks, if the run was trained with such.

    Raises:
        RunError: not a run folder, damaged, without states, its data changed since, or another process is
            training it.
    """
    folder = Path(path)
    config = read_run_config(folder)
    settings = settings_of(folder, config)
    if (folder / "summary.json").exists():
        return History(read_metrics(folder / FILE), read_json(folder / "summary.json"), None, folder)
    with sole_writer(folder) if launched().leads else nullcontext():
        return _go_on(folder, config, settings, data, encoder, decoder, progress, should_stop)


def _go_on(
    folder: Path,
    config: dict[str, Any],
    settings: Settings,
    data: Data | None,
    encoder: nn.Module | None,
    decoder: nn.Module | None,
    progress: str | Progress,
    should_stop: Callable[[], str | None] | None,
) -> History:
    """`resume`, once nobody else writes the run."""
    state = load_state(folder / "checkpoints")
    model = build_model(settings, config, encoder, decoder)
    objective = create_objective(settings.method, settings.objective)
    if state is None:
        check_untouched(folder, config, settings, model, objective)
    if data is None:
        data = load_own_data(folder, settings, config)
    check_unchanged(folder, data, config)
    data = data.replace(source=config["data"]["source"])  # as it was given, where it is a path
    with joined(choose_device(settings.fit.device)) as processes:
        if processes.leads:
            warn_of_versions(config, settings)
            remove_temporaries(folder, folder / "checkpoints")
            if not (folder / "previews.npz").exists():
                write_previews(folder, data)
        shown = choose_progress(progress if processes.leads else "none")
        model.prepare(data.train.images)
        training = Training(
            model,
            objective,
            data,
            settings.fit,
            folder if processes.leads else None,
            settings.method,
            shown,
            should_stop,
            processes,
        )
        if state is not None:
            restore(training, state)
        processes.meet()  # nobody writes a state while another still reads
        return training.run()


def check_untouched(
    folder: Path, config: dict[str, Any], settings: Settings, model: Model, objective: Objective
) -> None:
    """Raises RunError when a run without a state cannot be begun again as it was."""
    stored = folder / "config.json"
    again = f"train anew: vaekit train {settings.method} config='{stored}'"
    if (folder / FILE).exists() or (folder / "model.safetensors").exists():
        raise RunError(f"{folder} has no states to go on from; {again}")
    if weights_fingerprint(model, objective) != config.get("initial_weights"):
        raise RunError(
            f"{folder} has no state yet, and its model did not begin with the weights of its seed; {again}"
        )


def warn_of_versions(config: dict[str, Any], settings: Settings) -> None:
    """Warns when bits may differ from those of the uninterrupted run."""
    began, now = config.get("versions", {}), versions(settings.fit.device)
    changed = [
        f"{name} {began.get(name)} -> {now[name]}"
        for name in ("vaekit", "torch", "device", "threads")
        if began.get(name) != now[name]
    ]
    if changed:
        warnings.warn(
            f"since the run began: {', '.join(changed)}; its weights will not be those of an uninterrupted run bit for bit.",
            VaekitWarning,
            stacklevel=3,
        )


def check_options(options: FitSettings) -> None:
    """Raises SettingError for a device that is not there; ranges were checked when the options were made."""
    choose_device(options.device)


def check_data(model: Model, criterion: str | None, data: Data, options: FitSettings) -> None:
    """Warns of options without effect on these data.

    Raises:
        SettingError: the model was not made for these data.
        DataError: it wants labels, and some are missing or out of range.
    """
    if data.shape != model.shape:
        raise SettingError(f"the model takes images of shape {model.shape}, the data have {data.shape}.")
    for name, split in data.splits.items():
        if model.classes and len(split):
            if split.labels is None:
                raise DataError(f"the {name} split of {data.source} has no labels; the model is told them.")
            check_labels(split.labels, len(split), model.classes)
    if "likelihood" in model.arguments:
        check_support(model.arguments["likelihood"], data.pixels)
    if options.patience and not len(data.validation):
        warnings.warn(
            f"patience={options.patience} has no effect without validation images.",
            VaekitWarning,
            stacklevel=3,
        )
    if criterion is None and (options.patience or options.weights == "best"):
        message = "no figure tells which weights of this method are best: the last are kept, whatever weights and patience say."
        warnings.warn(message, VaekitWarning, stacklevel=3)
