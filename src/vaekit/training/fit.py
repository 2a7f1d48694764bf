"""`fit` and `resume`: everything is checked, a run folder is begun or read, and `vaekit.training.trainer` trains."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from pathlib import Path

from torch import nn

from vaekit.config.configured import configured
from vaekit.config.options import FitSettings, Settings
from vaekit.core import DataError, RunError, SettingError, TrainingNote, VaekitWarning, warn_of
from vaekit.data import Data
from vaekit.data.labels import check_labels
from vaekit.distributions.likelihoods import check_support
from vaekit.models import Model
from vaekit.objectives.base import Objective
from vaekit.objectives.create import create_objective
from vaekit.runs.checkpoints import load_state
from vaekit.runs.files import remove_temporaries
from vaekit.runs.load import build_model, check_unchanged, load_own_data, settings_of
from vaekit.runs.lock import sole_writer
from vaekit.runs.records import (
    CONFIG,
    METRICS,
    RunConfig,
    has_ended,
    read_metrics,
    read_run_config,
    read_summary,
)
from vaekit.runs.write import (
    begin_run,
    method_name,
    settings_for,
    versions,
    weights_fingerprint,
    write_previews,
)
from vaekit.runtime.device import choose_device
from vaekit.runtime.distributed import Context, joined
from vaekit.runtime.launch import launched
from vaekit.training.history import History
from vaekit.training.progress import Progress, choose_progress
from vaekit.training.trainer import Trainer

__all__ = ["History", "fit", "resume"]


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
        objective: trained in place too, if it has parameters.
        data: its validation split chooses the weights, its test split is read once, at the end.
        out: run folder to make; None writes nothing.
        method: key of METHODS to note in the run folder; None finds it from the classes.
        progress: "auto", "none", or a `Progress` object.
        should_stop: asked after every step; a reason ends the run, resumable.

    Returns:
        The history; after an interrupt (Ctrl-C) that of the part that was run. What kept the run from learning more
        is a TrainingNote, a VaekitWarning, and in its `notes`.

    Raises:
        SettingError: an option out of range, or a likelihood that does not fit the data's pixels.
        RunError: `out` is not free or cannot be written.
        NonFiniteError: a loss term became NaN or infinite.
    """
    choose_device(options.device)
    objective.check(model)
    check_data(model, objective.criterion, data, options)
    with joined(options.device, options.precision) as context, ExitStack() as held:
        shown = choose_progress(progress if context.leads else "none")
        folder = Path(out) if out is not None and context.leads else None
        if folder is not None:
            method = method or method_name(model, objective)
            settings = settings_for(method, model, objective, data, options)
            begin_run(folder, settings, data, model, objective, context.device)
            held.enter_context(sole_writer(folder))
        model.prepare(data.train.images)
        trainer = Trainer(
            model,
            objective,
            data,
            options,
            context,
            folder=folder,
            method=method,
            progress=shown,
            should_stop=should_stop,
        )
        return announced(trainer.run(), context)


def resume(
    path: str | Path,
    *,
    data: Data | None = None,
    encoder: nn.Module | None = None,
    decoder: nn.Module | None = None,
    progress: str | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
) -> History:
    """Resumes a run from its last state, to the weights of the uninterrupted run.

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
    if has_ended(folder):
        return History(read_metrics(folder), read_summary(folder), None, folder)
    with sole_writer(folder) if launched().leads else nullcontext():
        state = load_state(folder / "checkpoints")
        model = build_model(settings, config, encoder, decoder)
        objective = create_objective(settings.method, settings.objective)
        if state is None:
            check_untouched(folder, config, settings, model, objective)
        data = data_again(folder, config, settings, data)
        with joined(settings.fit.device, settings.fit.precision) as context:
            if context.leads:
                warn_of_versions(config, context)
                mend_folder(folder, data)
            model.prepare(data.train.images)
            trainer = Trainer(
                model,
                objective,
                data,
                settings.fit,
                context,
                folder=folder if context.leads else None,
                method=settings.method,
                progress=choose_progress(progress if context.leads else "none"),
                should_stop=should_stop,
            )
            if state is not None:
                trainer.restore(state, folder / "checkpoints")
            context.meet()  # nobody writes a state while another still reads
            return announced(trainer.run(), context)


def announced(history: History, context: Context) -> History:
    """Warns of what kept the training from learning more."""
    if context.leads:
        warn_of(map(str, history.notes), TrainingNote)
    return history


def data_again(folder: Path, config: RunConfig, settings: Settings, data: Data | None) -> Data:
    """The data that a run began with: those given, or loaded by their name.

    Raises:
        RunError: they have changed, or must be given.
        DataError: they are gone.
    """
    if data is None:
        data = load_own_data(folder, settings, config)
    check_unchanged(folder, data, config)
    return data.replace(source=config.data.source)  # as it was given, where it is a path


def mend_folder(folder: Path, data: Data) -> None:
    """Removes what a killed process left half written, and writes what it did not come to."""
    remove_temporaries(folder, folder / "checkpoints")
    if not (folder / "previews.npz").exists():
        write_previews(folder, data)


def check_untouched(
    folder: Path, config: RunConfig, settings: Settings, model: Model, objective: Objective
) -> None:
    """Raises RunError when a run without a state cannot be begun again as it was."""
    again = f"train anew: vaekit train {settings.method} config='{folder / CONFIG}'"
    if (folder / METRICS).exists() or (folder / "model.safetensors").exists():
        raise RunError(f"{folder} has no states to resume from; {again}")
    if weights_fingerprint(model, objective) != config.initial_weights:
        raise RunError(
            f"{folder} has no state yet, and its model did not begin with the weights of its seed; {again}"
        )


def warn_of_versions(config: RunConfig, context: Context) -> None:
    """Warns when bits may differ from those of the uninterrupted run."""
    began, now = config.versions, versions(context.device)
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
                raise DataError(
                    f"the {name} split of {data.source} has no labels; the model is conditioned on them."
                )
            check_labels(split.labels, len(split), model.classes)
    if model.likelihood_name is not None:
        check_support(model.likelihood_name, data.pixels)
    if options.patience and not len(data.validation):
        warnings.warn(
            f"patience={options.patience} has no effect without validation images.",
            VaekitWarning,
            stacklevel=3,
        )
    if criterion is None and (options.patience or options.weights == "best"):
        message = "no figure says which weights of this method are best: the last are kept, whatever weights and patience say."
        warnings.warn(message, VaekitWarning, stacklevel=3)
