"""Disentangling objectives against closed forms, enumeration and hand-worked covariances."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal

from scripted import KL, MEANS, RECONSTRUCTION, Fixed, loss_of
from toy import SMALL, toy_data
from vaekit import SettingError
from vaekit.config.methods import resolve
from vaekit.core import Output
from vaekit.models import AE, LatentModel
from vaekit.models.build import seeded_model
from vaekit.objectives.base import Objective
from vaekit.objectives.capacity import Capacity
from vaekit.objectives.dip_vae import DIPVAE, aggregate_covariance
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.factor_vae import Critic, FactorVAE, permute_dimensions
from vaekit.objectives.ramps import Clock
from vaekit.objectives.tcvae import TCVAE, batch_total_correlation
from vaekit.runs.files import read_tensors
from vaekit.training.fit import fit
from vaekit.training.resume import resume


class Normals(Fixed):
    """As `Fixed`, with one layer only."""

    def __init__(self) -> None:
        super().__init__()
        self.latent_dim = 3
        self.arguments = {"latent_dim": 3}

    def forward(self, x: Tensor, y: Tensor | None = None) -> Output:
        output = super().forward(x, y)
        return Output(output.likelihood, (output.latents[0],))


class Chosen(LatentModel):
    """Encodes every image as a normal density around draws of another one."""

    numbers_per_latent = 2

    def __init__(self, draw: Callable[[int], Tensor]) -> None:
        nn.Module.__init__(self)
        self.draw = draw
        self.weight = nn.Parameter(torch.ones(()))
        self.latent_dim = draw(1).shape[1]
        self.arguments = {"latent_dim": self.latent_dim}

    def encode(self, x: Tensor, y: Tensor | None = None) -> Normal:
        z = self.draw(len(x))
        return Normal(self.weight * z, torch.full_like(z, 1e-3))

    def forward(self, x: Tensor, y: Tensor | None = None, samples: int | None = None) -> Output:
        raise NotImplementedError

    def prior(self) -> None:
        raise NotImplementedError

    def sample(self, count: int, y: Tensor | None = None, **options: object) -> Tensor:
        raise NotImplementedError


# beta-TCVAE --------------------------------------------------------------------------------------


def test_batch_total_correlation_by_enumeration() -> None:
    """Sums over all pairs of images in plain Python."""
    torch.manual_seed(0)
    mean, stddev, z = torch.randn(4, 3), torch.rand(4, 3) + 0.3, torch.randn(4, 3)

    def density(n: int, m: int, d: int) -> float:
        gap = (z[n, d] - mean[m, d]).item() / stddev[m, d].item()
        return math.exp(-0.5 * gap**2) / (stddev[m, d].item() * math.sqrt(2 * math.pi))

    found = batch_total_correlation(Normal(mean, stddev), z)
    for n in range(4):
        joint = sum(math.prod(density(n, m, d) for d in range(3)) for m in range(4)) / 4
        product = math.prod(sum(density(n, m, d) for m in range(4)) / 4 for d in range(3))
        assert found[n].item() == pytest.approx(math.log(joint / product), abs=1e-5)
        # minibatch-weighted sampling, sum / (N M), with N = 1,000 training images and D = 3
        weighted = math.log(joint / 1000) - sum(
            math.log(sum(density(n, m, d) for m in range(4)) / (1000 * 4)) for d in range(3)
        )
        assert weighted - found[n].item() == pytest.approx(2 * math.log(1000), abs=1e-4)


def test_batch_total_correlation_of_correlated_normals() -> None:
    """q(z) = N(0, [[1, r], [r, 1]]) has TC = -log(1 - r^2) / 2; posteriors are a normal kernel around its draws."""
    torch.manual_seed(1)
    r, width, count = 0.8, 0.4, 3000
    within = torch.eye(2) * width**2
    covariance = torch.tensor([[1.0, r], [r, 1.0]])
    centres = MultivariateNormal(torch.zeros(2), covariance - within).sample(torch.Size([count]))
    posterior = Normal(centres, torch.full_like(centres, width))
    found = batch_total_correlation(posterior, posterior.sample()).mean().item()
    assert found == pytest.approx(-0.5 * math.log(1 - r**2), abs=0.04)


def test_tcvae_is_the_elbo_and_a_weighted_total_correlation() -> None:
    loss = loss_of(TCVAE(beta=3.0), Normals())
    correlation = batch_total_correlation(Normal(MEANS, torch.ones(2, 3)), MEANS)
    assert correlation.abs().max() > 0.01
    torch.testing.assert_close(loss.terms["loss_nats"], RECONSTRUCTION + KL.sum(1) + 2 * correlation)
    torch.testing.assert_close(loss_of(TCVAE(beta=1.0), Normals()).total, loss_of(ELBO(), Normals()).total)


# FactorVAE ---------------------------------------------------------------------------------------


def test_the_discriminator_learns_the_total_correlation() -> None:
    """Of normal codes with correlation 0.9: -log(1 - 0.81) / 2 = 0.83 nats."""
    torch.manual_seed(2)
    density = MultivariateNormal(torch.zeros(2), torch.tensor([[1.0, 0.9], [0.9, 1.0]]))
    model = Chosen(lambda count: density.sample(torch.Size([count])))
    objective = FactorVAE(discriminator_width=32)
    phase = objective.phases(model)[1]
    optimizer = torch.optim.Adam(phase.parameters, lr=3e-3)
    x = torch.zeros(1000, 1)
    for _ in range(250):
        optimizer.zero_grad()
        phase.loss(x, None, {}).total.backward()
        optimizer.step()
    with torch.no_grad():
        estimate = objective.judge(model)(density.sample(torch.Size([20_000]))).mean().item()
    assert estimate == pytest.approx(-0.5 * math.log(1 - 0.9**2), abs=0.15)


def test_factorvae_weighs_what_the_discriminator_says() -> None:
    model, objective = Normals(), FactorVAE(gamma=3.0, discriminator_width=8)
    odds = objective.judge(model)(MEANS)[:, 0]
    expected = RECONSTRUCTION + KL.sum(1) + 3 * odds
    torch.testing.assert_close(loss_of(objective, model).terms["loss_nats"], expected)


def test_each_phase_updates_its_own_parameters() -> None:
    """And the discriminator's loss gives the model no gradient; its value at log-odds 0 is log 2."""
    model, objective = Chosen(lambda count: torch.randn(count, 3)), FactorVAE(discriminator_width=8)
    main, discriminator = objective.phases(model)
    assert {id(p) for p in main.parameters} == {id(p) for p in model.parameters()}
    assert {id(p) for p in discriminator.parameters} == {id(p) for p in objective.judge(model).parameters()}
    with torch.no_grad():
        for parameter in objective.judge(model)[-1].parameters():
            parameter.zero_()
    loss = Critic(objective, model)(torch.zeros(2, 1), None, {})
    assert loss.total.item() == pytest.approx(math.log(2))
    loss.total.backward()
    assert model.weight.grad is None


