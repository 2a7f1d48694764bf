"""The network `lesson` against the lesson's own modules (§4), which are written out here."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.models import VAE
from vaekit.objectives.elbo import ELBO


class LessonVAE(nn.Module):
    """Encoder, decoder and forward of the lesson, for 28x28 images, with its names."""

    def __init__(self, channels: int, latent_dim: int) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(
            nn.Conv2d(channels, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.fc_mu = nn.Linear(64 * 7 * 7, latent_dim)
        self.fc_logvar = nn.Linear(64 * 7 * 7, latent_dim)
        self.fc = nn.Linear(latent_dim, 64 * 7 * 7)
        self.deconv_layers = nn.Sequential(
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, channels, 4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def decode(self, z: Tensor) -> Tensor:
        return self.deconv_layers(self.fc(z).view(-1, 64, 7, 7))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.conv_layers(x)
        return self.fc_mu(h), self.fc_logvar(h)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, log_var = self.encode(x)
        z = mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)
        return self.decode(z), mu, log_var


def in_our_order(lesson: LessonVAE, tensors: Iterable[Tensor]) -> list[Tensor]:
    """One tensor for each of the lesson's parameters, its two heads put together, in the order of ours."""
    of = dict(zip((name for name, _ in lesson.named_parameters()), tensors, strict=True))
    heads = [torch.cat([of[f"fc_mu.{kind}"], of[f"fc_logvar.{kind}"]]) for kind in ("weight", "bias")]
    first, last = (
        [tensor for name, tensor in of.items() if name.startswith(part)]
        for part in ("conv", ("fc.", "deconv"))
    )
    return [*first, *heads, *last]


def copy_weights(lesson: LessonVAE, model: VAE) -> None:
    with torch.no_grad():
        for ours, theirs in zip(model.parameters(), in_our_order(lesson, lesson.parameters()), strict=True):
            assert ours.shape == theirs.shape
            ours.copy_(theirs)


def twins(channels: int = 1, latent_dim: int = 20) -> tuple[LessonVAE, VAE]:
    torch.manual_seed(0)
    lesson = LessonVAE(channels, latent_dim)
    model = VAE((channels, 28, 28), latent_dim, "lesson", likelihood="bce")
    copy_weights(lesson, model)
    return lesson, model


def test_number_of_parameters() -> None:
    lesson, model = twins()
    assert sum(parameter.numel() for parameter in model.parameters()) == 243_465
    assert sum(parameter.numel() for parameter in lesson.parameters()) == 243_465


SIZES = [(1, 20), (3, 20), (1, 40)]  # channels and latents; the decoder computes many latents otherwise


@pytest.mark.parametrize(("channels", "latent_dim"), SIZES)
def test_the_forward_pass_is_the_lessons(channels: int, latent_dim: int) -> None:
    lesson, model = twins(channels, latent_dim)
    x = torch.rand(5, channels, 28, 28)
    torch.manual_seed(1)
    recon, mu, log_var = lesson(x)
    torch.manual_seed(1)
    output = model(x)
    posterior = output.latents[0].posterior
    assert posterior is not None
    torch.testing.assert_close(posterior.mean, mu, rtol=0, atol=1e-5)
    torch.testing.assert_close(2 * posterior.stddev.log(), log_var, rtol=0, atol=6e-5)
    torch.testing.assert_close(output.likelihood.mean, recon, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("channels", "latent_dim"), SIZES)
def test_loss_and_gradient_are_the_lessons(channels: int, latent_dim: int) -> None:
    """§2's loss on the same noise, and its gradient in every parameter, in double precision."""
    lesson, model = twins(channels, latent_dim)
    lesson.double()
    model.double()
    x = torch.rand(6, channels, 28, 28).double()
    torch.manual_seed(2)
    mu, log_var = lesson.encode(x)
    z = mu + torch.exp(0.5 * log_var) * torch.randn(mu.shape)  # in fp32, as ours
    expected = F.binary_cross_entropy(lesson.decode(z), x, reduction="sum")
    expected = expected - 0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
    torch.manual_seed(2)
    loss = ELBO()(model, x, None, {"beta": 1.0})
    assert loss.total.item() == pytest.approx(expected.item() / 6, rel=1e-6)
    theirs = in_our_order(lesson, torch.autograd.grad(expected / 6, [*lesson.parameters()]))
    ours = torch.autograd.grad(loss.total, [*model.parameters()])
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-3, atol=1e-4)  # log-variances are off by 5e-5
