"""Any size and channel count is learned: after a short training the loss is below the best constant image's.

That image is the mean of the training images: no answer that ignores z, and so costs no KL, is better.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vaekit import ELBO, VAE, Data, Split, fit
from vaekit.data.dataset import to_unit

SIZES = [(1, 8, 8), (2, 9, 7), (1, 28, 28), (3, 37, 53), (3, 64, 64), (4, 96, 128)]


def shaded(shape: tuple[int, int, int], count: int) -> Tensor:
    """Bytes: a bright edge at a random angle, every channel a little shifted. Two factors."""
    channels, rows, columns = shape
    angle = 2 * math.pi * torch.rand(count, 1, 1, 1)
    shift = torch.rand(count, 1, 1, 1) - 0.5
    v = torch.linspace(-1, 1, rows)[:, None]
    u = torch.linspace(-1, 1, columns)[None, :]
    offset = torch.linspace(0, 0.5, channels)[:, None, None]
    return (255 * (6 * (angle.cos() * u + angle.sin() * v + shift + offset)).sigmoid()).to(torch.uint8)


def split_in_two(images: Tensor, pixels: str) -> Data:
    test = len(images) // 4
    empty = Split(images[:0])
    return Data("made up", Split(images[test:]), empty, Split(images[:test]), pixels)


def loss_after_training(model: VAE, data: Data, epochs: int) -> float:
    history = fit(
        model,
        ELBO(),
        data,
        epochs=epochs,
        batch_size=16,
        learning_rate=4e-3,
        warmup=5,
        clip=1000.0,
        device="cpu",
        progress="none",
    )
    return history.test.negative_elbo_nats


def best_constant(data: Data, sigma: float | None = None) -> float:
    """-log p of the test images under their own mean, as bce or as a normal: nats per image."""
    x = to_unit(data.test.images).double()
    mean = x.mean(0)
    if sigma is not None:
        per_value = (x - mean) ** 2 / (2 * sigma**2) + math.log(sigma) + 0.5 * math.log(2 * math.pi)
        return per_value.flatten(1).sum(1).mean().item()
    entropy = -(torch.xlogy(mean, mean) + torch.xlogy(1 - mean, 1 - mean))
    return entropy.sum().item()


@pytest.mark.parametrize("shape", SIZES, ids=lambda shape: "x".join(map(str, shape)))
@pytest.mark.parametrize("network", ["lesson", "mlp", "resnet"])
def test_images_of_any_size_are_learned(shape: tuple[int, int, int], network: str) -> None:
    torch.manual_seed(0)
    data = split_in_two(shaded(shape, 128), "8-bit")
    size = {"lesson": {}, "mlp": {"width": 64}, "resnet": {"width": 8}}[network]
    model = VAE(shape, 4, network, likelihood="bce", **size)
    assert model.sample(2).shape == (2, *shape)
    epochs = 16 if math.prod(shape) < 500 else 8
    assert loss_after_training(model, data, epochs) < 0.9 * best_constant(data)


@pytest.mark.parametrize("features", [1, 12, 300])
def test_arrays_of_features_are_learned(features: int) -> None:
    """Standardised features that two hidden numbers explain, up to a noise of 0.2."""
    torch.manual_seed(0)
    hidden = torch.randn(256, 2)
    x = hidden @ torch.nn.functional.normalize(torch.randn(2, features), dim=0) + 0.2 * torch.randn(
        256, features
    )
    data = split_in_two(x, "real")
    options = {"likelihood": "gaussian", "sigma": 0.2, "init": "random"}
    model = VAE(data.shape, 4, pixels=data.pixels, width=64, **options)
    assert loss_after_training(model, data, epochs=16) < best_constant(data, 0.2)