def test_permuting_keeps_each_dimension_and_breaks_their_dependence() -> None:
    torch.manual_seed(3)
    z = torch.randn(5000, 1).repeat(1, 3) * torch.tensor([1.0, -2.0, 3.0])
    permuted = permute_dimensions(z)
    assert torch.equal(permuted.sort(0).values, z.sort(0).values)
    assert (torch.corrcoef(permuted.T) - torch.eye(3)).abs().max() < 0.06


@pytest.mark.parametrize("stop", [1, 4])
def test_a_resumed_run_ends_at_the_same_weights(stop: int, tmp_path: Path) -> None:
    """Discriminator and its optimiser included, bit for bit."""
    options: dict[str, Any] = {"epochs": 2, "batch_size": 16, "checkpoint_seconds": 1e9, **SMALL}

    def train(name: str, **more: Any) -> Path:
        settings = resolve("factor-vae", {"data": "toy", "latent_dim": 3, "width": 8})
        model = seeded_model(settings, {"shape": (1, 4, 4), "pixels": "8-bit"})
        objective = FactorVAE(discriminator_width=8)
        fit(model, objective, toy_data(), out=tmp_path / name, **options, **more)
        return tmp_path / name

    alone, asked = train("alone"), iter([None] * (stop - 1) + ["SIGTERM"])
    stopped = train("stopped", should_stop=lambda: next(asked))
    resume(stopped, data=toy_data(), progress="none")
    ours, theirs = (read_tensors(folder / "model.safetensors")[0] for folder in (stopped, alone))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert (stopped / "metrics.jsonl").read_bytes() == (alone / "metrics.jsonl").read_bytes()


