"""Bounds on -log p(x): the negative ELBO, in nats per image, and the record that every bound is.

It bounds -log p(x) from above in expectation. Every figure carries its standard error over the images, the
number of samples, and the seed. Images that are binarised are drawn once (`vaekit.data.view`): the figure is
that of one fixed binary set, the one that `fit` measures too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vaekit.core import Latent, SettingError, derive_seed
from vaekit.data import Split
from vaekit.distributions import kl_by_dimension
from vaekit.inference import asking, shown
from vaekit.models import Model
from vaekit.models.capabilities import Encodes, HasPrior, check_needs
from vaekit.runtime.pulse import ProgressCallback, report
from vaekit.runtime.random import seed_noise


@dataclass(frozen=True)
class MeanNats:
    """A mean over images, in nats per image.

    Attributes:
        value: the mean.
        standard_error: of the mean, over the images; None for a single image.
        images: how many there were.
        samples: of z for each image (chains, for annealed importance sampling).
        seed: of the samples.
        per_image: the values themselves, (N,) float64.
    """

    value: float
    standard_error: float | None
    images: int
    samples: int
    seed: int
    per_image: Tensor = field(repr=False, compare=False)

    @classmethod
    def of(cls, values: Tensor, samples: int, seed: int) -> MeanNats:
        """From values in nats, (N,)."""
        values = values.cpu().double()
        error = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else None
        return cls(float(values.mean()), error, len(values), samples, seed, values)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the values of each image."""
        return {
            "value": self.value,
            "standard_error": self.standard_error,
            "images": self.images,
            "samples": self.samples,
            "seed": self.seed,
        }


def negative_elbo(
    model: Model,
    split: Split,
    *,
    samples: int = 1,
    seed: int = 0,
    precision: str = "auto",
    tell: ProgressCallback | None = None,
) -> MeanNats:
    """-E_q[log p(x|z)] + KL(q(z|x) || p(z)): beta is 1, whatever the training used.

    Args:
        model: one with a posterior.
        split: the images.
        samples: of z for each image; the KL is exact where it has a closed form.
        seed: of the samples.
        precision: of the networks: fp32, bf16, or auto.
        tell: called with the progress.

    Raises:
        SettingError: a model without a posterior, or fewer than 1 sample.
        DataError: no images.
    """
    distortion, rate = distortion_and_rate(
        model, split, samples=samples, seed=seed, precision=precision, tell=tell
    )
    return MeanNats.of(distortion + rate.sum(-1), samples, seed)


def distortion_and_rate(
    model: Model,
    split: Split,
    *,
    samples: int = 1,
    seed: int = 0,
    precision: str = "auto",
    tell: ProgressCallback | None = None,
) -> tuple[Tensor, Tensor]:
    """The two parts of the negative ELBO: -E_q[log p(x|z)], (N,), and the KL by dimension, (N, K), in nats.

    K counts the dimensions of all layers. Arguments and errors as in `negative_elbo`.
    """
    check_count(samples, "samples")
    distortions, rates = [], []
    check_needs(model, (Encodes, HasPrior), "a bound on log p(x)")
    with asking(model, precision):
        for index, (x, y) in enumerate(shown(model, split)):
            distortion, rate = torch.zeros(()), torch.zeros(())
            for sample in range(samples):
                seed_noise(x.device, derive_seed(seed, "elbo", index, sample))
                output = model(x, y)
                layers = [kl_by_dimension(check_latent(latent)) for latent in output.latents]
                distortion = distortion - output.likelihood.log_prob(x).cpu().double() / samples
                rate = rate + torch.cat(layers, dim=-1).cpu().double() / samples
            distortions.append(distortion)
            rates.append(rate)
            report(tell, "ELBO", sum(map(len, distortions)), len(split))
    return torch.cat(distortions), torch.cat(rates)


def check_latent(latent: Latent) -> Latent:
    """Raises SettingError for a latent that is not random."""
    if latent.posterior is None or latent.prior is None:
        raise SettingError(
            "this model has no posterior over z, so no likelihood can be measured; take a vae."
        )
    return latent


def check_count(value: int, name: str, least: int = 1) -> None:
    """Raises SettingError when a number is too small."""
    if value < least:
        raise SettingError(f"{name} must be at least {least}, not {value}.", name)
