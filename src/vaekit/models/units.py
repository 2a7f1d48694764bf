"""The units of real data: values are standardised on the way into a model and restored on the way out.

Widths of p(x|z), initial weights and learning rates fit values about 1. So the networks see each column (each
channel of images) less its mean, over its standard deviation, and what leaves the model is in the data's own units
again. p(x|z) is a density of the data themselves, so that nats are those of the data in the units given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.compiler import is_exporting
from torch.distributions import Distribution

from vaekit.core import DataError
from vaekit.data.moments import moments

FAR = 30  # standard deviations: no usual row is there, and a unit is often a thousand of another
REACH = 1e18  # standard deviations: the squares of these lie within float32, summed over some columns
FLOATS = ("mean", "scale", "spread")  # buffers that are float64 where the device has it


class Units(nn.Module):
    """Mean and standard deviation of the training examples, stored with the weights.

    Until `take` has seen examples, and in runs from before there were units, values stay as they are.

    Args:
        shape: of an example, (D,) or (C, H, W).

    Attributes:
        mean, scale: float64, (D,) or (C, 1, 1). float32 on devices without float64.
        spread: the scale, but 0 where all values are the same: there every value that leaves is the mean.
        wide: whether the data came as float64; what leaves the model is of that type then, else float32.
    """

    mean: Tensor
    scale: Tensor
    spread: Tensor
    wide: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        broadcast = (shape[0], *(1 for _ in shape[1:]))
        self.places = prod(shape[1:])  # values that share a mean
        self.register_buffer("mean", torch.zeros(broadcast, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(broadcast, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(broadcast, dtype=torch.float64))
        self.register_buffer("wide", torch.tensor(False))

    def take(self, examples: Tensor) -> None:
        """Takes the units of training examples, (N, *shape); the scale of a constant column is 1."""
        found = moments(examples)
        self.mean.copy_(found.mean)
        self.scale.copy_(found.scale)
        self.spread.copy_(found.scale.masked_fill(found.constant, 0.0))
        self.wide.fill_(examples.dtype == torch.float64)

    @property
    def given(self) -> bool:
        """Says whether values are changed at all."""
        return bool((self.mean != 0).any() or (self.scale != 1).any() or self.wide)

    def standard(self, x: Tensor) -> Tensor:
        """Values in the data's units (..., *shape) as the networks take them, in the wider type of both."""
        return (x - self.mean) / self.scale

    def doubts(self, standard: Tensor) -> list[str]:
        """A line where more than half of the examples, (N, *shape) standardised, are far from all training data.

        Raises:
            DataError: one is so far that float32 does not hold its square: whatever a model says of it is no number.
        """
        if not len(standard) or not self.given:
            return []
        beyond = (standard.detach().flatten(1).abs() > REACH).any(1)
        if bool(beyond.any()):
            raise DataError(
                f"example {int(beyond.int().argmax())} has a value more than {REACH:g} standard deviations from those that "
                "the model was trained on; repair or remove it."
            )
        far = standard.detach().flatten(1).square().mean(1).sqrt().median() > FAR
        line = f"most values are more than {FAR} standard deviations from those that the model was trained on"
        return [f"{line}; give them in the units of the training data"] if bool(far) else []

    def restored(self, x: Tensor) -> Tensor:
        """The inverse of `standard`; a constant column is its constant, whatever the networks say of it."""
        return x * self.spread + self.mean

    def handed_out(self, x: Tensor) -> Tensor:
        """Values in the data's units, in the type in which the data came."""
        return x if is_exporting() or self.wide else x.float()

    def log_scale(self) -> Tensor:
        """Logarithm of the volume of one standard unit, (): by how many nats a density of the data is lower."""
        return self.scale.log().sum() * self.places

    @contextmanager
    def narrow(self) -> Iterator[None]:
        """Buffers of float32 within the block, for networks that leave for programs without float64."""
        wide = {name: getattr(self, name) for name in FLOATS}
        for name, buffer in wide.items():
            setattr(self, name, buffer.float())
        try:
            yield
        finally:
            for name, buffer in wide.items():
                setattr(self, name, buffer)

    def _apply(self, fn: Any, recurse: bool = True) -> Units:
        """Moves to a device; its type stays, unless that device has no such type."""
        moved = fn(self.mean.float())
        wide = moved.device.type != "mps"
        for name in FLOATS:
            buffer = getattr(self, name)
            kept = buffer.to(moved.device) if wide else buffer.float().to(moved.device)
            setattr(self, name, kept)
        self.wide = self.wide.to(moved.device)
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Runs from before there were units are loaded without any."""
        for name, buffer in Units((*self.mean.shape,)).named_buffers():
            state_dict.setdefault(prefix + name, buffer)
        super()._load_from_state_dict(state_dict, prefix, *rest)


class InUnits(Distribution):
    """A density of values in the data's units, from one of standardised values.

    Args:
        standard: density of standardised values, (..., *shape).
        units: of the data.
    """

    arg_constraints = {}  # pyright: ignore[reportAssignmentType]

    def __init__(self, standard: Distribution, units: Units) -> None:
        self.standard, self.units = standard, units
        super().__init__(standard.batch_shape, standard.event_shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.units.handed_out(self.units.restored(self.standard.mean))

    @property
    def variance(self) -> Tensor:
        return self.standard.variance * self.units.spread.square()

    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = torch.Size()) -> Tensor:
        return self.units.handed_out(self.units.restored(self.standard.sample(torch.Size(sample_shape))))

    def log_prob(self, value: Tensor) -> Tensor:
        """Nats per example, (..., B): of the standardised value, less the logarithm of the scales."""
        nats = self.standard.log_prob(self.units.standard(value).to(self.standard.mean.dtype))
        return nats - self.units.log_scale().to(nats.dtype)
