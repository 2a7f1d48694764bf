"""A residual multilayer perceptron for both sides."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.config.network_parts import MLP
from vaekit.networks.base import Pair, Spec


class Block(nn.Module):
    """x + W2 silu(W1 silu(x)); starts as the identity, so depth costs nothing at the start."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width) -> (B, width)."""
        return x + self.outer(F.silu(self.inner(F.silu(x))))


class Perceptron(nn.Module):
    """Linear, residual blocks, linear; the condition is appended to the input.

    Args:
        shape_in: shape of one input; flattened.
        shape_out: shape of one output.
    """

    def __init__(
        self, shape_in: tuple[int, ...], shape_out: tuple[int, ...], width: int, depth: int, condition: int
    ) -> None:
        super().__init__()
        self.shape_out = shape_out
        self.first = nn.Linear(prod(shape_in) + condition, width)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.last = nn.Linear(width, prod(shape_out))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, *shape_in), (B, K) -> (B, *shape_out)."""
        x = x.flatten(1)
        if condition is not None:
            x = torch.cat([x, condition], dim=1)
        x = self.last(F.silu(self.blocks(self.first(x))))
        return x.unflatten(1, self.shape_out)


def mlp(spec: Spec, part: MLP) -> Pair:
    """Encoder and decoder of the same width and depth."""
    shape_out = (spec.outputs * spec.shape[0], *spec.shape[1:])
    encoder = Perceptron(spec.shape, (spec.encoder_outputs,), part.width, part.depth, spec.condition)
    decoder = Perceptron((spec.latent_dim,), shape_out, part.width, part.depth, spec.condition)
    return Pair(encoder, decoder, decoder.last.bias, (encoder.last, decoder.last))
