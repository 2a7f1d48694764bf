"""Asking a model about examples: encode, reconstruct, decode, sample; the one way for all who ask.

Examples are shown to the model as its data say (`vaekit.data.view.show`), in batches, in eval mode, without
gradients, in fp32; results are ordinary float32 tensors on the CPU, or float64 for real values that came so.
Commands, evaluation, figures, comparison and explorer ask here, so that one run and one image give the same bits
everywhere (a contract test).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal

from vaekit.core import Brief, DataError, Latent, SettingError
from vaekit.data import Batches, Split, to_unit
from vaekit.data.labels import round_robin
from vaekit.distributions import kl_by_dimension
from vaekit.metrics import DEAD_NATS
from vaekit.models.base import Model, evaluating
from vaekit.models.capabilities import Decodes, Encodes, Quantizes, Reconstructs, TakesPrior
from vaekit.models.which_prior import is_standard
from vaekit.runtime.device import arithmetic, choose_precision
from vaekit.runtime.pulse import ProgressCallback, report
from vaekit.runtime.random import own_randomness, seed_noise

MOST = 1000  # examples at a time
VALUES = 2**22  # values of examples at a time: fewer examples of a larger shape


def at_once(shape: tuple[int, ...]) -> int:
    """Examples of a shape that are worked on at a time."""
    return max(1, min(MOST, VALUES // max(1, prod(shape))))


@dataclass(frozen=True, repr=False)
class Embedding(Brief):
    """The posterior of N examples: all layers of latents, flattened, one after another from the top.

    Attributes:
        mean, stddev: of q(z|x), (N, D) float32; stddev is 0 where latents are not random (AE).
        kl: nats that each dimension carries on average, (D,); None without a prior.
        layers: shapes of the layers, (D,) or (C, h, w) each.
        normal: whether q(z|x) is a normal distribution in every layer.
        prior: p(z) where it is the same for all examples and there is one layer; else None.
        labels: (N,) class numbers, or None.
    """

    mean: Tensor
    stddev: Tensor
    kl: Tensor | None = None
    layers: tuple[tuple[int, ...], ...] = ()
    normal: bool = False
    prior: Distribution | None = None
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def random(self) -> bool:
        """Returns whether there is a posterior with a spread, and so a KL."""
        return bool((self.stddev > 0).all())

    @property
    def standard(self) -> bool:
        """Returns whether the prior is N(0, I), as maps and manifolds take it."""
        return is_standard(self.prior)

    @property
    def centre(self) -> Tensor:
        """Returns where each dimension lies, (D,): the mean of a standard prior, else that of the means over
        the examples."""
        return torch.zeros(self.mean.shape[1]) if self.standard else self.mean.mean(0)

    @property
    def unit(self) -> Tensor:
        """Returns how far each dimension spreads, (D,): 1 under a standard prior, else the standard deviation
        of the means over the examples."""
        spread = self.mean.std(0, unbiased=False)
        return torch.ones_like(spread) if self.standard else spread.clamp_min(1e-6)

    def relevance(self) -> Tensor:
        """Returns what each dimension carries, (D,): its KL in nats per image, or without one the variance of
        its means over the images."""
        return self.mean.var(0, unbiased=False) if self.kl is None else self.kl

    def live(self) -> Tensor:
        """Dimensions by falling relevance, dead ones left out, (<= D,)."""
        relevance = self.relevance()
        order = torch.argsort(relevance, descending=True, stable=True)
        least = 1e-6 * relevance.max() if self.kl is None else DEAD_NATS
        return order[relevance[order] >= least]

    def take(self, indices: Tensor) -> Embedding:
        """Of some of the examples; `kl` stays that of all."""
        labels = None if self.labels is None else self.labels[indices]
        return replace(self, mean=self.mean[indices], stddev=self.stddev[indices], labels=labels)


@contextmanager
def asking(model: object, precision: str = "fp32", gradients: bool = False) -> Iterator[torch.device]:
    """Eval mode, the networks' arithmetic, global random numbers put back afterwards; gives the model's device.

    Args:
        precision: fp32, bf16, or auto: what is fast here.
        gradients: of what is computed within.
    """
    assert isinstance(model, Model)
    device = device_of(model)
    with (
        own_randomness(device),
        evaluating(model),
        torch.inference_mode(not gradients),
        arithmetic(choose_precision(precision, device), device),
    ):
        yield device


def device_of(model: object) -> torch.device:
    """Returns where the model is."""
    assert isinstance(model, Model)
    return next(model.parameters()).device


def shown(model: object, split: Split, size: int | None = None) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Examples in their order as the model takes them, with their labels, on its device.

    Args:
        split: examples as stored.
        size: how many at a time; None goes by their shape.

    Raises:
        DataError: there are none, or they do not have the model's shape.
    """
    assert isinstance(model, Model)
    if not len(split):
        raise DataError("there are no images to look at; the split is empty.")
    model.check_images(split.images[:1])
    dynamic = model.pixels == "binary"
    yield from Batches(split, size or at_once(model.shape), device_of(model), dynamic, shuffle=False).epoch(0)


