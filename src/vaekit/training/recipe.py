"""Choices of all that is not given, from the data: one pure function, with a reason for every choice.

The rules come from runs over several data sets and seeds; `docs/log.md` has them, and what lost.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container
from dataclasses import dataclass
from math import prod
from typing import Any

from vaekit.config.network_parts import SMALL
from vaekit.config.options import FitSettings
from vaekit.config.run_length import LENGTHS
from vaekit.core import counted, examples
from vaekit.networks.principal import Curve

BATCHES = 40  # per epoch, at least: fewer steps per epoch leave small sets untrained
LEAST, MOST = 16, 192  # images per step
AT_ONCE = 800_000  # values per step, at most
PASSES = 30  # over the images, within these steps:
FEWEST, LONGEST = 1000, 6000
WORK = {
    True: 6e8,
    False: 4e8,
}  # values seen in a run, at most, of a perceptron and of convolutions: less than three minutes on two slow cores
RATE = {True: 4e-3, False: 2e-3}  # peak learning rate at MOST images per step
SMALL_SET = 5000  # examples, below which weights decay
DECAY = 1.0  # of these, at the width that networks have by default
AVERAGE = 0.99  # decay per step of the mean of their weights that validation looks at, and that is kept
# Of a perceptron on a small set: as good as one of 512 units, in half of its time and with a ninth of its weights.
NARROW, NARROW_DECAY, NARROW_RATE = 152, 0.3, 1.2e-2
EXPLAINED = 0.9  # share of the variance of pictures for which there are latents
EXPLAINED_OF_FEW = 0.8  # and of grey ones in a small set
LATENTS = 128  # at most
FEWEST_LATENTS = 2  # what a map shows
# Of pictures, where a few components that tell two classes apart explain most, and leave out what each picture shows.
FEWEST_OF_PICTURES = 12
START = "a Gaussian model with linear networks has its optimum there, probabilistic PCA"
# Of a table whose components tell little of its shape: a model that begins there may never leave them. Over so much of the
# run the KL term comes in then, so that latents are learned before they cost; and so many steps are no more than seconds.
FEW_COLUMNS, BENT, RISE, FEWEST_AT_RANDOM = 4, 0.1, 0.3, 3000
MOST_COLUMNS = 16  # of a table whose shape is looked at: of pixels in rows components are a better start
FEWEST_OF_BENT = 4  # latents of such a table, of which components may say that none is worth having


@dataclass(frozen=True)
class Facts:
    """Facts that the rules look at.

    Attributes:
        count: training examples.
        shape: of one, (C, H, W) or (D,).
        fitted: whether the model begins at components.
        curve: what these are worth; None where latents are given, or the model begins at random.
        bent: nats per column by which kernels say more of a row left out than any components do
            (`held_out_gain`); 0 where that was not looked at.
    """

    count: int
    shape: tuple[int, ...]
    fitted: bool = False
    curve: Curve | None = None
    bent: float = 0.0

    @property
    def begins_at_random(self) -> bool:
        """Says whether they are a table of which principal components tell little: few columns, or curves and clusters."""
        return len(self.shape) == 1 and (self.shape[0] <= FEW_COLUMNS or self.bent > BENT)

    @property
    def perceptron(self) -> bool:
        """Says whether `auto` takes a perceptron for them."""
        return len(self.shape) == 1 or (self.shape[0] == 1 and prod(self.shape) <= SMALL)


@dataclass(frozen=True)
class Choice:
    """A setting that was not given.

    Attributes:
        name, value: of the option.
        reason: in words.
    """

    name: str
    value: Any
    reason: str


def recipe(facts: Facts, open_options: Container[str], batch_size: int | None = None) -> list[Choice]:
    """Every setting that the data decide.

    Args:
        open_options: names of the options that the method has and nobody gave; `width` among them only where it is one
            of a perceptron that nobody asked for.
        batch_size: the one that was given, if any: rate and length follow from it.
    """
    batch = batch_size or batch_for(facts)
    steps = steps_for(facts, batch)
    passes = steps * batch / facts.count
    small = facts.fitted and facts.count < SMALL_SET and "optimizer" in open_options
    narrow = is_narrow(facts, open_options, small)
    rate = rate_for(facts, batch, NARROW_RATE if narrow else None)
    choices = [
        Choice(
            "batch_size",
            batch,
            f"{-(-facts.count // batch):,} steps per epoch, of {examples(facts.count, facts.shape)}",
        ),
        Choice("learning_rate", rate, f"goes with the root of {examples(batch, facts.shape)} per step"),
        Choice("steps", steps, f"{passes:,.{int(passes < 10)}f} passes over them"),
    ]
    if facts.curve is not None:
        choices.insert(0, latents_for(facts, facts.curve))
    if small:
        why = f"what networks add to the components of {facts.count:,} examples is soon learned by heart"
        choices.append(Choice("optimizer", "adamw", why))
        choices.append(Choice("weight_decay", NARROW_DECAY if narrow else DECAY, "so much holds that back"))
        choices.append(
            Choice("average", AVERAGE, "the mean of the weights of many steps errs less than those of one")
        )
    if narrow:
        choices.append(
            Choice("width", NARROW, "a perceptron with more units learned no more from so few examples")
        )
    return [choice for choice in choices if choice.name in open_options]


def start_for(facts: Facts, open_options: Container[str]) -> list[Choice]:
    """The place where a model with a Gaussian p(x|z) begins."""
    if facts.begins_at_random:
        why = f"a curve or clusters in {counted(prod(facts.shape), 'column')} are not found from principal components"
        rise = f"latents are learned in {RISE:.0%} of the run before they cost all"
        found = [Choice("init", "random", why), Choice("kl_warmup", RISE, rise)]
    else:
        found = [Choice("init", "pca", START)]
    return [choice for choice in found if choice.name in open_options]


def is_narrow(facts: Facts, open_options: Container[str], decays: bool) -> bool:
    """Says whether a perceptron has NARROW units: few examples, nobody named a width, and decay or rate go with it.

    Args:
        decays: whether weights decay, as they have to beside principal components.
    """
    few = facts.count < SMALL_SET and "width" in open_options
    return few and (decays if facts.fitted else "learning_rate" in open_options)


def filled(options: FitSettings, facts: Facts) -> FitSettings:
    """Options of a training with everything that the data decide, if it is not given."""
    given = {name for name, value in options.flat().items() if value is not None}
    if options.length:
        given |= set(LENGTHS)
    names = {"batch_size", "learning_rate", "steps"} - given
    choices = recipe(facts, names, options.batch_size)
    return dataclasses.replace(options, **{choice.name: choice.value for choice in choices})


def batch_for(facts: Facts) -> int:
    """Images per step: a power of 2 that leaves BATCHES steps per epoch, within bounds."""
    wanted = max(facts.count // BATCHES, 1)
    power = 1 << (wanted.bit_length() - 1)
    affordable = max(AT_ONCE // prod(facts.shape), LEAST // 2)
    return min(max(power, LEAST), MOST, affordable, facts.count)


def rate_for(facts: Facts, batch: int, at_most: float | None = None) -> float:
    """Peak learning rate: with the root of the batch, as the noise of its gradient falls.

    Args:
        at_most: the rate at MOST images per step; None takes that of the kind of network.
    """
    return float(f"{(at_most or RATE[facts.perceptron]) * (batch / MOST) ** 0.5:.2g}")


def steps_for(facts: Facts, batch: int) -> int:
    """Steps of a run: PASSES over the images within bounds, and no more than three minutes' work."""
    fewest = FEWEST_AT_RANDOM if facts.begins_at_random else FEWEST
    wanted = min(max(PASSES * facts.count // batch, fewest), LONGEST)
    affordable = int(WORK[facts.perceptron] / (batch * prod(facts.shape)))
    return max(min(wanted, affordable), 1)


def latents_for(facts: Facts, curve: Curve) -> Choice:
    """Latent dimensions: as many as components are worth having, on examples left out."""
    worth = curve.best(LATENTS)
    if len(facts.shape) == 1:
        fewest, few = (
            FEWEST_LATENTS,
            "the least that a map shows; rows left out speak for no more principal components",
        )
        if facts.bent > BENT:
            fewest = min(FEWEST_OF_BENT, facts.shape[0])
            few = "curves and clusters want more than the principal components worth having"
        told = "the principal components worth having, by the likelihood of rows left out"
        return Choice("latent_dim", max(worth, fewest), told if worth >= fewest else few)
    few = facts.shape[0] == 1 and facts.count < SMALL_SET
    share = EXPLAINED_OF_FEW if few else EXPLAINED
    count = max(min(max(curve.explaining(share), FEWEST_OF_PICTURES), worth), FEWEST_LATENTS)
    reached = float(curve.explained[min(count, len(curve.explained)) - 1])
    return Choice(
        "latent_dim", count, f"so many principal components explain {reached:.0%} of images left out"
    )
