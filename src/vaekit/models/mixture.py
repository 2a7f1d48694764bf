"""A Gaussian mixture over the latents of an AE or a VAE."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from vaekit.config.configured import configured
from vaekit.config.model_options import MixtureSettings
from vaekit.core import Output
from vaekit.models.base import CodeDensity
from vaekit.runtime.device import full_precision

LEAST = 1e-6  # of the mean variance of the latents, added to every variance of a component
ROUNDS = 200  # of EM, at most
MOST = 50_000  # latents that EM looks at


class Mixture(CodeDensity):
    """p(z) = sum_k w_k N(m_k, L_k L_k^T), with full covariances (Ghosh et al. 2020 fit such a one after training).

    Starts where EM ends on the training latents; the ordinary training continues from there by gradient,
    and validation says how long that helps.

    Args:
        shape: (D,).
        options: number of normals.
        pixels: of any data.
    """

    @configured(MixtureSettings)
    def __init__(self, shape: tuple[int, ...], options: MixtureSettings, *, pixels: str = "real") -> None:
        super().__init__()
        components = options.components
        self.shape, self.components = tuple(shape), components
        dimensions = shape[0]
        self.logits = nn.Parameter(torch.zeros(components))
        self.means = nn.Parameter(torch.randn(components, dimensions))
        self.lower = nn.Parameter(torch.zeros(components, dimensions, dimensions))  # L below its diagonal
        self.log_diagonal = nn.Parameter(torch.zeros(components, dimensions))
        self.arguments = {"shape": list(shape), "pixels": pixels, **options.flat()}

    @property
    def described(self) -> str:
        """`a mixture of 10 normals`."""
        return "a normal" if self.components == 1 else f"a mixture of {self.components:,} normals"

    def density(self) -> MixtureSameFamily:
        """p(z), batch shape (), event shape (D,)."""
        factors = self.lower.tril(-1) + torch.diag_embed(self.log_diagonal.exp())
        normals = MultivariateNormal(self.means, scale_tril=factors, validate_args=False)
        weights = Categorical(logits=self.logits, validate_args=False)
        return MixtureSameFamily(weights, normals, validate_args=False)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Output:
        """p(z) for latents (B, D)."""
        with torch.autocast(x.device.type, enabled=False):
            return Output(self.density(), ())

    def sample(
        self, count: int, y: Tensor | None = None, *, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:  # fmt: skip
        """Latents, (count, D); the spread of each component is scaled by the temperature."""
        with torch.inference_mode():
            mixture = self.density()
            weights = mixture.mixture_distribution.probs.cpu()
            chosen = torch.multinomial(weights, count, replacement=True, generator=generator)
            noise = torch.randn(count, self.shape[0], 1, generator=generator)
            chosen, noise = chosen.to(self.means.device), noise.to(self.means)
            factors = mixture.component_distribution.scale_tril[chosen]  # type: ignore[union-attr]
            return self.means[chosen] + temperature * (factors @ noise)[..., 0]

    def prepare(self, images: Tensor) -> None:
        """Sets the mixture to where EM ends on these latents, (N, D)."""
        latents = full_precision(images[:: -(-len(images) // MOST)])
        weights, means, factors = expectation_maximisation(latents.double(), self.components)
        with torch.no_grad():
            self.logits.copy_(weights.log())
            self.means.copy_(means)
            self.lower.copy_(factors.tril(-1))
            self.log_diagonal.copy_(factors.diagonal(dim1=1, dim2=2).log())


def expectation_maximisation(
    latents: Tensor, components: int, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Maximum likelihood of a Gaussian mixture (Dempster et al. 1977), the same for the same latents.

    Args:
        latents: (N, D) float64.

    Returns:
        Weights (M,), means (M, D), Cholesky factors of the covariances (M, D, D).
    """
    dimensions = latents.shape[1]
    least = LEAST * latents.var(0).mean().clamp_min(1e-12) * torch.eye(dimensions).to(latents)
    weights, means, factors = _start(latents, components, least, seed)
    before = -math.inf
    for _ in range(ROUNDS):
        normals = MultivariateNormal(means, scale_tril=factors, validate_args=False)
        joint = normals.log_prob(latents[:, None]) + weights.log()
        value = joint.logsumexp(1, keepdim=True)
        shares = (joint - value).exp()
        sums = shares.sum(0).clamp_min(1e-6)
        weights, means = sums / sums.sum(), shares.T @ latents / sums[:, None]
        factors = torch.linalg.cholesky(_covariances(latents, shares, sums, means) + least)
        now = float(value.mean())
        if now - before < 1e-5:
            break
        before = now
    return weights, means, factors


def _start(latents: Tensor, components: int, least: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Equal weights, means far apart (k-means++: Arthur & Vassilvitskii 2007), the covariance of all latents."""
    generator = torch.Generator().manual_seed(seed)
    chosen = [int(torch.randint(len(latents), (), generator=generator))]
    squares = torch.full((len(latents),), math.inf, dtype=latents.dtype)
    for _ in range(components - 1):
        squares = torch.minimum(squares, (latents - latents[chosen[-1]]).square().sum(1).cpu())
        chosen.append(int(torch.multinomial(squares + 1e-12, 1, generator=generator)))
    weights = latents.new_full((components,), 1 / components)
    factor = torch.linalg.cholesky(torch.atleast_2d(latents.T.cov()) + least)
    return weights, latents[chosen], factor.expand(components, -1, -1)


def _covariances(latents: Tensor, shares: Tensor, sums: Tensor, means: Tensor) -> Tensor:
    """Of each component, (M, D, D)."""
    found = []
    for k in range(len(means)):
        centred = latents - means[k]
        found.append((centred * shares[:, k : k + 1]).T @ centred / sums[k])
    return torch.stack(found)
