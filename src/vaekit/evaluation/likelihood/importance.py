"""The importance-weighted bound on -log p(x)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import prod
from typing import cast

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core import Latent, SettingError, counted, derive_seed
from vaekit.data import Split
from vaekit.distributions import log_density
from vaekit.distributions.kl import log_importance_weights, log_ratio
from vaekit.evaluation.likelihood.bounds import MeanNats, check_count, check_latent
from vaekit.inference import asking, device_of, shown
from vaekit.metrics import under_fitted
from vaekit.models import Model
from vaekit.models.capabilities import Decodes, Encodes, HasPrior, check_needs
from vaekit.networks.lesson import weights_fixed
from vaekit.runtime.pulse import ProgressCallback, report
from vaekit.runtime.random import seed_noise

# Noise is drawn for blocks of this many images and samples, each under a seed of its own, so that it does
# not depend on how many images are decoded at once.
IMAGES, SAMPLES = 25, 100

# Decoder output at once: enough to be worth a call on a processor; more keeps a GPU busy.
DECODED_BYTES = {"cpu": 8 << 20, "cuda": 64 << 20, "mps": 16 << 20}


def importance_bound(
    model: Model,
    split: Split,
    samples: int = 5000,
    *,
    seed: int = 0,
    jackknife: bool = False,
    precision: str = "auto",
    rows: int | None = None,
    tell: ProgressCallback | None = None,
) -> MeanNats:
    """-E log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x), z_k ~ q(z|x) (Burda et al. 2016, eq. 8).

    The encoder sees each image once; memory does not grow with K, but for the jackknife.

    Args:
        model: one with a posterior and a prior; with several layers of latents the encoder sees an image for each
            block of samples.
        split: the images.
        samples: K.
        seed: of the samples.
        jackknife: take off the bias of order 1/K (Nowozin 2018, JVI-1). What remains is of order
            1/K^2 and of either sign: no bound any more. Keeps 100 K bytes of weights.
        precision: of the networks: fp32, bf16, or auto.
        rows: images to decode at once; changes the result by rounding only. None: by their size.
        tell: called with the progress.

    Raises:
        SettingError: a model without a posterior, or K too small.
        DataError: no images.
    """
    combine = _jackknifed if jackknife else _log_mean
    return _combined(model, split, samples, (combine,), seed, precision, rows, tell)[0][0]


def importance_bounds(
    model: Model,
    split: Split,
    samples: int,
    *,
    jackknife: bool = False,
    fitted: Distribution | None = None,
    seed: int,
    precision: str,
    tell: ProgressCallback | None,
) -> dict[str, MeanNats]:
    """`nll_nats`, with its jackknife and both under a fitted prior where these are asked for, from the same draws.

    z ~ q(z|x) whatever the prior, so that a weight under another is p(x|z) p'(z) / q(z|x), and the images are decoded once.

    Args:
        fitted: p'(z), batch shape (), event shape (D,).

    Others and errors as in `importance_bound`.
    """
    ways = {"nll_nats": _log_mean} | ({"nll_jackknife_nats": _jackknifed} if jackknife else {})
    found = _combined(model, split, samples, tuple(ways.values()), seed, precision, None, tell, fitted)
    names = [(name, under_fitted(name)) for name in ways]
    return {
        name: mean
        for keys, means in zip(names, found, strict=True)
        for name, mean in zip(keys, means, strict=False)
    }


def _combined(
    model: Model,
    split: Split,
    samples: int,
    combines: Sequence[Callable[[Iterable[Tensor], int], Tensor]],
    seed: int,
    precision: str,
    rows: int | None,
    tell: ProgressCallback | None,
    fitted: Distribution | None = None,
) -> list[list[MeanNats]]:
    """Results of each of `combines`, under the model's own prior and a fitted one, from the log-weights of every block
    of images."""
    check_count(samples, "samples", 2 if _jackknifed in combines else 1)
    rows = rows or max(1, DECODED_BYTES[device_of(model).type] // (4 * prod(model.shape)))
    values: list[list[Tensor]] = [[] for _ in combines]
    check_needs(model, (Encodes, HasPrior), "a bound on log p(x)")
    with asking(model, precision), weights_fixed(model):
        for index, (x, y) in enumerate(shown(model, split, IMAGES)):
            pieces: Iterable[Tensor] = _log_weights(model, x, y, samples, seed, index, rows, fitted)
            pieces = pieces if len(combines) == 1 else list(pieces)
            for found, combine in zip(values, combines, strict=True):
                found.append(-combine(pieces, samples).view(-1, len(x)))
            report(
                tell,
                f"bound with {counted(samples, 'sample')}",
                sum(part.shape[1] for part in values[0]),
                len(split),
            )
    return [[MeanNats.of(row, samples, seed) for row in torch.cat(found, 1)] for found in values]


def _log_weights(
    model: Model,
    x: Tensor,
    y: Tensor | None,
    samples: int,
    seed: int,
    block: int,
    rows: int,
    fitted: Distribution | None,
) -> Iterator[Tensor]:
    """log p(x|z) p(z) / q(z|x) for all samples of a block of images, in pieces of (S, B); with a fitted prior (S, 2B), those
    under it behind the others."""
    latents = model(x, y).latents
    for index, start in enumerate(range(0, samples, SAMPLES)):
        seed_noise(x.device, derive_seed(seed, "importance", block, index))
        count, most = min(SAMPLES, samples - start), max(1, rows // len(x))
        if len(latents) == 1:
            yield from _one_layer(model, x, y, latents, count, most, fitted)
        else:
            yield from _layers(model, x, y, count, most, fitted)


def _one_layer(
    model: Model,
    x: Tensor,
    y: Tensor | None,
    latents: tuple[Latent, ...],
    samples: int,
    most: int,
    fitted: Distribution | None,
) -> Iterator[Tensor]:
    """Of one layer: the encoder saw the images once, the decoder sees `most` samples of each at a time."""
    posterior, prior = only_layer(latents)
    for z in posterior.rsample(torch.Size([samples])).split(most):
        # All samples of an image side by side, for which its pixels are the same.
        labels = None if y is None else y[:, None].expand(-1, len(z))
        beside = z.transpose(0, 1).flatten(2)
        log_p = cast(Decodes, model).decode(beside, labels).log_prob(x[:, None]).T
        weights = log_p + log_density(prior, z) - log_density(posterior, z)
        yield _both(weights, (Latent(posterior, prior, z),), fitted)


def _layers(
    model: Model, x: Tensor, y: Tensor | None, samples: int, most: int, fitted: Distribution | None
) -> Iterator[Tensor]:
    """Of several layers, of which each is drawn given those above."""
    for start in range(0, samples, most):
        output = model(x, y, min(most, samples - start))
        weights = log_importance_weights(output.latents, output.likelihood.log_prob(x))
        yield _both(weights, output.latents, fitted)


def _both(weights: Tensor, latents: tuple[Latent, ...], fitted: Distribution | None) -> Tensor:
    """Log-weights (S, B), and behind them, (S, 2B), those under a fitted prior."""
    return weights if fitted is None else torch.cat([weights, weights + log_ratio(latents, fitted)], dim=1)


def _log_mean(pieces: Iterable[Tensor], samples: int) -> Tensor:
    """log 1/K sum_k w_k from log-weights in pieces, (S, B) each -> (B,) float64."""
    sums = torch.stack([piece.logsumexp(0) for piece in pieces])
    return sums.cpu().double().logsumexp(0) - math.log(samples)


def _jackknifed(pieces: Iterable[Tensor], samples: int) -> Tensor:
    """K L_K - (K-1) times the mean of L_{K-1} over the K ways to leave one weight out, (B,) float64."""
    weights = torch.cat([piece.cpu() for piece in pieces]).double()
    total = weights.logsumexp(0)
    left_out = total + torch.log1p(-(weights - total).exp())
    top = weights.argmax(0, keepdim=True)  # 1 - its share may have no digits left: sum the others instead
    left_out = left_out.scatter(0, top, weights.scatter(0, top, -math.inf).logsumexp(0, keepdim=True))
    bound, shorter = total - math.log(samples), left_out.mean(0) - math.log(samples - 1)
    return samples * bound - (samples - 1) * shorter


def only_layer(latents: tuple[Latent, ...]) -> tuple[Distribution, Distribution]:
    """Posterior and prior of a model with one layer of latents.

    Raises:
        SettingError: the model has no posterior, or several layers.
    """
    if len(latents) != 1:
        raise SettingError(f"this needs a model with one layer of latents; it has {len(latents)}.")
    latent = check_latent(latents[0])
    assert latent.posterior is not None
    assert latent.prior is not None
    return latent.posterior, latent.prior
