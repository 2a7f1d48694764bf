"""Scores of how odd a model finds each image, all of them higher for odder images.

No score is right for every kind of outlier (docs/outliers.md has where each fails); the default failed least.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution, Normal

from vaekit.core import SettingError, choose, derive_seed
from vaekit.data import Split
from vaekit.data.picking import chosen
from vaekit.distributions import log_density
from vaekit.distributions.likelihoods import LIKELIHOODS, measured_under
from vaekit.distributions.likelihoods.levels import TOP
from vaekit.evaluation.likelihood.bounds import negative_elbo
from vaekit.evaluation.likelihood.importance import importance_bound
from vaekit.inference import asking, encode, flat_posterior, reconstruct, shown, shown_images, squared_errors
from vaekit.metrics import KINDS, has_bits
from vaekit.models import Model
from vaekit.models.capabilities import Decodes, Encodes, HasPrior, Reconstructs, check_needs
from vaekit.runtime.pulse import ProgressCallback, report
from vaekit.runtime.random import seed_noise

DEFAULT = (
    "likelihood_regret_nats"  # its worst AUROC is the best under the default likelihood: docs/outliers.md
)
DRAWS = 4  # of z for the negative ELBO
STEPS, RATE = 50, 0.1  # of the search for a better posterior; the rate falls to 0
PAIRS = 8  # of draws of z, one on either side of the mean, by which its start and its end are compared
NEIGHBOUR = 10
TRAINING = 10_000  # training images whose embeddings are neighbours, at most
BLOCK = 250


@dataclass(frozen=True)
class Setting:
    """The model, data and options that every score gets.

    Attributes:
        model: the model.
        train: training images, or None where they are gone.
        samples: K of the importance-weighted bound.
        seed, precision, tell: as in `evaluate`.
    """

    model: Model
    train: Split | None
    samples: int
    seed: int
    precision: str
    tell: ProgressCallback | None


def elbo_of_each(split: Split, setting: Setting) -> Tensor:
    """-ELBO with four draws of z, in nats, (N,)."""
    return negative_elbo(
        setting.model, split, samples=DRAWS, seed=setting.seed, precision=setting.precision, tell=setting.tell,
    ).per_image  # fmt: skip


def bound_of_each(split: Split, setting: Setting) -> Tensor:
    """The importance-weighted bound on -log p(x), in nats, (N,)."""
    return importance_bound(
        setting.model, split, setting.samples, seed=setting.seed, precision=setting.precision, tell=setting.tell,
    ).per_image  # fmt: skip


def likelihood_regret(split: Split, setting: Setting) -> Tensor:
    """By how much the ELBO of an image rises when its posterior is fitted to it alone, in nats, (N,), never below 0
    (Xiao et al. 2020).

    The paper trains the whole encoder on one image; here mean and log-variance of q(z|x) are moved by 50 steps
    of Adam from where the encoder put them, and the better of start and end is taken. Both ELBOs take the same 16
    draws, in pairs about the mean.
    """
    found: list[Tensor] = []
    check_needs(setting.model, (Encodes, Decodes, HasPrior), "the likelihood regret")
    with asking(setting.model, setting.precision, gradients=True):
        for index, (x, y) in enumerate(shown(setting.model, split, BLOCK)):
            seed_noise(x.device, derive_seed(setting.seed, "regret", index))
            found.append(_regret(setting.model, x, y).cpu().double())
            report(setting.tell, "likelihood regret", sum(map(len, found)), len(split))
    return torch.cat(found)


def _regret(model: Model, x: Tensor, y: Tensor | None) -> Tensor:
    """Of a block of images, (B,)."""
    prior = cast(HasPrior, model).prior()
    with torch.no_grad():
        posterior = flat_posterior(cast(Encodes, model).infer(x, y))
    mean = posterior.mean.float().detach().clone().requires_grad_()
    log_deviation = posterior.stddev.float().log().detach().clone().requires_grad_()
    start = (mean.detach().clone(), log_deviation.detach().clone())
    optimizer = torch.optim.Adam([mean, log_deviation], lr=RATE)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        loss = _loss(model, x, y, mean, log_deviation, torch.randn_like(mean), prior).sum()
        mean.grad, log_deviation.grad = torch.autograd.grad(loss, [mean, log_deviation])
        optimizer.step()
    before, after = (torch.zeros(len(x), device=x.device) for _ in range(2))
    with torch.no_grad():
        for _ in range(PAIRS):
            noise = torch.randn_like(mean)
            for both in (noise, -noise):
                before += _loss(model, x, y, *start, both, prior) / (2 * PAIRS)
                after += _loss(model, x, y, mean, log_deviation, both, prior) / (2 * PAIRS)
    return torch.where(after < before, before - after, torch.zeros_like(before))


def _loss(
    model: Model, x: Tensor, y: Tensor | None, mean: Tensor, log_deviation: Tensor, noise: Tensor, prior: Distribution
) -> Tensor:  # fmt: skip
    """-log p(x, z) / q(z) at z = mean + deviation * noise, (B,).

    Its gradient is that through z alone: what is left out is 0 on average, and noise where q is right (Roeder et
    al. 2017).
    """
    z = (mean + log_deviation.exp() * noise)[None]
    own = Normal(mean.detach(), log_deviation.detach().exp(), validate_args=False)
    log_p = cast(Decodes, model).decode(z, y).log_prob(x)
    return (log_density(own, z) - log_p - log_density(prior, z))[0]


def complexity_corrected(split: Split, setting: Setting) -> Tensor:
    """-ELBO less the size of the same pixels as a lossless file, both in nats, (N,) (Serra et al. 2020).

    Both are lengths of a code of the same 8-bit pixels, those that the model is shown, so that their difference is
    a log-ratio of two models. The coder is that of PNG: differences along rows, deflated.

    Raises:
        SettingError: -log p(x) is no code length (a density, or no likelihood), or pixels that are not of 8 bits.
    """
    check_code_length(setting.model)
    sizes = [coded_bytes(image) for image in _levels(setting.model, split).numpy()]
    return elbo_of_each(split, setting) - 8 * math.log(2) * torch.tensor(sizes, dtype=torch.float64)


def check_code_length(model: Model) -> None:
    """Raises SettingError where -log p(x) is not the length of a code of 8-bit pixels (`vaekit.metrics.has_bits`)."""
    check_needs(model, (Encodes, Decodes, HasPrior), "the complexity-corrected score")
    under = measured_under(model.likelihood_name)
    if has_bits(under.kind, model.pixels):
        return
    masses = [name for name, part in LIKELIHOODS.items() if part.kind == "mass" and "8-bit" in part.pixels]
    remedy = " or ".join(f"likelihood={name!r}" for name in masses)
    if model.pixels != "8-bit":
        why, remedy = f"the model's pixels are {model.pixels}", f"train on grey levels with {remedy}"
    else:
        meant = KINDS[under.kind].called if under.kind else "of unknown kind"
        why, remedy = f"{under.likelihood} is {meant}", f"train with {remedy}"
    raise SettingError(
        f"the complexity correction takes the size of a file of 8-bit pixels from a code length of these, and {why}; {remedy}."
    )


def coded_bytes(image: np.ndarray) -> int:
    """Size of an image of 8-bit values, (..., W) uint8, as PNG codes it: differences along rows, deflated."""
    steps = np.diff(image, axis=-1, prepend=np.zeros_like(image[..., :1]))
    return len(zlib.compress(np.ascontiguousarray(steps).tobytes(), 9))


def _levels(model: Model, split: Split) -> Tensor:
    """The pixels as the model is shown them, (N, *shape) uint8."""
    scaled = shown_images(model, split) * TOP
    levels = scaled.round()
    if not torch.allclose(levels, scaled, rtol=0, atol=1e-3) or levels.min() < 0 or levels.max() > TOP:
        raise SettingError(
            "the complexity correction needs 8-bit pixels, but there are values between the 256 levels; keep the images "
            "as uint8."
        )
    return levels.to(torch.uint8)


def latent_distance(split: Split, setting: Setting) -> Tensor:
    """Distance of an image's posterior mean to its 10th nearest among training images, (N,), in standard
    deviations of the training embeddings."""
    if setting.train is None or not len(setting.train):
        raise SettingError("the latent distance needs the run's training images.")
    known = _means(chosen(setting.train, TRAINING, setting.seed), setting)
    latents, spread = _means(split, setting), known.std(0).clamp_min(1e-6)
    found = [
        torch.cdist(part / spread, known / spread).kthvalue(min(NEIGHBOUR, len(known)), dim=1).values
        for part in latents.split(1000)
    ]
    return torch.cat(found).double()


def reconstruction_error(split: Split, setting: Setting) -> Tensor:
    """Mean squared error a value of the reconstruction from the posterior mean, (N,)."""
    model = setting.model
    check_needs(model, (Reconstructs,), "the reconstruction error")
    return squared_errors(shown_images(model, split), reconstruct(cast(Reconstructs, model), split), model)


def _means(split: Split, setting: Setting) -> Tensor:
    check_needs(setting.model, (Encodes,), "the latent distance")
    return encode(cast(Encodes, setting.model), split).mean


SCORES: dict[str, Callable[[Split, Setting], Tensor]] = {
    "negative_elbo_nats": elbo_of_each,
    "negative_bound_nats": bound_of_each,
    "likelihood_regret_nats": likelihood_regret,
    "complexity_corrected_nats": complexity_corrected,
    "latent_distance": latent_distance,
    "reconstruction_error": reconstruction_error,
}


def score_images(
    model: Model,
    split: Split,
    train: Split | None = None,
    *,
    scores: Sequence[str] | None = None,
    samples: int = 64,
    seed: int = 0,
    precision: str = "auto",
    tell: ProgressCallback | None = None,
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Scores of every image.

    Args:
        split: the images.
        train: training images, for the latent distance.
        scores: keys of SCORES; None takes all that the model and the images allow.
        samples: K of the importance-weighted bound.
        seed, precision, tell: as in `evaluate`.

    Returns:
        name -> (N,) float64, higher is odder; and name -> why it was left out.

    Raises:
        SettingError: an unknown score, or one asked for that cannot be had.
        DataError: no images, or of another shape than the model's.
    """
    for name in scores or []:
        choose(name, SCORES, "score")
    setting = Setting(model, train, samples, seed, precision, tell)
    found: dict[str, Tensor] = {}
    left_out: dict[str, str] = {}
    for name in scores or SCORES:
        try:
            found[name] = SCORES[name](split, setting)
        except SettingError as error:
            if scores is not None:
                raise
            left_out[name] = str(error)
    return found, left_out


def auroc(usual: Tensor, odd: Tensor) -> float:
    """Probability that an odd image has the higher score, ties counting half (Mann & Whitney 1947): 1 is
    perfect, 0.5 is chance. usual: (N,), odd: (M,)."""
    _, inverse, counts = torch.cat([usual, odd]).unique(return_inverse=True, return_counts=True)
    ranks = counts.cumsum(0).double() - (counts - 1) / 2
    total = float(ranks[inverse[len(usual) :]].sum()) - len(odd) * (len(odd) + 1) / 2
    return total / (len(usual) * len(odd))


def aurocs(usual: Mapping[str, Tensor], odd: Mapping[str, Tensor]) -> dict[str, float]:
    """`auroc` of each score that both have."""
    return {name: auroc(usual[name], odd[name]) for name in usual if name in odd}
