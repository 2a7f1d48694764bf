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
from vaekit.evaluation.likelihood.bounds import negative_elbo
from vaekit.evaluation.likelihood.importance import importance_bound
from vaekit.inference import asking, encode, flat_posterior, reconstruct, shown, shown_images, squared_errors
from vaekit.models import Model
from vaekit.models.capabilities import Decodes, Encodes, HasPrior, Reconstructs, check_needs
from vaekit.runtime.pulse import ProgressCallback, report
from vaekit.runtime.random import seed_noise

DEFAULT = "likelihood_regret_nats"  # its worst AUROC is the best: docs/outliers.md
DRAWS = 4  # of z for the negative ELBO
STEPS, RATE = 50, 0.1  # of the search for a better posterior; the rate falls to 0
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
    """By how much the ELBO of an image rises when its posterior is fitted to it alone, in nats, (N,)
    (Xiao et al. 2020).

    The paper trains the whole encoder on one image; here mean and log-variance of q(z|x) are moved by 50 steps
    of Adam from where the encoder put them. Both ELBOs take the same 16 draws.
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
    regret = torch.zeros(len(x), device=x.device)
    with torch.no_grad():
        for _ in range(16):
            noise = torch.randn_like(mean)
            before = _loss(model, x, y, *start, noise, prior)
            regret += (before - _loss(model, x, y, mean, log_deviation, noise, prior)) / 16
    return regret


def _loss(
    model: Model, x: Tensor, y: Tensor | None, mean: Tensor, log_deviation: Tensor, noise: Tensor, prior: Distribution
) -> Tensor:  # fmt: skip
    """-log p(x, z) / q(z) at z = mean + deviation * noise, (B,)."""
    z = (mean + log_deviation.exp() * noise)[None]
    own = Normal(mean, log_deviation.exp(), validate_args=False)
    log_p = cast(Decodes, model).decode(z, y).log_prob(x)
    return (log_density(own, z) - log_p - log_density(prior, z))[0]


def complexity_corrected(split: Split, setting: Setting) -> Tensor:
    """-ELBO less what a general coder needs for the image, in nats, (N,) (Serra et al. 2020).

    The coder is that of PNG: differences along rows, deflated. Where pixels are real numbers there is none.
    """
    if split.images.dtype != torch.uint8:
        raise SettingError("the complexity needs pixels of 8 bits.")
    images = split.images.numpy()
    steps = np.diff(images, axis=-1, prepend=np.zeros_like(images[..., :1]))
    sizes = [len(zlib.compress(np.ascontiguousarray(row).tobytes(), 9)) for row in steps]
    return elbo_of_each(split, setting) - 8 * math.log(2) * torch.tensor(sizes, dtype=torch.float64)


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
