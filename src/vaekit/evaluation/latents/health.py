"""The health of a latent space, measured; `findings` says what it means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal

from vaekit.core import Latent, derive_seed
from vaekit.data import Split
from vaekit.distributions import standard_normal
from vaekit.evaluation.latents.aggregate_posterior import Aggregate, decompose, moments_kl
from vaekit.evaluation.likelihood.bounds import (
    MeanNats,
    Tell,
    distortion_and_rate,
    image_blocks,
    measuring,
    negative_elbo,
)
from vaekit.metrics import ACTIVE_VARIANCE
from vaekit.models import LatentModel
from vaekit.training.validate import BATCH

MOST = 10_000  # images, since the cost of the aggregate posterior grows with their square


@dataclass(frozen=True)
class Health:
    """What is measured; None where the model does not define it.

    Attributes:
        images: how many.
        has_prior: whether p(z) is a part of the model.
        explained: share of the pixels' variance that reconstructions explain, at most 1.
        distortion, rate: -E_q[log p(x|z)] and KL(q(z|x) || p(z)): the rate-distortion point.
        kl_by_dimension: the parts of the rate, in nats.
        variance_of_means: over the images, of each dimension of E[z|x].
        aggregate: parts of the rate by Hoffman & Johnson, for one layer of normal posteriors.
        moments_kl: KL from the prior (N(0, I) where there is none) of a normal density with the mean
            and covariance of the codes, in nats.
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
            "explained_variance": self.explained,
            "distortion_nats": self.distortion and self.distortion.as_dict(),
            "rate_nats": self.rate and self.rate.as_dict(),
            "kl_nats_by_dimension": self.kl_by_dimension,
            "active_units": self.active_units,
            "latent_dimensions": len(self.variance_of_means),
            "variance_of_means": self.variance_of_means,
            **(self.aggregate.as_dict() if self.aggregate else {}),
            "aggregate_kl_from_moments_nats": self.moments_kl,
            "generalisation_gap_nats": gap and {"value": gap[0], "standard_error": gap[1]},
        }
        return {name: value for name, value in values.items() if value is not None}


def measure_health(
    model: LatentModel,
    split: Split,
    train: Split | None = None,
    *,
    seed: int = 0,
    dynamic: bool = False,
    precision: str = "auto",
    tell: Tell | None = None,
) -> Health:
    """Measures the latent space on some images.

    Args:
        model: one with an encoder and a decoder.
        split: the images; 10,000 of them, drawn at random, if there are more.
        train: training images, to see whether the model fits them better than `split`.
        seed: of samples, choices and binarisation.
        dynamic: binarise the images first (`data.dynamic`).
        precision: of the networks: fp32, bf16, or auto.
        tell: told of the progress.

    Raises:
        DataError: no images.
    """
    split = chosen(split, MOST, seed)
    codes = encode_all(model, split, seed, dynamic, precision)
    distortion = rate = by_dimension = train_elbo = None
    if codes.prior is not None:
        options: dict[str, Any] = {"seed": seed, "dynamic": dynamic, "precision": precision, "tell": tell}
        distortions, rates = distortion_and_rate(model, split, **options)
        distortion, rate = MeanNats.of(distortions, 1, seed), MeanNats.of(rates.sum(-1), 1, seed)
        by_dimension = rates.mean(0).tolist()
        if train is not None and len(train):
            train_elbo = negative_elbo(model, chosen(train, len(split), seed), **options)
    aggregate = None
    if codes.prior is not None and codes.posterior is not None and len(split) > 1:
        aggregate = decompose(codes.posterior, codes.prior, seed=seed)
    return Health(
        images=len(split),
        has_prior=codes.prior is not None,
        explained=codes.explained,
        distortion=distortion,
        rate=rate,
        kl_by_dimension=by_dimension,
        variance_of_means=codes.mean.var(0, correction=0).tolist(),
        aggregate=aggregate,
        moments_kl=codes.moments_kl(),
        train_negative_elbo=train_elbo,
    )


@dataclass(frozen=True)
class Codes:
    """The codes of all images.

    Attributes:
        mean, variance: of q(z|x_n), (N, D) each.
        posterior: q(z|x_n), (N, D), where it is normal and the only layer.
        prior: p(z), None where the model has none.
        explained: share of the pixels' variance that reconstructions explain.
    """

    mean: Tensor
    variance: Tensor
    posterior: Normal | None
    prior: Distribution | None
    explained: float

    def moments_kl(self) -> float | None:
        """As in `aggregate`; from N(0, I) where the model has no prior, None for other priors than normal."""
        prior = standard_normal(self.mean.shape[1], like=self.mean) if self.prior is None else self.prior
        if not isinstance(prior, Normal) or prior.mean.dim() != 1 or len(prior.mean) != self.mean.shape[1]:
            return None
        return moments_kl(self.mean, self.variance, Normal(prior.mean.cpu(), prior.stddev.cpu()))


def encode_all(model: LatentModel, split: Split, seed: int, dynamic: bool, precision: str) -> Codes:
    """Encodes the images and reconstructs them from the posterior means."""
    means, variances = [], []
    error, total, squares = 0.0, torch.zeros(()), torch.zeros(())
    latents: list[Latent] = []
    with measuring(model, precision), torch.inference_mode():
        for x, y in image_blocks(model, split, dynamic, seed, BATCH):
            latents = latents or list(model(x[:1], None if y is None else y[:1]).latents)
            posterior = model.encode(x, y)
            means.append(posterior.mean.flatten(1))
            variances.append(posterior.variance.flatten(1))
            error += float((x - model.reconstruct(x, y)).cpu().double().square().sum())
            pixels = x.cpu().double()
            total, squares = total + pixels.sum(0), squares + pixels.square().sum(0)
        mean, variance = torch.cat(means), torch.cat(variances)
        spread = float((squares - total.square() / len(mean)).sum())
    only = latents[0] if len(latents) == 1 else None
    normal = only is not None and isinstance(only.posterior, Normal)
    shared = only is not None and only.prior is not None and len(only.prior.batch_shape) <= 1
    return Codes(
        mean=mean,
        variance=variance,
        posterior=Normal(mean, variance.sqrt(), validate_args=False) if normal and shared else None,
        prior=latents[0].prior,
        explained=1 - error / spread if spread > 0 else 1.0,
    )


def chosen(split: Split, most: int, seed: int) -> Split:
    """The split itself, or so many of its images at random under a seed."""
    if len(split) <= most:
        return split
    generator = torch.Generator().manual_seed(derive_seed(seed, "chosen"))
    return split.take(torch.randperm(len(split), generator=generator)[:most].sort().values)
