"""Likelihoods p(x|z): what the decoder's numbers mean.

Each is a module that turns the decoder's raw output into a `torch.distributions` object over whole
images: `log_prob(x)` is in nats per image. Its options, the pixels on which it is defined, and whether it is
a mass function, a density, or neither (only like can be compared with like) are those of its part in
LIKELIHOODS.
"""

from __future__ import annotations

from typing import Any

from vaekit.config.likelihood_parts import LIKELIHOODS, LikelihoodPart, check_support, decide_likelihood
from vaekit.config.parts import Undecided, choose_part
from vaekit.distributions.likelihoods.base import Likelihood
from vaekit.metrics import Under

__all__ = ["LIKELIHOODS", "Likelihood", "build_likelihood", "check_support", "measured_under"]


def build_likelihood(
    likelihood: LikelihoodPart | Undecided | str, pixels: str, shape: tuple[int, ...], **options: Any
) -> Likelihood:
    """The likelihood that is meant (`auto`: what suits the pixels).

    Args:
        likelihood: a part, a key of LIKELIHOODS, or `auto`.
        pixels: key of PIXELS.
        shape: shape of one image.
        options: of the part, where it is given by name.

    Raises:
        SettingError: unknown name, an option out of range, or a likelihood that is not defined on such pixels.
    """
    part = choose_part("likelihood", likelihood, LIKELIHOODS, ("auto",), options)
    return decide_likelihood(part, pixels).build(shape)


def measured_under(name: str | None, classes: bool = False) -> Under:
    """Returns what numbers of a model with this likelihood are measured under.

    Args:
        name: of a likelihood, or None for a model without one; of one that is not in LIKELIHOODS the kind is unknown.
        classes: whether the model is conditioned on the class of each image.
    """
    kind = LIKELIHOODS[name].kind if name in LIKELIHOODS else ""
    return Under(name or "", kind, classes)
