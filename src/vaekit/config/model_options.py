"""Options of the models. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vaekit.config.fields import Options, option, same
from vaekit.config.likelihood_parts import LIKELIHOODS, LikelihoodPart
from vaekit.config.network_parts import GRID_NETWORKS, NETWORKS, NetworkPart
from vaekit.config.parts import CUSTOM, Undecided, part
from vaekit.config.quantizer_parts import QUANTIZERS, QuantizerPart


@dataclass(frozen=True)
class AutoencoderSettings(Options):
    """Options of the models `AE` and `VAE`."""

    latent_dim: int = option(20, at_least=1, first=True, help="number of latent dimensions")
    network: NetworkPart | Undecided = part(
        NETWORKS,
        "auto",
        words=("auto", CUSTOM),
        first=True,
        help="auto takes mlp for small grey images and arrays, else strided",
    )
    init: Literal["auto", "pca", "random"] = option(
        "auto",
        help="begin at probabilistic PCA of the training images, by a linear path beside the network, or at random; "
        "auto takes pca for a Gaussian likelihood if the network is auto too",
    )
    likelihood: LikelihoodPart | Undecided = part(
        LIKELIHOODS, "auto", first=True, help="auto takes bernoulli for binary pixels, else gaussian-optimal"
    )


@dataclass(frozen=True)
class GANSettings(Options):
    """Options of the model `GAN`, whose discriminator is the encoder of its network."""

    latent_dim: int = same(AutoencoderSettings, "latent_dim")
    network: NetworkPart | Undecided = part(
        NETWORKS, "auto", first=True, help="auto takes mlp for small grey images and arrays, else strided"
    )


@dataclass(frozen=True)
class VQVAESettings(Options):
    """Options of the model `VQVAE`."""

    network: NetworkPart = part(
        GRID_NETWORKS, "patches", words=(), help="between images and grids of vectors"
    )
    quantizer: QuantizerPart = part(
        QUANTIZERS,
        "ema",
        words=(),
        first=True,
        help="how codes are learned: moving averages, gradients, or not at all",
    )
    likelihood: LikelihoodPart | Undecided = part(
        LIKELIHOODS, "auto", first=True, help="auto takes bernoulli for binary pixels, else gaussian-optimal"
    )


@dataclass(frozen=True)
class CodePriorSettings(Options):
    """Options of the model `CodePrior`."""

    conditional: bool = option(
        False, help="take the class of an image as condition, so that samples can be asked for by label"
    )
    width: int = option(128, at_least=1, help="channels of the transformer")
    depth: int = option(4, at_least=1, help="its blocks")
    heads: int = option(4, at_least=1, help="its attention heads, which divide the width")
    dropout: float = option(
        0.0, at_least=0, below=1, help="share of what a block adds that is left out in training"
    )
    codes: int = option(512, at_least=2, decided=True, help="size of the codebook")
    classes: int = option(0, at_least=0, decided=True, help="number of classes of the data")


@dataclass(frozen=True)
class MixtureSettings(Options):
    """Options of the model `Mixture`."""

    components: int = option(10, at_least=1, help="normals in the mixture, each with its own covariance")
