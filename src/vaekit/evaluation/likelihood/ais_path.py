"""The path of annealed importance sampling between a distribution that can be sampled and the posterior, and the
Hamiltonian steps along it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.distributions import log_density
from vaekit.inference import flat_posterior
from vaekit.models import Model
from vaekit.models.capabilities import Decodes, Encodes, HasPrior

LOWEST = -1e30  # in place of a log-density that is no number: nobody goes there

Look = Callable[[Tensor], "Place"]
"""z (S, B, D) -> what the path says there."""


@dataclass(frozen=True)
class Place:
    """Positions of S chains for each of B images, and what the path says there.

    log p0(z) and the rest are kept apart, with their slopes, so that every temperature is a sum of them.

    Attributes:
        z: (S, B, D).
        start: log p0(z), (S, B).
        ratio: log p(x, z) / p0(z), (S, B).
        start_slope, ratio_slope: their gradients by z, (S, B, D).
    """

    z: Tensor
    start: Tensor
    ratio: Tensor
    start_slope: Tensor
    ratio_slope: Tensor

    def height(self, beta: Tensor) -> Tensor:
        """The log-density at inverse temperatures (B,), up to a constant: (S, B)."""
        return self.start + beta * self.ratio

    def slope(self, beta: Tensor) -> Tensor:
        """Its gradient by z, (S, B, D)."""
        return self.start_slope + beta[:, None] * self.ratio_slope

    def moved(self, where: Tensor, there: Place) -> Place:
        """Some of the chains (S, B) somewhere else."""
        wide = where[..., None]
        return Place(
            torch.where(wide, there.z, self.z),
            torch.where(where, there.start, self.start),
            torch.where(where, there.ratio, self.ratio),
            torch.where(wide, there.start_slope, self.start_slope),
            torch.where(wide, there.ratio_slope, self.ratio_slope),
        )

    def taken(self, chains: Tensor) -> Place:
        """Copies of chains: their numbers for each image, (S, B)."""
        wide = chains[..., None].expand(*chains.shape, self.z.shape[-1])
        return Place(
            self.z.gather(0, wide),
            self.start.gather(0, chains),
            self.ratio.gather(0, chains),
            self.start_slope.gather(0, wide),
            self.ratio_slope.gather(0, wide),
        )


@dataclass(frozen=True)
class Path:
    """The distributions proportional to p0(z)^(1-b) p(x, z)^b between p0 and the posterior.

    Attributes:
        start: p0(z), of batch shape (..., D).
        prior: p(z).
        log_likelihood: z (S, B, D) -> log p(x|z), (S, B).
        images: B.
    """

    start: Distribution
    prior: Distribution
    log_likelihood: Callable[[Tensor], Tensor]
    images: int

    @classmethod
    def between(cls, model: Model, x: Tensor, y: Tensor | None, start: str) -> Path:
        """The path for a block of images."""
        with torch.no_grad():
            prior = cast(HasPrior, model).prior()
            origin = prior if start == "prior" else flat_posterior(cast(Encodes, model).infer(x, y))

        def log_likelihood(z: Tensor) -> Tensor:
            return cast(Decodes, model).decode(z, y).log_prob(x)

        return cls(origin, prior, log_likelihood, len(x))

    def draw(self, chains: int) -> Tensor:
        """Starts of chains, (S, B, D)."""
        return draws(self.start, chains, self.images)

    def look(self, z: Tensor) -> Place:
        """Looks up what the path says at z, (S, B, D)."""
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            start = log_density(self.start, z)
            ratio = self.log_likelihood(z)
            if self.start is not self.prior:
                ratio = ratio + log_density(self.prior, z) - log_density(self.start, z)
            slopes = slope_of(start, z), slope_of(ratio, z)
        ratio = ratio.detach().nan_to_num(nan=LOWEST, neginf=LOWEST)
        return Place(z.detach(), start.detach(), ratio, *slopes)


def draws(distribution: Distribution, count: int, images: int) -> Tensor:
    """Draws for each image, (S, B, D), of a density for each or of one that is the same for all."""
    alone = distribution.sample(torch.Size([count]))
    return alone if alone.dim() > 2 else distribution.sample(torch.Size([count, images]))


def slope_of(value: Tensor, z: Tensor) -> Tensor:
    """The gradient of a density by z; 0 of one that does not depend on it."""
    if not value.requires_grad:
        return torch.zeros_like(z)
    (slope,) = torch.autograd.grad(value.sum(), z, allow_unused=True)
    return torch.zeros_like(z) if slope is None else slope


def hamiltonian_step(
    look: Look, place: Place, beta: Tensor, size: Tensor, leapfrog: int
) -> tuple[Place, Tensor]:
    """One transition that leaves the density at a temperature invariant (Neal 2011, fig. 2), and is reversible.

    Args:
        look: what the path says at z.
        place: where the chains are.
        beta: inverse temperatures, (B,).
        size: of a leapfrog step in each dimension, (B, D): that of a unit mass times the scale of the dimension.
        leapfrog: number of steps.

    Returns:
        Where they are then, and the probability with which each proposal was accepted, (S, B).
    """
    momentum = torch.randn_like(place.z)
    before = place.height(beta) - 0.5 * momentum.square().sum(-1)
    proposal = place
    for _ in range(leapfrog):
        momentum = momentum + 0.5 * size * proposal.slope(beta)
        proposal = look(proposal.z + size * momentum)
        momentum = momentum + 0.5 * size * proposal.slope(beta)
    change = proposal.height(beta) - 0.5 * momentum.square().sum(-1) - before
    chance = change.clamp(max=0).exp().nan_to_num(nan=0.0)  # a trajectory that fled is not accepted
    return place.moved(torch.rand_like(chance) < chance, proposal), chance
