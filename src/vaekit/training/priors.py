"""The latents of images as a data set, and the prior that is fitted to those of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from vaekit import inference
from vaekit.config.methods import find_method, resolve
from vaekit.config.options import Settings
from vaekit.core import RunError, SettingError, derive_seed
from vaekit.data import Data, Split
from vaekit.models import Model
from vaekit.models.capabilities import TakesPrior, check_needs
from vaekit.runs.ask import run_of
from vaekit.runs.files import check_writable
from vaekit.runs.load import Run, codes_fingerprint, load_run
from vaekit.runs.prior_place import NEW, PRIOR, make_room, settle
from vaekit.runs.records import has_ended
from vaekit.runtime.device import choose_device
from vaekit.runtime.distributed import joined
from vaekit.runtime.launch import launched
from vaekit.runtime.pulse import ProgressCallback, pulse
from vaekit.training.fit import History, fit, planned
from vaekit.training.fresh import new_model
from vaekit.training.progress import Progress
from vaekit.training.resume import in_place, resume


def load_codes(data: str | Path, encoded_on: str = "cpu") -> Data:
    """The latents of a run's own images in the run's own splits, with their labels.

    Args:
        data: folder of the run.
        encoded_on: the device to make them on: another rounds, and draws, otherwise.

    Raises:
        SettingError: a run whose model has no latents, or a device that is not here.
        RunError, DataError: the run, or its data, cannot be used.
    """
    return codes_of_run(load_run(data, device=encoded_on))


def codes_of_run(run: Run, images: Data | None = None, tell: ProgressCallback | None = None) -> Data:
    """As `load_codes`, of a run that is loaded already; `images` are its own, if they are too.

    Args:
        tell: told how many images are encoded.
    """
    if not isinstance(run.model, TakesPrior) or run.model.prior_method is None:
        raise SettingError(
            f"{run.path}: a {run.settings.method} has no latents that a prior could be fitted to; an ae, a vae or "
            "a vqvae has."
        )
    return codes_of(run.model, images or run.load_data(), str(run.path.resolve()), tell)


def codes_of(model: Model, images: Data, where: str, tell: ProgressCallback | None = None) -> Data:
    """The latents of images in the images' own splits, with their labels.

    Args:
        model: one that takes a prior.
        where: folder of the model's run, by which they can be had again.
        tell: told how many images are encoded.

    Raises:
        SettingError: another model.
    """
    check_needs(model, (TakesPrior,), "a prior of latents")
    splits: dict[str, Any] = {
        name: encoded(cast(TakesPrior, model), split, name, tell) for name, split in images.splits.items()
    }
    return Data(
        source=where,
        **splits,
        pixels="real",
        class_names=images.class_names,
        path=where,
        fingerprint=codes_fingerprint(model, images.fingerprint),
        options={"data": where, "encoded_on": inference.device_of(model).type},
    )


def encoded(model: TakesPrior, split: Split, name: str, tell: ProgressCallback | None = None) -> Split:
    """The latents of a split as floats, (N, ...); always the same draws, where they are random."""
    seed, what = derive_seed("codes", name), f"latents of the {name} split"
    latents = inference.latents_for_prior(model, split, seed, tell, what)
    return Split(latents, split.labels, split.names)


def prior_settings(model: Model, latents: Data, given: Mapping[str, Any]) -> Settings:
    """Settings of the prior that suits a model: what was given, and what model and latents decide."""
    assert model.prior_method is not None
    decided = {**latents.options, "classes": len(latents.class_names or ()), **model.options_of_prior()}
    names = find_method(model.prior_method).options()
    return resolve(model.prior_method, given, {k: v for k, v in decided.items() if k in names})


def prior(
    run: Run | str | Path,
    *,
    images: Data | None = None,
    replace: bool = False,
    progress: str | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
    tell: Callable[[str], object] = lambda line: None,
    **options: Any,
) -> History:
    """Fits a density to the latents of a run, into RUN/prior; `sample` draws from it from then on.

    Args:
        run: from `load_run`, or its folder; its model takes a prior.
        images: the run's own, if they are loaded already.
        replace: put it in the place of one that is there, which stays until the new one is whole; interrupted, the new
            one is in RUN/prior.new, can be resumed there, and comes into its place then.
        progress, should_stop: as in `fit`.
        tell: is given a line before the training.
        options: of the prior that suits the model and of its training, by their names on the command line;
            `budget="3min"` is a time of training on this machine.

    Returns:
        The history of the prior's training, with RUN/prior in `out`.

    Raises:
        RunError: there is one already, or another process is training it.
        SettingError: the model has no latents, or an option is unknown or out of range.
        TrainingError: as in `fit`.

    Example:
        >>> history = vaekit.prior("runs/first", steps=4, replace=True, progress="none")
        >>> history.out.name
        'prior'
    """
    leads = launched().leads
    if leads:
        settle(run.path if isinstance(run, Run) else Path(run))
    run = run_of(run, options.get("device", "auto"))
    place = run.path / PRIOR
    replaces = place.exists()
    out = run.path / NEW if replaces else place
    if leads:
        check_writable(out)
    if leads and replaces and not replace:
        remedy = (
            "replace=True fits another"
            if has_ended(place)
            else f"resume it (vaekit resume {place}), or fit another: replace=True"
        )
        raise RunError(f"{place}: a prior is there already; {remedy}.")
    with pulse(progress if isinstance(progress, str) else "none") as seen:
        latents = codes_of_run(run, images, seen)
    settings = prior_settings(run.model, latents, options)
    if settings.fit.flip:
        raise SettingError("flip=True mirrors pictures; a prior is fitted to latents: leave it out.", "flip")
    choose_device(settings.fit.device)
    model, objective = new_model(settings, latents)
    with joined(settings.fit.device, settings.fit.precision) as context:
        planned_fit = planned(settings.fit, model, objective, latents, context)
        if leads and replaces:
            make_room(run.path)
        tell(f"fitting a {settings.method} to {len(latents.train):,} latents of {run.path} into {place}")
        history = fit(
            model,
            objective,
            latents,
            options=planned_fit,
            out=out,
            method=settings.method,
            progress=progress,
            should_stop=should_stop,
        )
    return in_place(history)


def go_on_with_prior(
    run: Run, *, images: Data | None = None, should_stop: Callable[[], str | None] | None = None
) -> History:
    """Resumes the prior of a run that was interrupted; one that has ended is left as it is.

    Raises:
        RunError: as in `resume`; it was fitted to the latents of other weights.
    """
    out = run.path / PRIOR
    latents = None if has_ended(out) else codes_of_run(run, images)
    return resume(out, data=latents, should_stop=should_stop)
