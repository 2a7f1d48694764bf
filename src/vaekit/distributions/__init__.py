"""p(x|z) and p(z): every likelihood and prior, and the divergence between distributions."""

from vaekit.distributions.base import Likelihood
from vaekit.distributions.likelihoods import LIKELIHOODS, bits_per_dimension, build_likelihood
from vaekit.distributions.priors import (
    Point,
    StandardNormal,
    bounded_normal,
    kl_by_dimension,
    log_density,
    reparameterize,
)

__all__ = [
    "LIKELIHOODS",
    "Likelihood",
    "Point",
    "StandardNormal",
    "bits_per_dimension",
    "bounded_normal",
    "build_likelihood",
    "kl_by_dimension",
    "log_density",
    "reparameterize",
]
