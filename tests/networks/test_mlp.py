"""The perceptron against its formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vaekit.config.network_parts import MLP
from vaekit.networks import Spec
from vaekit.networks.mlp import Perceptron


def silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


@pytest.mark.parametrize("condition", [0, 4])
def test_forward_is_the_formula_in_numpy(condition: int) -> None:
    torch.manual_seed(0)
    network = Perceptron((2, 3), (1, 5), 7, 2, condition).double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}

    def linear(name: str, x: np.ndarray) -> np.ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    x, y = torch.randn(3, 2, 3, dtype=torch.float64), torch.randn(3, condition, dtype=torch.float64)
    h = linear("first", np.concatenate([x.flatten(1).numpy(), y.numpy()], axis=1))
    for block in ("blocks.0", "blocks.1"):
        h = h + linear(f"{block}.outer", silu(linear(f"{block}.inner", silu(h))))
    expected = linear("last", silu(h)).reshape(3, 1, 5)
    result = network(x, y if condition else None).detach().numpy()
    np.testing.assert_allclose(result, expected, rtol=1e-10)


def test_fresh_blocks_change_nothing() -> None:
    """So a deep network starts as the shallow one with the same outer layers."""
    torch.manual_seed(0)
    deep, shallow = Perceptron((6,), (4,), 8, 5, 0), Perceptron((6,), (4,), 8, 1, 0)
    shallow.first.load_state_dict(deep.first.state_dict())
    shallow.last.load_state_dict(deep.last.state_dict())
    x = torch.randn(3, 6)
    torch.testing.assert_close(deep(x), shallow(x))


@pytest.mark.parametrize(("part", "w", "blocks"), [(MLP(), 512, 1), (MLP(width=10, depth=3), 10, 3)])
def test_number_of_parameters(part: MLP, w: int, blocks: int) -> None:
    pair = part.build(Spec((1, 6, 5), encoder_outputs=8, latent_dim=4, outputs=2))
    encoder = (30 + 1) * w + blocks * 2 * (w + 1) * w + (w + 1) * 8
    decoder = (4 + 1) * w + blocks * 2 * (w + 1) * w + (w + 1) * 60
    assert sum(parameter.numel() for parameter in pair.encoder.parameters()) == encoder
    assert sum(parameter.numel() for parameter in pair.decoder.parameters()) == decoder
    assert pair.output_bias is not None
    assert pair.output_bias.numel() == 60
