"""Objectives against terms worked out by hand from an Output made by hand."""

from __future__ import annotations

import pytest
import torch

from scripted import KL, MEANS, RECONSTRUCTION, Fixed, loss_of
from vaekit.config.objective_options import ELBOSettings, NoSettings
from vaekit.core import SettingError
from vaekit.models import AE, VAE
from vaekit.objectives.create import create_objective
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.nll import Reconstruction
from vaekit.objectives.ramps import Clock


def test_elbo_is_reconstruction_plus_kl() -> None:
    loss = loss_of(ELBO(), Fixed())
    assert loss.total.item() == pytest.approx((10 + 2.5 + 20 + 0.5) / 2)
    torch.testing.assert_close(loss.terms["reconstruction_nats"], RECONSTRUCTION)
    torch.testing.assert_close(loss.terms["kl_nats"], torch.tensor([2.5, 0.5]))
    torch.testing.assert_close(loss.terms["kl_nats_by_dimension"], KL)
    torch.testing.assert_close(loss.terms["negative_elbo_nats"], torch.tensor([12.5, 20.5]))
    torch.testing.assert_close(loss.terms["loss_nats"], torch.tensor([12.5, 20.5]))


def test_every_layer_with_a_posterior_counts() -> None:
    loss = loss_of(ELBO(), Fixed(layers=2))
    torch.testing.assert_close(loss.terms["kl_nats"], torch.tensor([5.0, 1.0]))
    torch.testing.assert_close(loss.terms["kl_nats_by_dimension"], torch.cat([KL, KL], dim=1))


def test_beta_weighs_the_loss_and_never_the_elbo() -> None:
    model = Fixed()
    loss = loss_of(ELBO(beta=4.0), model)
    torch.testing.assert_close(loss.terms["loss_nats"], torch.tensor([20.0, 22.0]))
    torch.testing.assert_close(loss.terms["negative_elbo_nats"], torch.tensor([12.5, 20.5]))
    loss.total.backward()
    torch.testing.assert_close(model.means.grad, 4.0 * MEANS / 2)  # d(mean^2 / 2), mean of two images


def test_free_bits_charge_the_floor_on_the_batch_mean() -> None:
    """Batch means of KL are 1.25, 0.25, 0: with 0.5 free bits they cost 1.25, 0.5, 0.5."""
    model = Fixed()
    loss = loss_of(ELBO(beta=2.0, free_bits=0.5), model)
    torch.testing.assert_close(loss.terms["loss_nats"], RECONSTRUCTION + 2 * 2.25)
    assert loss.total.item() == pytest.approx(15 + 4.5)
    torch.testing.assert_close(loss.terms["negative_elbo_nats"], torch.tensor([12.5, 20.5]))
    torch.testing.assert_close(loss.terms["kl_nats"], torch.tensor([2.5, 0.5]))
    loss.total.backward()
    only_the_first = torch.tensor([[2.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    torch.testing.assert_close(model.means.grad, only_the_first)  # 2 (beta) * mean / 2 (images)


@pytest.mark.parametrize(("schedule", "halfway"), [("linear", 1.5), ("cosine", 1.5), ("cyclical", 0.0)])
def test_beta_rises_over_its_warmup_and_ends_at_beta(schedule: str, halfway: float) -> None:
    objective = ELBO(beta=3.0, kl_warmup=0.5, beta_schedule=schedule)
    assert objective.values(Clock(0, 100)) == {"beta": 0.0}
    assert objective.values(Clock(25, 100))["beta"] == pytest.approx(halfway)
    assert objective.values(Clock(13, 100).end) == {"beta": 3.0}
    loss = loss_of(objective, Fixed(), at=Clock(0, 100))
    torch.testing.assert_close(loss.terms["loss_nats"], RECONSTRUCTION)


def test_without_warmup_beta_is_constant() -> None:
    assert [ELBO(beta=2.0).values(Clock(step, 4))["beta"] for step in range(5)] == [2.0] * 5


def test_reconstruction_leaves_the_posterior_alone() -> None:
    model = Fixed()
    loss = loss_of(Reconstruction(), model)
    assert loss.total.item() == 15.0
    torch.testing.assert_close(loss.terms["reconstruction_nats"], RECONSTRUCTION)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta": -1.0}, "beta must be at least 0, not -1.0"),
        ({"beta": float("nan")}, "beta must be at least 0 and finite, not nan"),
        ({"kl_warmup": 1.5}, "kl_warmup must be from 0 to 1, not 1.5"),
        ({"free_bits": -0.1}, "free_bits must be at least 0, not -0.1"),
        (
            {"beta_schedule": "linaer"},
            r"beta_schedule: 'linaer' is not one of linear, cosine, cyclical. Did you mean linear\?",
        ),
    ],
)
def test_impossible_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        ELBO(**options)  # type: ignore[arg-type]


def test_the_elbo_of_an_autoencoder_is_an_error_that_says_what_to_take() -> None:
    model = AE((1,), latent_dim=2, width=4, pixels="real")
    with pytest.raises(SettingError, match=r"needs a model with a posterior; .*Reconstruction\(\)"):
        loss_of(ELBO(), model)


def test_one_phase_updates_every_parameter_once() -> None:
    model = VAE((4,), latent_dim=2, width=8, pixels="real")
    (phase,) = ELBO().phases(model)
    given = [id(parameter) for parameter in phase.parameters]
    assert sorted(given) == sorted(id(parameter) for parameter in model.parameters())
    assert len(set(given)) == len(given)
    x = torch.randn(3, 4)
    torch.manual_seed(1)
    bound = phase.loss(x, None, {"beta": 1.0}).total
    torch.manual_seed(1)
    assert torch.equal(bound, ELBO()(model, x, None, {"beta": 1.0}).total)


def test_objectives_come_from_their_section_and_say_what_they_were_given() -> None:
    options = ELBOSettings(beta=2.5, kl_warmup=0.25, beta_schedule="cosine", free_bits=0.125)
    for method in ("vae", "beta-vae"):
        objective = create_objective(method, options)
        assert type(objective) is ELBO
        assert objective.arguments == options.flat()
    assert type(create_objective("ae", NoSettings())) is Reconstruction
