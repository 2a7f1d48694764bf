"""Finds what is wrong with a latent space; each finding names a remedy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vaekit.evaluation.latents.health import Health
from vaekit.metrics import DEAD_NATS, IDLE_NATS
from vaekit.networks.quantizers import used_codes

POOR = 0.5  # share of the pixels' variance explained, below which unused dimensions are missed

FAR = 0.1  # of the rate: a distance from the prior, or a gap to the training images, that matters


@dataclass(frozen=True)
class Finding:
    """Something wrong.

    Attributes:
        text: what, with numbers.
        remedy: what to try; options are those of `vaekit train`.
    """

    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.text}; {self.remedy}."


def findings(health: Health) -> list[Finding]:
    """Returns what is wrong; empty for a healthy model."""
    found = [
        _no_prior(health),
        _collapse(health),
        _overgrown(health),
        _far_from_prior(health),
        _overfit(health),
    ]
    return [finding for finding in found if finding is not None]


def _no_prior(health: Health) -> Finding | None:
    if health.has_prior:
        return None
    spread = [math.sqrt(value) for value in health.variance_of_means]
    distance = "" if health.moments_kl is None else f", {health.moments_kl:.1f} nats or more from N(0, I)"
    return Finding(
        f"the latents follow no prior: their standard deviations run from {min(spread):.2g} to {max(spread):.2g}"
        f"{distance}, so there is nothing to sample from",
        "train a vae instead, or fit a density to the latents",
    )


def _collapse(health: Health) -> Finding | None:
    """Dimensions that carry nothing, while reconstructions are poor."""
    if health.kl_by_dimension is None:
        return None
    total = len(health.kl_by_dimension)
    unused = sum(value < DEAD_NATS for value in health.kl_by_dimension)
    if unused < total and (unused < 0.25 * total or health.explained >= POOR):
        return None
    return Finding(
        f"{unused} of {total} dimensions carry less than {DEAD_NATS} nats: posterior collapse; reconstructions "
        f"explain {max(0.0, health.explained):.0%} of the pixels' variance",
        "try free_bits=0.5, kl_warmup=0.3 or a smaller beta",
    )


def _overgrown(health: Health) -> Finding | None:
    """More dimensions than the images need, while reconstructions are good."""
    if health.kl_by_dimension is None or health.explained < POOR:
        return None
    total = len(health.kl_by_dimension)
    needed = sum(value >= IDLE_NATS for value in health.kl_by_dimension)
    if total - needed <= total / 2 or needed == 0:
        return None
    return Finding(
        f"{total - needed} of {total} dimensions carry less than {IDLE_NATS} nats while reconstructions explain "
        f"{health.explained:.0%} of the pixels' variance: more dimensions than these images need",
        f"latent_dim={math.ceil(1.25 * needed)} should do as well",
    )


def _far_from_prior(health: Health) -> Finding | None:
    """Latents whose mean and covariance are not the prior's, beyond the error of so few images."""
    if not health.has_prior or health.rate is None or health.moments_kl is None:
        return None
    dimensions = len(health.variance_of_means)
    by_chance = dimensions * (dimensions + 3) / (4 * health.images)  # expected for draws of the prior itself
    if health.moments_kl <= by_chance + max(1.0, FAR * health.rate.value):
        return None
    return Finding(
        f"the latents of all images lie {health.moments_kl:.1f} nats or more from the prior, which samples "
        "are drawn from: samples will not look like the images",
        "fit a density to the latents (vaekit prior), or raise beta if it is below 1",
    )


def _overfit(health: Health) -> Finding | None:
    """Training images that the model knows by heart."""
    if health.gap is None or health.rate is None:
        return None
    gap, error = health.gap
    if gap <= 3 * error or gap <= FAR * health.rate.value:
        return None
    return Finding(
        f"the negative ELBO is {gap:.2f} ± {error:.2f} nats higher here than on training images: the network "
        "learns them by heart",
        "try fewer epochs, patience=5, a smaller width, or more images",
    )


@dataclass(frozen=True)
class CodeUsage:
    """The usage of a codebook.

    Attributes:
        codes: its size.
        used: codes that occur at all.
        perplexity: effective number of codes: exp of the entropy of their frequencies.
    """

    codes: int
    used: int
    perplexity: float

    @classmethod
    def of(cls, counts: Tensor) -> CodeUsage:
        """From how often each code occurs, (K,)."""
        return cls(len(counts), *used_codes(counts))

    def as_dict(self) -> dict[str, Any]:
        share = self.used / self.codes
        return {"codes": self.codes, "code_usage": share, "code_perplexity": self.perplexity}

    def findings(self) -> list[Finding]:
        """Returns a finding where most of the codebook is dead."""
        if self.used >= 0.5 * self.codes:
            return []
        text = f"{self.codes - self.used} of {self.codes} codes are never used: codebook collapse"
        return [Finding(text, "start the codes by k-means, restart dead ones (revive=True), or take fewer")]
