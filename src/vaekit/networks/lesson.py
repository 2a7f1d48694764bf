"""The lesson's convolutions: two strided ones per side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.config.network_parts import Lesson
from vaekit.networks.base import Pair, Spec, crop, halved


class LessonEncoder(nn.Module):
    """The lesson's §4 encoder; its two linear heads are the two halves of one layer."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        rows, columns = halved(halved(spec.size))
        self.first = nn.Conv2d(spec.shape[0], 32, 3, stride=2, padding=1)
        self.second = nn.Conv2d(32, 64, 3, stride=2, padding=1)
        self.condition = nn.Linear(spec.condition, 32) if spec.condition else None
        self.head = nn.Linear(64 * rows * columns, spec.encoder_outputs)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, C, H, W), (B, K) -> (B, encoder_outputs)."""
        # Channels last: on a CPU half of the time, forwards and backwards. With one channel a layout can only be
        # set by `to`, which sets the strides, and the head reads its columns in the order of that layout.
        kernel = self.first.weight.contiguous(memory_format=torch.channels_last)
        x = F.conv2d(x.to(memory_format=torch.channels_last), kernel, self.first.bias, stride=2, padding=1)
        if self.condition is not None and condition is not None:
            x = x + self.condition(condition)[:, :, None, None]
        x = F.relu(self.second(F.relu(x))).permute(0, 2, 3, 1).flatten(1)
        weight = self.head.weight.unflatten(1, (64, -1)).transpose(1, 2).flatten(1)
        return F.linear(x, weight, self.head.bias)


FEW = 32  # latents, up to which one matrix costs less than convolving a usual batch

FEW_OUTPUTS = 8  # channels, up to which `doubled` is faster than a transposed convolution

PIECE = 500  # images decoded at a time: their activations stay in a processor's cache


class LessonDecoder(nn.Module):
    """The lesson's §4 decoder, without its sigmoid: it returns logits.

    The lesson has no activation between its linear layer and the first transposed convolution, so the
    two are one linear map. Where there are FEW latents it is put together for each batch, by convolving
    the columns and the bias of the linear layer instead of all images: the same function and gradient,
    to rounding, at a ninth of the multiplications (28x28, 20 latents, many images).
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.sizes = halved(halved(spec.size)), halved(spec.size), spec.size
        rows, columns = self.sizes[0]
        self.first = nn.Linear(spec.latent_dim + spec.condition, 64 * rows * columns)
        self.second = nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)
        self.last = nn.ConvTranspose2d(32, spec.outputs * spec.shape[0], 4, stride=2, padding=1)
        self.kept: list[Tensor] | None = None  # the matrix, within `weights_fixed`

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, latent_dim), (B, K) -> (B, outputs * C, H, W), in memory often with the images last."""
        if condition is not None:
            z = torch.cat([z, condition], dim=1)
        if self.last.out_channels > FEW_OUTPUTS:
            return crop(self.last(self._first_two(z)), self.sizes[2])
        if z.shape[1] > FEW:
            parts = (self._first_two(part).permute(1, 2, 3, 0) for part in z.split(PIECE))
        else:
            matrix = self._matrix()
            z = torch.cat([z, z.new_ones(len(z), 1)], dim=1)
            # In place: these are the largest tensors of the decoder.
            parts = ((matrix @ part.T).relu_().unflatten(0, (32, *self.sizes[1])) for part in z.split(PIECE))
        return crop(images_first([doubled(part, self.last) for part in parts]), self.sizes[2])

    def _first_two(self, z: Tensor) -> Tensor:
        """The first two layers and the ReLU, one after the other: (B, D) -> (B, 32, h, w)."""
        x = self.second(self.first(z).unflatten(1, (64, *self.sizes[0])))
        return F.relu(crop(x, self.sizes[1]))

    def _matrix(self) -> Tensor:
        """The first two layers as one matrix, the bias its last column: (32 h w, D + 1)."""
        keep = self.kept is not None and not torch.is_grad_enabled()
        if keep and self.kept:
            return self.kept[0]
        assert self.second.bias is not None
        columns = torch.cat([self.first.weight.T, self.first.bias[None]]).unflatten(1, (64, *self.sizes[0]))
        images = crop(F.conv_transpose2d(columns, self.second.weight, stride=2, padding=1), self.sizes[1])
        last = images.new_zeros(len(images), 1, 1, 1)
        last[-1] = 1.0
        matrix = (images + last * self.second.bias[:, None, None]).flatten(1).T
        if keep:
            self.kept = [matrix]
        return matrix


@contextmanager
def weights_fixed(model: nn.Module) -> Iterator[None]:
    """No weight of the model changes within the block: without gradients, what is put together from
    weights alone is put together once."""
    decoders = [part for part in model.modules() if isinstance(part, LessonDecoder)]
    for decoder in decoders:
        decoder.kept = []
    try:
        yield
    finally:
        for decoder in decoders:
            decoder.kept = None


def doubled(x: Tensor, layer: nn.ConvTranspose2d) -> Tensor:
    """A transposed convolution of kernel 4, stride 2, padding 1: (C, H, W, B) -> (O, 2H, 2W, B).

    One matrix product gives the 4x4 patch of every pixel, and `Overlay` adds them up. With the images
    last everything runs over contiguous memory; for few output channels several times as fast as
    torch's on a CPU, forwards and backwards.
    """
    assert layer.bias is not None
    kernel = layer.weight.permute(1, 2, 3, 0).flatten(0, 2)
    patches = (kernel @ x.flatten(1)).unflatten(1, x.shape[1:]).unflatten(0, (-1, 4, 4))
    return Overlay.apply(patches, layer.bias)  # type: ignore[return-value]


def images_first(parts: list[Tensor]) -> Tensor:
    """(..., B) each -> (all B, ...), still lying in memory with the images last."""
    whole = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
    return whole.movedim(-1, 0)


class Overlay(torch.autograd.Function):
    """Adds 4x4 patches that lie two pixels apart, and a bias: (O, 4, 4, H, W, B), (O,) -> (O, 2H, 2W, B).

    A patch covers 2x2 blocks of 2x2 pixels, so four additions fill a grid of blocks, whose border of one
    pixel is then cut away. Autograd by itself would copy that grid for each of the four.
    """

    @staticmethod
    def forward(ctx: Any, patches: Tensor, bias: Tensor) -> Tensor:
        outputs, _, _, rows, columns, images = patches.shape
        grid = patches.new_empty(outputs, rows + 1, 2, columns + 1, 2, images)
        grid.copy_(bias[:, None, None, None, None, None])
        for part, place in overlaps(patches, grid):
            place.add_(part)
        return grid.flatten(3, 4).flatten(1, 2)[:, 1:-1, 1:-1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        pixels = F.pad(gradients[0], (0, 0, 1, 1, 1, 1)).contiguous()
        outputs, height, width, images = pixels.shape
        grid = pixels.view(outputs, height // 2, 2, width // 2, 2, images)
        patches = grid.new_empty(outputs, 4, 4, height // 2 - 1, width // 2 - 1, images)
        for part, place in overlaps(patches, grid):
            part.copy_(place)
        return patches, gradients[0].sum((1, 2, 3))


def overlaps(patches: Tensor, grid: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The four blocks of patches and where they lie: views (O, H, 2, W, 2, B) of both.

    patches: (O, 4, 4, H, W, B); grid of blocks: (O, H + 1, 2, W + 1, 2, B).
    """
    rows, columns = patches.shape[3:5]
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        part = patches[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].permute(0, 3, 1, 4, 2, 5)
        yield part, grid[:, i : i + rows, :, j : j + columns]


def lesson(spec: Spec, part: Lesson) -> Pair:
    """The lesson's network. On 28x28x1 with 20 latents exactly 243,465 parameters."""
    encoder, decoder = LessonEncoder(spec), LessonDecoder(spec)
    return Pair(encoder, decoder, None, (encoder.head, decoder.last))
