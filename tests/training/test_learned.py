"""Explained variance and variance of samples, against models whose answers are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from linear import LinearVAE
from toy import toy_data
from vaekit.data import Split
from vaekit.models import VAE, Model
from vaekit.models.capabilities import HasPrior
from vaekit.training.learned import LOOKED_AT, explained_variance, learned, sample_variance


class Draws(Model):
    """Draws what it is given, one after another."""

    def __init__(self, drawn: Tensor, classes: int = 0) -> None:
        super().__init__()
        self.shape, self.arguments, self.classes = tuple(drawn.shape[1:]), {"likelihood": "bce"}, classes
        self.drawn, self.weight = drawn, torch.nn.Parameter(torch.zeros(1))
        self.labels: Tensor | None = None

    def prepare(self, images: Tensor) -> None:
        pass

    def sample(self, count: int, y: Tensor | None = None, **options: object) -> Tensor:
        self.labels = y
        return self.drawn[:count]


def split(count: int, labels: bool = False) -> Split:
    images = torch.randint(
        256, (count, 1, 2, 2), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )
    return Split(images, torch.arange(count) % 2 if labels else None)


def test_samples_that_are_the_data_have_their_variance_and_equal_ones_none() -> None:
    images = split(50)
    assert sample_variance(Draws(images.images / 255), images) == pytest.approx(1.0, rel=1e-5)
    assert sample_variance(Draws(torch.full((50, 1, 2, 2), 0.5)), images) == 0.0
    halved = 0.5 + (images.images / 255 - 0.5) / 2
    assert sample_variance(Draws(halved), images) == pytest.approx(0.25, rel=1e-5)


def test_samples_that_differ_by_their_class_alone_are_alike() -> None:
    images = split(60, labels=True)
    model = Draws(torch.eye(2)[torch.arange(60) % 2].repeat(1, 2).reshape(60, 1, 2, 2), classes=2)
    assert sample_variance(model, images) == pytest.approx(0.0, abs=1e-12)
    assert model.labels is not None
    assert torch.equal(model.labels, images.labels)  # type: ignore[arg-type]


def test_data_that_are_all_equal_have_no_variance_of_samples() -> None:
    images = Split(torch.zeros(4, 1, 2, 2, dtype=torch.uint8))
    assert sample_variance(Draws(torch.rand(4, 1, 2, 2)), images) is None


def test_explained_variance_is_that_of_the_components_that_a_linear_model_has() -> None:
    linear = LinearVAE(2000)
    x = linear.split.images.double()
    rebuilt = linear.model.reconstruct(linear.split.images).double()
    left = (x - rebuilt).square().sum() / (x - x.mean(0)).square().sum()
    assert explained_variance(linear.model, linear.split) == pytest.approx(1 - float(left), abs=1e-6)


def test_what_is_not_defined_is_left_out_and_nothing_is_disturbed() -> None:
    torch.manual_seed(0)
    model, data = VAE((1, 4, 4), 3, width=8), toy_data()
    before = torch.get_rng_state()
    found = learned(model, data.test)
    assert torch.equal(torch.get_rng_state(), before)
    assert set(found) == {"explained_variance", "sample_variance"}
    assert not isinstance(Draws(torch.zeros(1, 1, 2, 2)), HasPrior)
    assert learned(Draws(torch.zeros(1, 1, 2, 2)), data.test) == {}


def test_at_most_so_many_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(
        "vaekit.training.learned.explained_variance", lambda model, few: seen.append(len(few)) or 0.5
    )
    monkeypatch.setattr("vaekit.training.learned.sample_variance", lambda model, few: None)
    torch.manual_seed(0)
    learned(VAE((1, 2, 2), 3, width=8, network="mlp"), split(2 * LOOKED_AT))
    assert seen == [LOOKED_AT]
