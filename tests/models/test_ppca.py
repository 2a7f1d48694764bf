"""A linear-Gaussian VAE at its optimum is probabilistic PCA, whose likelihood is known exactly.

Tipping & Bishop 1999: with S the covariance of the data, l_1 >= ... >= l_D its eigenvalues and U its
eigenvectors, the maximum of log N(x; mean, W W' + s2 I) has s2 = mean of the D - K smallest
eigenvalues and W = U_K (L_K - s2)^(1/2) (eqs. 7, 8). The posterior of z is then N(M^-1 W'(x - mean),
s2 M^-1) with M = W'W + s2 I = L_K (eq. 6): diagonal, so a VAE can have it and its bound is tight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import Tensor, nn

from vaekit.models import VAE
from vaekit.objectives.elbo import ELBO

D, K, N = 6, 2, 300


class LinearEncoder(nn.Module):
    """Means linear in x, log-variances constant."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Linear(D, K)
        self.log_variance = nn.Parameter(torch.zeros(K))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return torch.cat([self.mean(x), self.log_variance.expand(len(x), K)], dim=1)


class LinearDecoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Linear(K, D)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.mean(z)


@dataclass(frozen=True)
class Case:
    """Data, the VAE at their optimum, and log p(x) of every row from scipy."""

    x: Tensor
    model: VAE
    log_evidence: Tensor


@pytest.fixture(scope="module")
def case() -> Case:
    random = np.random.default_rng(0)
    x = random.normal(size=(N, K)) @ random.normal(size=(K, D)) * 1.5 + random.normal(size=(N, D)) * 0.6 + 2.0
    mean, covariance = x.mean(0), np.cov(x.T, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1].copy(), vectors[:, ::-1].copy()
    noise = values[K:].mean()
    weight = vectors[:, :K] * np.sqrt(values[:K] - noise)
    encoder, decoder = LinearEncoder(), LinearDecoder()
    model = VAE(
        (D,),
        K,
        likelihood="gaussian",
        sigma=math.sqrt(noise),
        pixels="real",
        encoder=encoder,
        decoder=decoder,
    ).double()
    with torch.no_grad():
        to_mean = torch.from_numpy(weight.T / values[:K, None])
        encoder.mean.weight.copy_(to_mean)
        encoder.mean.bias.copy_(-to_mean @ torch.from_numpy(mean))
        encoder.log_variance.copy_(torch.from_numpy(np.log(noise / values[:K])))
        decoder.mean.weight.copy_(torch.from_numpy(weight))
        decoder.mean.bias.copy_(torch.from_numpy(mean))
    exact = multivariate_normal(mean, weight @ weight.T + noise * np.eye(D)).logpdf(x)
    return Case(torch.from_numpy(x), model, torch.from_numpy(exact))


def exact_elbo(model: VAE, x: Tensor) -> Tensor:
    """(N,): log p(x|z) is quadratic in z, so its mean over q is that over the 2K points mean +- sqrt(K) sigma."""
    q = model.encode(x)
    offsets = math.sqrt(K) * torch.cat([torch.eye(K), -torch.eye(K)]).to(x)
    points = q.mean + offsets[:, None, :] * q.stddev
    kl = 0.5 * (q.mean**2 + q.variance - 1 - q.variance.log()).sum(-1)
    return model.decode(points).log_prob(x).mean(0) - kl


def test_the_bound_is_the_evidence_of_every_image(case: Case) -> None:
    torch.testing.assert_close(exact_elbo(case.model, case.x), case.log_evidence, rtol=0, atol=1e-5)


def test_importance_weights_have_no_variance(case: Case) -> None:
    """q is the posterior, so p(x, z) / q(z|x) = p(x) at every z."""
    torch.manual_seed(0)
    q = case.model.encode(case.x)
    z = q.rsample(torch.Size([50]))
    log_weights = case.model.log_joint(case.x, z) - q.log_prob(z).sum(-1)
    expected = case.log_evidence.expand(50, N)
    torch.testing.assert_close(log_weights, expected, rtol=0, atol=2e-4)  # log-variances are off by 5e-5


def test_the_objective_measures_it_within_its_noise(case: Case) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        draws = torch.stack(
            [
                ELBO()(case.model, case.x, None, {"beta": 1.0}).terms["negative_elbo_nats"].mean()
                for _ in range(400)
            ]
        )
    error = draws.std().item() / math.sqrt(len(draws))
    assert error < 0.01
    assert draws.mean().item() == pytest.approx(-case.log_evidence.mean().item(), abs=4 * error)


def test_it_is_a_maximum(case: Case) -> None:
    """The gradient vanishes there, in all parameters; a step away in any direction the bound is lower."""
    case.model.train()  # codes have a graph then
    best = exact_elbo(case.model, case.x).mean()
    parameters = [*case.model.parameters()]
    gradients = torch.autograd.grad(best, parameters)
    for gradient in gradients:
        assert gradient.abs().max().item() < 1e-3
    torch.manual_seed(0)
    for _ in range(10):
        steps = [0.05 * torch.randn_like(parameter) for parameter in parameters]
        with torch.no_grad():
            for parameter, step in zip(parameters, steps, strict=True):
                parameter.add_(step)
            moved = exact_elbo(case.model, case.x).mean()
            for parameter, step in zip(parameters, steps, strict=True):
                parameter.sub_(step)
        assert moved.item() < best.item() - 1e-3


def test_beta_and_free_bits_change_the_loss_by_what_they_say(case: Case) -> None:
    q = case.model.encode(case.x)
    kl = 0.5 * (q.mean**2 + q.variance - 1 - q.variance.log())
    floor = kl.mean(0).max().item() + 1.0  # above every dimension
    losses = {}
    for name, objective in {
        "plain": ELBO(),
        "beta": ELBO(beta=3.0),
        "free": ELBO(free_bits=floor),
        "both": ELBO(beta=3.0, free_bits=floor),
    }.items():
        torch.manual_seed(5)
        losses[name] = objective(case.model, case.x, None, {"beta": objective.beta}).total.item()
    rate = kl.sum(-1).mean().item()
    assert losses["beta"] - losses["plain"] == pytest.approx(2 * rate, rel=1e-6)
    assert losses["free"] - losses["plain"] == pytest.approx(K * floor - rate, rel=1e-6)
    assert losses["both"] - losses["beta"] == pytest.approx(3 * (K * floor - rate), rel=1e-6)
