"""The doors of a model: examples, labels and counts in whatever form people have them, and answers of the same kind.

Tensors, as objectives and commands give them, pass at once. Whatever else comes is brought to the model's form by the
rules of `load_data`, or refused in one line; what was no tensor gets an answer without graph: arrays for arrays, Pillow's
images for Pillow's images.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.config.fields import check_known
from vaekit.core import DataError, SettingError
from vaekit.data.dataset import Split
from vaekit.data.formats.picture_sets import is_picture
from vaekit.data.like import Form
from vaekit.data.sources import examples_like
from vaekit.data.view import check_values
from vaekit.images.tile import to_bytes

DOORS = (
    "encode",
    "decode",
    "reconstruct",
    "sample",
    "embed",
    "generate",
    "encode_codes",
    "decode_codes",
    "prepare",
)
ELSEWHERE = {  # what people ask models for that they do not have
    "fit": "fit(model, ELBO(), data) trains it; vaekit.estimators have fit, transform and predict",
    "transform": "embed(x) gives an array of posterior means; vaekit.estimators have fit, transform and predict",
    "predict": "embed, reconstruct and sample ask it; vaekit.estimators have predict, for outliers",
    "inverse_transform": "decode(z).mean is its images; vaekit.estimators have inverse_transform",
    "score": "evaluate(model, data) measures it, vaekit.estimators have score",
    "load": "load(file) or load_run(folder) give a model",
    "summary": "print(model) says what it is",
}
LABELS = ("y", "redraw_as")
NO_CLASSES = (
    'this model knows no classes; VAE(shape, classes=10) is conditioned on them, or train("cvae", data)'
)

OPEN = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)  # of parameters


def door(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a method of a model that people call: (self, examples or latents or a count, labels, ...)."""
    signature = inspect.signature(method)
    kinds = {name: one.kind for name, one in signature.parameters.items() if name != "self"}
    known = [name for name, kind in kinds.items() if kind not in OPEN]
    if not known:  # it takes whatever comes
        return method
    first, closed = known[0], inspect.Parameter.VAR_KEYWORD not in kinds.values()

    @wraps(method)
    def asked(self: Any, *given: Any, **named: Any) -> Any:
        plain = all(value is None or isinstance(value, Tensor) for value in (*given, *named.values()))
        plain = plain and named.get("redraw_as") is None  # of which some models know nothing
        if plain and (not closed or named.keys() <= set(known)) and first != "images":
            return method(self, *given, **named)
        if "generator" in known and named.get("seed") is not None:
            named["generator"] = generator_of(named.pop("seed"))
        if closed:
            check_known(named, known, f"{type(self).__name__}.{method.__name__}")
        whole = signature.bind(self, *given, **named)
        bound = whole.arguments
        what = bound[first]
        if first == "count":
            bound[first] = checked_count(what)
            check_temperature(bound.get("temperature", 1.0))
        if first == "images":
            pixels = getattr(self, "arguments", {}).get("pixels", "real")  # latents have no range
            bound[first] = stored_examples(what, self.shape, pixels)
        count = bound[first] if first == "count" else counted(what)
        if isinstance(what, Split) and "y" in known:
            bound.setdefault("y", what.labels)
        for name in LABELS:
            if not (bound.get(name) is None or isinstance(bound[name], Tensor)):
                bound[name] = as_labels(bound[name], count)
        # Examples may come with labels of which a model makes no use; nobody gives others without a wish.
        known_to_it = {"redraw_as": self.classes, "y": first != "count" or self.sampled_classes}
        for name, knows in known_to_it.items():
            if not knows and bound.get(name) is not None:
                raise SettingError(f"{name}= is given, but {NO_CLASSES}.", name)
        if first == "count" or isinstance(what, Tensor):
            return method(*whole.args, **whole.kwargs)
        with torch.no_grad():
            return in_kind(method(*whole.args, **whole.kwargs), what, self.shape)

    return asked


