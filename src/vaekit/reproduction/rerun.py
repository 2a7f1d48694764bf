"""Trains and measures as a recipe says; what is done is not repeated.

OUT/NAME/               the run, like any other; its summary.json has the figures that are judged
OUT/NAME.measured.json  what it was asked for, and the hardware; written last
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vaekit.config.options import FORMAT
from vaekit.core import RunError
from vaekit.evaluation.evaluate import evaluate
from vaekit.evaluation.table import rows, under_of
from vaekit.metrics import key_under
from vaekit.reproduction.judging import Found
from vaekit.reproduction.machine import Hardware, this_machine
from vaekit.reproduction.recipe_files import Recipe
from vaekit.runs.files import read_json, write_json
from vaekit.runs.json_records import read_record
from vaekit.runs.load import PRIOR, load_run
from vaekit.runs.records import Summary, has_begun, read_run_config, read_summary
from vaekit.training.history import History
from vaekit.training.priors import go_on_with_prior, prior
from vaekit.training.resume import resume
from vaekit.training.train import train

Stop = Callable[[], str | None]
Say = Callable[[str], object]
DECIDED_LATER = (None, "auto")  # values for which config.json has what was chosen
SAME = {"reconstruction_nats": "distortion_nats", "kl_nats": "rate_nats"}  # in an evaluation
PLACES = ("data", "data_dir")  # of which it has the absolute path


@dataclass(frozen=True)
class Measured:
    """OUT/NAME.measured.json.

    Attributes:
        format: of the file.
        settings, evaluation: that were asked for.
        hardware: that it was computed on.
    """

    format: int
    settings: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    hardware: Hardware


@dataclass(frozen=True)
class Rerun:
    """A recipe that was run.

    Attributes:
        figures: of the run's own record, by key.
        seconds: of its training and evaluation.
        data: fingerprint of its data.
        hardware, versions: that it was run on, and with.
        folder: of the run.
    """

    figures: Mapping[str, Found]
    seconds: float
    data: str
    hardware: Hardware
    versions: Mapping[str, Any]
    folder: Path


def rerun(recipe: Recipe, seed: int, out: Path, device: str, stop: Stop, say: Say) -> Rerun | str:
    """Runs a recipe, or as much of it as is not done yet.

    Args:
        seed: of the training.
        out: folder of all runs.
        device: where; "auto" takes the recipe's.
        stop: asked after every step of a training, and before each part.

    Returns:
        The run; or why it was interrupted.

    Raises:
        RunError: another recipe was run there under this name.
        DataError: its data are not here.
        TrainingError: a loss became NaN or infinite.
    """
    folder, path = out / recipe.name, out / f"{recipe.name}.measured.json"
    own = settings_of(recipe, seed, device)
    if path.exists():
        kept = read_record(Measured, read_json(path), path)
        if (kept.settings, kept.evaluation) != (own, recipe.evaluation.flat()):
            raise RunError(f"{folder}: a run of other settings is there; name a new folder.")
        return read_rerun(folder, kept.hardware)
    for part in (train_run, train_prior):
        history = part(recipe, seed, folder, device, stop, say)
        if history is not None and history.interrupted:
            return history.interrupted
    if reason := stop():
        return reason
    run = load_run(folder, device=device)
    evaluate(run, **recipe.evaluation.flat(), disentanglement="no", device=device, keep=True)
    hardware = this_machine(str(read_run_config(folder).versions["device"]))
    write_json(path, asdict(Measured(FORMAT, own, recipe.evaluation.flat(), hardware)))
    return read_rerun(folder, hardware)


def settings_of(recipe: Recipe, seed: int, device: str) -> dict[str, Any]:
    """The settings of a recipe's training with its seed, on a device: those of the file, unless that is named."""
    named = {} if device == "auto" else {"device": device}
    return {**recipe.settings, **named, "seed": seed}


def train_run(recipe: Recipe, seed: int, folder: Path, device: str, stop: Stop, say: Say) -> History:
    """Trains a recipe's run, or that of the recipe which its prior is fitted to; resumes it where it has begun."""
    settings = settings_of(recipe.after or recipe, seed, device)
    if has_begun(folder):
        check_asked(folder, settings)
        return resume(folder, should_stop=stop)
    return train(**settings, out=folder, should_stop=stop, tell=say)


def train_prior(recipe: Recipe, seed: int, folder: Path, device: str, stop: Stop, say: Say) -> History | None:
    """Fits a recipe's prior to the run in the folder, or resumes it; None where the recipe is of no prior."""
    if recipe.after is None:
        return None
    if reason := stop():
        return History(interrupted=reason)
    run, settings = load_run(folder, device=device), settings_of(recipe, seed, device)
    if has_begun(folder / PRIOR):
        check_asked(folder / PRIOR, settings)
        return go_on_with_prior(run, should_stop=stop)
    options = {name: value for name, value in settings.items() if name != "method"}
    # replace: what was begun without a config is nothing yet
    return prior(run, replace=True, should_stop=stop, tell=say, **options)


def check_asked(folder: Path, settings: Mapping[str, Any]) -> None:
    """Raises RunError when the run of a folder was begun with other settings."""
    began = read_run_config(folder).settings
    others = [
        name
        for name, value in settings.items()
        if value not in DECIDED_LATER and name in began and name not in PLACES and began[name] != value
    ]
    if others:
        raise RunError(
            f"{folder}: a run of other settings is there (its {' and '.join(others)} differ); name a new folder."
        )


def read_rerun(folder: Path, hardware: Hardware) -> Rerun:
    """The record of a run that has ended, as its files have it.

    Raises:
        RunError: it has not ended, or was not measured.
    """
    done, began = read_summary(folder), read_run_config(folder)
    if done is None or done.evaluation is None:
        raise RunError(f"{folder} has no evaluation any more; name a new folder.")
    fitted = read_summary(folder / PRIOR) if has_begun(folder / PRIOR) else None
    seconds = done.train_seconds + (fitted.train_seconds if fitted else 0.0) + done.evaluation["seconds"]
    return Rerun(figures_of(done), seconds, began.data.fingerprint, hardware, began.versions, folder)


def figures_of(done: Summary) -> dict[str, Found]:
    """Every figure that summary.json has of a run: those of its evaluation, then those of the end of its training.

    These are of the same images but other draws, and have no error of their own; where the evaluation has the same
    quantity, its error is theirs.
    """
    evaluation = done.evaluation or {}
    figures = {row.key: Found(row.value, row.error) for row in rows(evaluation) if row.value is not None}
    trained = {} if done.test is None else dict(done.test.figures)
    under = under_of(evaluation)
    for name, value in trained.items():
        same = figures.get(key_under(SAME.get(name, name), under), figures.get(SAME.get(name, name)))
        figures.setdefault(name, Found(value, same and same.error))
    for name in ("parameters", "steps", "epochs"):
        figures[name] = Found(getattr(done, name))
    return figures
