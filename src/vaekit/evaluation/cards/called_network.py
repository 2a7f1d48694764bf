"""A network that is any function of arrays, in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.core import SettingError
from vaekit.models.base import evaluating


class CalledNetwork:
    """A function of a batch, with numpy arrays or torch tensors in and out.

    It is called with tensors, a module's on its device, in eval mode and without gradients; a function that fails on
    tensors is called with numpy arrays. It may give an array, several, a dict of them, or a distribution, which gives its
    mean and standard deviation.

    Attributes:
        name: of the function or module.
        given, batch: None: nothing is declared.
        dtype: float32.
        digest: "": a function has no hash.

    Args:
        function: what is called.
        option: the argument that it was given as, for messages.
    """

    given: tuple[int | None, ...] | None = None
    batch: int | None = None
    digest = ""

    def __init__(self, function: Callable[..., Any], option: str) -> None:
        self.function, self.option = function, option
        self.name = getattr(function, "__name__", type(function).__name__)
        self.where = f"{option}={self.name}"
        owner = function if isinstance(function, nn.Module) else getattr(function, "__self__", None)
        self.module = owner if isinstance(owner, nn.Module) else None
        self.dtype = np.dtype(np.float32)
        self.takes_numpy: bool | None = False if self.module is not None else None

    def __call__(self, x: np.ndarray, y: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """The outputs by name, (N, ...) each, for inputs (N, ...); it is given no classes.

        Raises:
            SettingError: the function fails, or gives what is no array with a row for each input.
        """
        with torch.no_grad(), self._asked():
            found = dict(named(self._call(x)))
        for name, value in found.items():
            if value.ndim < 1 or len(value) != len(x) or value.dtype == object:
                raise SettingError(
                    f"{self.where}: its output {name} has no row for each of {len(x)} inputs.", self.option
                )
        return found

    def _asked(self) -> Any:
        return nullcontext() if self.module is None else evaluating(self.module)

    def _call(self, x: np.ndarray) -> Any:
        tensor = torch.from_numpy(np.ascontiguousarray(x))
        if self.module is not None:
            parameter = next(self.module.parameters(), None)
            tensor = tensor if parameter is None else tensor.to(parameter.device)
        kinds = [False, True] if self.takes_numpy is None else [self.takes_numpy]
        reason = ""
        for numpy in kinds:
            try:
                found = self.function(x if numpy else tensor)
            except Exception as error:  # a function of the user's own may raise anything
                reason = reason or " ".join(f"{type(error).__name__}: {error}".split())[:160]
                continue
            self.takes_numpy = numpy
            return found
        shape = "x".join(map(str, x.shape))
        raise SettingError(f"{self.where}: fails on an input of {shape} ({reason}).", self.option)


def named(found: Any) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays in what a function gives, by their keys, or by their places."""
    if isinstance(found, Distribution):
        yield "mean", array_of(found.mean)
        yield "std", array_of(found.stddev)
    elif isinstance(found, Mapping):
        for key, value in found.items():
            yield str(key), array_of(value)
    elif isinstance(found, Sequence) and not isinstance(found, str):
        parts = [dict(named(value)) if isinstance(value, Distribution) else value for value in found]
        for place, value in enumerate(parts):
            if isinstance(value, dict):
                yield from value.items()
            else:
                yield f"output_{place}", array_of(value)
    else:
        yield "output", array_of(found)


def array_of(value: Any) -> np.ndarray:
    """A tensor or whatever numpy takes as an array, on the CPU."""
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        return (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    return np.asarray(value)
