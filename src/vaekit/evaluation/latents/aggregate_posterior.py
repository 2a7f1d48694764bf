"""The aggregate posterior q(z) = E_x q(z|x): what it shares with the images, and how it fits the prior.

    E_x KL(q(z|x) || p(z)) = mutual information + total correlation + sum_d KL(q(z_d) || p(z_d))

(Hoffman & Johnson 2016; Chen et al. 2018, eq. 2). Of N images q(z) is known as a mixture only. At a draw from
q(z|x_n) the mixture of all N is too high on average, by the image's own part in it, and that of the N - 1 others
too low (Jensen): so they bound the mutual information of z and x from below, never above log N, and from above
(Poole et al. 2019), and everything that is made of log q(z) from the two other sides. Halfway between the logarithms
the bias of order 1/N is gone. Where the bounds lie far apart, nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal

from vaekit.core import derive_seed
from vaekit.evaluation.likelihood.bounds import MeanNats
from vaekit.runtime.random import own_randomness, seed_noise

PIECE = {"cpu": 1 << 18, "cuda": 1 << 25, "mps": 1 << 22}  # densities held at once: a cache, or a busy GPU
FEWEST = 100  # images; below, the few that are like no other are too often missing altogether
APART = 0.5  # nats between the bounds: so far, halfway is off by 0.11 on average at most (docs/log.md)


@dataclass(frozen=True)
class Aggregate:
    """Parts of the rate, in nats; None where the images do not identify it.

    A standard error holds half the distance of the bounds beside the error over the images.

    Attributes:
        mutual_information: of z and the image.
        kl: KL(q(z) || p(z)), the rest of the rate: how far prior samples are from latents.
        total_correlation: KL(q(z) || prod_d q(z_d)), the part of `kl` that is dependence; 0 of a single dimension.
        dimensionwise_kl: sum_d KL(q(z_d) || p(z_d)), its other part; None also if p(z) does not factorise.
        lower_bound: of the mutual information, in expectation; at most `ceiling`.
        ceiling: log N.
        unidentified: key -> why there is no number.
    """

    mutual_information: MeanNats | None
    kl: MeanNats | None
    total_correlation: MeanNats | None
    dimensionwise_kl: MeanNats | None
    lower_bound: MeanNats
    ceiling: float
    unidentified: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; what is not identified is null and says why."""
        parts = {
            "mutual_information_nats": self.mutual_information,
            "aggregate_kl_nats": self.kl,
            "aggregate_total_correlation_nats": self.total_correlation,
            "dimensionwise_kl_nats": self.dimensionwise_kl,
        }
        values: dict[str, Any] = {}
        for name, part in parts.items():
            if part is not None:
                values[name] = part.as_dict()
            elif name in self.unidentified:
                values[name] = {"value": None, "not_identified": self.unidentified[name]}
            if name == "mutual_information_nats" and part is None:
                values["mutual_information_lower_bound_nats"] = self.lower_bound.as_dict()
        return {**values, "mutual_information_ceiling_nats": self.ceiling}


@dataclass(frozen=True)
class LogDensities:
    """log q(z) or sum_d log q(z_d) at z, (M,) each.

    Attributes:
        all: of the mixture of all images.
        others: of all but the image that z was drawn for.
    """

    all: Tensor
    others: Tensor

    @property
    def halfway(self) -> Tensor:
        return (self.all + self.others) / 2

    @property
    def apart(self) -> float:
        """Mean distance, in nats."""
        return float((self.all.double() - self.others.double()).mean())


