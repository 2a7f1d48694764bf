"""Fresh models: built from settings and data, under a seed."""

from __future__ import annotations

from typing import Any

from vaekit.config import options as s
from vaekit.config.methods import find_method
from vaekit.core import DataError
from vaekit.models.base import Model
from vaekit.runtime.random import weights_of


def create_model(method: str, options: Any, given: dict[str, Any]) -> Model:
    """The model of a method.

    Args:
        method: key of METHODS.
        options: the method's section of model options.
        given: what the data say: `shape`, `pixels`, `classes` if the method wants labels, and own `encoder` and `decoder` if there are any.
    """
    return find_method(method).model_class()(**given, **options.flat())


def seeded_model(settings: s.Settings, given: dict[str, Any]) -> Model:
    """A fresh model, a function of the settings and of what the data say: the seed decides its weights."""
    with weights_of(settings.fit.seed):
        return create_model(settings.method, settings.model, given)


def given_by_data(
    method: str, shape: tuple[int, ...], pixels: str, classes: int, source: str
) -> dict[str, Any]:
    """The arguments of a method's model that the data decide.

    Raises:
        DataError: the method wants labels, and there are fewer than two classes.
    """
    given: dict[str, Any] = {"shape": shape, "pixels": pixels}
    if not find_method(method).labels:
        return given
    if classes < 2:
        found = "one class only" if classes else "no labels"
        raise DataError(
            f"{source} has {found}, and {method} wants the class of each image: sort the images into a folder "
            f"a class, put labels into the .npz, name the column of a table (labels_key=), or train a vae."
        )
    return given | {"classes": classes}
