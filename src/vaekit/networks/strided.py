"""Strided convolutions and nothing else, down to 4x4."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.config.network_parts import Strided
from vaekit.networks.base import Pair, Spec, crop, halved

SIDE = 4  # pixels per side at the coarsest, at most


class StridedEncoder(nn.Module):
    """Convolutions of kernel 3 and stride 2, each with SiLU, then linear; the condition enters after the first."""

    def __init__(self, spec: Spec, widths: list[int], size: tuple[int, int]) -> None:
        super().__init__()
        channels = [spec.shape[0], *widths]
        self.condition = nn.Linear(spec.condition, widths[0]) if spec.condition else None
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=2, padding=1) for before, after in pairwise(channels)
        )
        self.head = nn.Linear(widths[-1] * size[0] * size[1], spec.encoder_outputs)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, C, H, W), (B, K) -> (B, encoder_outputs)."""
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number == 0 and self.condition is not None and condition is not None:
                x = x + self.condition(condition)[:, :, None, None]
            x = F.silu(x)
        return self.head(x.flatten(1))


class StridedDecoder(nn.Module):
    """The encoder in reverse, by transposed convolutions of kernel 4 and stride 2, cropped."""

    def __init__(self, spec: Spec, widths: list[int], sizes: list[tuple[int, int]]) -> None:
        super().__init__()
        self.start, self.sizes = (widths[-1], *sizes[-1]), [*reversed(sizes[:-1]), spec.size]
        self.first = nn.Linear(spec.latent_dim + spec.condition, widths[-1] * sizes[-1][0] * sizes[-1][1])
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)
            for before, after in pairwise(widths[::-1])
        )
        self.last = nn.ConvTranspose2d(widths[0], spec.outputs * spec.shape[0], 4, stride=2, padding=1)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, latent_dim), (B, K) -> (B, outputs * C, H, W)."""
        if condition is not None:
            z = torch.cat([z, condition], dim=1)
        x = self.first(z).unflatten(1, self.start)
        for layer, size in zip([*self.layers, self.last], self.sizes, strict=True):
            x = crop(layer(F.silu(x)), size)
        return x


def strided(spec: Spec, part: Strided) -> Pair:
    """`width` channels at half size, which double twice."""
    sizes = [halved(spec.size)]
    while max(sizes[-1]) > SIDE:
        sizes.append(halved(sizes[-1]))
    widths = [part.width * min(2**level, 4) for level in range(len(sizes))]
    encoder, decoder = StridedEncoder(spec, widths, sizes[-1]), StridedDecoder(spec, widths, sizes)
    assert isinstance(decoder.last.bias, nn.Parameter)
    return Pair(encoder, decoder, decoder.last.bias, (encoder.head, decoder.last))
