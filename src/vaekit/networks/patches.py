"""Convolutions on a grid of patches: an image becomes h x w vectors, and back.

All of the work is done at the low resolution: the first layer sees each patch of f x f pixels as one
vector (space to depth), which on a CPU costs a fraction of convolutions at full size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.config.network_parts import Patches
from vaekit.core import SettingError
from vaekit.networks.base import Spec, crop


class PatchBlock(nn.Module):
    """x + W silu(conv(silu(x))): 3x3, then 1x1 (van den Oord et al. 2017, section 4.1); starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Conv2d(channels, channels, 3, padding=1)
        self.outer = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> the same."""
        return x + self.outer(F.silu(self.inner(F.silu(x))))


def blocks(channels: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(PatchBlock(channels) for _ in range(depth)), nn.SiLU())


class PatchEncoder(nn.Module):
    """(B, C, H, W) -> (B, dim, h, w); images that do not divide into patches are filled up with 0."""

    def __init__(self, shape: tuple[int, ...], factor: int, dim: int, width: int, depth: int) -> None:
        super().__init__()
        self.factor = factor
        self.first = nn.Conv2d(shape[0] * factor**2, width, 3, padding=1)
        self.blocks = blocks(width, depth)
        self.last = nn.Conv2d(width, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = x.shape[-2:]
        x = F.pad(x, (0, -columns % self.factor, 0, -rows % self.factor))
        x = F.pixel_unshuffle(x, self.factor).contiguous(memory_format=torch.channels_last)
        return self.last(self.blocks(self.first(x)))


class PatchDecoder(nn.Module):
    """(B, dim, h, w) -> (B, outputs * C, H, W)."""

    def __init__(
        self, shape: tuple[int, ...], factor: int, dim: int, outputs: int, width: int, depth: int
    ) -> None:
        super().__init__()
        self.factor, self.size = factor, (shape[1], shape[2])
        self.first = nn.Conv2d(dim, width, 3, padding=1)
        self.blocks = blocks(width, depth)
        self.last = nn.Conv2d(width, outputs * shape[0] * factor**2, 1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.blocks(self.first(z.contiguous(memory_format=torch.channels_last)))
        return crop(F.pixel_shuffle(self.last(x), self.factor), self.size)


@dataclass(frozen=True)
class GridNetworks:
    """Encoder and decoder, and the grid (h, w) between them."""

    encoder: PatchEncoder
    decoder: PatchDecoder
    grid: tuple[int, int]


def grid_networks(spec: Spec, part: Patches) -> GridNetworks:
    """The two sides for images of a shape; `encoder_outputs` and `latent_dim` of the spec are the length of one vector.

    Raises:
        SettingError: data that are no images, or patches larger than the image.
    """
    shape, factor = spec.shape, part.downsample
    if len(shape) != 3:
        raise SettingError("a grid of codes needs images; for an array of features take ae or vae.")
    if factor > max(shape[1:]):
        raise SettingError(
            f"downsample {factor} exceeds the image, {shape[1]}x{shape[2]} pixels.", "downsample"
        )
    encoder = PatchEncoder(shape, factor, spec.encoder_outputs, part.width, part.depth)
    decoder = PatchDecoder(shape, factor, spec.latent_dim, spec.outputs, part.width, part.depth)
    return GridNetworks(encoder, decoder, (-(-shape[1] // factor), -(-shape[2] // factor)))
