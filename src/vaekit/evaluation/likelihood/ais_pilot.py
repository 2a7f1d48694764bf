"""The pilot of annealed importance sampling: finds temperatures and step sizes for each image.

It is a sequential Monte Carlo sampler with adaptive temperatures (Del Moral, Doucet & Jasra 2012, §3.2): the next
temperature is the one at which half of its particles stay effective, and particles are drawn again there, so that they
are of the distribution at that temperature even where steps are still of the wrong size. Measured chains take what
it found as given: nothing depends on the chain that uses it, so that their weights stay unbiased.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vaekit.evaluation.likelihood.ais_path import Path, Place, hamiltonian_step

PARTICLES = 32  # for each image

EFFECTIVE = 0.5  # share of them that stays so from one temperature to the next

TRIES = 2  # transitions at each temperature

ACCEPTANCE = 0.8  # of proposals: about the best for Hamiltonian dynamics (Betancourt et al. 2014)

TRAVEL = 1.6  # of a trajectory, at most, in units of unit curvature: a quarter of the way round (pi / 2) is independent

RATE = 0.7  # change of a step size's logarithm for each unit of acceptance

NEIGHBOURS = 1.5  # knots, as a standard deviation, over which sizes are made smooth

MOST = 500  # temperatures, then the posterior whatever the particles do

HALVINGS, SMALLEST = 24, -40.0  # of the search for a step, and the logarithm of the smallest one


@dataclass(frozen=True)
class Plan:
    """Temperatures and step sizes of B images, at K + 1 knots that are one step of the pilot apart.

    Attributes:
        betas: inverse temperatures, rising from 0 to 1, (K+1, B).
        sizes: of leapfrog steps, (K+1, B, D).
        steps: of the pilot from 0 to 1 for each image, (B,): later knots are at 1 too.
    """

    betas: Tensor
    sizes: Tensor
    steps: Tensor

    def at(self, share: float) -> tuple[Tensor, Tensor]:
        """Inverse temperatures (B,) and step sizes (B, D) after a share of the way, from 0 to 1.

        Between knots a temperature goes by its logarithm, as it has to where each step is to cost the same; from 0
        it goes straight.
        """
        way = share * self.steps
        low = way.floor().long().clamp(max=self.steps.long() - 1)
        part = (way - low).to(self.betas)
        cold, warm = (self.betas.gather(0, row[None])[0] for row in (low, low + 1))
        beta = torch.where(low == 0, part * warm, cold * (warm / cold.clamp_min(1e-38)) ** part)
        rows = torch.arange(len(low), device=low.device)
        size = torch.lerp(self.sizes[low, rows].log(), self.sizes[low + 1, rows].log(), part[:, None]).exp()
        return (torch.ones_like(beta) if share >= 1 else beta), size


def find_plan(path: Path, leapfrog: int, told: Callable[[], None] = lambda: None) -> Plan:
    """Temperatures and step sizes for the images of a path, by a pilot.

    A step size is one number for each image and temperature, by the acceptance of the pilot, over the root of the mean
    square slope in each dimension, which at equilibrium is the mean curvature there; and at most what takes a trajectory
    to where it knows least of its beginning: a longer one comes back.

    Args:
        leapfrog: steps of each trajectory.
        told: called after each of the pilot's temperatures.
    """
    place = path.look(path.draw(PARTICLES))
    beta = place.ratio.new_zeros(path.images)
    highest = math.log(TRAVEL / leapfrog)
    level = (beta - 0.25 * math.log(place.z.shape[-1])).clamp(max=highest)  # D^(-1/4) at unit curvature
    betas, levels, curvatures = [beta], [level], [curvature(place, beta)]
    while bool((beta < 1).any()) and len(betas) <= MOST:
        following = next_temperature(place.ratio, beta) if len(betas) < MOST else torch.ones_like(beta)
        place = drawn_again(place, following - beta)
        beta, curved = following, curvature(place, following)
        for attempt in range(TRIES):
            size = (level[:, None] - 0.5 * curved.log()).exp()
            place, chance = hamiltonian_step(path.look, place, beta, size, leapfrog)
            level = (level + RATE * (chance.mean(0) - ACCEPTANCE)).clamp(max=highest)
            curved = torch.lerp(curved, curvature(place, beta), 1 / (attempt + 2))
        betas, levels, curvatures = [*betas, beta], [*levels, level], [*curvatures, curved]
        told()
    knots = torch.stack(betas)
    steps = (knots < 1).sum(0)
    logs = torch.stack(levels)[..., None] - 0.5 * torch.stack(curvatures).log()
    return Plan(knots, smoothed(logs, steps).exp(), steps)


def curvature(place: Place, beta: Tensor) -> Tensor:
    """Mean square slope in each dimension, (B, D)."""
    return place.slope(beta).square().mean(0).nan_to_num(nan=1.0, posinf=1e30).clamp(1e-12, 1e30)


def next_temperature(ratio: Tensor, beta: Tensor) -> Tensor:
    """The inverse temperature (B,) at which EFFECTIVE of the particles stay effective, by halving its logarithm's range.

    Args:
        ratio: log p(x, z) / p0(z) of the particles, (S, B).
        beta: where they are, (B,).
    """
    ratio, left = ratio - ratio.amax(0), 1 - beta
    low, high = torch.full_like(beta, SMALLEST), left.clamp_min(1e-30).log()
    whole = effective(left * ratio) >= EFFECTIVE * len(ratio)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = effective(middle.exp() * ratio) >= EFFECTIVE * len(ratio)
        low, high = torch.where(enough, middle, low), torch.where(enough, high, middle)
    return torch.where(whole, torch.ones_like(beta), beta + low.exp()).clamp(max=1)


def drawn_again(place: Place, step: Tensor) -> Place:
    """Particles in proportion to what a step of the temperature (B,) makes of them."""
    shares = (step * place.ratio).softmax(0)
    return place.taken(torch.multinomial(shares.T, len(shares), replacement=True).T)


def effective(log_weights: Tensor) -> Tensor:
    """Effective number of chains, (sum w)^2 / sum w^2, from log-weights (S, B): (B,) (Kong et al. 1994)."""
    return (2 * log_weights.logsumexp(0) - (2 * log_weights).logsumexp(0)).exp()


def smoothed(values: Tensor, steps: Tensor) -> Tensor:
    """Values at knots, (K+1, B, D), each from a line through its neighbours: sizes go as powers of the temperature.

    Args:
        steps: of each image, (B,): knots beyond are at the posterior already, and are left out.
    """
    knots = torch.arange(len(values), device=values.device)
    away = (knots[None] - knots[:, None]).to(values)[..., None]  # (to, from, 1)
    weight = (-0.5 * (away / NEIGHBOURS).square()).exp() * (knots[:, None] <= steps)
    even, slant, wide = (torch.einsum("kjb->kb", weight * away**power) for power in range(3))
    spread = (even * wide - slant.square()).clamp_min(1e-12)
    shares = weight * (wide[:, None] - away * slant[:, None]) / spread[:, None]
    shares = torch.where((knots[:, None] <= steps)[:, None], shares, (away == 0).to(shares))
    return torch.einsum("kjb,jbd->kbd", shares, values)
