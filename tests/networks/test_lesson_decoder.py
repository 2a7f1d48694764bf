"""The lesson's decoder computes the lesson's layers, by fewer multiplications."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.networks.base import Spec
from vaekit.networks.lesson import (
    FEW,
    FEW_OUTPUTS,
    PIECE,
    LessonDecoder,
    doubled,
    images_first,
    weights_fixed,
)


def layer_by_layer(decoder: LessonDecoder, z: Tensor, size: tuple[int, int]) -> Tensor:
    half = -(-size[0] // 2), -(-size[1] // 2)
    quarter = -(-half[0] // 2), -(-half[1] // 2)
    x = decoder.second(decoder.first(z).view(-1, 64, *quarter))[..., : half[0], : half[1]]
    return decoder.last(F.relu(x))[..., : size[0], : size[1]]


@pytest.mark.parametrize("latents", [3, FEW, FEW + 1])
@pytest.mark.parametrize("size", [(28, 28), (9, 14)])
def test_value_and_gradient(latents: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    decoder = LessonDecoder(Spec((2, *size), encoder_outputs=6, latent_dim=latents)).double()
    z = torch.randn(5, latents, dtype=torch.float64)
    weights = torch.randn(5, 2, *size, dtype=torch.float64)
    results = [decoder(z), layer_by_layer(decoder, z, size)]
    torch.testing.assert_close(*results, rtol=0, atol=1e-12)
    gradients = [torch.autograd.grad((x.sin() * weights).sum(), list(decoder.parameters())) for x in results]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("channels", [1, 3])
def test_doubling_is_the_transposed_convolution(channels: int) -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(4, channels, 4, stride=2, padding=1).double()
    x = torch.randn(2, 4, 5, 3, dtype=torch.float64)
    images_last = x.permute(1, 2, 3, 0)
    torch.testing.assert_close(images_first([doubled(images_last, layer)]), layer(x), rtol=0, atol=1e-12)


def test_gradients_of_doubling_by_finite_differences() -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(2, 2, 4, stride=2, padding=1).double()
    x = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: doubled(x, layer), x)
    assert torch.autograd.gradgradcheck(lambda x: doubled(x, layer), x)


def test_many_outputs() -> None:
    torch.manual_seed(0)
    decoder = LessonDecoder(
        Spec((1, 9, 14), encoder_outputs=6, latent_dim=3, outputs=FEW_OUTPUTS + 1)
    ).double()
    z = torch.randn(5, 3, dtype=torch.float64)
    torch.testing.assert_close(decoder(z), layer_by_layer(decoder, z, (9, 14)), rtol=0, atol=1e-12)


def test_what_is_kept_of_weights_is_forgotten_with_the_block() -> None:
    torch.manual_seed(0)
    decoder = LessonDecoder(Spec((1, 9, 14), encoder_outputs=6, latent_dim=3)).double()
    z = torch.randn(5, 3, dtype=torch.float64)
    with torch.no_grad():
        with weights_fixed(nn.Sequential(decoder)):
            decoder(z)
            torch.testing.assert_close(decoder(z), layer_by_layer(decoder, z, (9, 14)), rtol=0, atol=1e-12)
            with torch.enable_grad():
                gradient = torch.autograd.grad(decoder(z).sum(), decoder.first.weight)[0]
        decoder.first.weight.add_(gradient)
        torch.testing.assert_close(decoder(z), layer_by_layer(decoder, z, (9, 14)), rtol=0, atol=1e-12)


def test_pieces() -> None:
    torch.manual_seed(0)
    decoder = LessonDecoder(Spec((1, 4, 4), encoder_outputs=6, latent_dim=3)).double()
    z = torch.randn(PIECE + 3, 3, dtype=torch.float64)
    torch.testing.assert_close(decoder(z), layer_by_layer(decoder, z, (4, 4)), rtol=0, atol=1e-12)
