"""Decisions of the data for the methods that are compared, as they do for `train`, where nobody gave it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaekit.comparison.wish import Request, settings_of
from vaekit.config.methods import find_method
from vaekit.data import Data
from vaekit.training.recipe import Choice
from vaekit.training.train import choices_for

LEADER = "vae"  # the data decide for it, where it is compared, what methods share
SHARED = ("batch_size", "latent_dim")


def decide(wish: Request, data: Data) -> dict[str, dict[str, Any]]:
    """The options that the data decide, by method.

    Images per step and latents are decided once, for the `vae`, or else for the first method that has them, and are
    then those of all that do: what differs between methods is to be the method. For the same reason all networks have
    their usual width. Learning rate and start are each method's own.
    """
    shared: dict[str, Any] = {}
    for method in sorted(wish.methods, key=lambda name: name != LEADER):
        if shared.keys() != {*SHARED}:
            found = {choice.name: choice.value for choice in choices_of(wish, method, data, shared)}
            shared |= {name: found[name] for name in SHARED if name in found}
    return {
        method: shared_by(method, shared)
        | {choice.name: choice.value for choice in choices_of(wish, method, data, shared)}
        for method in wish.methods
    }


def choices_of(wish: Request, method: str, data: Data, shared: Mapping[str, Any]) -> list[Choice]:
    """Choices of the data for one method, when some is decided already; never its length."""
    theirs = shared_by(method, shared)
    settings = settings_of(wish, method, {**theirs, "steps": 1})
    return choices_for(settings, data, [*find_method(method).overrides, *wish.options, *theirs, "width"])


def shared_by(method: str, shared: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the shared options that a method has."""
    return {name: value for name, value in shared.items() if name in find_method(method).options()}
