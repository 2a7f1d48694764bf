"""NETWORKS: every pair of encoder and decoder with its options, one line each. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from vaekit.config.configured import with_options
from vaekit.config.fields import imported, option
from vaekit.config.parts import Part, Undecided, decide


@dataclass(frozen=True)
class NetworkPart(Part):
    """Interface of a network's options.

    Attributes:
        module: function (spec, part) -> `vaekit.networks.Pair`, or "module:function" so that the table needs
            no torch.
    """

    module: ClassVar[Any]

    def build(self, spec: Any) -> Any:
        """The `Pair` for a `vaekit.networks.Spec`."""
        return imported(type(self).module)(spec, self)


@with_options
@dataclass(frozen=True)
class Lesson(NetworkPart):
    """Two strided convolutions per side, as in the lesson.

    Example:
        >>> model = vaekit.VAE((1, 28, 28), network=vaekit.Lesson(), likelihood="bce")
    """

    module: ClassVar[Any] = "vaekit.networks.lesson:lesson"


@with_options
@dataclass(frozen=True)
class MLP(NetworkPart):
    """Residual multilayer perceptron: the fastest on small grey images.

    Example:
        >>> model = vaekit.VAE(data.shape, network=vaekit.MLP(width=128, depth=2))
    """

    width: int = option(512, at_least=1, help="hidden units")
    depth: int = option(1, at_least=1, help="residual blocks per side")

    module: ClassVar[Any] = "vaekit.networks.mlp:mlp"


@with_options
@dataclass(frozen=True)
class Resnet(NetworkPart):
    """Residual convolutions at every scale: colour and larger images.

    Example:
        >>> model = vaekit.VAE((3, 32, 32), network=vaekit.Resnet(width=16))
    """

    width: int = option(32, at_least=1, help="channels at half size, which double twice")
    depth: int = option(1, at_least=1, help="residual blocks per stage")

    module: ClassVar[Any] = "vaekit.networks.conv:resnet"


@with_options
@dataclass(frozen=True)
class Strided(NetworkPart):
    """Strided convolutions down to 4x4 at most, no more at any size: the cheapest for colour and larger images."""

    width: int = option(32, at_least=1, help="channels at half size, which double twice")

    module: ClassVar[Any] = "vaekit.networks.strided:strided"


@with_options
@dataclass(frozen=True)
class Patches(NetworkPart):
    """Convolutions on a grid of patches, for models of codes.

    Example:
        >>> model = vaekit.VQVAE(data.shape, network=vaekit.Patches(downsample=2, width=16))
        >>> model.grid  # codes per image
        (4, 4)
    """

    downsample: int = option(
        4, at_least=1, help="pixels per side of the patch of each code: 4 makes a 7x7 grid of 28x28 images"
    )
    width: int = option(64, at_least=1, help="channels")
    depth: int = option(3, at_least=1, help="residual blocks per side")

    module: ClassVar[Any] = "vaekit.networks.patches:grid_networks"


NETWORKS: dict[str, type[NetworkPart]] = {
    "lesson": Lesson,
    "mlp": MLP,
    "resnet": Resnet,
    "strided": Strided,
}

GRID_NETWORKS: dict[str, type[NetworkPart]] = {"patches": Patches}

SMALL = 1600  # pixels of a grey image, up to which a perceptron is the better network


def decide_network(given: NetworkPart | Undecided, shape: tuple[int, ...]) -> NetworkPart:
    """The network; where `auto` leaves it open, what suits images of this shape."""
    small = len(shape) == 1 or (shape[0] == 1 and prod(shape) <= SMALL)
    return decide("network", given, NETWORKS, "mlp" if small else "strided")
