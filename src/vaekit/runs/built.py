"""Models from the name of their class and its arguments, as a file has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from torch import Tensor

from vaekit.config.methods import METHODS, PRIORS
from vaekit.config.parts import CUSTOM
from vaekit.core import RunError, SettingError, foreign, near_miss
from vaekit.data.dataset import PIXELS
from vaekit.models import Model
from vaekit.runs.data_record import LARGEST
from vaekit.runs.load import load_weights
from vaekit.runs.plausible import check_sizes
from vaekit.runtime.random import weights_of


@dataclass(frozen=True)
class Built:
    """The class of a model and the arguments of its constructor.

    Attributes:
        kind: name of its class.
        arguments: of its constructor.
    """

    kind: str
    arguments: Mapping[str, Any]


def built_of(model: Model) -> Built:
    """The class of a model and the arguments of its constructor.

    Raises:
        SettingError: its arguments are no JSON.
    """
    kind = type(model).__name__
    if known_classes().get(kind, type(model)) is not type(model):  # a user's own class of a name of ours
        kind = full_name(type(model))
    try:
        return Built(kind, json.loads(json.dumps(model.arguments, allow_nan=False)))
    except (AttributeError, TypeError, ValueError):
        raise SettingError(f"a {kind} cannot be saved: its `arguments` must be values of JSON.") from None


def build(
    built: Built, tensors: dict[str, Tensor], path: Path, kind: type[Model], networks: Mapping[str, Any]
) -> Model:
    """A model with its weights, in eval mode.

    Args:
        built: what it is built from.
        tensors: its weights.
        path: of their file, for messages.
        kind: a class that is known beside those of METHODS and PRIORS.
        networks: own encoder and decoder.

    Raises:
        SettingError: it has own networks and they are not given.
        RunError: it cannot be built, or these are not its weights.
    """
    shape, pixels = built.arguments.get("shape"), built.arguments.get("pixels", "8-bit")
    sizes = shape if isinstance(shape, list) else []
    if not all(type(side) is int and side > 0 for side in sizes) or prod(sizes) > LARGEST:
        raise RunError(f"{path}: model.arguments.shape = {str(shape)[:60]} is no shape of examples.")
    if not isinstance(pixels, str) or pixels not in PIXELS:
        raise RunError(
            f"{path}: model.arguments.pixels = {str(pixels)[:60]!r} is none of {', '.join(PIXELS)}."
        )
    check_sizes(built.arguments, [tuple(tensor.shape) for tensor in tensors.values()], path)
    if built.arguments.get("network") == CUSTOM and not networks:
        raise SettingError(f"{path}: it has own networks: pass its encoder and decoder again.")
    its_class = class_named(built.kind, kind, path)
    try:
        with foreign(f"{path}: no {built.kind} can be built as its header says", RunError), weights_of(0):
            model = its_class(**{**built.arguments, **networks})
    except SettingError as error:
        if networks:  # which are the user's
            raise
        raise RunError(f"{path}: {error}") from None
    own = model.state_dict(keep_vars=True)
    for name in own.keys() & tensors.keys():  # a model that was made float64, or bf16
        if own[name].dtype != tensors[name].dtype and tensors[name].is_floating_point():
            own[name].data = own[name].data.to(tensors[name].dtype)
    load_weights(model, tensors, path)
    return model.eval()


def class_named(name: str, kind: type[Model], path: Path) -> type[Model]:
    """The class of a model by its name: that which is asked for, or one of METHODS and PRIORS. Nothing else is imported.

    Raises:
        RunError: there is none of that name.
    """
    known = known_classes()
    if name == full_name(kind) or (name == kind.__name__ and known.get(name, kind) is kind):
        return kind
    if name not in known:
        close, name = near_miss(name, known), name[:60]
        raise RunError(
            f"{path} holds {name}, none of vaekit's models; one of your own: {name.rpartition('.')[2]}.load(path).{close}"
        )
    return known[name]


def known_classes() -> dict[str, type[Model]]:
    """Classes of the models of METHODS and PRIORS, by name."""
    classes = [entry.model_class() for entry in (*METHODS.values(), *PRIORS.values())]
    return {kind.__name__: kind for kind in classes}


def full_name(kind: type[Model]) -> str:
    """Name of a class with that of its module."""
    return f"{kind.__module__}.{kind.__qualname__}"
