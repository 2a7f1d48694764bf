"""A linear-Gaussian VAE with weights set by hand: everything about it has a closed form."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import multivariate_normal
from torch import Tensor, nn

from vaekit.data import Split
from vaekit.models import VAE

PIXELS, LATENTS, SIGMA = 6, 3, 0.5


class LinearEncoder(nn.Module):
    """q(z|x) of the exact posterior's mean, moved by 0.1, and of its variances alone, 1.3 times as large."""

    def __init__(self, weight: Tensor, bias: Tensor, sigma: float = SIGMA) -> None:
        super().__init__()
        covariance = torch.linalg.inv(torch.eye(LATENTS) + weight.T @ weight / sigma**2)
        self.gain = nn.Parameter(covariance @ weight.T / sigma**2)
        self.log_variance = nn.Parameter((1.3 * covariance.diagonal()).log())
        self.centre = bias

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        mean = (x - self.centre) @ self.gain.T + 0.1
        return torch.cat([mean, self.log_variance.expand(len(x), -1)], dim=1)


class LinearDecoder(nn.Module):
    """x = W z + b."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return z @ self.weight.T + self.bias


class LinearVAE:
    """The model, images drawn from it, and the truth about them."""

    def __init__(self, images: int = 100, seed: int = 0, sigma: float = SIGMA) -> None:
        generator = torch.Generator().manual_seed(seed)
        weight = torch.randn(PIXELS, LATENTS, generator=generator)
        bias = torch.randn(PIXELS, generator=generator)
        noise = torch.randn(images, PIXELS, generator=generator)
        x = torch.randn(images, LATENTS, generator=generator) @ weight.T + bias + sigma * noise
        self.weight, self.bias, self.split, self.sigma = weight, bias, Split(x), sigma
        self.model = VAE(
            (PIXELS,), LATENTS, likelihood="gaussian", sigma=sigma, pixels="real",
            encoder=LinearEncoder(weight, bias, sigma), decoder=LinearDecoder(weight, bias),
        )  # fmt: skip

    def nll(self, images: Tensor | None = None) -> np.ndarray:
        """-log N(x; b, W W' + sigma^2 I) of each image, by scipy."""
        w, x = self.weight.double().numpy(), self.split.images if images is None else images
        covariance = w @ w.T + self.sigma**2 * np.eye(PIXELS)
        return -multivariate_normal(self.bias.double().numpy(), covariance).logpdf(x.double().numpy())

    def negative_elbo(self) -> np.ndarray:
        """-log p(x) + KL(q(z|x) || p(z|x)) of each image, with the exact posterior's covariance C."""
        w = self.weight.double().numpy()
        precision = np.eye(LATENTS) + w.T @ w / self.sigma**2
        covariance = np.linalg.inv(precision)
        x = self.split.images.double().numpy() - self.bias.double().numpy()
        exact = x @ (covariance @ w.T / self.sigma**2).T
        variance = 1.3 * np.diag(covariance)
        difference = (exact + 0.1) - exact
        kl = 0.5 * (
            np.trace(precision @ np.diag(variance))
            + np.einsum("nd,de,ne->n", difference, precision, difference)
            - LATENTS
            + np.linalg.slogdet(covariance)[1]
            - np.log(variance).sum()
        )
        return self.nll() + kl
