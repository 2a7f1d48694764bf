"""Gradients of the ELBO in every parameter against central differences in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from toy import sized
from vaekit.models import VAE, LatentModel
from vaekit.objectives.base import Objective
from vaekit.objectives.elbo import ELBO

SHAPES = {"mlp": (1, 4, 3), "lesson": (2, 7, 6), "resnet": (2, 9, 7)}


def tiny(network: str, pixels: str) -> VAE:
    torch.manual_seed(0)
    model = VAE(SHAPES[network], 3, pixels=pixels, **sized(network, width=6, depth=2)).double()
    with torch.no_grad():
        for (
            parameter
        ) in model.parameters():  # blocks start as the identity, where half of them has no gradient
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def loss_under_one_noise(model: LatentModel, objective: Objective, x: Tensor) -> Tensor:
    torch.manual_seed(1)
    return objective(model, x, None, {"beta": 1.7}).total


@pytest.mark.parametrize("network", SHAPES)
@pytest.mark.parametrize("pixels", ["binary", "unit", "real"])
@pytest.mark.parametrize("free_bits", [0.0, 0.3])
def test_gradients_are_central_differences(network: str, pixels: str, free_bits: float) -> None:
    model, objective = tiny(network, pixels), ELBO(free_bits=free_bits)
    x = torch.rand(4, *SHAPES[network], dtype=torch.float64)
    x = x.round() if pixels == "binary" else x
    names, parameters = zip(*model.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss_under_one_noise(model, objective, x), parameters)
    step = 1e-6
    for name, parameter, gradient in zip(names, parameters, gradients, strict=True):
        direction = torch.randn_like(parameter)
        ends = []
        for signed in (step, -step):
            with torch.no_grad():
                parameter.add_(signed * direction)
                ends.append(loss_under_one_noise(model, objective, x).item())
                parameter.sub_(signed * direction)
        slope = (ends[0] - ends[1]) / (2 * step)
        assert (gradient * direction).sum().item() == pytest.approx(slope, rel=1e-4, abs=1e-5), name
        assert gradient.abs().max().item() > 0, name