def shown_images(model: object, split: Split) -> Tensor:
    """All examples as the model takes them, (N, *shape) on the CPU: what errors are measured against."""
    return torch.cat([to_unit(x).cpu() for x, _ in shown(model, split)])


def encode(model: Encodes, split: Split) -> Embedding:
    """Posteriors of examples, at the means of the layers above.

    Raises:
        DataError: no examples, of another shape, or without the labels that the model is conditioned on.
    """
    parts: list[tuple[Tensor, Tensor]] = []
    nats: list[Tensor] = []
    latents: tuple[Latent, ...] = ()
    with asking(model):
        for x, y in shown(model, split):
            latents = model.infer(x, y)
            parts.append(flat_moments(latents))
            if all(latent.prior is not None for latent in latents):
                nats.append(torch.cat([_kl(latent) for latent in latents], dim=1).double().sum(0).cpu())
    means, stddevs = (torch.cat(part).float().cpu().clone() for part in zip(*parts, strict=True))
    kl = (torch.stack(nats).sum(0) / len(split)).float() if nats else None
    layers = tuple(tuple(latent.z.shape[1:]) for latent in latents)
    normal = all(isinstance(latent.posterior, Normal) for latent in latents)
    return Embedding(means, stddevs, kl, layers, normal, _shared_prior(latents), split.labels)


def encode_codes(model: Quantizes, split: Split) -> Tensor:
    """Grids of codes of examples, (N, h, w) int64."""
    with asking(model):
        return torch.cat([model.encode_codes(x).cpu() for x, _ in shown(model, split)]).clone()


def latents_for_prior(
    model: TakesPrior, split: Split, seed: int, tell: ProgressCallback | None = None, what: str = "latents"
) -> Tensor:
    """Returns what a prior is fitted to, (N, ...) float32: draws of q(z|x) under a seed, or grids of codes.

    Args:
        tell: told how many examples are done.
        what: their name there.
    """
    parts: list[Tensor] = []
    with asking(model) as device:
        seed_noise(device, seed)
        if not len(split):
            return model.latents_for_prior(split.images.float()).cpu().clone()
        for x, y in shown(model, split):
            parts.append(model.latents_for_prior(x, y).cpu())
            report(tell, what, sum(map(len, parts)), len(split))
    return torch.cat(parts).clone()


def reconstruct(model: Reconstructs, split: Split, redraw_as: int | None = None) -> Tensor:
    """Reconstructions of examples through the posterior mean, (N, *shape).

    Args:
        redraw_as: class to decode under instead: the same style as another class.
    """
    parts = []
    with asking(model):
        for x, y in shown(model, split):
            other = None if redraw_as is None else torch.full((len(x),), redraw_as, device=x.device)
            parts.append(to_unit(model.reconstruct(x, y, redraw_as=other)).cpu())
    return torch.cat(parts).clone()


def squared_errors(images: Tensor, rebuilt: Tensor, model: object = None) -> Tensor:
    """Mean squared error per value of each example, (N,) float64, of images as they were shown.

    Args:
        model: measures real values in units of its training data's spread (`Model.standard`), so that errors do not
            depend on their own.
    """
    if isinstance(model, Model):
        images, rebuilt = model.standard(images), model.standard(rebuilt)
    return (rebuilt - images).square().flatten(1).double().mean(1)


