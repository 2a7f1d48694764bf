"""Trains and measures the sub-runs of a comparison, one after the other; what is done is not repeated.

OUT/plan.json               what was asked for, and what that comes to for each method
OUT/METHOD-SEED/            a run folder like any other; prior/ in it, where its latents get one
OUT/measured/METHOD-SEED.json   its figures, or why it failed
OUT/features.safetensors    what samples are compared in, if it had to be learned
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vaekit.comparison.measure import Reference, measure
from vaekit.comparison.plan import Plan
from vaekit.core import TrainingError
from vaekit.data import Data
from vaekit.runs.files import read_json, write_json
from vaekit.runs.load import Run, load_run
from vaekit.runs.prior_place import PRIOR
from vaekit.runs.records import has_begun
from vaekit.runtime.pulse import pulse
from vaekit.training.fit import History, fit
from vaekit.training.fresh import new_model
from vaekit.training.priors import go_on_with_prior, prior
from vaekit.training.resume import resume

Say = Callable[[str], None]
Stop = Callable[[], str | None]
Records = dict[str, dict[int, dict[str, Any]]]  # method -> seed -> what was measured


def run_all(
    plan: Plan, data: Data, reference: Reference, folder: Path, say: Say, stop: Stop
) -> tuple[Records, str | None]:
    """Every sub-run that is not done yet.

    Returns:
        The records, and why it was interrupted, or None.
    """
    records: Records = {method: {} for method in plan.wish.methods}
    for number, (name, method, seed) in enumerate(plan.names, 1):
        path = folder / "measured" / f"{name}.json"
        if not path.exists():
            say(f"{number} of {len(plan.names)}: {name}, {plan.described(method)}")
            record, reason = run_one(plan, method, seed, data, reference, folder / name, stop)
            if reason is not None:
                return records, reason
            path.parent.mkdir(exist_ok=True)
            write_json(path, record)
        records[method][seed] = read_json(path)
        if "failed" in records[method][seed]:
            say(f"{name} failed: {records[method][seed]['failed']}")
    return records, None


def run_one(
    plan: Plan, method: str, seed: int, data: Data, reference: Reference, folder: Path, stop: Stop
) -> tuple[dict[str, Any], str | None]:
    """The record of one sub-run, or why it was interrupted; a training that fails is a record too."""
    try:
        history = train(plan, method, seed, data, folder, stop)
    except TrainingError as error:
        return {"failed": str(error)}, None
    if history.interrupted:
        return {}, history.interrupted
    run = load_run(folder, device=plan.wish.options["device"])
    if method in plan.prior_lengths:
        try:
            history = train_prior(plan, method, seed, data, run, stop)
        except TrainingError as error:
            return {"failed": f"its prior: {error}"}, None
        if history.interrupted:
            return {}, history.interrupted
        run = load_run(folder, device=plan.wish.options["device"])
    with pulse("auto") as told:
        return measure(run, reference, told), None


def train(plan: Plan, method: str, seed: int, data: Data, folder: Path, stop: Stop) -> History:
    """Trains a sub-run, or resumes it.

    Raises:
        TrainingError: as in `fit`.
    """
    if has_begun(folder):
        return resume(folder, data=data, should_stop=stop)
    settings = plan.settings(method, seed)
    model, objective = new_model(settings, data)
    return fit(model, objective, data, options=settings.fit, out=folder, method=method, should_stop=stop)


def train_prior(plan: Plan, method: str, seed: int, data: Data, run: Run, stop: Stop) -> History:
    """Fits the prior of a sub-run's latents, or resumes it.

    Raises:
        TrainingError: as in `fit`.
    """
    if has_begun(run.path / PRIOR):
        return go_on_with_prior(run, images=data, should_stop=stop)
    options = plan.prior_options(method, seed)
    # replace: what was begun without a config is nothing yet
    return prior(run, images=data, replace=True, should_stop=stop, **options)