def decompose(posterior: Normal, prior: Distribution, *, seed: int = 0) -> Aggregate:
    """The parts of the rate, from one draw of z for each image; N^2 D densities.

    Args:
        posterior: q(z|x_n), batch shape (N, D), N at least 2.
        prior: p(z), batch shape (D,), or () with event shape (D,).
        seed: of the draws.
    """
    with torch.inference_mode(), own_randomness(posterior.mean.device):
        seed_noise(posterior.mean.device, derive_seed(seed, "aggregate"))
        z = posterior.sample()
        own = posterior.log_prob(z).sum(-1)
        joint, product = aggregate_log_densities(posterior, z)
        log_prior = prior.log_prob(z)
        factorised = log_prior.dim() == 2
        log_prior = log_prior.sum(-1) if factorised else log_prior

    def mean(values: Tensor, apart: float = 0.0) -> MeanNats:
        found = MeanNats.of(values, 1, seed)
        return replace(found, standard_error=math.hypot(found.standard_error or 0.0, apart / 2))

    images, dimensions = z.shape
    lower, upper = MeanNats.of(own - joint.all, 1, seed), float((own - joint.others).double().mean())
    of_all = _why(images, joint.apart, _between(images, lower.value, upper))
    least, most = (float((part - log_prior).double().mean()) for part in (product.others, product.all))
    of_each = _why(images, product.apart, f"{images:,} images leave it {_range(least, most)}")
    single = replace(lower, value=0.0, standard_error=0.0, per_image=torch.zeros_like(lower.per_image))
    total = mean(joint.halfway - product.halfway, joint.apart + product.apart) if dimensions > 1 else single
    why = {
        "mutual_information_nats": of_all,
        "aggregate_kl_nats": of_all,
        "aggregate_total_correlation_nats": (of_all or of_each) if dimensions > 1 else "",
        "dimensionwise_kl_nats": of_each if factorised else "",
    }
    return Aggregate(
        mutual_information=None if of_all else mean(own - joint.halfway, joint.apart),
        kl=None if of_all else mean(joint.halfway - log_prior, joint.apart),
        total_correlation=None if why["aggregate_total_correlation_nats"] else total,
        dimensionwise_kl=mean(product.halfway - log_prior, product.apart)
        if factorised and not of_each
        else None,
        lower_bound=lower,
        ceiling=math.log(images),
        unidentified={name: reason for name, reason in why.items() if reason},
    )


def _why(images: int, apart: float, found: str) -> str:
    """Returns why bounds so far apart say nothing, or nothing where they do."""
    if images < FEWEST:
        return f"{images:,} images are too few: at least {FEWEST} are needed"
    return "" if apart <= APART else found  # no number is not identified either


def _between(images: int, lower: float, upper: float) -> str:
    ceiling = math.log(images)
    if lower > ceiling - APART:
        return f"the mutual information is at its ceiling, log N = {ceiling:.2f} nats for {images:,} images"
    return f"{images:,} images leave the mutual information {_range(lower, upper)}"


def _range(lower: float, upper: float) -> str:
    if math.isfinite(lower) and math.isfinite(upper):
        return f"between {lower:,.2f} and {upper:,.2f} nats"
    return f"above {lower:,.2f} nats" if math.isfinite(lower) else "open"


def aggregate_log_densities(posterior: Normal, z: Tensor) -> tuple[LogDensities, LogDensities]:
    """log q(z) and sum_d log q(z_d) at z (N, D), z_n drawn for the n-th of the posteriors (N, D)."""
    images, dimensions = posterior.mean.shape
    rows = max(1, PIECE[z.device.type] // (images * dimensions))
    joint, product = [], []
    for start in range(0, images, rows):
        piece = z[start : start + rows]
        densities = posterior.log_prob(piece[:, None])  # (M, N, D)
        at = torch.arange(len(piece), device=z.device)
        own = densities[at, start + at].clone()
        densities[at, start + at] = -math.inf
        joint.append((densities.sum(-1).logsumexp(1), own.sum(-1)))
        product.append((densities.logsumexp(1), own))
    return _mixed(joint, images), _mixed(product, images)


def _mixed(pieces: list[tuple[Tensor, Tensor]], images: int) -> LogDensities:
    """From the logarithms of the others' sums and of the own densities, (M,) or (M, D) each."""
    others, own = (torch.cat(parts) for parts in zip(*pieces, strict=True))
    every = torch.logaddexp(others, own) - math.log(images)
    others = others - math.log(images - 1)
    if own.dim() == 2:
        every, others = every.sum(-1), others.sum(-1)
    return LogDensities(every, others)
