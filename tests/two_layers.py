"""A model with two layers of latents in a file of its own: a vector above a grid, each drawn given the one above.

The one line of registration is `METHODS["two-layers"] = TWO_LAYERS`. docs/extending.md explains it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import prod

import torch
from torch import Size, Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vaekit.config import LikelihoodPart, Options, configured, option
from vaekit.config.likelihood_parts import decide_likelihood
from vaekit.config.methods import Method
from vaekit.config.objective_options import ELBOSettings
from vaekit.config.parts import Undecided, part
from vaekit.core import Latent, Output
from vaekit.distributions import LIKELIHOODS, bounded_normal, reparameterize
from vaekit.models import Model
from vaekit.models.base import evaluating, units_for
from vaekit.objectives.elbo import ELBO

TOP, GRID = 2, (2, 2, 2)  # numbers of the vector; channels, height and width of the grid


def perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, outputs))


def on_grid(flat: Normal) -> Normal:
    """A normal over flat numbers, (..., prod(GRID)), as one over the grid, (..., *GRID)."""
    return Normal(flat.mean.unflatten(-1, GRID), flat.stddev.unflatten(-1, GRID), validate_args=False)


def standard(like: Tensor) -> Normal:
    """N(0, I) of the vector, batch shape (TOP,)."""
    return Normal(torch.zeros(TOP).to(like), torch.ones(TOP).to(like), validate_args=False)


@dataclass(frozen=True)
class TwoLayersSettings(Options):
    """Options of `TwoLayers`."""

    hidden: int = option(32, at_least=1, help="units of each perceptron")
    likelihood: LikelihoodPart | Undecided = part(LIKELIHOODS, "auto", help="as of a vae")


class TwoLayers(Model):
    """A hierarchy of a vector z and a grid g, by perceptrons.

    p(z, g, x) = p(z) p(g|z) p(x|g, z)    q(z, g|x) = q(z|x) q(g|x, z)
    """

    @configured(TwoLayersSettings)
    def __init__(
        self, shape: tuple[int, ...], options: TwoLayersSettings, *, pixels: str = "8-bit", classes: int = 0
    ) -> None:
        super().__init__()
        self.shape, self.classes, self.latent_dim = tuple(shape), classes, TOP + prod(GRID)
        self.units = units_for(self.shape, pixels)
        likelihood = decide_likelihood(options.likelihood, pixels)
        self.likelihood = likelihood.build(self.shape)
        values, hidden = prod(self.shape), options.hidden
        self.top = perceptron(values, hidden, 2 * TOP)
        self.below = perceptron(values + TOP, hidden, 2 * prod(GRID))
        self.given = perceptron(TOP, hidden, 2 * prod(GRID))
        self.decoder = perceptron(self.latent_dim, hidden, self.likelihood.num_params * values)
        about = {"shape": list(self.shape), "pixels": pixels, "classes": classes}
        self.arguments = about | dataclasses.replace(options, likelihood=likelihood).flat()

    def prepare(self, images: Tensor) -> None:
        self.take_units(images)

    def grid_prior(self, z: Tensor) -> Normal:
        """p(g|z), batch shape (..., *GRID)."""
        return on_grid(bounded_normal(self.given(z)))

    def grid_posterior(self, x: Tensor, z: Tensor) -> Normal:
        """q(g|x, z), batch shape (..., *GRID)."""
        flat = x.flatten(1).expand(*z.shape[:-1], -1)
        return on_grid(bounded_normal(self.below(torch.cat([flat, z], dim=-1))))

    def prior(self) -> Ancestral:
        return Ancestral(self)

    def infer(self, x: Tensor, y: Tensor | None = None) -> tuple[Latent, ...]:
        x = self.check_images(x)
        above = bounded_normal(self.top(x.flatten(1)))
        below = self.grid_posterior(x, above.mean)
        return (
            Latent(above, standard(above.mean), above.mean),
            Latent(below, self.grid_prior(above.mean), below.mean),
        )

    def forward(self, x: Tensor, y: Tensor | None = None, samples: int | None = None) -> Output:
        x = self.check_images(x)
        above = bounded_normal(self.top(x.flatten(1)))
        z = reparameterize(above, samples)
        below = self.grid_posterior(x, z)
        g = reparameterize(below, dimensions=len(GRID))
        latents = Latent(above, standard(z), z), Latent(below, self.grid_prior(z), g)
        return Output(self.decode(torch.cat([z, g.flatten(-3)], dim=-1)), latents)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        channels, *size = self.shape
        raw = self.decoder(z).unflatten(-1, (self.likelihood.num_params * channels, *size))
        return self.in_units(self.likelihood(raw))

    def picture(self, likelihood: Distribution) -> Tensor:
        return likelihood.mean if self.pixels == "real" else likelihood.mean.clamp(0, 1)

    def reconstruct(self, x: Tensor, y: Tensor | None = None, *, redraw_as: Tensor | None = None) -> Tensor:
        with evaluating(self), torch.inference_mode():
            codes = torch.cat([latent.z.flatten(1) for latent in self.infer(x, y)], dim=1)
            return self.picture(self.decode(codes))

    def sample(
        self,
        count: int,
        y: Tensor | None = None,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        with evaluating(self), torch.inference_mode():
            noise = torch.randn(count, self.latent_dim, generator=generator)
            codes = self.prior().of_noise(temperature * noise.to(next(self.parameters())))
            return self.picture(self.decode(codes))


class Ancestral(Distribution):
    """p(z) p(g|z) over both layers as one vector, event shape (D,)."""

    arg_constraints = {}

    def __init__(self, model: TwoLayers) -> None:
        self.model = model
        super().__init__(Size(), Size([model.latent_dim]), validate_args=False)

    def of_noise(self, noise: Tensor) -> Tensor:
        """(..., D) of N(0, I) as a draw of both layers, (..., D)."""
        z, below = noise[..., :TOP], noise[..., TOP:].unflatten(-1, GRID)
        given = self.model.grid_prior(z)
        return torch.cat([z, (given.mean + given.stddev * below).flatten(-3)], dim=-1)

    def sample(self, sample_shape: Size | list[int] | tuple[int, ...] = Size()) -> Tensor:
        like = next(self.model.parameters())
        with torch.no_grad():
            return self.of_noise(torch.randn(*sample_shape, *self.event_shape).to(like))

    def log_prob(self, value: Tensor) -> Tensor:
        z, g = value[..., :TOP], value[..., TOP:].unflatten(-1, GRID)
        return standard(z).log_prob(z).sum(-1) + Independent(self.model.grid_prior(z), 3).log_prob(g)


TWO_LAYERS = Method(TwoLayers, ELBO, TwoLayersSettings, ELBOSettings, "VAE with two layers of latents")
