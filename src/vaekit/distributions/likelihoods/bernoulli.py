"""Bernoulli: the likelihood of one logit per value, and on grey pixels the lesson's `bce`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent
from torch.nn import functional as F

from vaekit.distributions.likelihoods.base import Likelihood
from vaekit.distributions.likelihoods.continuous_bernoulli import LINEAR
from vaekit.runtime.device import full_precision


class BernoulliLikelihood(Likelihood):
    """Bernoulli on binary pixels, and the lesson's §2 on grey ones; the decoder returns logits.

    On grey pixels (`bce`) it is no likelihood of anything: x log p + (1-x) log(1-p) lacks its normaliser on
    [0, 1] (Loaiza-Ganem & Cunningham 2019, eq. 2). Kept because it gives pleasant pictures and because the
    field prints it.
    """

    num_params = 1
    logits = True

    def forward(self, raw: Tensor) -> Distribution:
        return Independent(LogitBernoulli(full_precision(raw)), self.dimensions, False)

    def params_from_mean(self, mean: Tensor) -> Tensor:
        return torch.logit(mean, eps=1e-3)


class LogitBernoulli(Bernoulli):
    """torch's Bernoulli with x l - log(1 + e^l) as its log-probability: fewer passes over the logits."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__(logits=logits, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        log_zero = F.softplus(self.logits, threshold=LINEAR).neg_()  # log p(0); in place
        return torch.addcmul(log_zero, value, self.logits)
