"""The GAN's objective: both losses and the penalty against closed forms, and what each phase may change."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from toy import SMALL, sized, toy_data
from vaekit import GAN, VAE, Adversarial, SettingError, VaekitWarning, fit, load_data, load_run, resume
from vaekit.objectives.adversarial import Discrimination, Generation
from vaekit.runs.records import WeightsRecord


class Linear(nn.Module):
    """D(x) = w·x + b on flattened values."""

    def __init__(self, weights: Tensor, bias: float) -> None:
        super().__init__()
        self.weights, self.bias = nn.Parameter(weights), nn.Parameter(torch.tensor(bias))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return (x.flatten(1) @ self.weights + self.bias)[:, None]


def linear_gan(pixels: str = "real") -> GAN:
    torch.manual_seed(0)
    model = GAN((3,), latent_dim=2, width=8, pixels=pixels)
    model.discriminator = Linear(torch.tensor([1.0, -2.0, 0.5]), 0.3)
    return model


def test_losses_are_the_cross_entropies_of_the_odds() -> None:
    model, x = linear_gan(), torch.randn(6, 3)
    torch.manual_seed(1)
    terms = Adversarial()(model, x, None, {}).terms
    torch.manual_seed(1)
    fake = model.generate(torch.randn(6, 2)).float()
    real_share, fake_share = ((x @ model.discriminator.weights + 0.3).sigmoid() for x in (x, fake))  # type: ignore[operator]
    torch.testing.assert_close(terms["generator_loss_nats"], -fake_share.log())
    expected = -real_share.log() - (1 - fake_share).log()
    torch.testing.assert_close(terms["discriminator_loss_nats"], expected)


@pytest.mark.parametrize(("pixels", "scale"), [("real", 1.0), ("8-bit", 2.0)])
def test_the_penalty_of_a_linear_discriminator_is_its_squared_weights(pixels: str, scale: float) -> None:
    """Pixels are judged from -1 to 1, so that the slope by a pixel from 0 to 1 is twice the weight."""
    model = linear_gan(pixels)
    weights = model.discriminator.weights
    assert isinstance(weights, nn.Parameter)
    terms = Discrimination(model, penalty=3.0)(torch.rand(5, 3), None, {}).terms
    expected = 1.5 * scale**2 * (1 + 4 + 0.25)
    torch.testing.assert_close(terms["gradient_penalty_nats"], torch.full((5,), expected))
    (gradient,) = torch.autograd.grad(terms["gradient_penalty_nats"].mean(), weights)
    torch.testing.assert_close(gradient, 3.0 * scale**2 * weights)


@pytest.mark.parametrize("network", ["mlp", "lesson", "resnet"])
def test_the_penalty_has_the_gradient_of_finite_differences(network: str) -> None:
    """Through every network twice; in double precision."""
    torch.manual_seed(0)
    model = GAN((1, 9, 7), latent_dim=2, **sized(network, width=4)).double()
    model.generate = lambda *_: torch.rand(2, 1, 9, 7, dtype=torch.float64)  # type: ignore[method-assign]
    for parameter in model.discriminator.parameters():  # away from blocks that are the identity
        nn.init.normal_(parameter, std=0.2)
    phase, x = Discrimination(model, penalty=2.0), torch.rand(2, 1, 9, 7, dtype=torch.float64)

    def penalty() -> Tensor:
        return phase(x, None, {}).terms["gradient_penalty_nats"].mean()

    weights = next(model.discriminator.parameters())
    (gradient,) = torch.autograd.grad(penalty(), weights)
    direction = torch.randn_like(weights)
    values = []
    for step in (1e-6, -2e-6):
        with torch.no_grad():
            weights += step * direction
        values.append(penalty().item())
    assert (values[0] - values[1]) / 2e-6 == pytest.approx((gradient * direction).sum().item(), rel=1e-4)


def test_each_phase_moves_its_own_network_only() -> None:
    torch.manual_seed(0)
    model = GAN((1, 4, 4), latent_dim=2, width=8)
    phases = {phase.name: phase for phase in Adversarial().phases(model)}
    x = torch.rand(5, 1, 4, 4)
    for name, own, other in (
        ("discriminator", model.discriminator, model.generator),
        ("generator", model.generator, model.discriminator),
    ):
        model.zero_grad(set_to_none=True)
        phases[name].loss(x, None, {}).total.backward()
        assert {id(p) for p in phases[name].parameters} == {id(p) for p in own.parameters()}
        assert all(p.grad is not None for p in own.parameters())
        assert all(p.grad is None for p in other.parameters())


def test_the_generator_climbs_the_discriminators_slope() -> None:
    """With D = w·x the loss falls where G(z) moves along w: its gradient by G's output is -(1 - s(D)) w / B."""
    model = linear_gan()
    torch.manual_seed(2)
    loss = Generation(model)(torch.zeros(4, 3), None, {}).total
    bias = model.generator.last.bias  # type: ignore[union-attr]
    (gradient,) = torch.autograd.grad(loss, bias)  # type: ignore[arg-type]
    torch.manual_seed(2)
    judged = model.judge(model.generate(torch.randn(4, 2)))
    expected = -(1 - judged.sigmoid()).mean() * model.discriminator.weights  # type: ignore[operator]
    torch.testing.assert_close(gradient, expected)


