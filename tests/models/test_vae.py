"""What a VAE says about images and codes, against loops and formulas; nothing it does leaves a trace."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from toy import sized
from vaekit.core import DataError, SettingError
from vaekit.models import VAE

SHAPES = {"lesson": (1, 9, 7), "mlp": (1, 6, 5), "resnet": (3, 10, 12)}


def small(
    network: str = "mlp", pixels: str = "8-bit", shape: tuple[int, ...] | None = None, **options: object
) -> VAE:
    torch.manual_seed(0)
    model = VAE(shape or SHAPES[network], 4, pixels=pixels, **sized(network, width=6), **options)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


class Dropping(nn.Module):
    """An own encoder or decoder with dropout in it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.linear(self.drop(x))


def own_networks() -> VAE:
    torch.manual_seed(0)
    return VAE((5,), 3, pixels="real", encoder=Dropping(5, 6), decoder=Dropping(3, 5))


# encode, decode, log_joint -------------------------------------------------------------------------


def test_encode_is_the_same_every_time_and_splits_the_codes_in_two() -> None:
    model = small()
    x = torch.rand(3, 1, 6, 5)
    posterior = model.encode(x)
    codes = model.encoder(x)
    assert torch.equal(posterior.mean, codes[:, :4])
    torch.testing.assert_close(posterior.variance, codes[:, 4:].exp(), rtol=1e-3, atol=1e-4)
    state = torch.get_rng_state()
    assert torch.equal(model.encode(x).mean, posterior.mean)
    assert torch.equal(torch.get_rng_state(), state)


def test_bytes_are_the_same_images_as_their_floats() -> None:
    model = small()
    images = torch.randint(0, 256, (3, 1, 6, 5), dtype=torch.uint8)
    assert torch.equal(model.encode(images).mean, model.encode(images / 255).mean)


@pytest.mark.parametrize("network", SHAPES)
@pytest.mark.parametrize("pixels", ["binary", "8-bit", "real"])
def test_leading_samples_are_a_loop_over_them(network: str, pixels: str) -> None:
    model = small(network, pixels)
    z, x = torch.randn(3, 2, 5, 4), torch.rand(5, *model.shape).round()
    together, joint = model.decode(z), model.log_joint(x, z)
    assert joint.shape == (3, 2, 5)
    for i in range(3):
        for j in range(2):
            alone = model.decode(z[i, j])
            torch.testing.assert_close(together.mean[i, j].float(), alone.mean.float())
            torch.testing.assert_close(together.log_prob(x)[i, j], alone.log_prob(x), rtol=1e-5, atol=1e-4)
            torch.testing.assert_close(joint[i, j], model.log_joint(x, z[i, j]), rtol=1e-5, atol=1e-4)


def test_log_joint_is_the_two_formulas() -> None:
    z = torch.randn(5, 4)
    prior = -0.5 * (z**2).sum(1) - 2 * math.log(2 * math.pi)
    model, x = small(likelihood="bce"), torch.rand(5, 1, 6, 5)
    cross_entropy = F.binary_cross_entropy(model.decoder(z).sigmoid(), x, reduction="none").sum((1, 2, 3))
    torch.testing.assert_close(model.log_joint(x, z), prior - cross_entropy, rtol=1e-5, atol=1e-5)
    model = small(likelihood="gaussian", sigma=0.3)
    squares = ((x - model.decoder(z)) ** 2).sum((1, 2, 3)) / (2 * 0.09)
    constant = 30 * (math.log(0.3) + 0.5 * math.log(2 * math.pi))
    torch.testing.assert_close(model.log_joint(x, z), prior - squares - constant, rtol=1e-5, atol=1e-4)


def test_importance_weights_average_to_the_evidence_of_a_grid() -> None:
    """log p(x) of a VAE with one latent dimension: by log_joint on a fine grid, and by draws from q."""
    torch.manual_seed(0)
    model = VAE((1, 2, 2), 1, "mlp", width=8, pixels="binary").double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
        x = torch.tensor([[0.0, 1.0], [1.0, 1.0]], dtype=torch.float64).view(1, 1, 2, 2)
        grid = torch.linspace(-12, 12, 4801, dtype=torch.float64).view(-1, 1, 1)
        exact = (model.log_joint(x, grid).exp().sum() * 0.005).item()
        q = model.encode(x)
        z = q.rsample(torch.Size([100_000]))
        weights = (model.log_joint(x, z) - q.log_prob(z).sum(-1)).exp()
    error = weights.std().item() / math.sqrt(100_000)
    assert weights.mean().item() == pytest.approx(exact, abs=4 * error)
    assert error < 0.05 * exact


