"""The variational autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from vaekit.core import Latent, Output
from vaekit.distributions import StandardNormal, bounded_normal, reparameterize
from vaekit.models.base import LatentModel, evaluating


class VAE(LatentModel):
    """p(z) = N(0, I), p(x|z) a likelihood, q(z|x) a diagonal normal (Kingma & Welling 2014).

    Args:
        shape: shape of one image, (C, H, W), or (D,) for arrays of features.
        latent_dim: D, number of latent dimensions.
        network: key of NETWORKS, or `auto`.
        width, depth: size of the network; None leaves it to the network.
        likelihood: key of LIKELIHOODS, or `auto`: what suits the pixels.
        sigma: standard deviation of the `gaussian` likelihood; where the other gaussians start.
        mixtures: components of the `logistic-mixture` likelihood.
        pixels: key of PIXELS: what the values are (`data.pixels`).
        encoder, decoder: own modules instead of a network's name: (B, *shape), None -> (B, 2D) and
            (B, D), None -> (B, C, H, W). Loading such a run asks for them again.

    Raises:
        SettingError: an unknown name, a size below 1, or a likelihood that does not fit the pixels.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        latent_dim: int = 20,
        network: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        likelihood: str = "auto",
        sigma: float = 0.1,
        mixtures: int = 10,
        *,
        pixels: str = "8-bit",
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
    ) -> None:
        super().__init__(
            shape,
            2,
            latent_dim=latent_dim,
            network=network,
            width=width,
            depth=depth,
            likelihood=likelihood,
            sigma=sigma,
            mixtures=mixtures,
            pixels=pixels,
            encoder=encoder,
            decoder=decoder,
        )
        self.prior = StandardNormal(latent_dim)

    def encode(self, x: Tensor, y: Tensor | None = None) -> Normal:
        return bounded_normal(self.encoder(self.check_images(x), None))

    def forward(self, x: Tensor, y: Tensor | None = None, samples: int | None = None) -> Output:
        posterior = self.encode(x, y)
        z = reparameterize(posterior, samples)
        return Output(self.decode(z, y), (Latent(posterior, self.prior(), z),))

    def log_joint(self, x: Tensor, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x, z) in nats, (..., B), for x (B, *shape) float and z (..., B, D)."""
        return self.decode(z, y).log_prob(x) + self.prior().log_prob(z).sum(-1)

    def sample(
        self, count: int, y: Tensor | None = None, *, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:  # fmt: skip
        """New images, (count, *shape): the mean of p(x|z) at z ~ N(0, temperature^2 I)."""
        z = temperature * torch.randn(count, self.latent_dim, generator=generator).to(self.prior.mean)
        with evaluating(self), torch.inference_mode():
            return self.picture(self.decode(z, y))
