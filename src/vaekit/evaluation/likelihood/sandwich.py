"""Sandwiches log p(x) between annealed chains from both sides, on images that the model draws itself.

Of such an image a draw of its exact posterior is known: the z that it came from. Chains from there back to the prior
bound log p(x) from above, as those from the prior bound it from below, so that the gap says how far off annealing is at most
(bidirectional Monte Carlo: Grosse, Ghahramani & Adams 2015). On other images nobody has such a draw: what is
known there is that the same chains, of the same lengths, were so far off on the model's own images.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from vaekit.core import SettingError, derive_seed
from vaekit.data import Split
from vaekit.data.picking import chosen
from vaekit.distributions.likelihoods import measured_under
from vaekit.evaluation.likelihood.ais import (
    CHAINS,
    LEAPFROG,
    TEMPERATURES,
    Steps,
    anneal,
    anneal_back,
    at_once,
    check_chains,
)
from vaekit.evaluation.likelihood.ais_path import Path, draws
from vaekit.evaluation.likelihood.ais_pilot import find_plan
from vaekit.evaluation.likelihood.bounds import MeanNats, check_count
from vaekit.inference import asking, device_of
from vaekit.metrics import KINDS
from vaekit.models import Model
from vaekit.models.capabilities import Decodes, Encodes, HasPrior, check_needs
from vaekit.runtime.pulse import ProgressCallback
from vaekit.runtime.random import seed_noise

ENDS = 2.0  # standard errors of the gap that the interval is wider than it


@dataclass(frozen=True)
class Sandwich:
    """-log p(x) of images that the model drew, from both sides, in nats per image.

    Attributes:
        above: by chains from the prior: above -log p(x) in expectation.
        below: by chains from the exact draws of the posterior: below it.
        gap: `above` less `below`, of the same images; its standard error is of the chains' noise too.
        temperatures, leapfrog: of the paths, and of each trajectory.
    """

    above: MeanNats
    below: MeanNats
    gap: MeanNats
    temperatures: int
    leapfrog: int

    @classmethod
    def between(
        cls, above: Tensor, below: Tensor, chains: int, seed: int, temperatures: int, leapfrog: int
    ) -> Sandwich:
        """From both sides of each image, (N,)."""
        means = [MeanNats.of(values, chains, seed) for values in (above, below, above - below)]
        return cls(means[0], means[1], means[2], temperatures, leapfrog)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the mean of -log p(x) over these very images, 95 %: the two sides, and two standard errors of the gap
        beyond each; None of one image."""
        if self.gap.standard_error is None:
            return None
        wide = ENDS * self.gap.standard_error
        return min(self.below.value, self.above.value) - wide, max(self.below.value, self.above.value) + wide

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, by the keys of METRICS."""
        interval = self.interval
        values = {
            "images": self.gap.images,
            "chains": self.gap.samples,
            "temperatures": self.temperatures,
            "leapfrog": self.leapfrog,
            "seed": self.gap.seed,
            "sandwich_above_nats": self.above.as_dict(),
            "sandwich_below_nats": self.below.as_dict(),
            "sandwich_gap_nats": self.gap.as_dict(),
            "interval_low_nats": interval and interval[0],
            "interval_high_nats": interval and interval[1],
        }
        return {name: value for name, value in values.items() if value is not None}


def sandwich_bounds(
    model: Model,
    images: int,
    chains: int = CHAINS,
    *,
    temperatures: int = TEMPERATURES,
    leapfrog: int = LEAPFROG,
    labels: Split | None = None,
    seed: int = 0,
    tell: ProgressCallback | None = None,
) -> Sandwich:
    """-log p(x) of images that the model draws, from above and from below (Grosse, Ghahramani & Adams 2015).

    The chains start at the prior, and at the z that each image was drawn from; arguments and cost as in
    `annealed_bound`, twice.

    Args:
        model: one with a posterior and a prior, whose likelihood can be drawn from: all layers, flat.
        images: how many to draw.
        chains: for each image and side.
        temperatures: steps of the path.
        leapfrog: steps of each trajectory.
        labels: images whose classes are taken, drawn at random, for a model that is conditioned on them.
        seed: of the images and the chains.
        tell: called with the progress.

    Raises:
        SettingError: a likelihood that is none (`bce`), a model without labels that it needs, or a number too small.
    """
    check_count(images, "images")
    check_chains(chains, temperatures, leapfrog)
    check_draws(model, images)
    above, below = [], []
    with asking(model, gradients=True):
        for index, (x, y, z) in enumerate(drawn(model, images, at_once(model, chains), labels, seed)):
            path = Path.between(model, x, y, "prior")
            before = sum(map(len, above))
            steps = Steps(tell, "sandwich of annealed chains", before, len(x), images, 2 * temperatures)
            seed_noise(x.device, derive_seed(seed, "sandwich, pilot", index))
            plan = find_plan(path, leapfrog, steps.pilot)
            seed_noise(x.device, derive_seed(seed, "sandwich", index))
            there = anneal(path, plan, chains, temperatures, leapfrog, steps)
            back = anneal_back(path, plan, z, chains, temperatures, leapfrog, steps)
            above.append(math.log(chains) - there.weights.logsumexp(0))
            below.append(back.weights.logsumexp(0) - math.log(chains))
    sides = torch.cat(above), torch.cat(below)
    return Sandwich.between(*sides, chains, seed, temperatures, leapfrog)


def check_draws(model: Model, images: int) -> None:
    """Raises SettingError where images are to be drawn and x ~ p(x|z) is not defined."""
    if not images:
        return
    check_needs(model, (Encodes, Decodes, HasPrior), "the sandwich of annealed chains")
    under = measured_under(model.likelihood_name)
    if under.kind and not KINDS[under.kind].bounds:
        raise SettingError(
            f"sandwich= draws images from p(x|z), and {under.likelihood} is no likelihood of any; train with "
            "binarize='dynamic', or another likelihood."
        )


def drawn(
    model: Model, images: int, most: int, labels: Split | None, seed: int
) -> Iterator[tuple[Tensor, Tensor | None, Tensor]]:
    """Images as the model takes them, their labels, and the z that each came from, in blocks; under their own seeds.

    Args:
        images: how many.
        most: of a block.
        labels: as in `sandwich_bounds`.

    Raises:
        SettingError: labels that the model needs are not there, or a likelihood that cannot be drawn from.
    """
    device, classes = device_of(model), labels_for(model, images, labels, seed)
    for index, start in enumerate(range(0, images, most)):
        here = min(most, images - start)
        y = None if classes is None else classes[start : start + here].to(device)
        seed_noise(device, derive_seed(seed, "sandwich, images", index))
        with torch.no_grad():
            z = draws(cast(HasPrior, model).prior(), 1, here)[0]
            try:
                x = cast(Decodes, model).decode(z, y).sample()
            except NotImplementedError as error:
                raise SettingError(
                    f"sandwich= draws images from p(x|z), which {type(model).__name__} gives no way to; it needs a "
                    "distribution with sample()."
                ) from error
        yield x, y, z


def labels_for(model: Model, images: int, labels: Split | None, seed: int) -> Tensor | None:
    """The classes of that number of images, in random order and from the start again where there are fewer; None of a model
    without any.

    Raises:
        SettingError: there are none.
    """
    if not model.classes:
        return None
    if labels is None or labels.labels is None:
        raise SettingError(
            "sandwich= of a model conditioned on classes needs labels; give images that have some."
        )
    few = chosen(labels, images, derive_seed(seed, "sandwich")).labels
    assert few is not None
    return few.repeat(-(-images // len(few)))[:images]
