"""p(x|z) and p(z): every likelihood and prior, and the divergence between distributions."""

from vaekit.distributions.base import Likelihood
from vaekit.distributions.likelihoods import LIKELIHOODS, bits_per_dimension, build_likelihood
from vaekit.distributions.priors import (
    Point,
    bounded_normal,
    kl_by_dimension,
    log_density,
    reparameterize,
    standard_normal,
)

__all__ = [
    "LIKELIHOODS",
    "Likelihood",
    "Point",
    "bits_per_dimension",
    "bounded_normal",
    "build_likelihood",
    "kl_by_dimension",
    "log_density",
    "reparameterize",
    "standard_normal",
]
