"""Networks as steps of whole numbers, one function per class of module.

Another network's is one more line in TRANSLATIONS (docs/extending.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from vaekit.coding.knots import silu
from vaekit.coding.translate import Builder, Grid
from vaekit.core import SettingError
from vaekit.networks.conv import Doubling, ResidualBlock, ResnetDecoder, ResnetEncoder
from vaekit.networks.lesson import LessonDecoder, LessonEncoder
from vaekit.networks.mlp import Block, Perceptron
from vaekit.networks.patches import PatchBlock, PatchDecoder, PatchEncoder
from vaekit.networks.strided import StridedDecoder, StridedEncoder


def translated(b: Builder, network: nn.Module, x: Grid, y: Grid | None) -> Grid:
    """The output of a network for x under the condition y.

    Raises:
        SettingError: it is none of vaekit's own, or its sums could pass 2^53.
    """
    for kind, translate in TRANSLATIONS.items():
        if type(network) is kind:
            return translate(b, network, x, y)
    raise SettingError(
        f"exact arithmetic, which a file of images needs, knows no {type(network).__name__}; take network='mlp', "
        "'lesson', 'strided' or 'resnet', or add it to TRANSLATIONS of vaekit.coding.of_networks.",
        "network",
    )


def perceptron(b: Builder, net: Perceptron, x: Grid, y: Grid | None) -> Grid:
    h = b.dense(b.joined(b.flat(x), y), net.first)
    for block in net.blocks:
        assert isinstance(block, Block)
        inner = b.table(b.dense(b.table(h, silu()), block.inner), silu())
        h = b.add(h, b.dense(inner, block.outer))
    return b.dense(b.table(h, silu()), net.last)


def conditioned(b: Builder, x: Grid, layer: nn.Linear | None, y: Grid | None) -> Grid:
    """Channels plus what the condition adds to each, the same everywhere."""
    if layer is None or y is None:
        return x
    return b.add(x, b.dense(y, layer))


def lesson_encoder(b: Builder, net: LessonEncoder, x: Grid, y: Grid | None) -> Grid:
    x = b.relu(conditioned(b, b.conv(x, net.first, 2, 1), net.condition, y))
    return b.head(b.relu(b.conv(x, net.second, 2, 1)), net.head)


def lesson_decoder(b: Builder, net: LessonDecoder, z: Grid, y: Grid | None) -> Grid:
    x = b.spread(b.joined(z, y), net.first, (64, *net.sizes[0]))
    x = b.relu(b.transposed(x, net.second, net.sizes[1]))
    return b.transposed(x, net.last, net.sizes[2])


def strided_encoder(b: Builder, net: StridedEncoder, x: Grid, y: Grid | None) -> Grid:
    for number, layer in enumerate(net.layers):
        assert isinstance(layer, nn.Conv2d)
        x = b.conv(x, layer, 2, 1)
        x = b.table(conditioned(b, x, net.condition, y) if number == 0 else x, silu())
    return b.head(x, net.head)


def strided_decoder(b: Builder, net: StridedDecoder, z: Grid, y: Grid | None) -> Grid:
    x = b.spread(b.joined(z, y), net.first, net.start)
    for layer, size in zip([*net.layers, net.last], net.sizes, strict=True):
        assert isinstance(layer, nn.ConvTranspose2d)
        x = b.transposed(b.table(x, silu()), layer, size)
    return x


def residual(b: Builder, block: ResidualBlock | PatchBlock, x: Grid) -> Grid:
    """x + conv(silu(conv(silu(x))))."""
    x = b.materialised(x)
    inner = b.table(b.conv(b.table(x, silu()), block.inner, 1, 1), silu())
    return b.add(x, b.conv(inner, block.outer, 1, block.outer.kernel_size[0] // 2))


def resnet_encoder(b: Builder, net: ResnetEncoder, x: Grid, y: Grid | None) -> Grid:
    h, w = x.index.shape[:2]
    x = conditioned(b, b.conv(x, net.stem, 2, 1, (h % 2, w % 2)), net.condition, y)
    return b.head(b.table(stage(b, net.stages, x), silu()), net.head)


def stage(b: Builder, parts: Any, x: Grid, size: tuple[int, int] | None = None) -> Grid:
    """Residual blocks, SiLU, strided convolutions and doublings, one after another; the last cropped to `size`."""
    for part in parts:
        if isinstance(part, ResidualBlock | PatchBlock):
            x = residual(b, part, x)
        elif isinstance(part, nn.SiLU):
            x = b.table(x, silu())
        elif isinstance(part, Doubling):
            h, w = x.index.shape[:2]
            x = b.shuffled(x, part.expand, 2, size or (2 * h, 2 * w))
        else:
            x = b.conv(x, part, part.stride[0], part.padding[0])
    return x


def resnet_decoder(b: Builder, net: ResnetDecoder, z: Grid, y: Grid | None) -> Grid:
    x = b.spread(b.joined(z, y), net.first, net.start)
    for part, size in zip(net.stages, net.sizes[:-1], strict=True):
        x = stage(b, part, x, size)
    return b.transposed(stage(b, net.blocks, x), net.last, net.sizes[-1])


def patch_encoder(b: Builder, net: PatchEncoder, x: Grid, y: Grid | None) -> Grid:
    x = stage(b, net.blocks, b.conv(b.unshuffled(x, net.factor), net.first, 1, 1))
    return b.conv(x, net.last)


def patch_decoder(b: Builder, net: PatchDecoder, z: Grid, y: Grid | None) -> Grid:
    x = stage(b, net.blocks, b.conv(z, net.first, 1, 1))
    return b.shuffled(x, net.last, net.factor, net.size)


TRANSLATIONS: dict[type[nn.Module], Callable[[Builder, Any, Grid, Grid | None], Grid]] = {
    Perceptron: perceptron,
    LessonEncoder: lesson_encoder,
    LessonDecoder: lesson_decoder,
    StridedEncoder: strided_encoder,
    StridedDecoder: strided_decoder,
    ResnetEncoder: resnet_encoder,
    ResnetDecoder: resnet_decoder,
    PatchEncoder: patch_encoder,
    PatchDecoder: patch_decoder,
}
