"""What every entry of NETWORKS promises."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vaekit.networks import NETWORKS, Pair, Spec
from vaekit.runtime.device import arithmetic

SHAPES = [(1, 8, 8), (3, 9, 7), (4, 12, 21)]
CODES, LATENT, OUTPUTS = 6, 3, 2


@pytest.fixture(params=[f"{name}-{index}" for name in NETWORKS for index in range(len(SHAPES))])
def case(request: pytest.FixtureRequest) -> tuple[str, tuple[int, ...]]:
    name, index = request.param.split("-")
    return name, SHAPES[int(index)]


def build(case: tuple[str, tuple[int, ...]], condition: int = 0) -> Pair:
    torch.manual_seed(0)
    name, shape = case
    kind = NETWORKS[name]
    part = kind.of({key: value for key, value in {"width": 8, "depth": 2}.items() if key in kind.names()})
    pair = part.build(Spec(shape, CODES, LATENT, OUTPUTS, condition))
    with torch.no_grad():
        for part in (pair.encoder, pair.decoder):
            for parameter in part.double().parameters():  # away from blocks that are the identity
                parameter.add_(0.1 * torch.randn_like(parameter))
    return pair


def images(case: tuple[str, tuple[int, ...]]) -> torch.Tensor:
    return torch.rand(5, *case[1], dtype=torch.float64)


def test_an_image_does_not_depend_on_its_neighbours_in_the_batch(case: tuple[str, tuple[int, ...]]) -> None:
    pair, x, z = build(case), images(case), torch.randn(5, LATENT, dtype=torch.float64)
    codes, raw = pair.encoder(x), pair.decoder(z)
    assert raw.shape == (5, OUTPUTS * case[1][0], *case[1][1:])
    for i in range(5):
        torch.testing.assert_close(pair.encoder(x[i : i + 1])[0], codes[i])
        torch.testing.assert_close(pair.decoder(z[i : i + 1])[0], raw[i])


def test_half_precision_is_nearly_the_same(case: tuple[str, tuple[int, ...]]) -> None:
    pair, x, z = build(case), images(case).float(), torch.randn(5, LATENT)
    encoder, decoder = pair.encoder.float(), pair.decoder.float()
    full = encoder(x), decoder(z)
    with arithmetic("bf16", torch.device("cpu")):
        half = encoder(x), decoder(z)
    for exact, rounded in zip(full, half, strict=True):
        assert (exact - rounded).abs().max().item() < 0.03 * exact.abs().max().item()


@pytest.mark.parametrize("condition", [0, 4])
def test_every_parameter_has_a_gradient(case: tuple[str, tuple[int, ...]], condition: int) -> None:
    pair, x = build(case, condition), images(case)
    y = torch.randn(5, condition, dtype=torch.float64) if condition else None
    z = torch.randn(5, LATENT, dtype=torch.float64)
    (pair.encoder(x, y).square().sum() + pair.decoder(z, y).square().sum()).backward()
    for part in (pair.encoder, pair.decoder):
        for name, parameter in part.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum().item() > 0, name


def test_the_condition_reaches_every_code_and_every_pixel(case: tuple[str, tuple[int, ...]]) -> None:
    pair, x = build(case, 4), images(case)
    z, y = torch.randn(5, LATENT, dtype=torch.float64), torch.eye(4, dtype=torch.float64)
    codes = torch.stack([pair.encoder(x, y[k].expand(5, 4)) for k in range(4)])
    raw = torch.stack([pair.decoder(z, y[k].expand(5, 4)) for k in range(4)])
    assert bool((codes.std(0) > 1e-9).all())
    assert bool((raw.std(0) > 1e-9).all())


def test_the_output_bias_moves_the_output_by_itself(case: tuple[str, tuple[int, ...]]) -> None:
    pair = build(case)
    bias = pair.output_bias
    if bias is None:
        pytest.skip("leaves its initialisation alone")
    z = torch.randn(5, LATENT, dtype=torch.float64)
    before, shift = pair.decoder(z), torch.randn_like(bias)
    with torch.no_grad():
        bias.add_(shift)
    by_value = shift.view(-1, 1, 1) if bias.numel() == before.shape[1] else shift.view(before.shape[1:])
    torch.testing.assert_close(pair.decoder(z), before + by_value)
    assert any(parameter is bias for parameter in nn.Module.parameters(pair.decoder))
