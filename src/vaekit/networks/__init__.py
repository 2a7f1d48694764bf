"""Encoder and decoder networks: tensor in, tensor out. They know no distribution and no loss.

NETWORKS maps a name to a function that builds a `Pair` from a `Spec`; adding a network is one such
function and one line. Every module's forward is `(x, condition=None)`, the condition (B, K) or None.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from vaekit.core import SettingError, choose
from vaekit.networks.base import Pair, Spec
from vaekit.networks.conv import resnet
from vaekit.networks.lesson import lesson
from vaekit.networks.mlp import mlp

__all__ = ["NETWORKS", "Pair", "Spec", "build_networks"]

NETWORKS: dict[str, Callable[[Spec], Pair]] = {
    "lesson": lesson,  # two strided convolutions a side, as in the lesson
    "mlp": mlp,  # residual multilayer perceptron: the fastest on small grey images
    "resnet": resnet,  # residual convolutions at every scale: colour and larger images
}


def choose_network(name: str, shape: tuple[int, ...]) -> str:
    """The name itself, or for `auto` what suits images of this shape."""
    if name != "auto":
        choose(name, ["auto", *NETWORKS], "network")
        return name
    return "mlp" if len(shape) == 1 or (shape[0] == 1 and prod(shape) <= 1600) else "resnet"


def build_networks(name: str, spec: Spec) -> Pair:
    """Encoder and decoder of a name.

    Raises:
        SettingError: unknown name, sizes that are not positive, or a network of images for (N, D) data.
    """
    for what, value in (
        ("latent_dim", spec.latent_dim),
        ("width", spec.width),
        ("depth", spec.depth),
    ):
        if value is not None and value < 1:
            raise SettingError(f"{what} must be at least 1, not {value}.")
    return NETWORKS[choose_network(name, spec.shape)](spec)
