"""The autoencoder: a code, its reconstruction, and no samples."""

from __future__ import annotations

import pytest
import torch

from vaekit.core import SettingError
from vaekit.models import AE


@pytest.fixture
def model() -> AE:
    torch.manual_seed(0)
    return AE((1, 6, 5), 3, width=8, likelihood="bce")


def test_the_code_is_the_encoders_output_and_is_what_is_decoded(model: AE) -> None:
    x = torch.rand(4, 1, 6, 5)
    output = model(x)
    (latent,) = output.latents
    assert latent.posterior is None
    assert latent.prior is None
    assert torch.equal(latent.z, model.encoder(x))
    assert torch.equal(output.likelihood.mean, model.decoder(model.encoder(x)).sigmoid())
    assert torch.equal(model.encode(x).mean, latent.z)
    assert torch.equal(model.encode(x).stddev, torch.zeros(4, 3))
    torch.testing.assert_close(model.reconstruct(x), output.likelihood.mean)


def test_it_is_deterministic_in_training(model: AE) -> None:
    x, state = torch.rand(4, 1, 6, 5), torch.get_rng_state()
    assert torch.equal(model.train()(x).likelihood.mean, model(x).likelihood.mean)
    assert torch.equal(torch.get_rng_state(), state)


def test_it_cannot_sample_and_says_what_can(model: AE) -> None:
    with pytest.raises(SettingError, match=r"cannot sample: its latents have no prior yet.*vaekit prior"):
        model.sample(3)


def test_with_classes_samples_take_them_in_turn() -> None:
    model = AE((1, 6, 5), 2, classes=3, network="mlp", width=8)
    z = torch.randn(6, 2)
    model.latents_of_prior = lambda *given: z  # type: ignore[method-assign]
    found = model.sample(6)
    assert torch.equal(found, model.sample(6, torch.tensor([0, 1, 2, 0, 1, 2])))
    assert not torch.equal(found, model.sample(6, torch.tensor([1, 1, 2, 0, 1, 2])))
