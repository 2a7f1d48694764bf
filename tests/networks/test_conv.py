"""Geometry of the convolutional networks: nothing at a border is lost, whatever the size."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vaekit.config.network_parts import Lesson, NetworkPart, Resnet
from vaekit.core import SettingError
from vaekit.networks import Spec
from vaekit.networks.base import crop, halved
from vaekit.networks.conv import Doubling, ResidualBlock, ResnetDecoder, ResnetEncoder

SIZES = [(8, 8), (9, 7), (28, 28), (37, 53), (64, 64), (96, 128), (8, 9), (9, 8), (1, 1), (2, 31), (5, 40)]


@pytest.mark.parametrize("size", SIZES)
def test_halved_is_what_a_strided_convolution_leaves(size: tuple[int, int]) -> None:
    left = nn.Conv2d(1, 1, 3, stride=2, padding=1)(torch.zeros(1, 1, *size))
    assert halved(size) == tuple(left.shape[2:])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("network", [Lesson(), Resnet()])
def test_every_pixel_is_seen_and_every_pixel_is_drawn(size: tuple[int, int], network: NetworkPart) -> None:
    """Gradients in double precision: from each input pixel to the codes, and from z to each output pixel."""
    torch.manual_seed(0)
    channels = 1 + SIZES.index(size) % 4
    pair = network.build(Spec((channels, *size), encoder_outputs=6, latent_dim=3, outputs=2))
    encoder, decoder = pair.encoder.double(), pair.decoder.double()
    x = torch.rand(1, channels, *size, dtype=torch.float64, requires_grad=True)
    codes = encoder(x)
    assert codes.shape == (1, 6)
    (seen,) = torch.autograd.grad((codes * torch.randn_like(codes)).sum(), x)
    assert bool((seen != 0).all())
    z = torch.randn(4, 3, dtype=torch.float64)
    drawn = decoder(z)
    assert drawn.shape == (4, 2 * channels, *size)
    assert bool((drawn.std(0) > 1e-9).all())


def test_resnet_goes_down_to_four_by_four_and_doubles_its_channels_twice() -> None:
    pair = Resnet(width=8).build(Spec((3, 100, 40), encoder_outputs=2, latent_dim=2))
    assert isinstance(pair.encoder, ResnetEncoder)
    assert isinstance(pair.decoder, ResnetDecoder)
    # 100x40 -> 50x20 -> 25x10 -> 13x5 -> 7x3 -> 4x2, with 8, 16, 32, 32, 32 channels
    assert pair.encoder.head.in_features == 32 * 4 * 2
    assert pair.decoder.start == (32, 4, 2)
    assert pair.decoder.sizes == [(7, 3), (13, 5), (25, 10), (50, 20), (100, 40)]
    assert pair.output_bias is pair.decoder.last.bias


def test_residual_block_starts_as_the_identity_and_is_its_formula_later() -> None:
    torch.manual_seed(0)
    block, x = ResidualBlock(3), torch.randn(2, 3, 5, 4)
    assert torch.equal(block(x), x)
    nn.init.normal_(block.outer.weight)
    inner = F.conv2d(F.silu(x), block.inner.weight, block.inner.bias, padding=1)
    expected = x + F.conv2d(F.silu(inner), block.outer.weight, padding=1)
    torch.testing.assert_close(block(x), expected)


def test_doubling_puts_four_channels_of_a_place_into_its_two_by_two_square() -> None:
    doubling, x = Doubling(1, 1), torch.tensor([[[[1.0, 10.0]]]])
    with torch.no_grad():
        doubling.expand.weight.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]).view(4, 1, 1, 1))
        doubling.expand.bias.zero_()  # type: ignore[union-attr]
    assert doubling(x).tolist() == [[[[1.0, 2.0, 10.0, 20.0], [3.0, 4.0, 30.0, 40.0]]]]


def test_crop_keeps_the_first_rows_and_columns() -> None:
    assert crop(torch.arange(12.0).view(1, 1, 3, 4), (2, 3)).tolist() == [
        [[[0.0, 1.0, 2.0], [4.0, 5.0, 6.0]]]
    ]


@pytest.mark.parametrize("network", [Lesson(), Resnet()])
def test_an_array_of_features_has_no_height(network: NetworkPart) -> None:
    with pytest.raises(SettingError, match="needs images; for an array of features take network='mlp'"):
        network.build(Spec((10,), encoder_outputs=4, latent_dim=2))


@pytest.mark.parametrize("network", [Lesson(), Resnet()])
def test_a_part_can_be_narrowed_alone(network: NetworkPart) -> None:
    """No attribute hides a method of torch's modules, such as `half`."""
    pair = network.build(Spec((1, 8, 8), encoder_outputs=4, latent_dim=2))
    for part in (pair.encoder, pair.decoder):
        assert {parameter.dtype for parameter in part.half().parameters()} == {torch.float16}