# DIP-VAE II and capacity -------------------------------------------------------------------------


def test_covariance_by_hand() -> None:
    """Means (0, 0) and (2, 4): covariance [[1, 2], [2, 4]], by N; variances 1 and 9 on average."""
    posterior = Normal(torch.tensor([[0.0, 0.0], [2.0, 4.0]]), torch.tensor([[1.0, 3.0], [1.0, 3.0]]))
    torch.testing.assert_close(aggregate_covariance(posterior), torch.tensor([[2.0, 2.0], [2.0, 13.0]]))


def test_dip_by_hand() -> None:
    """MEANS differ by (1, 1, 0): covariances 1/4 among the first two; variances 1.25, 1.25, 1."""
    loss = loss_of(DIPVAE(off_diagonal=8.0, diagonal=16.0), Normals())
    penalty = 8 * 2 * (1 / 4) ** 2 + 16 * 2 * (1 / 4) ** 2
    torch.testing.assert_close(loss.terms["loss_nats"], RECONSTRUCTION + KL.sum(1) + penalty)


def test_capacity_by_hand() -> None:
    """The KL is 1.5 nats on average: 0.5 above an aim of 1, and 2.5 below one of 4."""
    objective = Capacity(capacity=4.0, capacity_ramp=0.5, capacity_weight=10.0)
    early = loss_of(objective, Normals(), Clock(1, 8))
    torch.testing.assert_close(early.terms["loss_nats"], RECONSTRUCTION + 10 * 0.5)
    late = loss_of(objective, Normals())
    torch.testing.assert_close(late.terms["loss_nats"], RECONSTRUCTION + 10 * 2.5)


def test_training_reaches_the_capacity() -> None:
    settings = resolve("capacity-vae", {"data": "toy", "latent_dim": 3, "width": 8})
    model = seeded_model(settings, {"shape": (1, 4, 4), "pixels": "8-bit"})
    objective = Capacity(capacity=2.0, capacity_ramp=0.3, capacity_weight=100.0)
    history = fit(model, objective, toy_data(), epochs=60, batch_size=20, learning_rate=0.01, **SMALL)
    assert history.test.kl_nats == pytest.approx(2.0, abs=0.5)


@pytest.mark.parametrize(
    "objective", [TCVAE(), FactorVAE(), DIPVAE(), Capacity()], ids=lambda o: type(o).__name__
)
def test_an_autoencoder_is_refused_in_one_line(objective: Objective) -> None:
    model = AE((1, 4, 4), 2, "mlp", width=8)
    with pytest.raises(
        SettingError, match=f"{type(objective).__name__} needs a model that.*prior.*take a VAE"
    ):
        objective.check(model)
    with pytest.raises(SettingError):
        objective(model, torch.rand(3, 1, 4, 4), None, objective.values(Clock(0, 1)))


@pytest.mark.parametrize(
    ("objective", "name", "value"),
    [
        (TCVAE, "beta", -1.0), (FactorVAE, "gamma", math.nan), (FactorVAE, "discriminator_width", 0),
        (DIPVAE, "off_diagonal", -1.0), (Capacity, "capacity_ramp", 1.5), (Capacity, "capacity", -1.0),
    ],
)  # fmt: skip
def test_impossible_arguments_are_named(objective: type[Objective], name: str, value: float) -> None:
    with pytest.raises(SettingError, match=name):
        objective(**{name: value})
