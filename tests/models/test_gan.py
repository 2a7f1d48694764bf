"""GAN: what it draws and of what size it is; its training is in test_adversarial."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vaekit import AE, GAN, SettingError


@pytest.mark.parametrize("network", ["mlp", "lesson", "resnet"])
def test_both_networks_have_the_size_of_an_autoencoder(network: str) -> None:
    """But for the last layer of the encoder: one number instead of 20."""
    options: dict[str, Any] = {"network": network, "likelihood": "bce"}
    sizes = [
        sum(p.numel() for p in m.parameters())
        for m in (AE((1, 28, 28), 20, **options), GAN((1, 28, 28), 20, network))
    ]
    features = {"mlp": 512, "lesson": 64 * 7 * 7, "resnet": 128 * 4 * 4}[network]
    assert sizes[0] - sizes[1] == 19 * (features + 1)


@pytest.mark.parametrize(
    ("shape", "network"), [((1, 8, 8), "mlp"), ((3, 13, 9), "resnet"), ((2, 7, 5), "lesson")]
)
def test_samples_are_the_generator_at_scaled_draws(shape: tuple[int, ...], network: str) -> None:
    model = GAN(shape, latent_dim=3, network=network)
    drawn = model.sample(4, temperature=0.5, generator=torch.Generator().manual_seed(3))
    z = 0.5 * torch.randn(4, 3, generator=torch.Generator().manual_seed(3))
    expected = 1 / (1 + (-model.generator(z, None)).exp())
    torch.testing.assert_close(drawn, expected.detach())
    still = model.sample(2, temperature=0.0)
    torch.testing.assert_close(still[0], still[1])


def test_real_numbers_are_not_squeezed_into_pixels() -> None:
    model = GAN((5,), latent_dim=2, width=4, pixels="real")
    torch.nn.init.constant_(model.generator.last.bias, -7.0)  # type: ignore[union-attr, arg-type]
    assert model.sample(3, temperature=0.0).max() < -1


def test_sizes_are_checked() -> None:
    with pytest.raises(SettingError, match="latent_dim must be at least 1"):
        GAN((1, 8, 8), latent_dim=0)
    with pytest.raises(SettingError, match="network: 'rsnet' is not one of"):
        GAN((1, 8, 8), network="rsnet")


@pytest.mark.parametrize("network", ["mlp", "lesson", "resnet"])
def test_both_networks_are_told_the_class(network: str) -> None:
    """Another class is another image of the same z, and another judgement of the same image."""
    torch.manual_seed(0)
    model = GAN((1, 9, 9), latent_dim=2, network=network, classes=3).eval()
    z, x = torch.randn(1, 2).repeat(3, 1), torch.rand(1, 1, 9, 9).repeat(3, 1, 1, 1)
    for told in (model.generate(z, torch.arange(3)).flatten(1)[:, 0], model.judge(x, torch.arange(3))):
        assert len(told.unique()) == 3
    drawn = [
        model.sample(4, y, generator=torch.Generator().manual_seed(0))
        for y in (None, torch.tensor([0, 1, 2, 0]), torch.tensor([0, 1, 2, 1]))
    ]
    assert torch.equal(drawn[0], drawn[1]), "without labels the classes come one after another"
    assert not torch.equal(drawn[0][3], drawn[2][3])
