"""`resume`: continues a run, to its end or to a longer one, with its data where they are now."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from vaekit.config.configured import strict
from vaekit.config.methods import find_method
from vaekit.config.options import FitSettings, Settings
from vaekit.config.run_length import LENGTHS
from vaekit.core import RunError, SettingError, VaekitWarning, reach, warn_of
from vaekit.data import Data
from vaekit.models import Model
from vaekit.objectives.base import Objective
from vaekit.objectives.create import create_objective
from vaekit.runs.checkpoints import load_state, states
from vaekit.runs.files import remove_temporaries, sync_folder, writing
from vaekit.runs.json_records import as_json, sealed
from vaekit.runs.load import build_model, check_unchanged, load_own_data, settings_of
from vaekit.runs.lock import SoleWriter, sole_writer
from vaekit.runs.plausible import check_sizes, check_weights, shapes_in
from vaekit.runs.prior_place import NEW, PRIOR, put_in_place, settle
from vaekit.runs.records import (
    CONFIG,
    METRICS,
    SUMMARY,
    WEIGHTS,
    LengthRecord,
    RunConfig,
    Summary,
    as_folder,
    changes_of,
    read_metrics,
    read_run_config,
    read_summary,
)
from vaekit.runs.set_aside import set_aside
from vaekit.runs.start import start_again
from vaekit.runs.write import versions, weights_fingerprint, write_previews
from vaekit.runtime.distributed import Context, joined
from vaekit.runtime.launch import launched
from vaekit.training.callbacks import Watched, as_callbacks
from vaekit.training.fit import announced
from vaekit.training.history import History
from vaekit.training.lengths import with_length
from vaekit.training.pace import in_steps
from vaekit.training.progress import Progress, choose_progress
from vaekit.training.state import TrainState
from vaekit.training.trackers import check_log, logged, write_log_anew
from vaekit.training.trainer import Trainer


@strict
def resume(
    path: str | Path,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    budget: str | None = None,
    data: Data | str | Path | None = None,
    encoder: nn.Module | None = None,
    decoder: nn.Module | None = None,
    progress: str | bool | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
    callbacks: object = (),
) -> History:
    """Resumes a run from its last state, to the weights of the uninterrupted run; or continues it to another length.

    A run that is continued under a constant rate ends at the weights of one that had the same length (in epochs, or in
    steps) at first. Other schedules are those of the new length from here on.

    Args:
        path: run folder, of a run that has ended too if a length is given.
        epochs, steps: total length, what was trained before included; one of the three at most.
        budget: training time from now on, "3min", which becomes steps.
        data: the data, or where they are now, if they cannot be loaded from where they were. They must be the same;
            a place is kept in config.json.
        encoder, decoder: own networks, if the run was trained with such.
        progress, should_stop, callbacks: as in `fit`.

    Returns:
        The history of the whole run; after an interrupt as far as it came.

    Raises:
        SettingError: two lengths, or fewer steps than were made.
        RunError: not a run folder, damaged, without states, its data changed since, or another process is
            training it.
        DataError: the data are gone.

    Example:
        >>> vaekit.resume("runs/first", steps=12, progress=False).metrics[-1].step
        12
    """
    folder, given = as_folder(path), {"epochs": epochs, "steps": steps, "budget": budget}
    length = {name: value for name, value in given.items() if value is not None}
    if folder.name in (PRIOR, NEW) and launched().leads:
        settle(folder.parent)
    return in_place(resumed(folder, length, data, encoder, decoder, progress, should_stop, callbacks))


def in_place(history: History) -> History:
    """The history of a prior that has taken the place of the one before, if it was to and has ended; any other as it is."""
    if history.out is None or history.out.name != NEW or history.summary is None:
        return history
    return dataclasses.replace(history, out=put_in_place(history.out.parent))


def resumed(
    folder: Path,
    length: Mapping[str, Any],
    data: Data | str | Path | None,
    encoder: nn.Module | None,
    decoder: nn.Module | None,
    progress: str | bool | Progress,
    should_stop: Callable[[], str | None] | None,
    callbacks: object = (),
) -> History:
    """As `resume`, in the folder itself.

    Args:
        length: the one of `epochs`, `steps` and `budget` that is given.
    """
    config = read_run_config(folder)
    settings = settings_of(folder, config)
    options = with_length(settings.fit, **length) if length else settings.fit
    ended, place = read_end(folder, config), None if isinstance(data, Data) else data
    anew = partial(write_log_anew, settings.fit.log, encoder=encoder, decoder=decoder)
    if ended is not None and not length and place is None:
        return anew(History(read_metrics(folder), ended, None, folder))
    check_log(settings.fit.log)
    with sole_writer(folder) if launched().leads else nullcontext() as writer:
        images = data_again(folder, config, settings, data)
        now = config if place is None else with_data_at(config, str(place), images.path)
        if ended is not None and not length:
            rewrite(writer, config, now)
            return anew(History(read_metrics(folder), ended, None, folder))
        check_sizes(settings.model.flat(), kept_shapes(folder), folder / CONFIG)
        model, objective = as_begun(settings, config, encoder, decoder)
        state = load_state(folder / "checkpoints", partial(check_state, model=model))
        if state is None:
            check_untouched(folder, config, settings, model, objective)
        place_of_log = folder if launched().leads else None
        with (
            joined(settings.fit.device, settings.fit.precision) as context,
            logged(settings.fit.log, place_of_log) as log,
        ):
            shown = choose_progress(progress if context.leads else "none")
            watched = Watched(shown, [*as_callbacks(callbacks), *log] if context.leads else [], model)
            done = ended.steps if ended else state["step"] if state else 0
            options = in_steps(options, model, objective, images, context, done)
            if state is None:
                begin_model(folder, config, model, images)
            trainer = Trainer(
                model,
                objective,
                images.replace(source=config.data.source),  # as it was given, where it is a path
                options,
                context,
                folder=folder if context.leads else None,
                method=settings.method,
                progress=watched,
                should_stop=watched.or_else(should_stop),
                started=config.start is not None,
            )
            check_length_left(folder, trainer.steps, done)
            if ended is not None and trainer.steps == done:
                return History(read_metrics(folder), ended, None, folder)
            if state is not None:
                trainer.restore(state, folder / "checkpoints")
            now = lengthened(now, options, done) if length else now
            if context.leads:
                warn_of_versions(config, context)
                warn_of(changes_of(folder))
                rewrite(writer, config, now)
                begin_again(folder, images)
            trainer.go_on(now.lengthened_at)
            context.meet()  # nobody writes a state while another still reads
            return announced(watched.ended(trainer.run()), context)


def as_begun(
    settings: Settings, config: RunConfig, encoder: nn.Module | None, decoder: nn.Module | None
) -> tuple[Model, Objective]:
    """Model and objective as the seed makes them."""
    model = build_model(settings, config, encoder, decoder)
    return model, create_objective(settings.method, settings.objective)


def kept_shapes(folder: Path) -> list[tuple[int, ...]]:
    """Shapes of the tensors of the run's newest files that have any; none before its first state."""
    files = [folder / WEIGHTS, *states(folder / "checkpoints")]
    return next(filter(None, map(shapes_in, reversed(files))), [])