def test_all_images_together_have_probability_one() -> None:
    """Sum over the 16 binary images of p(x), each by quadrature over z."""
    torch.manual_seed(1)
    model = VAE((1, 2, 2), 1, "mlp", width=8, pixels="binary").double()
    images = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 4).view(16, 1, 2, 2)
    grid = torch.linspace(-9, 9, 1801, dtype=torch.float64).view(-1, 1, 1).expand(-1, 16, 1)
    with torch.no_grad():
        assert (model.log_joint(images, grid).exp().sum() * 0.01).item() == pytest.approx(1.0, abs=1e-9)


# reconstruct and sample ----------------------------------------------------------------------------


def test_reconstruct_is_the_decoded_mean() -> None:
    model, x = small(likelihood="bce"), torch.rand(4, 1, 6, 5)
    expected = model.decoder(model.encoder(x)[:, :4]).sigmoid()
    torch.testing.assert_close(model.reconstruct(x), expected)


def test_reconstruct_is_deterministic_in_train_mode_and_gives_every_part_its_mode_back() -> None:
    model, x = own_networks(), torch.randn(4, 5)
    model.train()
    model.encoder.eval()
    modes = [part.training for part in model.modules()]
    first = model.reconstruct(x)
    assert torch.equal(model.reconstruct(x), first)
    assert [part.training for part in model.modules()] == modes
    assert True in modes
    assert False in modes
    codes = model.encoder.linear(x)[:, :3]  # type: ignore[operator]
    torch.testing.assert_close(first, model.decoder.linear(codes))  # type: ignore[operator]
    assert not torch.equal(model.decode(codes).mean, model.decode(codes).mean)  # so there was noise to avoid


def test_modes_come_back_after_an_error_too() -> None:
    model = own_networks().train()
    with pytest.raises(DataError):
        model.reconstruct(torch.zeros(2, 4))
    assert all(part.training for part in model.modules())


def test_samples_are_a_function_of_their_generator_alone() -> None:
    model = small()
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first = model.sample(6, generator=torch.Generator().manual_seed(7))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    assert torch.equal(model.sample(6, generator=torch.Generator().manual_seed(7)), first)
    assert not torch.equal(model.sample(6, generator=torch.Generator().manual_seed(8)), first)


def test_samples_are_decoded_draws_scaled_by_the_temperature() -> None:
    model = small(likelihood="bce")
    z = torch.randn(6, 4, generator=torch.Generator().manual_seed(7))
    warm = model.sample(6, temperature=0.5, generator=torch.Generator().manual_seed(7))
    torch.testing.assert_close(warm, model.decoder(0.5 * z).sigmoid())
    cold = model.sample(6, temperature=0.0)
    torch.testing.assert_close(cold, model.decoder(torch.zeros(6, 4)).sigmoid())


def test_pictures_stay_in_range_and_features_do_not() -> None:
    x = 5.0 + torch.randn(8, 6)
    unit, real = small(pixels="unit", shape=(6,), likelihood="gaussian"), small(pixels="real", shape=(6,))
    for model in (unit, real):
        with torch.no_grad():
            model.decoder.last.bias.copy_(torch.tensor([-2.0, -1.0, 0.5, 1.0, 2.0, 3.0]))  # type: ignore[union-attr]
    clamped, free = unit.reconstruct(x.sigmoid()), real.reconstruct(x)
    assert clamped.amin().item() == 0.0
    assert clamped.amax().item() == 1.0
    assert free.amin().item() < -1.0
    assert free.amax().item() > 2.0


# Construction --------------------------------------------------------------------------------------


def test_wrong_shape_names_both() -> None:
    with pytest.raises(DataError, match="images of shape 1x5x6 given to a model of 1x6x5 images"):
        small().encode(torch.zeros(2, 1, 5, 6))


def test_own_networks_come_in_pairs() -> None:
    with pytest.raises(SettingError, match="both encoder and decoder, or neither"):
        VAE((5,), 3, pixels="real", encoder=Dropping(5, 6))
    with pytest.raises(SettingError, match="'custom' wants its own modules: pass an encoder and a decoder"):
        VAE((5,), 3, network="custom", pixels="real")
    assert own_networks().arguments["network"] == "custom"


def test_a_double_model_stays_double() -> None:
    model = small().double()
    x = torch.rand(3, 1, 6, 5)
    assert model(x).likelihood.log_prob(x.double()).dtype == torch.float64
    assert model.sample(2).dtype == torch.float64
    assert model.reconstruct(x).dtype == torch.float64