def decode(model: Decodes, z: Tensor, labels: Tensor | None = None) -> Tensor:
    """Means of p(x|z) for latents (N, D), under labels (N,) if the model is conditioned on any: (N, *shape)."""
    assert isinstance(model, Model)
    size = at_once(model.shape)
    parts = []
    with asking(model) as device:
        for start in range(0, len(z), size):
            y = None if labels is None else labels[start : start + size].to(device)
            parts.append(to_unit(model.picture(model.decode(z[start : start + size].to(device), y))).cpu())
    return torch.cat(parts).clone()


def decode_codes(model: Quantizes, indices: Tensor) -> Tensor:
    """Images of grids of codes (N, h, w), (N, C, H, W)."""
    assert isinstance(model, Model)
    with asking(model) as device:
        parts = [
            to_unit(model.decode_codes(part.to(device))).cpu() for part in indices.split(at_once(model.shape))
        ]
    return torch.cat(parts).clone()


def sample(
    model: Model,
    count: int,
    labels: Tensor | None = None,
    *,
    seed: int = 0,
    temperature: float = 1.0,
    tell: ProgressCallback | None = None,
) -> Tensor:
    """`count` new images under a seed of their own, (count, *shape).

    Args:
        labels: (count,) classes to sample under, for a model that takes some; None cycles through the classes.
        temperature: standard deviation of z relative to the prior's.
        tell: called with the progress.

    Raises:
        SettingError: the model cannot sample.
    """
    generator = torch.Generator().manual_seed(seed)
    size = at_once(model.shape)
    parts = []
    with asking(model) as device:
        if labels is None and model.sampled_classes:
            labels = round_robin(count, model.sampled_classes)
        for start in range(0, count, size):
            y = None if labels is None else labels[start : start + size].to(device)
            here = min(size, count - start)
            drawn = model.sample(here, y, temperature=temperature, generator=generator)
            parts.append(to_unit(drawn).cpu())
            report(tell, "samples", start + here, count)
    return torch.cat(parts).clone()


def spread(count: int, most: int) -> Tensor:
    """At most `most` indices spread evenly over range(count), in order."""
    return torch.arange(count) if count <= most else torch.arange(most) * count // most


def mean_of(latent: Latent) -> Tensor:
    """E[z|x] of a layer, (B, ...); the value itself where it is not random."""
    return latent.z if latent.posterior is None else latent.posterior.mean


def spread_of(latent: Latent) -> Tensor:
    """Standard deviation of a layer, (B, ...); 0 where it is not random."""
    return torch.zeros_like(latent.z) if latent.posterior is None else latent.posterior.stddev


def flat_posterior(latents: tuple[Latent, ...]) -> Normal:
    """A normal over all layers as one vector, (B, D), with the means and spreads of `infer`: q(z|x) itself where there
    is one normal layer, and an approximation of it for several, whose spreads below are those at the means above.

    Raises:
        SettingError: latents that are not normal.
    """
    for latent in latents:
        if not isinstance(latent.posterior, Normal):
            raise SettingError("this needs a model whose latents are all normal; train a vae.")
    mean, spread = flat_moments(latents)
    return Normal(mean, spread, validate_args=False)


def flat_moments(latents: tuple[Latent, ...]) -> tuple[Tensor, Tensor]:
    """Means and standard deviations of all layers, flattened, (B, D) each."""
    means = torch.cat([mean_of(latent).flatten(1) for latent in latents], dim=1)
    return means, torch.cat([spread_of(latent).flatten(1) for latent in latents], dim=1)


def _kl(latent: Latent) -> Tensor:
    """KL of a layer by dimension, (B, D); of a distribution over the whole layer, shared among its dimensions."""
    nats, size = kl_by_dimension(latent), latent.z[0].numel()
    return nats if nats.shape[1] == size else nats.sum(1, keepdim=True).expand(-1, size) / size


def _shared_prior(latents: tuple[Latent, ...]) -> Distribution | None:
    """The prior of the one layer where it is the same for all examples, on the CPU if it is normal."""
    if len(latents) != 1 or latents[0].prior is None or len(latents[0].prior.batch_shape) > 1:
        return None
    prior = latents[0].prior
    if isinstance(prior, Normal):
        return Normal(
            prior.mean.float().cpu().clone(), prior.stddev.float().cpu().clone(), validate_args=False
        )
    return prior
