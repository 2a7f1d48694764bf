"""`fit`: everything is checked, a run folder is begun, and `vaekit.training.trainer` trains."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from torch.nn.modules.batchnorm import _BatchNorm

from vaekit.config.configured import configured
from vaekit.config.options import FitSettings
from vaekit.core import DataError, SettingError, TrainingNote, VaekitWarning, warn_of
from vaekit.data import Data
from vaekit.data.for_models import load_for
from vaekit.data.labels import check_labels
from vaekit.distributions.likelihoods import check_support
from vaekit.models import Model
from vaekit.models.doors import a_kind, remedy_for
from vaekit.objectives.base import Objective
from vaekit.runs.lock import sole_writer
from vaekit.runs.start import start_from
from vaekit.runs.write import begin_run, describe_run, method_name, settings_for
from vaekit.runtime.device import choose_device
from vaekit.runtime.distributed import Context, joined
from vaekit.runtime.spent import spent
from vaekit.training.callbacks import Watched, as_callbacks
from vaekit.training.history import History
from vaekit.training.lengths import with_warmup
from vaekit.training.pace import in_steps
from vaekit.training.progress import Progress, choose_progress
from vaekit.training.recipe import Facts, filled
from vaekit.training.trackers import check_log, logged
from vaekit.training.trainer import Trainer

__all__ = ["History", "fit"]


@configured(FitSettings)
def fit(
    model: Model,
    objective: Objective,
    data: object,
    *,
    options: FitSettings,
    out: str | Path | None = None,
    method: str | None = None,
    start: str | Path | None = None,
    progress: str | bool | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
    callbacks: object = (),
) -> History:
    """Trains a model; afterwards it has the weights that validation chose (or the last).

    Options are given one by one, `fit(..., epochs=30, optimizer=Adam(beta2=0.999))`, or all together as
    `options=FitSettings(...)`.

    Args:
        model: changed in place.
        objective: trained in place too, if it has parameters.
        data: a data set, or whatever `load_data` takes: an array, a tensor, a pair (images, labels), a data set or loader of
            torch. Its validation split chooses the weights, its test split is read once, at the end.
        out: run folder to make; None writes nothing.
        method: key of METHODS to note in the run folder; None finds it from the classes.
        start: folder of a run whose weights the model begins with; they must fit it.
        progress: "auto" or True, "none" or False, or a `Progress` object.
        should_stop: asked after every step; a reason ends the run, resumable.
        callbacks: `Callback` objects, or functions that get each line of metrics; one or a list.

    Returns:
        The history; after an interrupt (Ctrl-C) that of the part that was run. What kept the run from learning more
        is a TrainingNote, a VaekitWarning, and in its `notes`.

    Raises:
        SettingError: an option out of range, a likelihood that does not fit the data's pixels, weights that do not fit
            the model, flip for rows of features, or a budget that is not enough for one step.
        RunError: `out` is not free or cannot be written, or `start` is no run.
        NonFiniteError: a loss term became NaN or infinite.

    Example:
        >>> model = vaekit.VAE(data.shape, latent_dim=10, seed=0)
        >>> history = vaekit.fit(model, vaekit.ELBO(), data, epochs=1, learning_rate=1e-3, progress=False)
        >>> history.test.kl_nats >= 0  # nats per image; and negative_elbo_nats, reconstruction_nats
        True
    """
    choose_device(options.device)
    check_log(options.log, out)
    check_kinds(model, objective)
    objective.check(model)
    data, called = training_data(data, model), as_callbacks(callbacks)
    check_data(model, objective.criterion, data, options)
    with joined(options.device, options.precision) as context, ExitStack() as held:
        options = planned(options, model, objective, data, context)
        # On a copy: weights that do not fit, or a folder that cannot be made, leave the model as it was.
        begun = None if start is None else start_from(copy.deepcopy(model), Path(start))
        shown = choose_progress(progress if context.leads else "none")
        folder = Path(out) if out is not None and context.leads else None
        called += held.enter_context(logged(options.log, folder))
        watched = Watched(shown, called if context.leads else [], model)
        if folder is not None:
            method = method or method_name(model, objective)
            settings = settings_for(method, model, objective, data, options)
            config = describe_run(settings, data, model, objective, context.device, begun)
            begin_run(folder, config, data)
            held.enter_context(sole_writer(folder))
        began = spent(context.device)
        if begun is None:
            model.prepare_from(data.train)
        else:
            start_from(model, Path(begun.path))
        trainer = Trainer(
            model,
            objective,
            data,
            options,
            context,
            folder=folder,
            method=method,
            progress=watched,
            should_stop=watched.or_else(should_stop),
            started=begun is not None,
        )
        trainer.state.processor_seconds = spent(context.device) - began
        history = trainer.run()
        model.eval()  # of a run that was stopped too: whoever asks it next does not train it
        return announced(watched.ended(history), context)


def check_kinds(model: object, objective: object) -> None:
    """Raises SettingError for what is no model or no objective."""
    if not isinstance(model, Model):
        raise SettingError(
            f"model is {said(model)}; give one of vaekit's, VAE(data.shape), or a vaekit.models.Model."
        )
    if not isinstance(objective, Objective):
        raise SettingError(
            f"objective is {said(objective)}; the order is fit(model, objective, data), with ELBO() for a VAE."
        )


def said(value: object) -> str:
    """`the class ELBO`, `a list`."""
    return f"the class {value.__name__}" if isinstance(value, type) else a_kind(value)


def training_data(data: object, model: Model) -> Data:
    """A data set, or what `load_data` makes of a source for this model.

    Raises:
        SettingError, DataError: as in `load_data`.
    """
    if isinstance(data, Data):
        return data
    found = load_for(model.pixels, data)
    if found.shape == model.shape:  # else an error says what they are
        warn_of(found.notes)
    return found


def planned(
    options: FitSettings, model: Model, objective: Objective, data: Data, context: Context
) -> FitSettings:
    """The options with all that data and machine decide of them: batch, rate, and the length and warm-up in steps.

    Raises:
        SettingError: flip for what has no left and right, or a budget that is not enough for one step.
    """
    if options.flip and len(data.shape) == 1:
        raise SettingError(
            f"flip=True mirrors pictures; the data are rows of {data.shape[0]} features: leave it out.",
            "flip",
        )
    options = filled(options, Facts(len(data.train), data.shape))
    check_last_batch(model, len(data.train), options)
    return with_warmup(in_steps(options, model, objective, data, context), len(data.train))


def check_last_batch(model: Model, images: int, options: FitSettings) -> None:
    """Raises SettingError where the last batch of an epoch has one image and the model's batch normalisation wants two."""
    size = options.batch_size
    if (
        size is None
        or images % size != 1
        or not any(isinstance(part, _BatchNorm) for part in model.modules())
    ):
        return
    other = next(each for each in range(size + 1, size + images + 2) if images % each != 1)
    raise SettingError(
        f"the last batch of {images:,} images has 1, and batch normalisation wants two: take batch_size={other}.",
        "batch_size",
    )


def announced(history: History, context: Context) -> History:
    """Warns of what kept the training from learning more."""
    if context.leads:
        warn_of(map(str, history.notes), TrainingNote)
    return history


def check_data(model: Model, criterion: str | None, data: Data, options: FitSettings) -> None:
    """Warns of options without effect on these data.

    Raises:
        SettingError: the model was not made for these data.
        DataError: it wants labels, and some are missing or out of range.
    """
    if data.shape != model.shape:
        remedy = remedy_for((len(data.train), *data.shape), model.shape)
        raise SettingError(
            f"the model takes images of shape {model.shape}, the data have {data.shape}{remedy}, or {type(model).__name__}(data.shape)."
        )
    ours = model.arguments.get("pixels", data.pixels)
    if "real" in (ours, data.pixels) and ours != data.pixels:
        raise SettingError(
            f"the model is for {ours} values, the data are {data.pixels}: make it with pixels={data.pixels!r}."
        )
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
