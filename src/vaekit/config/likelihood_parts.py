"""LIKELIHOODS: every p(x|z) with its options, one line each. Imports no torch.

A likelihood is a part: a dataclass of its options, which says on which pixels it is defined and whether it is
a mass function, a density or neither, and names the module that computes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from vaekit.config.configured import with_options
from vaekit.config.fields import imported, of_choices, option
from vaekit.config.parts import Part, Undecided, decide, name_of
from vaekit.core import SettingError

Kind = Literal["mass", "density", "pseudo"]

REAL_OR_GREY = ("8-bit", "unit", "real")


@dataclass(frozen=True)
class LikelihoodPart(Part):
    """Interface of a likelihood's options.

    Attributes:
        kind: "mass" (sums to 1 over the pixel values), "density" (integrates to 1), or "pseudo"
            (neither: its values are no likelihoods and are named so).
        pixels: the keys of `vaekit.data.dataset.PIXELS` on which it is defined.
        module: its `vaekit.distributions.Likelihood`, or "module:Class" so that the table needs no torch.
    """

    kind: ClassVar[Kind]
    pixels: ClassVar[tuple[str, ...]]
    module: ClassVar[str | type]

    def build(self, shape: tuple[int, ...]) -> Any:
        """The module for images of this shape, (C, H, W) or (D,)."""
        return imported(self.module)(self, tuple(shape))


@with_options
@dataclass(frozen=True)
class BCE(LikelihoodPart):
    """The lesson's binary cross-entropy on grey pixels: pleasant pictures, and no likelihood of them.

    Example:
        >>> vaekit.VAE(data.shape, likelihood=vaekit.BCE()).likelihood_name
        'bce'
    """

    kind: ClassVar[Kind] = "pseudo"
    pixels: ClassVar[tuple[str, ...]] = ("8-bit", "unit", "binary")
    module: ClassVar[str | type] = "vaekit.distributions.likelihoods.bernoulli:BernoulliLikelihood"


@with_options
@dataclass(frozen=True)
class Bernoulli(LikelihoodPart):
    """Bernoulli on binary pixels.

    Example:
        >>> vaekit.VAE(data.shape, likelihood=vaekit.Bernoulli(), pixels="binary").likelihood_name
        'bernoulli'
    """

    kind: ClassVar[Kind] = "mass"
    pixels: ClassVar[tuple[str, ...]] = ("binary",)
    module: ClassVar[str | type] = "vaekit.distributions.likelihoods.bernoulli:BernoulliLikelihood"


@with_options
@dataclass(frozen=True)
class ContinuousBernoulli(LikelihoodPart):
    """`bce` with its normaliser (Loaiza-Ganem & Cunningham 2019).

    Example:
        >>> vaekit.VAE(data.shape, likelihood=vaekit.ContinuousBernoulli()).likelihood_name
        'continuous-bernoulli'
    """

    kind: ClassVar[Kind] = "density"
    pixels: ClassVar[tuple[str, ...]] = ("8-bit", "unit")
    module: ClassVar[str | type] = (
        "vaekit.distributions.likelihoods.continuous_bernoulli:ContinuousBernoulliLikelihood"
    )


@with_options
@dataclass(frozen=True)
class Gaussian(LikelihoodPart):
    """Normal with one fixed standard deviation. sigma = 1/sqrt(2) is the lesson's "or MSE", up to its constant.

    Example:
        >>> model = vaekit.VAE(data.shape, likelihood=vaekit.Gaussian(sigma=0.2))
        >>> model = vaekit.VAE(data.shape, likelihood="gaussian(sigma=0.2)")  # the same
    """

    sigma: float = option(
        0.1, above=0, help="standard deviation (pixels lie in [0, 1], real values are standardised)"
    )

    kind: ClassVar[Kind] = "density"
    pixels: ClassVar[tuple[str, ...]] = REAL_OR_GREY
    module: ClassVar[str | type] = "vaekit.distributions.likelihoods.gaussian:GaussianLikelihood"


@with_options
@dataclass(frozen=True)
class GaussianLearned(LikelihoodPart):
    """Normal whose one standard deviation is trained (Dai & Wipf 2019).

    Example:
        >>> model = vaekit.VAE(data.shape, likelihood=vaekit.GaussianLearned(sigma=0.3))  # where it begins
    """

    sigma: float = option(
        0.1, above=0, help="standard deviation before training (real values are standardised)"
    )

    kind: ClassVar[Kind] = "density"
    pixels: ClassVar[tuple[str, ...]] = REAL_OR_GREY
    module: ClassVar[str | type] = "vaekit.distributions.likelihoods.gaussian:LearnedGaussianLikelihood"


@with_options
@dataclass(frozen=True)
class GaussianOptimal(LikelihoodPart):
    """Normal with the standard deviation that fits best (Rybkin et al. 2021).

    Example:
        >>> model = vaekit.VAE(data.shape, likelihood=vaekit.GaussianOptimal())
        >>> model.likelihood_name
        'gaussian-optimal'
    """

    sigma: float = option(
        0.1, above=0, help="standard deviation before training (real values are standardised)"
    )

    kind: ClassVar[Kind] = "density"
    pixels: ClassVar[tuple[str, ...]] = REAL_OR_GREY
    module: ClassVar[str | type] = "vaekit.distributions.likelihoods.gaussian:OptimalGaussianLikelihood"


@with_options
@dataclass(frozen=True)
class LogisticMixture(LikelihoodPart):
    """Mixture of logistics over the 256 levels of 8-bit pixels (Salimans et al. 2017).

    Example:
        >>> model = vaekit.VAE(data.shape, likelihood=vaekit.LogisticMixture(mixtures=5))
    """

    mixtures: int = option(10, at_least=1, help="number of components")

    kind: ClassVar[Kind] = "mass"
    pixels: ClassVar[tuple[str, ...]] = ("8-bit",)
    module: ClassVar[str | type] = (
        "vaekit.distributions.likelihoods.logistic_mixture:LogisticMixtureLikelihood"
    )


@with_options
@dataclass(frozen=True)
class HistogramMixture(LikelihoodPart):
    """Mixture of learned histograms of the 256 levels of 8-bit pixels, the same ones at every place."""

    mixtures: int = option(16, at_least=1, help="number of histograms for each channel")

    kind: ClassVar[Kind] = "mass"
    pixels: ClassVar[tuple[str, ...]] = ("8-bit",)
    module: ClassVar[str | type] = (
        "vaekit.distributions.likelihoods.histogram_mixture:HistogramMixtureLikelihood"
    )


@with_options
@dataclass(frozen=True)
class Categorical(LikelihoodPart):
    """A probability for each of the 256 levels, whatever their order (van den Oord et al. 2016).

    Example:
        >>> vaekit.VAE(data.shape, likelihood=vaekit.Categorical()).likelihood_name
        'categorical'
    """

    kind: ClassVar[Kind] = "mass"
    pixels: ClassVar[tuple[str, ...]] = ("8-bit",)
    module: ClassVar[str | type] = "vaekit.distributions.likelihoods.categorical:CategoricalLikelihood"


LIKELIHOODS: dict[str, type[LikelihoodPart]] = {
    "bce": BCE,
    "bernoulli": Bernoulli,
    "continuous-bernoulli": ContinuousBernoulli,
    "gaussian": Gaussian,
    "gaussian-learned": GaussianLearned,
    "gaussian-optimal": GaussianOptimal,
    "logistic-mixture": LogisticMixture,
    "histogram-mixture": HistogramMixture,
    "categorical": Categorical,
}

_AUTO = {
    "binary": "bernoulli",
    "8-bit": "gaussian-optimal",
    "unit": "gaussian-optimal",
    "real": "gaussian-optimal",
}


def decide_likelihood(
    given: LikelihoodPart | Undecided, pixels: str, auto: str | None = None
) -> LikelihoodPart:
    """The likelihood for pixels of a kind.

    Args:
        pixels: key of `vaekit.data.dataset.PIXELS`.
        auto: name of the one that `auto` takes; None takes what suits the pixels.

    Raises:
        SettingError: a likelihood that is not defined on such pixels.
    """
    of_choices("pixels", pixels, _AUTO)
    part = decide("likelihood", given, LIKELIHOODS, auto or _AUTO[pixels])
    check_support(name_of(part, LIKELIHOODS, "likelihood"), pixels)
    return part


def check_support(name: str, pixels: str) -> None:
    """Raises SettingError when the likelihood of a name is not defined on pixels of this kind."""
    if pixels in LIKELIHOODS[name].pixels:
        return
    fitting = [other for other, kind in LIKELIHOODS.items() if pixels in kind.pixels]
    binary_only = LIKELIHOODS[name].pixels == ("binary",)
    hint = " Or make the pixels binary with binarize='dynamic'." if binary_only and pixels != "real" else ""
    raise SettingError(
        f"likelihood {name!r} is not defined on {pixels} pixels; these are: {', '.join(fitting)}.{hint}",
        "likelihood",
    )
