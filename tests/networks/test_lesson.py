"""The network `lesson` against the lesson's own modules (§4), which are written out here."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.models import VAE
from vaekit.objectives import ELBO


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

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.conv_layers(x)
        mu, log_var = self.fc_mu(h), self.fc_logvar(h)
        z = mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)
        return self.decode(z), mu, log_var


def copy_weights(lesson: LessonVAE, model: VAE) -> None:
    """The lesson's weights, in order, into ours; its two heads become one."""
    heads = [
        torch.cat(pair) for pair in zip(lesson.fc_mu.parameters(), lesson.fc_logvar.parameters(), strict=True)
    ]
    theirs = [
        *lesson.conv_layers.parameters(),
        *heads,
        *lesson.fc.parameters(),
        *lesson.deconv_layers.parameters(),
    ]
    with torch.no_grad():
        for ours, weight in zip(model.parameters(), theirs, strict=True):
            assert ours.shape == weight.shape
            ours.copy_(weight)


def twins(channels: int = 1, latent_dim: int = 20) -> tuple[LessonVAE, VAE]:
    torch.manual_seed(0)
    lesson = LessonVAE(channels, latent_dim)
    model = VAE((channels, 28, 28), latent_dim, "lesson")
    copy_weights(lesson, model)
    return lesson, model


def test_number_of_parameters() -> None:
    lesson, model = twins()
    assert sum(parameter.numel() for parameter in model.parameters()) == 243_465
    assert sum(parameter.numel() for parameter in lesson.parameters()) == 243_465


@pytest.mark.parametrize("channels", [1, 3])
def test_the_forward_pass_is_the_lessons(channels: int) -> None:
    lesson, model = twins(channels)
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


def test_loss_and_gradient_are_the_lessons() -> None:
    """§2's loss on the same noise, halved log-variances and all; the gradient in the encoder's first layer."""
    lesson, model = twins()
    x = torch.rand(6, 1, 28, 28)
    torch.manual_seed(2)
    recon, mu, log_var = lesson(x)
    expected = F.binary_cross_entropy(recon, x, reduction="sum")
    expected = expected - 0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
    torch.manual_seed(2)
    loss = ELBO()(model, x, None, {"beta": 1.0})
    assert loss.total.item() == pytest.approx(expected.item() / 6, rel=1e-6)
    expected.backward()
    loss.total.backward()
    ours, theirs = next(model.parameters()).grad, next(lesson.parameters()).grad
    assert ours is not None
    assert theirs is not None
    torch.testing.assert_close(ours, theirs / 6, rtol=1e-3, atol=1e-4)
