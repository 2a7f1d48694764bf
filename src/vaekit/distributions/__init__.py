"""p(x|z) and p(z): every likelihood and prior, and the divergence between distributions."""

from vaekit.distributions.kl import kl_by_dimension, log_density
from vaekit.distributions.likelihoods import LIKELIHOODS, build_likelihood
from vaekit.distributions.likelihoods.base import Likelihood
from vaekit.distributions.posteriors import Point, bounded_normal, reparameterize, standard_normal

__all__ = [
    "LIKELIHOODS",
    "Likelihood",
    "Point",
    "bounded_normal",
    "build_likelihood",
    "kl_by_dimension",
    "log_density",
    "reparameterize",
    "standard_normal",
]
