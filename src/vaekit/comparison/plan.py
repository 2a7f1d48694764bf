"""The plan of a comparison: checked before any training, written down, and kept when it is resumed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaekit.config import options as s
from vaekit.config.methods import METHODS, find_method, resolve
from vaekit.config.network_parts import NETWORKS
from vaekit.core import RunError, SettingError
from vaekit.data import Data
from vaekit.models.base import Encodes, HasPrior, TakesPrior
from vaekit.runs.files import read_json, write_json, writing
from vaekit.runs.json_records import read_record
from vaekit.runtime.device import choose_device
from vaekit.runtime.distributed import choose_context
from vaekit.training.fresh import new_model
from vaekit.training.pace import time_pace
from vaekit.training.priors import codes_of, prior_settings
from vaekit.training.trainer import Trainer

PLAN = "plan.json"
LESSON = ("ae", "vae", "beta-vae", "cvae", "vqvae", "gan")  # what the lesson speaks of
# Of the prior of codes: a whole pass of its default size takes longer than that of any model compared here.
PRIOR = {"width": 64, "depth": 2}


@dataclass(frozen=True)
class Request:
    """The options of a comparison; two comparisons are the same if these are equal.

    Attributes:
        data: options of the source.
        methods: keys of METHODS.
        seeds: of the sub-runs of each method.
        budget: seconds of training per sub-run, or None.
        epochs: passes over the training images per sub-run, or None: then the budget decides.
        options: of models and training, given to every method that has them.
        features: in which samples are compared, or None for what suits the data.
    """

    data: s.DataSettings
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    budget: float | None
    epochs: int | None
    options: dict[str, Any]
    features: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return dataclasses.asdict(self) | {"methods": list(self.methods), "seeds": list(self.seeds)}


@dataclass(frozen=True)
class Plan:
    """A request, and what it comes to on these data.

    Attributes:
        wish: the request.
        fingerprint: of the data.
        epochs: of each method.
        prior_epochs: passes over the latents, of each method whose latents get a prior.
        epoch_seconds, prior_epoch_seconds: as they were timed for the budget; empty for equal epochs.
    """

    wish: Request
    fingerprint: str
    epochs: dict[str, int]
    prior_epochs: dict[str, int]
    epoch_seconds: dict[str, float]
    prior_epoch_seconds: dict[str, float]

    def settings(self, method: str, seed: int) -> s.Settings:
        """Settings of a sub-run."""
        return settings_of(self.wish, method, {"epochs": self.epochs[method], "seed": seed})

    def prior_options(self, method: str, seed: int) -> dict[str, Any]:
        """Options of the prior of a sub-run's latents."""
        return prior_options(self.wish) | {"epochs": self.prior_epochs[method], "seed": seed}

    def as_dict(self) -> dict[str, Any]:
        """The content of plan.json."""
        return {"format": s.FORMAT} | dataclasses.asdict(self) | {"wish": self.wish.as_dict()}

    @property
    def names(self) -> list[tuple[str, str, int]]:
        """(folder, method, seed) of every sub-run, in the order in which they are run: seed after seed."""
        return [
            (f"{method}-{seed}", method, seed) for seed in self.wish.seeds for method in self.wish.methods
        ]


@dataclass(frozen=True)
class KeptPlan:
    """plan.json as it lies in a folder: a Plan whose request is not interpreted, only compared."""

    format: int
    wish: Mapping[str, Any]
    fingerprint: str
    epochs: dict[str, int]
    prior_epochs: dict[str, int]
    epoch_seconds: dict[str, float]
    prior_epoch_seconds: dict[str, float]


def default_methods(labelled: bool) -> tuple[str, ...]:
    """Returns the methods that are compared by default: the lesson's, those that want labels only with
    labels."""
    return tuple(name for name in LESSON if name in METHODS and (labelled or not METHODS[name].labels))


def settings_of(wish: Request, method: str, more: dict[str, Any]) -> s.Settings:
    """Settings of a method: the shared options that it has, over its own defaults.

    Width and depth are those of the networks that can be chosen; a method with a network of another kind keeps it.
    """
    flags = {flag.name: flag for section in find_method(method).flags().values() for flag in section}
    shared = {name: value for name, value in wish.options.items() if name in flags}
    if "network" not in flags or not NETWORKS.keys() <= {*flags["network"].choices}:
        shared = {name: value for name, value in shared.items() if name not in network_options()}
    return resolve(method, dataclasses.asdict(wish.data), shared, more, where="compare")


def network_options() -> set[str]:
    """The choice of a network and what belongs to it."""
    return {"network", *(name for kind in NETWORKS.values() for name in kind.names())}


def wants_prior(method: str) -> bool:
    """Returns whether a prior is fitted after the model: it has latents that are no vectors, and nothing to
    draw them from.

    Vectors are left without one: what normal numbers decode to is what the lesson says of an autoencoder.
    """
    kind = find_method(method).model_class()
    return issubclass(kind, TakesPrior) and not issubclass(kind, Encodes) and not issubclass(kind, HasPrior)


def prior_options(wish: Request) -> dict[str, Any]:
    """Options of every prior of codes."""
    return PRIOR | {"device": wish.options["device"]}


