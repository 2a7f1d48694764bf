"""Annealed importance sampling as a check on the importance-weighted bound: on the very same images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from vaekit.core import derive_seed
from vaekit.data import Split
from vaekit.evaluation.likelihood.ais import CHAINS, LEAPFROG, TEMPERATURES, annealed_bound
from vaekit.evaluation.likelihood.arrival import Annealed
from vaekit.evaluation.likelihood.bounds import MeanNats
from vaekit.models import Model
from vaekit.runtime.pulse import ProgressCallback

BEYOND = 3.0  # standard errors of the chains above a bound, which is above -log p(x) too: then they have not arrived


@dataclass(frozen=True)
class AnnealingCheck:
    """Both estimates of the same images, and what the chains say of themselves.

    Attributes:
        annealed: by annealed importance sampling.
        bound: the importance-weighted bound of the same images.
        difference: `annealed` less `bound`, paired.
    """

    annealed: Annealed
    bound: MeanNats
    difference: MeanNats

    @property
    def beaten(self) -> bool:
        """Returns whether the bound is lower by more than the chains' number and noise explain: it is above
        -log p(x) in expectation as well, so that the chains are what is off."""
        error, bias = self.annealed.chain_error, self.annealed.chain_bias
        return error is not None and self.difference.value - max(bias or 0.0, 0.0) > BEYOND * error

    @property
    def arrived(self) -> bool:
        """Returns whether the chains arrived, by themselves and against the bound."""
        return self.annealed.arrived and not self.beaten

    @property
    def verdict(self) -> str:
        """A sentence on whether the chains arrived, and what would help them if not."""
        if self.arrived:
            return "The chains have arrived"
        found = self.annealed
        few = found.acceptance.mean() < found.acceptance_needed
        better = f"leapfrog={2 * found.leapfrog}" if few else f"temperatures={2 * found.temperatures}"
        chains = f" or chains={max(2 * found.samples, CHAINS)}"
        return f"The chains have not arrived, so that the true value is lower: take {better}{chains}"

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, by the keys of METRICS; without an interval where the chains have not arrived."""
        found = self.annealed
        interval = (
            found.interval if self.arrived else None
        )  # nothing is known of the error of chains that have not
        values = {
            "images": found.images,
            "chains": found.samples,
            "temperatures": found.temperatures,
            "leapfrog": found.leapfrog,
            "seed": found.seed,
            "arrived": self.arrived,
            "verdict": self.verdict,
            "paired_bound_nats": self.bound.as_dict(),
            "annealed_minus_bound_nats": self.difference.as_dict(),
            "chain_error_nats": found.chain_error,
            "chain_bias_nats": found.chain_bias,
            "interval_low_nats": interval and interval[0],
            "interval_high_nats": interval and interval[1],
            "acceptance": float(found.acceptance.mean()),
            "lowest_acceptance": float(found.acceptance.min()),
            "effective_chains": float(found.effective_chains.mean()),
            "fewest_effective_chains": float(found.effective_chains.min()),
            "needed_chains": found.needed_chains,
            "astray_images": found.astray,
        }
        return {name: value for name, value in values.items() if value is not None}


def check_by_annealing(
    model: Model,
    split: Split,
    bound: MeanNats,
    images: int,
    chains: int = CHAINS,
    *,
    temperatures: int = TEMPERATURES,
    leapfrog: int = LEAPFROG,
    seed: int = 0,
    tell: ProgressCallback | None = None,
) -> AnnealingCheck:
    """Checks an importance-weighted bound by annealed importance sampling on some of its images.

    Args:
        split: the images that the bound is of, in its order.
        bound: of all of them.
        images: how many to anneal, drawn at random.

    Other arguments and errors as in `annealed_bound`.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "annealed"))
    rows = torch.randperm(len(split), generator=generator)[:images].sort().values
    found = annealed_bound(
        model, split.take(rows), chains, temperatures=temperatures, leapfrog=leapfrog, seed=seed, tell=tell
    )
    same = MeanNats.of(bound.per_image[rows], bound.samples, bound.seed)
    return AnnealingCheck(found, same, MeanNats.of(found.per_image - same.per_image, chains, seed))
