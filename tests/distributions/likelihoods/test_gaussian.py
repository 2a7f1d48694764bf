"""The learned and the optimal standard deviation against closed forms and scipy."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch import Tensor

from vaekit import ELBO, VAE, fit, load_data, load_run, resume
from vaekit.config.likelihood_parts import GaussianLearned, GaussianOptimal
from vaekit.core import SettingError
from vaekit.distributions import build_likelihood
from vaekit.distributions.likelihoods.gaussian import OptimalGaussianLikelihood
from vaekit.runtime.random import Share, sharing


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    """Decoded images and images, (8, 5)."""
    torch.manual_seed(0)
    return torch.randn(8, 5), torch.randn(8, 5)


@pytest.mark.parametrize("name", ["gaussian-learned", "gaussian-optimal"])
def test_before_training_they_are_scipys_normal(name: str, batch: tuple[Tensor, Tensor]) -> None:
    raw, x = batch
    likelihood = build_likelihood(name, "real", (5,), sigma=0.3).eval()
    expected = norm.logpdf(x.numpy(), raw.numpy(), 0.3).sum(-1)
    np.testing.assert_allclose(likelihood(raw).log_prob(x).detach().numpy(), expected, rtol=1e-4)
    p = build_likelihood(name, "real", (1,), sigma=0.3).eval()(torch.tensor([0.2]))
    integral = quad(lambda v: p.log_prob(torch.tensor([v])).exp().item(), -3, 3, points=[0.2])[0]
    assert integral == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("name", ["gaussian-learned", "gaussian-optimal"])
def test_sigma_must_be_positive(name: str) -> None:
    with pytest.raises(SettingError, match="sigma must be above 0, not -1"):
        build_likelihood(name, "real", (5,), sigma=-1.0)


def test_the_best_learned_sigma_is_the_root_of_the_mean_squared_error(batch: tuple[Tensor, Tensor]) -> None:
    raw, x = batch
    likelihood = GaussianLearned(1.0).build((1,))
    optimizer = torch.optim.LBFGS(likelihood.parameters(), max_iter=50)

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = -likelihood(raw).log_prob(x).sum()
        value.backward()
        return value

    optimizer.step(loss)  # type: ignore[arg-type]
    assert likelihood.sigma.item() == pytest.approx(((x - raw) ** 2).mean().sqrt().item(), rel=1e-4)


@pytest.mark.parametrize("log_sigma", [-1e4, -30.0, 30.0, 1e4])
def test_a_runaway_sigma_stays_finite(log_sigma: float, batch: tuple[Tensor, Tensor]) -> None:
    likelihood = GaussianLearned(1.0).build((1,))
    with torch.no_grad():
        likelihood.log_sigma.fill_(log_sigma)
    value = likelihood(batch[0]).log_prob(batch[1]).sum()
    value.backward()
    assert value.isfinite()
    assert likelihood.log_sigma.grad is not None
    assert likelihood.log_sigma.grad.isfinite()


def test_in_training_the_optimal_one_is_half_log_mse_a_dimension(batch: tuple[Tensor, Tensor]) -> None:
    """Value, and gradient with the variance as a function of the decoder's output, as in the paper."""
    raw, x = batch[0].requires_grad_(), batch[1]
    likelihood = GaussianOptimal(1.0).build((1,)).train()
    total = -likelihood(raw).log_prob(x).sum()
    (gradient,) = torch.autograd.grad(total, raw)
    mse = ((x - raw) ** 2).mean()
    direct = x.numel() / 2 * (mse.log() + 1 + math.log(2 * math.pi))
    torch.testing.assert_close(total, direct)
    torch.testing.assert_close(gradient, torch.autograd.grad(direct, raw)[0])


def test_images_that_are_met_exactly_cost_a_finite_amount() -> None:
    x = torch.rand(3, 4)
    raw = x.clone().requires_grad_()
    value = -GaussianOptimal(1.0).build((1,)).train()(raw).log_prob(x).sum()
    value.backward()
    assert value.item() == pytest.approx(12 * (0.5 * math.log(2 * math.pi) - 12), rel=1e-5)
    assert raw.grad is not None
    assert raw.grad.abs().max() == 0