def check_state(state: Mapping[str, Any], path: Path, model: Model) -> None:
    """Raises RunError, or whatever a missing part leads to, for a state that is none of this model's training."""
    TrainState.from_nested(state, torch.device("cpu"), path)
    own, stored = model.state_dict(), state["model"]
    other = {
        name for name in own.keys() ^ stored.keys() if not name.startswith("units.")
    }  # older runs have none
    if other or any(own[name].shape != stored[name].shape for name in own.keys() & stored.keys()):
        raise RunError(f"{path}: its tensors are not those of the run's model.")
    check_weights(own, stored, path)


def read_end(folder: Path, config: RunConfig) -> Summary | None:
    """The summary of a run that has ended at its present length; None of any other."""
    summary = read_summary(folder)
    return None if summary is None or summary.steps <= config.lengthened_at else summary


def data_again(
    folder: Path, config: RunConfig, settings: Settings, data: Data | str | Path | None = None
) -> Data:
    """The data that a run began with: those given, those at a place, or loaded from where they were.

    Raises:
        RunError: they have changed, or must be given.
        DataError: they are gone.
    """
    if data is None:
        return load_own_data(folder, settings, config)
    if not isinstance(data, Data):
        there = dataclasses.replace(settings.data, data=str(data))
        data = cast(Data, find_method(settings.method).load(there))
    check_unchanged(folder, data, config)
    return data


def with_data_at(config: RunConfig, name: str, path: str | None) -> RunConfig:
    """The config of a run whose data are now elsewhere: a named set, or at an absolute path."""
    settings = {**config.settings, "data": path or name}
    return dataclasses.replace(config, settings=settings, data=dataclasses.replace(config.data, path=path))


def lengthened(config: RunConfig, options: FitSettings, done: int) -> RunConfig:
    """The config of a run with a new length, beside the one that it had when `done` steps had been made."""
    before = LengthRecord(done, config.settings.get("epochs"), config.settings.get("steps"))
    settings = {**config.settings, **{name: getattr(options, name) for name in LENGTHS}}
    return dataclasses.replace(config, settings=settings, lengths=(*(config.lengths or ()), before))


def begin_model(folder: Path, config: RunConfig, model: Model, data: Data) -> None:
    """Brings a model to where its training began; a state holds what came of that.

    Raises:
        RunError: the weights that it began with are gone.
    """
    if config.start is None:
        model.prepare_from(data.train)
    else:
        start_again(folder, config.start, model)


def check_length_left(folder: Path, steps: int, done: int) -> None:
    """Raises SettingError when a run has made more steps already than it is to have in all."""
    if steps < done:
        raise SettingError(
            f"{folder} has made {done:,} steps already, more than these {steps:,}; give a longer total length."
        )


def rewrite(writer: SoleWriter | None, before: RunConfig, now: RunConfig) -> None:
    """Writes config.json if it has changed."""
    if writer is not None and now != before:
        writer.rewrite(sealed(as_json(now)))


def begin_again(folder: Path, data: Data) -> None:
    """Removes the summary of a length before and what a killed process left half written, and writes what it did not
    come to. Whatever stops a run from here on, it can be resumed. An evaluation, and what a file cost, are of the weights
    before: they are set aside."""
    before = read_summary(folder)
    if before is not None and (path := set_aside(folder, before, files=True)):
        what = "the evaluation" if before.evaluation else "the cost of a file"
        more = ", and what a file cost," if before.evaluation and before.files else ""
        warn_of([f"{what} of {before.steps:,} steps{more} is in {path} now"])
    with writing(folder / SUMMARY):
        (folder / SUMMARY).unlink(missing_ok=True)
        sync_folder(folder)
    reach("begun again")
    remove_temporaries(folder, folder / "checkpoints")
    if not (folder / "previews.npz").exists():
        write_previews(folder, data)


def check_untouched(
    folder: Path, config: RunConfig, settings: Settings, model: Model, objective: Objective
) -> None:
    """Raises RunError when a run without a state cannot be begun again as it was."""
    again = f"train anew: vaekit train {settings.method} config='{folder / CONFIG}'"
    if (folder / METRICS).exists() or (folder / WEIGHTS).exists():
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
