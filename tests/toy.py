"""Small things to train: images of bars, a model that is one parameter, an objective that is a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vaekit.core import Loss
from vaekit.data import Data, Split
from vaekit.models import Model
from vaekit.networks import NETWORKS
from vaekit.objectives.base import Objective
from vaekit.objectives.ramps import Clock
from vaekit.runs.records import Summary, WeightsRecord

SMALL: dict[str, Any] = {"device": "cpu", "precision": "fp32", "progress": "none"}


def toy_data(**changes: Any) -> Data:
    """4x4 images of two kinds: 40 to train on (16, 16 and 8 in batches of 16), 12 and 10 held out."""
    generator = torch.Generator().manual_seed(5)
    bars = torch.zeros(2, 1, 4, 4)
    bars[0, :, 1], bars[1, :, :, 2] = 200.0, 150.0

    def split(count: int) -> Split:
        labels = torch.randint(2, (count,), generator=generator)
        noise = 40 * torch.rand(count, 1, 4, 4, generator=generator)
        return Split((bars[labels] + noise).to(torch.uint8), labels)

    return Data("toy", split(40), split(12), split(10), "8-bit").replace(**changes)


def summary(**changes: Any) -> Summary:
    """That of a run of one parameter and one step."""
    values: dict[str, Any] = {
        "data": "toy", "parameters": 1, "epochs": 1, "steps": 1, "stopped_early": False, "train_seconds": 0.1,
        "device": "cpu", "precision": "fp32", "weights": WeightsRecord("last", 1, False),
    }  # fmt: skip
    return Summary(**values | changes)


def sized(network: str, **sizes: int) -> dict[str, Any]:
    """A network's name and those of the sizes that it has, as a model takes them."""
    known = NETWORKS[network].names()
    return {"network": network} | {name: size for name, size in sizes.items() if name in known}


def no_images() -> Split:
    return Split(torch.zeros(0, 1, 4, 4, dtype=torch.uint8))


class Weights(Model):
    """Nothing but some numbers, so that every update can be worked out by hand."""

    def __init__(self, *start: float) -> None:
        super().__init__()
        self.shape = (1, 4, 4)
        self.arguments = {"likelihood": "bce"}
        self.weights = nn.Parameter(torch.tensor(start))

    def prepare(self, images: Tensor) -> None:
        pass

    def sample(self, count: int, y: Tensor | None = None, **options: Any) -> Tensor:
        raise NotImplementedError


class Scripted(Objective):
    """Terms of a batch as a function of (model, x, values); the loss is the mean of `loss_nats`.

    Args:
        terms: gives (B,) tensors, or numbers that hold for every image of the batch.
        values: what is scheduled.
    """

    criterion = "loss_nats"

    def __init__(
        self,
        terms: Callable[[Any, Tensor, Mapping[str, float]], Mapping[str, Tensor]],
        values: Callable[[Clock], dict[str, float]] = lambda clock: {},
    ) -> None:
        super().__init__()
        self.arguments = {}
        self.terms = terms
        self.scheduled = values

    def values(self, clock: Clock) -> dict[str, float]:
        return self.scheduled(clock)

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        terms = {
            name: value if value.dim() else value.expand(len(x))
            for name, value in self.terms(model, x, values).items()
        }
        return Loss(terms["loss_nats"].mean(), terms)


class Hands:
    """A clock that stands until it is turned."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds
