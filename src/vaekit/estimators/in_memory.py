"""A model that is fitted in memory, kept as arrays, and asked about rows one by one as about many.

What decides about a training is the recipe of `vaekit train`, with three differences for searches over hundreds of small
fits: no fewest steps, smaller networks for few rows, and for many a start at random, whose embeddings tell classes apart better.
"""

from __future__ import annotations

import copy
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from joblib import effective_n_jobs
from torch import Tensor

from vaekit import inference
from vaekit.config.methods import find_method, resolve
from vaekit.config.options import Settings
from vaekit.core import TrainingNote
from vaekit.data import Data, Split
from vaekit.evaluation.likelihood.bounds import negative_elbo
from vaekit.models import Model
from vaekit.models.capabilities import Reconstructs
from vaekit.runtime.random import alike, own_randomness
from vaekit.training.fit import History, fit
from vaekit.training.fresh import new_model
from vaekit.training.recipe import SMALL_SET, Facts, rate_for
from vaekit.training.train import choices_for, facts_of

# Networks of rows, fewer than SMALL_SET: a perceptron, and for codes convolutions over one pixel. With more units a step
# takes longer, and nothing is gained (docs/log.md).
SMALL: dict[tuple[int, ...], dict[str, int]] = {(): {"width": 128}, (1, 1): {"depth": 1}}
MANY = 1000  # rows, from which on networks learn more from a random start than beside principal components
PASSES = 20  # over the rows, at most, within the steps of the recipe
DRAWS = 16  # of z for the bound of a row

_one_at_a_time = threading.RLock()  # global random numbers and the number of threads belong to the process


@contextmanager
def alone(jobs: Any) -> Iterator[None]:
    """One fit or query at a time in a process, on so many threads; their number is put back afterwards.

    Args:
        jobs: as scikit-learn's `n_jobs`: None is 1, -1 all processors.
    """
    with _one_at_a_time:
        before = torch.get_num_threads()
        torch.set_num_threads(effective_n_jobs(jobs))
        try:
            yield
        finally:
            torch.set_num_threads(before)


def settings_for(method: str, given: Mapping[str, Any], data: Data) -> Settings:
    """Settings of a fit: what was given, and what the data decide of the rest.

    Raises:
        SettingError: an unknown option, or a value out of range.
    """
    named = {"data": data.source}
    entry = find_method(method)
    many = len(data.shape) == 1 and len(data.train) >= MANY and "init" in entry.options()
    if many and not facts_of(data, entry.labels).begins_at_random:  # which has a start of its own at random
        given = {"init": "random", **given}
    settings = resolve(method, given, named, where="")
    told = {
        choice.name: choice.value
        for choice in choices_for(settings, data, [*entry.overrides, *given, "width"])  # which SMALL says
        if choice.name in entry.options()
    }
    batch = given.get("batch_size") or told["batch_size"]
    if "steps" in told:
        told["steps"] = min(told["steps"], -(-PASSES * len(data.train) // batch))
    if data.shape[1:] == (1, 1) and "learning_rate" in told:
        told["learning_rate"] = rate_for(Facts(len(data.train), data.shape[:1]), batch)
    if "network" not in given and len(data.train) < SMALL_SET:
        told |= {name: size for name, size in SMALL.get(data.shape[1:], {}).items() if name not in given}
    return resolve(method, told, given, named, where="")


def fitted(settings: Settings, data: Data, verbose: bool) -> tuple[Model, History]:
    """A fresh model, trained; on the CPU afterwards, in eval mode.

    Args:
        verbose: shows the progress, and warns of what kept the training from learning more.

    Raises:
        SettingError, NonFiniteError: as in `vaekit.fit`.
    """
    with own_randomness(torch.device("cpu")), warnings.catch_warnings():
        if not verbose:
            warnings.simplefilter("ignore", TrainingNote)
        model, objective = new_model(settings, data)
        history = fit(
            model, objective, data, options=settings.fit, method=settings.method,
            progress="auto" if verbose else "none",
        )  # fmt: skip
    return model.cpu().eval(), history


def exact(model: Model) -> Model:
    """A copy in float64, in which the sums of a row do not depend on how many rows are beside it."""
    return copy.deepcopy(model).double()


def bounds_of_each(model: Model, rows: Tensor, seed: int) -> Tensor:
    """The ELBO of each row with DRAWS draws of z, the same for every row, in nats, (N,) float64."""
    assert inference.device_of(model).type == "cpu"
    with alike():
        parts = [
            negative_elbo(model, Split(part), samples=DRAWS, seed=seed, precision="fp32").per_image
            for part in rows.split(inference.at_once(model.shape))
        ]
    return -torch.cat(parts)


def errors_of_each(model: Model, rows: Tensor) -> Tensor:
    """Mean squared error per value of the reconstruction of each row, (N,) float64; of real values in units of the
    spread of each column."""
    split = Split(rows)
    rebuilt = inference.reconstruct(cast(Reconstructs, model), split)
    return inference.squared_errors(inference.shown_images(model, split), rebuilt, model)


def packed(model: Model, method: str) -> dict[str, Any]:
    """A model as what builds it again, and arrays: `unpacked` is the opposite."""
    arrays = {name: value.detach().cpu().numpy().copy() for name, value in model.state_dict().items()}
    return {"method": method, "arguments": dict(model.arguments), "arrays": arrays}


def unpacked(state: Mapping[str, Any]) -> Model:
    """The model of such a state, in eval mode."""
    with own_randomness(torch.device("cpu")):
        model = find_method(state["method"]).model_class()(**state["arguments"])
    model.load_state_dict(
        {name: torch.from_numpy(np.array(value)) for name, value in state["arrays"].items()}
    )
    return model.eval()
