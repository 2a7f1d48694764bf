"""The health of a latent space, measured; `findings` says what it means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from torch.distributions import Distribution, Normal

from vaekit.data import Split
from vaekit.data.picking import chosen
from vaekit.distributions import standard_normal
from vaekit.evaluation.latents.aggregate_posterior import Aggregate, decompose
from vaekit.evaluation.latents.latent_moments import OfMoments, moments_kl, moments_total_correlation
from vaekit.evaluation.likelihood.bounds import MeanNats, distortion_and_rate, negative_elbo
from vaekit.inference import Embedding, encode
from vaekit.metrics import ACTIVE_VARIANCE
from vaekit.models import Model
from vaekit.models.capabilities import Encodes, HasPrior, Reconstructs
from vaekit.runtime.pulse import ProgressCallback
from vaekit.training.learned import explained_variance

MOST = 10_000  # images, since the cost of the aggregate posterior grows with their square


@dataclass(frozen=True)
class Health:
    """Measures of the latent space; None where the model does not define one.

    Attributes:
        images: how many.
        has_prior: whether p(z) is a part of the model.
        explained: share of the pixels' variance that reconstructions explain, at most 1.
        distortion, rate: -E_q[log p(x|z)] and KL(q(z|x) || p(z)): the rate-distortion point.
        kl_by_dimension: the parts of the rate, in nats.
        variance_of_means: over the images, of each dimension of E[z|x].
        aggregate: parts of the rate by Hoffman & Johnson, for one layer of normal posteriors.
        moments_kl: KL from the prior (N(0, I) where there is none) of a normal density with the mean
            and covariance of the latents, in nats.
        of_moments: key -> such figures of one layer of latents, with their errors.
        alike: whether all images are equal, as one alone is: they have no variance to explain.
        train_negative_elbo: on as many training images, to compare with distortion + rate.
    """

    images: int
    has_prior: bool
    explained: float
    distortion: MeanNats | None
    rate: MeanNats | None
    kl_by_dimension: list[float] | None
    variance_of_means: list[float]
    aggregate: Aggregate | None
    moments_kl: float | None
    train_negative_elbo: MeanNats | None
    of_moments: Mapping[str, OfMoments] = field(default_factory=dict)
    alike: bool = False

    @property
    def active_units(self) -> int:
        return sum(value > ACTIVE_VARIANCE for value in self.variance_of_means)

    @property
    def gap(self) -> tuple[float, float] | None:
        """Negative ELBO on these images less that on training images, and its standard error."""
        if self.train_negative_elbo is None or self.distortion is None or self.rate is None:
            return None
        here = MeanNats.of(self.distortion.per_image + self.rate.per_image, 1, self.rate.seed)
        errors = here.standard_error or 0.0, self.train_negative_elbo.standard_error or 0.0
        return here.value - self.train_negative_elbo.value, math.hypot(*errors)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; what is undefined is absent."""
        gap = self.gap
        values = {
            "images": self.images,
            "explained_variance": None if self.alike else self.explained,
            "distortion_nats": self.distortion and self.distortion.as_dict(),
            "rate_nats": self.rate and self.rate.as_dict(),
            "kl_nats_by_dimension": self.kl_by_dimension,
            "active_units": self.active_units,
            "latent_dimensions": len(self.variance_of_means),
            "variance_of_means": self.variance_of_means,
            **(self.aggregate.as_dict() if self.aggregate else {}),
            **{name: found.as_dict() for name, found in self.of_moments.items()},
            "generalisation_gap_nats": gap and {"value": gap[0], "standard_error": gap[1]},
        }
        return {name: value for name, value in values.items() if value is not None}


def measure_health(
    model: Model,
    split: Split,
    train: Split | None = None,
    *,
    seed: int = 0,
    precision: str = "auto",
    tell: ProgressCallback | None = None,
) -> Health:
    """Measures the latent space on some images.

    Args:
        model: one that encodes and reconstructs; all its layers of latents are looked at.
        split: the images; 10,000 of them, drawn at random, if there are more.
        train: training images, to see whether the model fits them better than `split`.
        seed: of samples and choices.
        precision: of the networks: fp32, bf16, or auto.
        tell: called with the progress.

    Raises:
        DataError: no images.
    """
    split = chosen(split, MOST, seed)
    embedding = encode(cast(Encodes, model), split)
    distortion = rate = by_dimension = train_elbo = None
    if isinstance(model, HasPrior):
        options: dict[str, Any] = {"seed": seed, "precision": precision, "tell": tell}
        distortions, rates = distortion_and_rate(model, split, **options)
        distortion, rate = MeanNats.of(distortions, 1, seed), MeanNats.of(rates.sum(-1), 1, seed)
        by_dimension = rates.mean(0).tolist()
        if train is not None and len(train):
            train_elbo = negative_elbo(model, chosen(train, len(split), seed), **options)
    aggregate = None
    if embedding.prior is not None and embedding.normal and len(split) > 1:
        posterior = Normal(embedding.mean, embedding.stddev, validate_args=False)
        aggregate = decompose(posterior, embedding.prior, seed=seed)
    of_moments = _of_moments(model, embedding, seed)
    far = of_moments.get("aggregate_kl_from_moments_nats")
    return Health(
        images=len(split),
        has_prior=isinstance(model, HasPrior),
        explained=explained_variance(cast(Reconstructs, model), split),
        distortion=distortion,
        rate=rate,
        kl_by_dimension=by_dimension,
        variance_of_means=embedding.mean.var(0, correction=0).tolist(),
        aggregate=aggregate,
        moments_kl=far and far.value,
        train_negative_elbo=train_elbo,
        of_moments=of_moments,
        alike=bool((split.images == split.images[:1]).all()),
    )


def _of_moments(model: Model, embedding: Embedding, seed: int) -> dict[str, OfMoments]:
    """As in `latent_moments`; the KL from N(0, I) where the model has no prior, none for other priors than normal."""
    prior: Distribution | None = embedding.prior
    if not isinstance(model, HasPrior):
        prior = standard_normal(embedding.mean.shape[1], like=embedding.mean)
    variance = embedding.stddev.square()
    found = {
        "total_correlation_from_moments_nats": moments_total_correlation(embedding.mean, variance, seed)
        if len(embedding.layers) < 2
        else None,
        "aggregate_kl_from_moments_nats": moments_kl(embedding.mean, variance, prior, seed)
        if isinstance(prior, Normal)
        else None,
    }
    return {name: value for name, value in found.items() if value is not None}
