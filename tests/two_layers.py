"""A model with two layers of latents in a file of its own: a vector above a grid, each drawn given the one above.

p(z, g, x) = p(z) p(g|z) p(x|g, z)        z: (TOP,), g: (CHANNELS, 2, 2)
q(z, g|x)  = q(z|x) q(g|x, z)
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vaekit.config import LikelihoodPart, Options, configured, option
from vaekit.config.likelihood_parts import decide_likelihood
from vaekit.config.parts import Undecided, part
from vaekit.core import Latent, Output
from vaekit.data.labels import check_labels
from vaekit.distributions import LIKELIHOODS, bounded_normal, reparameterize
from vaekit.models.autoencoder import Autoencoder
from vaekit.models.base import evaluating

TOP, CHANNELS = 2, 2
GRID = (CHANNELS, 2, 2)


@dataclass(frozen=True)
class TwoLayersSettings(Options):
    """Options of `TwoLayers`."""

    hidden: int = option(32, at_least=1, help="units of each perceptron")
    likelihood: LikelihoodPart | Undecided = part(LIKELIHOODS, "auto", help="as of a vae")


class TwoLayers(Autoencoder):
    """A hierarchy of two layers, by perceptrons.

    Args:
        shape: of one image.
        options: units of the perceptrons, and the likelihood.
        pixels, classes: as in `vaekit.VAE`.
    """

    @configured(TwoLayersSettings)
    def __init__(
        self, shape: tuple[int, ...], options: TwoLayersSettings, *, pixels: str = "8-bit", classes: int = 0
    ) -> None:
        super().__init__()
        self.shape, self.classes, self.latent_dim = tuple(shape), classes, TOP + prod(GRID)
        likelihood = decide_likelihood(options.likelihood, pixels)
        self.likelihood = likelihood.build(self.shape)
        values, hidden = prod(self.shape), options.hidden
        self.top = perceptron(values, hidden, 2 * TOP)
        self.below = perceptron(values + TOP, hidden, 2 * prod(GRID))
        self.given = perceptron(TOP, hidden, 2 * prod(GRID))
        self.decoder = perceptron(TOP + prod(GRID), hidden, self.likelihood.num_params * values)
        about = {"shape": list(self.shape), "pixels": pixels, "classes": classes}
        self.arguments = about | dataclasses.replace(options, likelihood=likelihood).flat()

    def prepare(self, images: Tensor) -> None:
        pass

    def prior(self) -> Ancestral:
        return Ancestral(self)

    def grid_prior(self, z: Tensor) -> Normal:
        """p(g|z), batch shape (..., *GRID)."""
        return on_grid(bounded_normal(self.given(z)))

    def grid_posterior(self, x: Tensor, z: Tensor) -> Normal:
        """q(g|x, z), batch shape (..., *GRID)."""
        flat = x.flatten(1).expand(*z.shape[:-1], -1)
        return on_grid(bounded_normal(self.below(torch.cat([flat, z], dim=-1))))

    def infer(self, x: Tensor, y: Tensor | None = None) -> tuple[Latent, ...]:
        x = self.check_images(x)
        posterior = bounded_normal(self.top(x.flatten(1)))
        z = posterior.mean
        below = self.grid_posterior(x, z)
        return Latent(posterior, standard(z), z), Latent(below, self.grid_prior(z), below.mean)

    def forward(self, x: Tensor, y: Tensor | None = None, samples: int | None = None) -> Output:
        x = self.check_images(x)
        posterior = bounded_normal(self.top(x.flatten(1)))
        z = reparameterize(posterior, samples)
        below = self.grid_posterior(x, z)
        g = below.mean + below.stddev * torch.randn_like(below.mean)
        latents = Latent(posterior, standard(posterior.mean), z), Latent(below, self.grid_prior(z), g)
        return Output(self.decode(torch.cat([z, g.flatten(-3)], dim=-1)), latents)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        raw = self.decoder(z).unflatten(-1, (self.likelihood.num_params * self.shape[0], *self.shape[1:]))
        return self.likelihood(raw)

    def reconstruct(self, x: Tensor, y: Tensor | None = None, *, redraw_as: Tensor | None = None) -> Tensor:
        with evaluating(self), torch.inference_mode():
            z = torch.cat([latent.z.flatten(1) for latent in self.infer(x, y)], dim=1)
            return self.picture(self.decode(z))

    def latents_for_prior(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        with evaluating(self), torch.inference_mode():
            return torch.cat([latent.z.flatten(1) for latent in self.infer(x, y)], dim=1)

    def sample(
        self,
        count: int,
        y: Tensor | None = None,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        if y is not None and self.classes:
            check_labels(y, count, self.classes)
        with evaluating(self), torch.inference_mode():
            return self.picture(self.decode(self.prior().draw(count, temperature, generator)))


class Ancestral(Distribution):
    """p(z) p(g|z) over both layers as one vector, event shape (TOP + prod(GRID),)."""

    arg_constraints = {}

    def __init__(self, model: TwoLayers) -> None:
        self.model = model
        super().__init__(torch.Size(), torch.Size([model.latent_dim]), validate_args=False)

    def draw(self, count: int, temperature: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        """(count, D), from a generator on the CPU."""
        like = next(self.model.parameters())
        noise = temperature * torch.randn(count, self.model.latent_dim, generator=generator).to(like)
        z = noise[:, :TOP]
        below = self.model.grid_prior(z)
        return torch.cat([z, (below.mean + below.stddev * noise[:, TOP:].view(-1, *GRID)).flatten(1)], dim=1)

    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = torch.Size()) -> Tensor:
        with torch.no_grad():
            return self.draw(max(1, prod(sample_shape))).view(*sample_shape, -1)

    def log_prob(self, value: Tensor) -> Tensor:
        z, g = value[..., :TOP], value[..., TOP:].unflatten(-1, GRID)
        below = Independent(self.model.grid_prior(z), 3).log_prob(g)
        return standard(z).log_prob(z).sum(-1) + below


def standard(like: Tensor) -> Normal:
    return Normal(torch.zeros(TOP).to(like), torch.ones(TOP).to(like), validate_args=False)


def on_grid(normal: Normal) -> Normal:
    """A normal over flat numbers as one over the grid."""
    return Normal(normal.mean.unflatten(-1, GRID), normal.stddev.unflatten(-1, GRID), validate_args=False)


def perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, outputs))
