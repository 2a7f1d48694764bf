"""Annealed importance sampling with Hamiltonian dynamics: a check on the importance-weighted bound.

Where q(z|x) misses part of the true posterior the importance-weighted bound stays loose for any K that
can be afforded. AIS (Neal 2001) walks from a distribution that can be sampled to the posterior itself,
so started at the prior it does not depend on the encoder at all (Wu et al. 2017).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core import choose, derive_seed
from vaekit.data import Split
from vaekit.distributions import log_density
from vaekit.evaluation.likelihood.bounds import MeanNats, check_count
from vaekit.inference import asking, flat_posterior, shown
from vaekit.models import Model
from vaekit.models.capabilities import Decodes, Encodes, HasPrior, check_needs
from vaekit.runtime.pulse import ProgressCallback, report
from vaekit.runtime.random import seed_noise

IMAGES = 50  # images whose chains run together

ACCEPTANCE = 0.65  # of proposals: the optimum for Hamiltonian dynamics (Neal 2011, section 4.4)

GROWTH = 1.02  # change of a step size after each transition while they are being found (Wu et al. 2017)

FIRST_STEP = 0.1

PILOTS = 4  # chains that find the step sizes

STEEPNESS = 4.0  # of the sigmoid schedule: small steps at both ends (Wu et al. 2017)

Gradient = Callable[[Tensor], tuple[Tensor, Tensor]]

"""z (S, B, ...) -> a log-density (S, B) and its gradient by z."""


def annealed_bound(
    model: Model,
    split: Split,
    chains: int = 16,
    *,
    temperatures: int = 500,
    leapfrog: int = 10,
    start: str = "prior",
    seed: int = 0,
    tell: ProgressCallback | None = None,
) -> MeanNats:
    """-log p(x) by annealed importance sampling, in nats per image; from above in expectation.

    A first run of a few chains finds a step size for each image and temperature; the measured chains,
    of other noise, use those sizes, so that none depends on the chain that takes it and the weights
    are unbiased, which those of chains that adapt themselves are not.

    Args:
        model: one with a posterior and a prior, differentiable in z: all layers, flat.
        split: the images, at best a random few hundred: this costs temperatures x leapfrog decoder
            passes and gradients for each chain.
        chains: for each image.
        temperatures: steps of the path; the estimate is exact in their limit.
        leapfrog: steps of each trajectory.
        start: "prior" (independent of the encoder) or "posterior" (q(z|x): closer, so faster).
        seed: of the chains.
        tell: called with the progress.

    Raises:
        SettingError: a model without a posterior, or a number too small.
        DataError: no images.
    """
    for name, value in {"chains": chains, "temperatures": temperatures, "leapfrog": leapfrog}.items():
        check_count(value, name)
    choose(start, ["prior", "posterior"], "start of annealing")
    betas = sigmoid_schedule(temperatures)
    values: list[Tensor] = []
    check_needs(model, (Encodes, Decodes, HasPrior), "annealed importance sampling")
    with asking(model, gradients=True):
        for index, (x, y) in enumerate(shown(model, split, IMAGES)):
            path, pilots = Path.between(model, x, y, start), min(chains, PILOTS)
            steps = Steps(tell, sum(map(len, values)), len(x), len(split), (pilots + chains) * temperatures)
            seed_noise(x.device, derive_seed(seed, "annealing, pilot", index))
            _, sizes = anneal(path, pilots, betas, leapfrog, told=steps)
            seed_noise(x.device, derive_seed(seed, "annealing", index))
            weights, _ = anneal(path, chains, betas, leapfrog, sizes, told=steps)
            values.append(math.log(chains) - weights.cpu().double().logsumexp(0))
    return MeanNats.of(torch.cat(values), chains, seed)


@dataclass
class Steps:
    """Tells how far a block of images is, step by step of its chains: a block takes minutes.

    Attributes:
        tell: called with the images that are done, or None.
        before, images, total: images before this block, in it, and in all.
        work: steps of all chains.
        done: of them.
    """

    tell: ProgressCallback | None
    before: int
    images: int
    total: int
    work: int
    done: int = 0

    def __call__(self, chains: int) -> None:
        self.done += chains
        images = self.before + self.images * self.done // self.work
        report(self.tell, "annealed importance sampling", images, self.total)


def sigmoid_schedule(temperatures: int) -> list[float]:
    """Inverse temperatures from 0 to 1, temperatures + 1 of them."""
    ends = 1 / (1 + math.exp(STEEPNESS)), 1 / (1 + math.exp(-STEEPNESS))
    points = (STEEPNESS * (2 * step / temperatures - 1) for step in range(temperatures + 1))
    return [(1 / (1 + math.exp(-point)) - ends[0]) / (ends[1] - ends[0]) for point in points]


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
        alone = self.start.sample(torch.Size([chains]))
        if alone.dim() == 2:  # a prior over z that is the same for all images
            return self.start.sample(torch.Size([chains, self.images]))
        return alone

    def log_ratio(self, z: Tensor) -> Tensor:
        """log p(x, z) / p0(z), (S, B)."""
        return self.log_likelihood(z) + log_density(self.prior, z) - log_density(self.start, z)

    def at(self, beta: float) -> Gradient:
        """The log-density at an inverse temperature, with its gradient."""

        def gradient(z: Tensor) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                z = z.detach().requires_grad_()
                value = log_density(self.start, z) + beta * self.log_ratio(z)
                (slope,) = torch.autograd.grad(value.sum(), z)
            return value.detach(), slope

        return gradient


def anneal(
    path: Path,
    chains: int,
    betas: list[float],
    leapfrog: int,
    sizes: list[Tensor] | None = None,
    told: Callable[[int], None] = lambda chains: None,
) -> tuple[Tensor, list[Tensor]]:
    """Chains along a path.

    Args:
        path: for B images.
        chains: S for each image.
        betas: inverse temperatures from 0 to 1.
        leapfrog: steps of each trajectory.
        sizes: step size at each temperature, (B, 1) each; None finds them by acceptance.
        told: is given the number of chains after each of their steps.

    Returns:
        log-weights (S, B), and the step sizes used.
    """
    z = path.draw(chains)
    weights = torch.zeros(z.shape[:2], device=z.device)
    size = torch.full((z.shape[1], 1), FIRST_STEP, device=z.device)
    used = []
    for index in range(1, len(betas)):
        with torch.no_grad():
            weights += (betas[index] - betas[index - 1]) * path.log_ratio(z)
        size = size if sizes is None else sizes[index - 1]
        used.append(size)
        z, accepted = hamiltonian_step(path.at(betas[index]), z, size, leapfrog)
        if sizes is None:
            enough = accepted.float().mean(0) > ACCEPTANCE
            size = size * torch.where(enough, GROWTH, 1 / GROWTH)[:, None]
        told(chains)
    return weights, used


def hamiltonian_step(gradient: Gradient, z: Tensor, size: Tensor, leapfrog: int) -> tuple[Tensor, Tensor]:
    """One transition that leaves the density invariant (Neal 2011, fig. 2).

    Args:
        gradient: log-density and its gradient.
        z: (S, B, D).
        size: of a leapfrog step, broadcastable to z.
        leapfrog: number of steps.

    Returns:
        The new z, and which proposals were accepted, (S, B).
    """
    momentum = torch.randn_like(z)
    before, slope = gradient(z)
    before = before - 0.5 * momentum.square().flatten(2).sum(-1)
    proposal, value = z, before
    for _ in range(leapfrog):
        momentum = momentum + 0.5 * size * slope
        proposal = proposal + size * momentum
        value, slope = gradient(proposal)
        momentum = momentum + 0.5 * size * slope
    after = value - 0.5 * momentum.square().flatten(2).sum(-1)
    accepted = torch.rand_like(before).log() < after - before  # NaN, of a trajectory that fled, is no
    return torch.where(accepted[..., None], proposal, z), accepted
