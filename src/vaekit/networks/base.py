"""The interface of a network family: its inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from vaekit.core import SettingError


def halved(size: tuple[int, int]) -> tuple[int, int]:
    """Size after a convolution of stride 2 that keeps the borders: halves, rounded up."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


def crop(x: Tensor, size: tuple[int, int]) -> Tensor:
    """The first rows and columns: undoes the rounding up of `halved`."""
    return x if x.shape[-2:] == size else x[..., : size[0], : size[1]]  # a slice costs a copy backwards


@dataclass(frozen=True)
class Spec:
    """The sizes a network family builds for.

    Attributes:
        shape: shape of one image, (C, H, W) or (D,).
        encoder_outputs: numbers that the encoder returns for an image.
        latent_dim: numbers that the decoder takes for an image.
        outputs: numbers that the decoder returns for each value of the image.
        condition: length of the condition given to both sides; 0 for none.
    """

    shape: tuple[int, ...]
    encoder_outputs: int
    latent_dim: int
    outputs: int = 1
    condition: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, for networks that need images.

        Raises:
            SettingError: the data are an array of features.
        """
        if len(self.shape) != 3:
            raise SettingError("this network needs images; for an array of features take network='mlp'.")
        return self.shape[1], self.shape[2]


@dataclass(frozen=True)
class Pair:
    """An encoder, its decoder, and where the decoder's output bias is.

    Attributes:
        encoder: (B, *shape), (B, K) -> (B, encoder_outputs).
        decoder: (B, latent_dim), (B, K) -> (B, outputs * C, H, W) or (B, outputs * D).
        output_bias: parameter that can be set so that the untrained decoder returns the data's
            mean; one number per value or one per channel. None leaves it at its initialisation.
        heads: the last layer of each, which are set to 0 where a linear path beside them says all at first
            (`vaekit.networks.principal`). () where the networks cannot be silenced so.
    """

    encoder: nn.Module
    decoder: nn.Module
    output_bias: nn.Parameter | None
    heads: tuple[nn.Module, ...] = ()