def test_the_training_error_is_a_running_mean_and_evaluation_leaves_it() -> None:
    likelihood = GaussianOptimal(5.0).build((1,)).train()
    errors = torch.rand(250).tolist()
    expected = 0.0
    for index, error in enumerate(errors):  # the last tenth or so of all so far
        likelihood(torch.zeros(2, 3)).log_prob(torch.full((2, 3), math.sqrt(error)))
        expected += (error - expected) * min(1, max(0.01, 10 / (index + 1)))
    assert likelihood.variance.item() == pytest.approx(expected, rel=1e-4)
    likelihood.eval()
    before = {name: tensor.clone() for name, tensor in likelihood.state_dict().items()}
    log_prob = likelihood(torch.zeros(1, 3)).log_prob(torch.ones(1, 3)).item()
    assert log_prob == pytest.approx(3 * norm.logpdf(1.0, 0.0, math.sqrt(expected)), rel=1e-4)
    for name, tensor in likelihood.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_after_training_sigma_is_that_of_the_training_images() -> None:
    data = load_data("digits")
    torch.manual_seed(0)
    model = VAE(data.shape, latent_dim=4, network="mlp", width=64, likelihood="gaussian-optimal")
    fit(model, ELBO(), data, epochs=8, weights="last", device="cpu", progress="none")
    x = data.train.images.float() / 255
    with torch.no_grad():
        error = (model(x).likelihood.mean - x).square().mean().sqrt().item()
    assert isinstance(model.likelihood, OptimalGaussianLikelihood)
    assert model.likelihood.sigma.item() == pytest.approx(error, rel=0.05)


def test_a_resumed_run_has_the_sigma_of_the_uninterrupted_one(tmp_path: Path) -> None:
    data = load_data("digits")

    def trained(name: str, stop_at: int) -> VAE:
        torch.manual_seed(0)
        model = VAE(data.shape, latent_dim=4, network="mlp", width=16, likelihood="gaussian-optimal")
        steps = itertools.count(1)
        fit(
            model, ELBO(), data, epochs=3, average=0.9, device="cpu", progress="none", out=tmp_path / name,
            should_stop=lambda: "enough" if next(steps) == stop_at else None,
        )  # fmt: skip
        return model

    whole = trained("whole", stop_at=-1).state_dict()
    trained("cut", stop_at=11)
    resume(tmp_path / "cut", progress="none")
    resumed = load_run(tmp_path / "cut").model.state_dict()
    for name in ("likelihood.variance", "likelihood.batches", "decoder.last.weight"):
        assert torch.equal(resumed[name], whole[name])


def test_the_optimal_sigma_is_that_of_the_whole_batch_whoever_holds_it(
    batch: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three processes hold 4, 3 and one of 8 images; their sums are added up by hand."""
    raw, x = batch
    whole = GaussianOptimal(0.1).build((5,)).train()
    expected = whole(raw).log_prob(x)
    parts, sums = [(0, 4), (4, 7), (7, 8)], []
    monkeypatch.setattr(
        "vaekit.distributions.likelihoods.gaussian.total", lambda value: sums.append(value) or value
    )
    for start, stop in parts:
        with sharing(Share(start, stop, 8)):
            GaussianOptimal(0.1).build((5,)).train()(raw[start:stop]).log_prob(x[start:stop])
    together = torch.stack(sums).sum()
    monkeypatch.setattr("vaekit.distributions.likelihoods.gaussian.total", lambda value: together)
    found = []
    for start, stop in parts:
        likelihood = GaussianOptimal(0.1).build((5,)).train()
        with sharing(Share(start, stop, 8)):
            found.append(likelihood(raw[start:stop]).log_prob(x[start:stop]))
        torch.testing.assert_close(likelihood.sigma, whole.sigma)
    torch.testing.assert_close(torch.cat(found), expected)