def test_it_learns_a_distribution() -> None:
    """A normal one, whose mean and covariance are known."""
    torch.manual_seed(0)
    mean, root = torch.tensor([1.0, -1.0]), torch.tensor([[1.0, 0.0], [0.6, 0.5]])
    data = load_data(mean + torch.randn(3000, 2) @ root.T, pixels="real")
    model = GAN(data.shape, latent_dim=2, width=32, pixels="real")
    history = fit(
        model, Adversarial(0.3), data, epochs=12, beta1=0.0, average=0.95, weights="last", **SMALL
    )  # fmt: skip
    assert history.summary is not None
    assert history.summary.weights == WeightsRecord("last", 12, True)
    drawn = model.sample(4000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn.mean(0), mean, atol=0.2, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), root @ root.T, atol=0.25, rtol=0)


def test_an_interrupted_run_reaches_the_weights_of_the_whole_one(tmp_path: Path) -> None:
    data = toy_data()
    options = {"epochs": 3, "batch_size": 16, "average": 0.9, "weights": "last", "beta1": 0.0, **SMALL}
    ends = []
    for name, stop_after in (("whole", 99), ("parts", 5)):
        torch.manual_seed(0)
        model, asked = GAN(data.shape, latent_dim=2, width=8), iter(range(100))
        folder = tmp_path / name
        history = fit(
            model, Adversarial(), data, out=folder, method="gan", **options,
            should_stop=lambda asked=asked, last=stop_after: "stopped" if next(asked) >= last else None,
        )  # fmt: skip
        if history.interrupted:
            history = resume(folder, data=data, progress="none")
        assert history.interrupted is None
        ends.append(load_run(folder).model.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_it_says_what_does_not_fit() -> None:
    with pytest.raises(SettingError, match="VAE does not; take a GAN"):
        Adversarial().phases(VAE((4,), pixels="real"))
    with pytest.raises(SettingError, match="penalty must be at least 0"):
        Adversarial(-1.0)
    data = toy_data()
    with pytest.warns(VaekitWarning, match="the last are kept"):
        fit(GAN(data.shape, width=8), Adversarial(), data, epochs=1, weights="best", **SMALL)


def test_without_a_penalty_there_is_none() -> None:
    model, x = linear_gan(), torch.randn(6, 3)
    torch.manual_seed(1)
    loss = Discrimination(model, penalty=0.0)(x, None, {})
    assert list(loss.terms) == ["discriminator_loss_nats"]
    torch.manual_seed(1)
    torch.testing.assert_close(
        loss.total, Adversarial(0.0)(model, x, None, {}).terms["discriminator_loss_nats"].mean()
    )
