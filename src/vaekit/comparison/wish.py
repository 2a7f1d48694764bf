"""The request for a comparison, and the settings that it comes to for each method."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vaekit.config import options as s
from vaekit.config.methods import METHODS, find_method, resolve
from vaekit.config.network_parts import NETWORKS
from vaekit.config.run_length import check_length
from vaekit.core import SettingError
from vaekit.models.capabilities import Encodes, HasPrior, TakesPrior

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
        budget: processor seconds of training per sub-run, or None.
        epochs, steps: of each sub-run, or None; where neither is given the budget decides.
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
    steps: int | None = None

    @property
    def length(self) -> dict[str, int]:
        """Returns the length that all sub-runs have, by its name; empty where a budget decides."""
        return {name: n for name, n in (("epochs", self.epochs), ("steps", self.steps)) if n is not None}

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return dataclasses.asdict(self) | {"methods": list(self.methods), "seeds": list(self.seeds)}


def default_methods(labelled: bool) -> tuple[str, ...]:
    """Returns the methods that are compared by default: the lesson's, those that want labels only with
    labels."""
    return tuple(name for name in LESSON if name in METHODS and (labelled or not METHODS[name].labels))


def settings_of(wish: Request, method: str, more: dict[str, Any]) -> s.Settings:
    """Settings of a method: the shared options that it has, over its own defaults.

    Width and depth are those of the networks that can be chosen; a method with a network of another kind keeps it.
    """
    names = find_method(method).options()
    shared = {name: value for name, value in wish.options.items() if name in names}
    if has_own_network(method):
        shared = {name: value for name, value in shared.items() if name not in network_options()}
    return resolve(method, dataclasses.asdict(wish.data), shared, more, where="compare")


def has_own_network(method: str) -> bool:
    """Returns whether a method's network is of another kind than those that can be chosen for all."""
    flags = {flag.name: flag for section in find_method(method).flags().values() for flag in section}
    return "network" not in flags or not NETWORKS.keys() <= {*flags["network"].choices}


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


def check_wish(
    methods: Sequence[str], seeds: int, budget: str | None, epochs: int | None, steps: int | None
) -> None:
    """Raises SettingError for the first thing that cannot be compared."""
    for method in methods:
        find_method(method)
    for method in methods:
        if methods.count(method) > 1:
            raise SettingError(f"methods names {method} twice.", "methods")
    if seeds < 1:
        raise SettingError(f"seeds must be at least 1, not {seeds}; spreads need 2 or more.", "seeds")
    given = {"budget": budget, "epochs": epochs, "steps": steps}
    check_length({name: value for name, value in given.items() if value is not None})
    for name, value in (("epochs", epochs), ("steps", steps)):
        if value is not None and value < 1:
            raise SettingError(f"{name} must be at least 1, not {value}.", name)
