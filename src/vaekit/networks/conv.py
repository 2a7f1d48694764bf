"""Residual convolutions at every scale."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.config.network_parts import Resnet
from vaekit.networks.base import Pair, Spec, crop, halved


class ResidualBlock(nn.Module):
    """x + conv(silu(conv(silu(x)))); starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Conv2d(channels, channels, 3, padding=1)
        self.outer = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same."""
        return x + self.outer(F.silu(self.inner(F.silu(x))))


class ResnetEncoder(nn.Module):
    """Stride-2 convolutions with residual blocks after each, down to at most 4x4, then linear."""

    def __init__(self, spec: Spec, widths: list[int], sizes: list[tuple[int, int]], depth: int) -> None:
        super().__init__()
        channels = [spec.shape[0], *widths]
        self.condition = nn.Linear(spec.condition, widths[0]) if spec.condition else None
        self.stem = nn.Conv2d(channels[0], channels[1], 4, stride=2, padding=(1, 1))
        stages: list[nn.Module] = [ResidualBlock(widths[0]) for _ in range(depth)]
        for before, after in pairwise(widths):
            stages += [nn.SiLU(), nn.Conv2d(before, after, 3, stride=2, padding=1)]
            stages += [ResidualBlock(after) for _ in range(depth)]
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(widths[-1] * sizes[-1][0] * sizes[-1][1], spec.encoder_outputs)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, C, H, W), (B, K) -> (B, encoder_outputs)."""
        rows, columns = x.shape[-2:]
        x = self.stem(F.pad(x, (0, columns % 2, 0, rows % 2)))
        if self.condition is not None and condition is not None:
            x = x + self.condition(condition)[:, :, None, None]
        return self.head(F.silu(self.stages(x)).flatten(1))


class ResnetDecoder(nn.Module):
    """The encoder in reverse; each doubling is a 1x1 convolution and a pixel shuffle, then cropped."""

    def __init__(self, spec: Spec, widths: list[int], sizes: list[tuple[int, int]], depth: int) -> None:
        super().__init__()
        self.start = (widths[-1], *sizes[-1])
        self.sizes = [*reversed(sizes[:-1]), spec.size]
        outgoing = [*reversed(widths[:-1])]
        self.first = nn.Linear(
            spec.latent_dim + spec.condition, self.start[0] * self.start[1] * self.start[2]
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width) for _ in range(depth)), nn.SiLU(), Doubling(width, after))
            for width, after in zip(reversed(widths[1:]), outgoing, strict=True)
        )
        self.blocks = nn.Sequential(*(ResidualBlock(widths[0]) for _ in range(depth)), nn.SiLU())
        self.last = nn.ConvTranspose2d(widths[0], spec.outputs * spec.shape[0], 4, stride=2, padding=1)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, latent_dim), (B, K) -> (B, outputs * C, H, W)."""
        if condition is not None:
            z = torch.cat([z, condition], dim=1)
        x = self.first(z).unflatten(1, self.start)
        for stage, size in zip(self.stages, self.sizes[:-1], strict=True):
            x = crop(stage(x), size)
        return crop(self.last(self.blocks(x)), self.sizes[-1])


class Doubling(nn.Module):
    """(B, before, H, W) -> (B, after, 2H, 2W) by sub-pixel convolution (Shi et al. 2016)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(before, 4 * after, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.expand(x), 2)


def resnet(spec: Spec, part: Resnet) -> Pair:
    """Residual convolutions, `width` channels at half size, which double twice, `depth` blocks per stage."""
    width, depth = part.width, part.depth
    sizes = [halved(spec.size)]
    while max(sizes[-1]) > 4:
        sizes.append(halved(sizes[-1]))
    widths = [width * min(2**level, 4) for level in range(len(sizes))]
    decoder = ResnetDecoder(spec, widths, sizes, depth)
    assert isinstance(decoder.last.bias, nn.Parameter)
    encoder = ResnetEncoder(spec, widths, sizes, depth)
    return Pair(encoder, decoder, decoder.last.bias, (encoder.head, decoder.last))
