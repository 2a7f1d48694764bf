"""Starting at the mean image, eval mode and back, means of large sets."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vaekit.models import AE, VAE, LatentModel
from vaekit.models.base import evaluating
from vaekit.models.latent import mean_image


def images(shape: tuple[int, ...], count: int = 200) -> Tensor:
    """Bytes, bright on the left and dark on the right, each channel another level."""
    torch.manual_seed(0)
    ramp = torch.linspace(0.9, 0.1, shape[-1]) * torch.linspace(1.0, 0.5, shape[0])[:, None, None]
    return (255 * ramp.expand(shape) * torch.rand(count, *shape).sqrt()).to(torch.uint8)


def distance(model: VAE, mean: Tensor) -> float:
    """Root mean square between the data's mean and what the model draws before any training."""
    drawn = model.sample(400, generator=torch.Generator().manual_seed(1)).mean(0)
    return (drawn - mean).pow(2).mean().sqrt().item()


@pytest.mark.parametrize("likelihood", ["bce", "gaussian"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 6)])
def test_an_untrained_mlp_draws_the_mean_image(likelihood: str, shape: tuple[int, ...]) -> None:
    """Exactly so where the last weights are zero; otherwise far nearer than without."""
    torch.manual_seed(0)
    x = images(shape)
    mean = torch.from_numpy(x.numpy().astype(np.float64).mean(0) / 255).float()
    model = VAE(shape, 3, "mlp", likelihood=likelihood)
    before = distance(model, mean)
    model.prepare(x)
    after = distance(model, mean)
    assert after < (0.15 if likelihood == "bce" else 0.6) * before  # a logit's noise shrinks in the sigmoid
    nn.init.zeros_(model.decoder.last.weight)  # type: ignore[union-attr, arg-type]
    torch.testing.assert_close(model.sample(1)[0], mean, rtol=0, atol=1e-5)


def test_an_untrained_resnet_draws_the_mean_colour() -> None:
    torch.manual_seed(0)
    x = images((3, 12, 10))
    colours = torch.from_numpy(x.numpy().astype(np.float64).mean((0, 2, 3)) / 255).float()
    model = VAE((3, 12, 10), 3, "resnet", width=8)
    nn.init.zeros_(model.decoder.last.weight)  # type: ignore[union-attr, arg-type]
    model.prepare(x)
    drawn = model.sample(1)[0]
    torch.testing.assert_close(drawn, colours[:, None, None].expand(3, 12, 10), rtol=0, atol=1e-5)


def test_features_start_at_their_mean_too() -> None:
    torch.manual_seed(0)
    x = 100.0 + 5.0 * torch.randn(500, 4)
    model = VAE((4,), 2, pixels="real", init="random")
    model.prepare(x)
    nn.init.zeros_(model.decoder.last.weight)  # type: ignore[union-attr, arg-type]
    torch.testing.assert_close(model.sample(1)[0], x.double().mean(0).float(), rtol=1e-5, atol=1e-4)


def test_pixels_that_are_always_black_or_white_start_finite() -> None:
    x = torch.zeros(10, 1, 2, 2, dtype=torch.uint8)
    x[:, :, 0] = 255
    model = VAE((1, 2, 2), 2, "mlp", width=4, likelihood="bce")
    model.prepare(x)
    bias = model.decoder.last.bias  # type: ignore[union-attr]
    assert isinstance(bias, Tensor)
    torch.testing.assert_close(bias.sigmoid(), torch.tensor([0.999, 0.999, 0.001, 0.001]))


def test_the_lessons_network_is_left_as_it_is() -> None:
    model = VAE((1, 8, 8), 2, "lesson")
    before = [parameter.clone() for parameter in model.parameters()]
    model.prepare(images((1, 8, 8)))
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize(
    ("count", "most", "stride"), [(250, 1000, 1), (250, 250, 1), (251, 250, 2), (1000, 300, 4)]
)
def test_mean_image_takes_at_most_so_many_evenly(count: int, most: int, stride: int) -> None:
    x = torch.randint(0, 256, (count, 1, 3, 2), dtype=torch.uint8)
    chosen = x.numpy()[::stride]
    assert len(chosen) <= most
    np.testing.assert_allclose(mean_image(x, most).numpy(), chosen.mean(0) / 255, rtol=1e-5)


def test_evaluating_gives_each_part_its_own_mode_back() -> None:
    parts = nn.Sequential(nn.Dropout(), nn.Sequential(nn.BatchNorm1d(2), nn.Dropout()))
    parts.train()
    parts[1].eval()
    parts[1][1].train()  # type: ignore[index]
    before = [part.training for part in parts.modules()]
    with pytest.raises(KeyError), evaluating(parts):  # noqa: PT012
        assert not any(part.training for part in parts.modules())
        raise KeyError
    assert [part.training for part in parts.modules()] == before == [True, True, False, False, True]


@pytest.mark.parametrize("kind", [AE, VAE])
def test_models_and_what_they_share_have_the_same_defaults(kind: type) -> None:
    """So that a new model may pass its options on by name."""
    own, shared = (inspect.signature(one).parameters for one in (kind, LatentModel))
    assert {name: own[name].default for name in own} == {
        name: shared[name].default for name in shared if name != "codes"
    }


def test_training_a_loaded_model_further_keeps_its_output_bias():
    data = torch.rand(50, 1, 4, 4)
    model = VAE((1, 4, 4), latent_dim=2, width=8)
    model.prepare(data)
    with torch.no_grad():
        model._pair.output_bias.fill_(0.25)
    model.prepare(1 - data)  # a second fit
    other = VAE((1, 4, 4), latent_dim=2, width=8)
    other.load_state_dict(model.state_dict())
    other.prepare(data)  # a fit after loading
    for trained in (model, other):
        assert torch.equal(trained._pair.output_bias, torch.full((16,), 0.25))
