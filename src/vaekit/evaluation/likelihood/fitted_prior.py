"""The rate and the negative ELBO under a prior that was fitted to the latents, beside those under the model's own.

With z ~ q(z|x) as before and p'(z) in the place of p(z), -E_q[log p(x|z)] + KL(q(z|x) || p'(z)) bounds the -log p'(x) of the
model that samples are drawn from. A KL to a mixture has no closed form; it is KL(q || p), which has one, plus the
mean of log p(z) - log p'(z) over draws of q, whose noise is small where the two priors are alike.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core import Latent, derive_seed
from vaekit.data import Split
from vaekit.distributions import kl_by_dimension
from vaekit.distributions.kl import log_ratio
from vaekit.evaluation.likelihood.bounds import MeanNats, check_latent
from vaekit.inference import asking, shown
from vaekit.metrics import under_fitted
from vaekit.models import Model
from vaekit.models.capabilities import Encodes, HasPrior, check_needs
from vaekit.runtime.pulse import ProgressCallback, report
from vaekit.runtime.random import seed_noise

DRAWS = 64  # of z for each image: no decoder is asked, and the noise is below that of the one draw of the distortion


def bounds_under_fitted(
    model: Model,
    split: Split,
    fitted: Distribution,
    *,
    seed: int = 0,
    precision: str = "auto",
    tell: ProgressCallback | None = None,
) -> dict[str, MeanNats]:
    """`negative_elbo_fitted_prior_nats` and `rate_fitted_prior_nats`; standard errors contain the noise of the draws.

    Args:
        model: one with a posterior and a prior.
        split: the images.
        fitted: p'(z), batch shape (), event shape (D,).
        seed: of the draws: the distortion is that of `negative_elbo` under the same seed.
        precision: of the networks: fp32, bf16, or auto.
        tell: called with the progress.

    Raises:
        SettingError: a model without a posterior.
        DataError: no images.
    """
    bounds: list[Tensor] = []
    rates: list[Tensor] = []
    check_needs(model, (Encodes, HasPrior), "a bound on log p(x)")
    with asking(model, precision):
        for index, (x, y) in enumerate(shown(model, split)):
            seed_noise(x.device, derive_seed(seed, "elbo", index, 0))
            output = model(x, y)
            own = torch.stack([kl_by_dimension(check_latent(one)).sum(-1) for one in output.latents]).sum(0)
            seed_noise(x.device, derive_seed(seed, "elbo, fitted prior", index))
            rates.append((own - mean_log_ratio(output.latents, fitted)).cpu().double())
            bounds.append(rates[-1] - output.likelihood.log_prob(x).cpu().double())
            report(tell, "ELBO under the fitted prior", sum(map(len, bounds)), len(split))
    found = {"negative_elbo_nats": (bounds, 1), "rate_nats": (rates, DRAWS)}
    return {
        under_fitted(key): MeanNats.of(torch.cat(parts), draws, seed) for key, (parts, draws) in found.items()
    }


def mean_log_ratio(latents: tuple[Latent, ...], fitted: Distribution) -> Tensor:
    """The mean of log p'(z) / p(z) over draws of q(z|x), (B,); several layers have the one draw of theirs."""
    if len(latents) != 1:
        return log_ratio(tuple(Latent(one.posterior, one.prior, one.z[None]) for one in latents), fitted)[0]
    latent = latents[0]
    z = cast(Distribution, latent.posterior).sample(torch.Size([DRAWS]))
    return log_ratio((Latent(latent.posterior, latent.prior, z),), fitted).mean(0)
