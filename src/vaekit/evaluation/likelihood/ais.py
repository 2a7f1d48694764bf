"""Annealed importance sampling: -log p(x) without trusting the encoder.

An importance-weighted bound is only as good as q(z|x): where q misses a part of the posterior it stays loose for any K that
can be afforded. AIS (Neal 2001) walks from a distribution that can be sampled to the posterior itself,
so started at the prior it does not depend on the encoder at all (Wu et al. 2017). Whether it arrived is judged in
`arrival`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from vaekit.core import choose, derive_seed
from vaekit.data import Split
from vaekit.evaluation.likelihood.ais_path import Path, hamiltonian_step
from vaekit.evaluation.likelihood.ais_pilot import Plan, find_plan
from vaekit.evaluation.likelihood.arrival import Annealed
from vaekit.evaluation.likelihood.bounds import check_count
from vaekit.inference import asking, shown
from vaekit.models import Model
from vaekit.models.capabilities import Decodes, Encodes, HasPrior, check_needs
from vaekit.runtime.pulse import ProgressCallback, report
from vaekit.runtime.random import seed_noise

IMAGES, VALUES = 50, 2**22  # images whose chains run together, and values that these decode at once, at most

CHAINS, TEMPERATURES, LEAPFROG = 16, 500, 2

JITTER = 0.2  # of step sizes, each way: no trajectory comes back to where it began (Neal 2011, §3.2)

PILOT = 0.2  # share of the work that is left to the pilot when the progress is shown


@dataclass(frozen=True)
class Walk:
    """Outcome of the chains of a block of B images.

    Attributes:
        weights: their log-weights, (S, B) float64 on the CPU.
        acceptance: mean probability with which a step was accepted, (B,).
    """

    weights: Tensor
    acceptance: Tensor


def annealed_bound(
    model: Model,
    split: Split,
    chains: int = CHAINS,
    *,
    temperatures: int = TEMPERATURES,
    leapfrog: int = LEAPFROG,
    start: str = "prior",
    seed: int = 0,
    tell: ProgressCallback | None = None,
) -> Annealed:
    """-log p(x) by annealed importance sampling, in nats per image; from above in expectation.

    A pilot finds temperatures and step sizes for each image (`find_plan`); the measured chains, of other noise,
    take them as they are, so that none depends on the chain that uses it and the weights are unbiased, which those of
    chains that adapt themselves are not.

    Args:
        model: one with a posterior and a prior, differentiable in z: all layers, flat.
        split: the images, at best a random few hundred: this costs temperatures x leapfrog decoder
            passes and gradients for each chain, and the pilot about a fifth more.
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
    check_chains(chains, temperatures, leapfrog, start)
    walks: list[Walk] = []
    check_needs(model, (Encodes, Decodes, HasPrior), "annealed importance sampling")
    with asking(model, gradients=True):
        for index, (x, y) in enumerate(shown(model, split, at_once(model, chains))):
            path = Path.between(model, x, y, start)
            before = sum(walk.weights.shape[1] for walk in walks)
            steps = Steps(tell, "annealed importance sampling", before, len(x), len(split), temperatures)
            seed_noise(x.device, derive_seed(seed, "annealing, pilot", index))
            plan = find_plan(path, leapfrog, steps.pilot)
            seed_noise(x.device, derive_seed(seed, "annealing", index))
            walks.append(anneal(path, plan, chains, temperatures, leapfrog, steps))
    weights = torch.cat([walk.weights for walk in walks], dim=1)
    acceptance = torch.cat([walk.acceptance for walk in walks])
    return Annealed.from_weights(weights, acceptance, seed, temperatures, leapfrog)


def check_chains(chains: int, temperatures: int, leapfrog: int, start: str = "prior") -> None:
    """Raises SettingError for settings of the chains that are out of range."""
    for name, value in {"chains": chains, "temperatures": temperatures, "leapfrog": leapfrog}.items():
        check_count(value, name)
    choose(start, ["prior", "posterior"], "start of annealing")