def generator_of(seed: Any) -> torch.Generator:
    """A generator of random numbers under a seed.

    Raises:
        SettingError: no whole number of 0 or more.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= int(seed) < 2**63:
        raise SettingError(f"seed must be a whole number from 0 to 2^63 - 1, not {seed!r}.", "seed")
    return torch.Generator().manual_seed(int(seed))


def counted(given: Any) -> int | None:
    """Examples in what was given, or None where that is not known."""
    if is_picture(given):
        return 1
    try:
        return len(given)
    except TypeError:
        return None


def checked_count(count: Any) -> int:
    """A number of images to draw.

    Raises:
        SettingError: none.
    """
    if isinstance(count, bool) or not isinstance(count, Integral) or count < 0:
        raise SettingError(f"count must be a whole number of images, not {count!r}.", "count")
    return int(count)


def check_temperature(temperature: Any) -> None:
    """Raises SettingError for what is no number from 0 on."""
    if isinstance(temperature, Tensor) and temperature.numel() == 1:
        temperature = float(temperature)
    if not isinstance(temperature, Real) or not 0 <= float(temperature) < float("inf"):
        raise SettingError(
            f"temperature must be a finite number of 0 or more, not {temperature!r}.", "temperature"
        )


def as_labels(y: Any, count: int | None) -> Tensor:
    """Labels (B,) from an array, a list, or one number for all images.

    Raises:
        DataError: no numbers.
    """
    try:
        values = torch.as_tensor(y if isinstance(y, Integral) else np.asarray(y))
    except (TypeError, ValueError):
        raise DataError(f"labels are a {type(y).__name__}; give numbers of classes, one per image.") from None
    return values.expand(count) if values.ndim == 0 and count is not None else values


def as_tensor(values: object) -> Tensor:
    """A tensor, or an array or list of numbers as one.

    Raises:
        DataError: neither.
    """
    if isinstance(values, Tensor):
        return values
    try:
        if isinstance(values, list | tuple) and values and all(isinstance(value, Tensor) for value in values):
            return torch.stack([*values])
        if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
            raise DataError("masked values given to a model; fill or remove them.")
        array = np.asarray(values)
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)
        if array.dtype.kind == "U" or array.dtype.kind == "O":
            raise TypeError
        return torch.from_numpy(array)
    except (TypeError, ValueError, RuntimeError):
        raise DataError(f"{a_kind(values)} given to a model; give a tensor or an array of numbers.") from None


def a_kind(value: object) -> str:
    """`a str`, `an object`."""
    name = type(value).__name__
    return f"a{'n' * (name[0] in 'aeiouAEIO')} {name}"


def as_examples(given: Any, shape: tuple[int, ...], pixels: str) -> Tensor:
    """Examples (B, *shape) in their order, where what was given can be taken for some; else a tensor as it is.

    Args:
        given: a tensor or an array, (B, *shape), one example, images without channels or with channels last; Pillow's
            images, a list of any of these, a split, a table, or a data set or loader of torch.
        shape, pixels: of the model's examples.

    Raises:
        DataError: nothing that examples could be taken from.
    """
    if isinstance(given, Split):
        given = given.images
    if (
        not isinstance(given, Tensor | np.ndarray)
        and not isinstance(given, str | bytes)
        and holds_examples(given)
    ):
        items = list(given) if isinstance(given, tuple) else given
        given = examples_like(items, Form(shape, pixels, "the model"))
    return as_batch(as_tensor(given), shape)


def stored_examples(given: Any, shape: tuple[int, ...], pixels: str) -> Tensor:
    """Examples (N, *shape) for a model to be prepared from, checked.

    Raises:
        DataError: of another shape, or of values that the model does not take.
    """
    images = as_examples(given, shape, pixels)
    check_shape(images, shape)
    check_values(images, pixels)
    return images


def check_shape(images: Tensor, shape: tuple[int, ...]) -> None:
    """Raises DataError for what is no batch of a model's examples; names both shapes and what to do."""
    if tuple(images.shape[1:]) == shape:
        return
    given = "x".join(str(size) for size in images.shape[1:]) or "a single number"
    ours = "x".join(map(str, shape))
    raise DataError(
        f"images of shape {given} given to a model of {ours} images{remedy_for(tuple(images.shape), shape)}."
    )


def holds_examples(given: Any) -> bool:
    """Returns whether this is a collection of other things than numbers: pictures, a table, a data set, a loader."""
    if isinstance(given, list | tuple):
        return bool(given) and is_picture(given[0])
    return is_picture(given) or hasattr(given, "dataset") or hasattr(given, "to_numpy") or (
        hasattr(given, "__getitem__") and hasattr(given, "__len__")
    )  # fmt: skip


def as_batch(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A batch (B, *shape) of one example, of grey images without channels, or of images with channels last.

    Whatever is none of these stays as it is.
    """
    given = tuple(x.shape)
    if given[1:] == shape:
        return x
    if given == shape:
        return x[None]
    if len(shape) != 3:
        return x
    last = (*shape[1:], shape[0])
    if given[-3:] == last:
        x = x.movedim(-1, -3)
    elif shape[0] == 1 and given[-2:] == shape[1:] and len(given) <= 3:
        x = x.unsqueeze(-3)
    return x[None] if tuple(x.shape) == shape else x


def remedy_for(given: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """The remedy for examples of another shape, (B, ...)."""
    wanted = ", ".join(map(str, shape))
    size = torch.Size(given[1:]).numel()
    if given[1:] and size == torch.Size(shape).numel():
        return f": reshape them to (-1, {wanted})"
    if len(given) == len(shape) + 1 == 4 and given[1] == shape[0]:
        return ": resize them, or make a model of their size"
    return f": give (B, {wanted})"


def in_kind(result: Any, given: Any, shape: tuple[int, ...]) -> Any:
    """An answer in the kind in which was asked: an array, or Pillow's images where pictures come back for pictures.

    Args:
        result: a tensor; anything else stays as it is.
        given: examples or latents, no tensor.
        shape: of the model's examples.
    """
    listed = isinstance(given, list | tuple) and len(given) > 0
    one = next(iter(given)) if listed else given
    if not isinstance(result, Tensor) or isinstance(one, Tensor | Split):
        return result
    if is_picture(one) and tuple(result.shape[1:]) == shape and shape[0] in (1, 3, 4):
        pictures = as_pictures(result)
        return pictures if listed else pictures[0]
    return result.detach().cpu().numpy()


def as_pictures(images: Tensor) -> list[Any]:
    """Pillow's images of images (N, C, H, W) in [0, 1] with one, three or four channels."""
    from PIL import Image

    levels = to_bytes(images.detach().cpu().float())
    return [Image.fromarray(each[..., 0] if each.shape[-1] == 1 else each) for each in levels]