def check_wish(methods: Sequence[str], seeds: int, epochs: int | None, budget: str | None) -> None:
    """Raises SettingError for the first thing that cannot be compared."""
    for method in methods:
        find_method(method)
    for method in methods:
        if methods.count(method) > 1:
            raise SettingError(f"methods names {method} twice.", "methods")
    if seeds < 1:
        raise SettingError(f"seeds must be at least 1, not {seeds}; spreads need 2 or more.", "seeds")
    if epochs is not None and budget is not None:
        raise SettingError("budget= and epochs= exclude each other: equal time, or equal passes.")
    if epochs is not None and epochs < 1:
        raise SettingError(f"epochs must be at least 1, not {epochs}.", "epochs")


def make_plan(wish: Request, data: Data, folder: Path) -> Plan:
    """The plan that lies in the folder, or a new one, written there.

    Raises:
        InputError: the folder holds something else, the data changed, an option does not fit a method
            or the data, or the budget is too short for one epoch.
    """
    if (folder / PLAN).exists():
        return _kept(wish, data, folder)
    with writing(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RunError(f"out='{folder}': something else is there; name a new folder.")
    for method in wish.methods:
        settings = settings_of(wish, method, {"seed": wish.seeds[0]})
        choose_device(settings.fit.device)
        new_model(settings, data)
    two = [method for method in wish.methods if wants_prior(method)]
    if wish.epochs is not None:
        plan = Plan(
            wish,
            data.fingerprint,
            dict.fromkeys(wish.methods, wish.epochs),
            dict.fromkeys(two, wish.epochs),
            {},
            {},
        )
    else:
        plan = timed_plan(wish, data, two)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / PLAN, plan.as_dict(), new=True)
    return plan


def timed_plan(wish: Request, data: Data, two: Sequence[str]) -> Plan:
    """The plan for a budget, which methods with a prior (`two`) share with it.

    Raises:
        SettingError: it is too short for one epoch of each.
    """
    assert wish.budget is not None
    timed = {method: epoch_seconds(settings_of(wish, method, {}), data) for method in wish.methods}
    of_prior = {method: prior_epoch_seconds(wish, method, data) for method in two}
    epochs, prior_epochs = {}, {}
    for method, seconds in timed.items():
        if method in two:
            shared = shared_epochs(wish.budget, seconds, of_prior[method], method)
            epochs[method], prior_epochs[method] = shared
        else:
            epochs[method] = whole_epochs(wish.budget, seconds, method)
    return Plan(wish, data.fingerprint, epochs, prior_epochs, timed, of_prior)


def whole_epochs(budget: float, seconds: float, method: str) -> int:
    """Epochs within a budget.

    Raises:
        SettingError: not even one.
    """
    count = math.floor(budget / seconds)
    if count < 1:
        raise SettingError(
            f"budget='{budget:g}s' is too short: one epoch of {method} takes {seconds:.1f} s here; "
            f"give at least {math.ceil(seconds)}s, or epochs=1."
        )
    return count


def shared_epochs(budget: float, seconds: float, of_prior: float, method: str) -> tuple[int, int]:
    """Epochs of a model and of its prior within a budget: half of it for the model, what that leaves for the
    prior, each at least one.

    Raises:
        SettingError: not even one of each.
    """
    if budget < seconds + of_prior:
        raise SettingError(
            f"budget='{budget:g}s' is too short: one epoch of {method} takes {seconds:.1f} s here and one of its "
            f"prior {of_prior:.1f} s; give at least {math.ceil(seconds + of_prior)}s, or epochs=1."
        )
    own = max(1, math.floor(min(budget / 2, budget - of_prior) / seconds))
    return own, max(1, math.floor((budget - own * seconds) / of_prior))


def prior_epoch_seconds(wish: Request, method: str, data: Data) -> float:
    """Seconds that an epoch of a method's prior takes, on the latents of a fresh model."""
    model, _ = new_model(settings_of(wish, method, {}), data)
    latents = codes_of(model.to(choose_device(wish.options["device"])), data, data.source)
    return epoch_seconds(prior_settings(model, latents, prior_options(wish)), latents)


def epoch_seconds(settings: s.Settings, data: Data) -> float:
    """Seconds that an epoch takes, timed on a fresh model of which nothing is kept."""
    model, objective = new_model(settings, data)
    model.prepare_from(data.train)
    context = choose_context(settings.fit.device, settings.fit.precision)
    trainer = Trainer(model, objective, data, settings.fit, context)
    return time_pace(trainer).epoch(len(trainer.batches))


def find_folder(wish: Request, source: str) -> Path:
    """The default of `out`: an unfinished comparison of this very request, else the next free name."""
    stem, number = f"compare-{Path(source).stem or 'data'}", 1
    while (folder := Path("runs") / f"{stem}-{number}").exists():
        unfinished = (folder / PLAN).exists() and not (folder / "comparison.html").exists()
        if unfinished and read_json(folder / PLAN).get("wish") == wish.as_dict():
            return folder
        number += 1
    return folder


def _kept(wish: Request, data: Data, folder: Path) -> Plan:
    """Reads the plan of a comparison that is resumed."""
    path = folder / PLAN
    content = read_json(path)
    s.check_format(content, str(path))
    kept = read_record(KeptPlan, content, path)
    if kept.wish != wish.as_dict():
        differing = [name for name, value in wish.as_dict().items() if kept.wish.get(name) != value]
        raise RunError(
            f"out='{folder}': another comparison is there (its {' and '.join(differing)} differ); "
            "give its options again, or name a new folder."
        )
    if kept.fingerprint != data.fingerprint:
        raise RunError(f"out='{folder}': the images of {data.source} have changed since it began.")
    return Plan(
        wish,
        kept.fingerprint,
        kept.epochs,
        kept.prior_epochs,
        kept.epoch_seconds,
        kept.prior_epoch_seconds,
    )