def at_once(model: Model, chains: int) -> int:
    """Images whose chains run together, by what these decode."""
    return max(1, min(IMAGES, VALUES // (chains * prod(model.shape))))


@dataclass
class Steps:
    """Tells how far a block of images is, step by step of its chains: a block takes minutes.

    Attributes:
        tell: called with the images that are done, or None.
        what: is measured.
        before, images, total: images before this block, in it, and in all.
        work: temperatures of all its walks.
        done, piloted: of them, and of the pilot, whose number is not known beforehand.
    """

    tell: ProgressCallback | None
    what: str
    before: int
    images: int
    total: int
    work: int
    done: int = 0
    piloted: int = 0

    def pilot(self) -> None:
        """One temperature of the pilot is done."""
        self.piloted += 1
        self._report(PILOT * self.piloted / (self.piloted + 20))

    def step(self) -> None:
        """One temperature of the measured chains is done."""
        self.done += 1
        self._report(PILOT + (1 - PILOT) * self.done / self.work)

    def _report(self, share: float) -> None:
        report(self.tell, self.what, self.before + math.floor(self.images * share + 1e-9), self.total)


def anneal(path: Path, plan: Plan, chains: int, temperatures: int, leapfrog: int, steps: Steps) -> Walk:
    """Chains from the start of a path to the posterior: the mean of their weights is p(x) in expectation.

    Args:
        path, plan: for B images.
        chains: S for each image.
        temperatures: of the path.
        leapfrog: steps of each trajectory.
        steps: told of each temperature.
    """
    place, cold = path.look(path.draw(chains)), plan.betas[0]
    weights, chances = [], []
    for index in range(1, temperatures + 1):
        beta, size = plan.at(index / temperatures)
        weights.append(((beta - cold) * place.ratio).cpu())
        if index < temperatures:  # the last weight is there: a step at the posterior would change none
            place, chance = hamiltonian_step(path.look, place, beta, jittered(size, chains), leapfrog)
            chances.append(chance.mean(0).cpu())
        cold = beta
        steps.step()
    return walk_of(weights, chances)


def anneal_back(
    path: Path, plan: Plan, z: Tensor, chains: int, temperatures: int, leapfrog: int, steps: Steps
) -> Walk:
    """Chains from exact draws of the posterior to the start of a path, by the transitions of `anneal` in reverse order:
    the mean of their weights is 1 / p(x) in expectation (Grosse, Ghahramani & Adams 2015, eq. 9).

    Args:
        z: a draw of p(z|x) for each image, (B, D), from which all its chains begin.

    Other arguments as in `anneal`.
    """
    place = path.look(z.expand(chains, *z.shape))
    weights, chances = [], []
    for index in range(temperatures, 0, -1):
        (warm, size), (cold, _) = plan.at(index / temperatures), plan.at((index - 1) / temperatures)
        place, chance = hamiltonian_step(path.look, place, warm, jittered(size, chains), leapfrog)
        weights.append(((cold - warm) * place.ratio).cpu())
        chances.append(chance.mean(0).cpu())
        steps.step()
    return walk_of(weights, chances)


def jittered(size: Tensor, chains: int) -> Tensor:
    """Step sizes (B, D) for each chain, none of which looks at where it is: (S, B, D)."""
    spread = torch.rand(chains, len(size), 1, dtype=size.dtype, device=size.device)
    return size * (1 - JITTER + 2 * JITTER * spread)


def walk_of(weights: list[Tensor], chances: list[Tensor]) -> Walk:
    """Outcome of chains, from their increments (S, B) and the chances of their steps (B,)."""
    summed = torch.stack(weights).double().sum(0)
    acceptance = torch.stack(chances).mean(0) if chances else torch.ones(summed.shape[1])
    return Walk(summed, acceptance)
