"""Kinds of log p(x|z), a probability, a density or neither, and the sentences that follow from them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """The kind of log p(x|z), in words.

    Attributes:
        called: after the likelihood's name, `bernoulli, a probability`.
        unit: what is added to the unit of a number that contains it; {name} is the likelihood's.
        meaning: what its nats can be compared with; follows `NAME is` or `NAME:`.
        note: a sentence for pages, with {name}; empty where there is nothing to warn of.
        bounds: whether −ELBO and its like bound −log p(x): what is no likelihood bounds nothing.
        below_zero: a sentence for where its numbers are negative, with {name}.
    """

    called: str
    unit: str
    meaning: str
    note: str
    bounds: bool
    below_zero: str = ""


KINDS: dict[str, Kind] = {
    "mass": Kind("a probability", "", "a probability: comparable with other models on the same pixels", "", True),
    "density": Kind(
        "a density",
        ", of a density",
        "a density: depends on the scale of the pixels, and is no measure of bits",
        "{name} is a density: its nats depend on the scale of the pixels, may be negative, and must not be compared "
        "with those of a mass function.",
        True,
        "{name} is a density, which may exceed 1, so that its negative logarithm may be below 0; lower is still better.",
    ),
    "pseudo": Kind(
        "no likelihood",
        " of {name}, no likelihood",
        "no likelihood: lacks its normaliser and bounds nothing; comparable only with the same on the same pixels",
        "Under {name} the numbers are no likelihoods: binary cross-entropy on grey pixels lacks its normaliser, so they "
        "bound no −log p(x). Compare them only with other {name} numbers on the same data.",
        False,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Under:
    """The conditions of numbers, as far as their wording depends on them.

    Attributes:
        likelihood: name of the likelihood; "" for a model without one.
        kind: key of KINDS; "" where that is unknown.
        classes: whether the model is conditioned on the class y of each image.
        own: name of the prior that is a part of the model, `N(0, I)`; "" without one, or where that is unknown.
        drawn: name of the density that samples are drawn from; "" without one, or where that is unknown.
    """

    likelihood: str = ""
    kind: str = ""
    classes: bool = False
    own: str = ""
    drawn: str = ""

    @property
    def two(self) -> bool:
        """Returns whether samples are drawn from another density of latents than the model's own."""
        return bool(self.drawn) and self.drawn != self.own


PLAIN = Under()  # where nothing is known of it


def key_under(key: str, under: Under) -> str:
    """`nll_nats`, or `bce_bound_nats` under a likelihood that is none."""
    if not under.kind or KINDS[under.kind].bounds:
        return key
    return f"{under.likelihood}_{key.replace('nll', 'bound')}"
