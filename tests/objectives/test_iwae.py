"""The importance-weighted bound on a model whose log p(x) is known: p(x|z) = N(Wz + b, sigma^2 I)."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from vaekit import AE, ELBO, IWAE, VAE
from vaekit.core import Loss, SettingError
from vaekit.objectives.ramps import Clock

FEATURES, LATENTS, SIGMA = 3, 2, 0.7


class Linear(nn.Linear):
    """A linear map as a network: its condition is None."""

    def forward(self, x: Tensor, condition: None = None) -> Tensor:
        return super().forward(x)


@pytest.fixture
def model() -> VAE:
    """With an encoder that is somewhat off: too broad, so that weights are bounded, and off the middle."""
    torch.manual_seed(0)
    encoder = Linear(FEATURES, 2 * LATENTS)
    with torch.no_grad():
        encoder.weight.mul_(0.5)
        encoder.bias.copy_(torch.tensor([0.3, -0.3, 0.2, 0.2]))
    vae = VAE(
        (FEATURES,), LATENTS, likelihood="gaussian", sigma=SIGMA, pixels="real",
        encoder=encoder, decoder=Linear(LATENTS, FEATURES),
    )  # fmt: skip
    return vae.double()


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(1)
    return torch.randn(4, FEATURES, dtype=torch.float64)


def loss_of(objective: IWAE | ELBO, model: VAE, x: Tensor, seed: int = 0) -> Loss:
    torch.manual_seed(seed)
    return objective(model, x, None, objective.values(Clock(1, 1)))


def exact(model: VAE, x: Tensor) -> Tensor:
    """log p(x): x is normal with covariance W W' + sigma^2 I."""
    assert isinstance(model.decoder, Linear)
    w, b = model.decoder.weight, model.decoder.bias
    return MultivariateNormal(b, w @ w.T + SIGMA**2 * torch.eye(FEATURES, dtype=w.dtype)).log_prob(x)


def test_terms_are_those_of_the_definition(model: VAE, x: Tensor) -> None:
    """Burda et al. 2016, eq. 8, written out image by image for the same draws."""
    terms = loss_of(IWAE(samples=6), model, x).terms
    torch.manual_seed(0)
    posterior, epsilon = model.encode(x), torch.randn(6, 4, LATENTS)
    for i in range(4):
        z = posterior.mean[i] + posterior.stddev[i] * epsilon[:, i]
        log_q = -0.5 * (epsilon[:, i] ** 2 + math.log(2 * math.pi)).sum(-1) - posterior.stddev[i].log().sum()
        log_p = -0.5 * (z**2 + math.log(2 * math.pi)).sum(-1)
        error = (x[i] - model.decoder(z)) / SIGMA
        log_x = -0.5 * (error**2 + math.log(2 * math.pi * SIGMA**2)).sum(-1)
        bound = (log_x + log_p - log_q).exp().mean().log()
        assert terms["negative_iwae_bound_nats"][i].item() == pytest.approx(-bound.item(), rel=1e-6)
        assert terms["reconstruction_nats"][i].item() == pytest.approx(-log_x.mean().item(), rel=1e-6)


def test_one_sample_gives_the_elbo(model: VAE, x: Tensor) -> None:
    """The same distortion for the same noise; the sampled KL is the exact one in the mean."""
    iwae, elbo = loss_of(IWAE(samples=1), model, x), loss_of(ELBO(), model, x)
    for name in ("negative_elbo_nats", "reconstruction_nats", "kl_nats", "kl_nats_by_dimension"):
        torch.testing.assert_close(iwae.terms[name], elbo.terms[name])
    many = x[:1].expand(200_000, -1)
    values = loss_of(IWAE(samples=1), model, many).terms["negative_iwae_bound_nats"]
    expected = loss_of(ELBO(), model, many).terms["negative_elbo_nats"]
    error = ((values - expected).std() / math.sqrt(len(many))).item()
    assert abs((values - expected).mean().item()) < 4 * error


def test_the_bound_rises_with_samples_up_to_log_p(model: VAE, x: Tensor) -> None:
    many = x.repeat(2000, 1)
    bounds = []
    for samples in (1, 2, 5, 20, 100):
        with torch.no_grad():
            values = -loss_of(IWAE(samples), model, many).terms["negative_iwae_bound_nats"]
        bounds.append(values.view(2000, 4).mean(0))
    for lower, higher in pairwise(bounds):
        assert (higher > lower).all()
    assert (bounds[-1] < exact(model, x) + 0.01).all()
    torch.testing.assert_close(bounds[-1], exact(model, x).detach(), atol=0.05, rtol=0)


def gradients(model: VAE, x: Tensor, estimator: str, samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Of encoder and decoder, flat."""
    model.zero_grad()
    loss_of(IWAE(samples, estimator), model, x, seed).total.backward()
    sides = [
        torch.cat([p.grad.flatten() for p in side.parameters() if p.grad is not None])
        for side in (model.encoder, model.decoder)
    ]
    return sides[0], sides[1]


@pytest.mark.parametrize("samples", [1, 5])
def test_both_estimators_have_the_same_mean_for_the_encoder(model: VAE, x: Tensor, samples: int) -> None:
    many = x[:1].expand(1000, -1)
    standard = torch.stack([gradients(model, many, "standard", samples, seed)[0] for seed in range(60)])
    dreg = torch.stack([gradients(model, many, "dreg", samples, 1000 + seed)[0] for seed in range(60)])
    error = ((standard.var(0) + dreg.var(0)) / 60).sqrt()
    assert ((standard.mean(0) - dreg.mean(0)).abs() < 4.5 * error).all()
    assert (standard.mean(0).abs() > 5 * error).any()  # else the test above would say nothing
    if samples > 1:
        assert dreg.var(0).sum() < standard.var(0).sum()


def test_both_estimators_have_the_same_value_and_decoder_gradient(model: VAE, x: Tensor) -> None:
    values = [loss_of(IWAE(7, name), model, x).total.item() for name in ("standard", "dreg")]
    assert values[0] == pytest.approx(values[1], rel=1e-12)
    decoders = [gradients(model, x, name, 7, 3)[1] for name in ("standard", "dreg")]
    torch.testing.assert_close(decoders[0], decoders[1])


def test_the_decoder_gradient_is_that_of_log_p_for_many_samples(model: VAE, x: Tensor) -> None:
    _, ours = gradients(model, x, "standard", 20_000, 0)
    model.zero_grad()
    (-exact(model, x).mean()).backward()
    truth = torch.cat([p.grad.flatten() for p in model.decoder.parameters() if p.grad is not None])
    torch.testing.assert_close(ours, truth, atol=0.02, rtol=0.02)


def test_what_cannot_be_is_said(x: Tensor) -> None:
    with pytest.raises(SettingError, match="samples must be at least 1, not 0"):
        IWAE(samples=0)
    with pytest.raises(
        SettingError, match=r"estimator: 'dregg' is not one of standard, dreg. Did you mean dreg\?"
    ):
        IWAE(estimator="dregg")
    with pytest.raises(SettingError, match="no posterior"):
        IWAE()(AE((FEATURES,), LATENTS, pixels="real"), x, None, {})
