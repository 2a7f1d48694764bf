"""Asking a model: against the model itself, one example at a time, and against closed forms."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from toy import toy_data
from vaekit.core import DataError, SettingError
from vaekit.data import Split
from vaekit.inference import (
    Embedding,
    at_once,
    decode,
    decode_codes,
    encode,
    encode_codes,
    flat_posterior,
    reconstruct,
    sample,
    shown_images,
    spread,
    squared_errors,
)
from vaekit.models import AE, VAE, VQVAE
from vaekit.models.base import evaluating

SHAPE = (1, 6, 5)


@pytest.fixture
def vae() -> VAE:
    torch.manual_seed(0)
    return VAE(SHAPE, 3, "mlp")


@pytest.fixture
def split() -> Split:
    torch.manual_seed(1)
    return Split(torch.randint(0, 256, (23, *SHAPE)).to(torch.uint8))


def test_an_embedding_is_that_of_each_image_alone(vae: VAE, split: Split) -> None:
    embedding = encode(vae, split)
    with evaluating(vae), torch.no_grad():
        alone = [vae.encode(image[None]) for image in split.images]
    torch.testing.assert_close(embedding.mean, torch.cat([q.mean for q in alone]))
    torch.testing.assert_close(embedding.stddev, torch.cat([q.stddev for q in alone]))
    prior = Normal(torch.zeros(3), torch.ones(3))
    nats = kl_divergence(Normal(embedding.mean, embedding.stddev), prior).mean(0)
    assert embedding.kl is not None
    torch.testing.assert_close(embedding.kl, nats)
    assert embedding.layers == ((3,),) and embedding.standard and embedding.random and embedding.normal


def test_an_autoencoder_has_no_spread_and_no_prior(split: Split) -> None:
    embedding = encode(AE(SHAPE, 3, "mlp"), split)
    assert not embedding.random and not embedding.standard and embedding.kl is None
    torch.testing.assert_close(embedding.relevance(), embedding.mean.var(0, correction=0))


def test_live_dimensions_by_falling_relevance() -> None:
    embedding = Embedding(torch.zeros(4, 3), torch.ones(4, 3), torch.tensor([0.5, 0.001, 2.0]))
    assert embedding.live().tolist() == [2, 0]


def test_results_are_ordinary_and_leave_the_model_and_the_random_numbers_as_they_were(
    vae: VAE, split: Split
) -> None:
    vae.train()
    state = torch.get_rng_state()
    found = [encode(vae, split).mean, reconstruct(vae, split), decode(vae, torch.zeros(2, 3)), sample(vae, 5)]
    assert torch.equal(torch.get_rng_state(), state)
    assert vae.training
    for tensor in found:
        assert not tensor.requires_grad and not tensor.is_inference() and tensor.dtype == torch.float32
        tensor += 1  # may be worked on


def test_reconstructions_are_decoded_means(vae: VAE, split: Split) -> None:
    wanted = decode(vae, encode(vae, split).mean)
    torch.testing.assert_close(reconstruct(vae, split), wanted)
    errors = squared_errors(shown_images(vae, split), wanted)
    by_hand = [
        float(((image / 255 - again) ** 2).mean()) for image, again in zip(split.images, wanted, strict=True)
    ]
    torch.testing.assert_close(errors, torch.tensor(by_hand, dtype=torch.float64), rtol=1e-5, atol=0)


def test_a_redrawn_image_is_decoded_under_the_other_class(split: Split) -> None:
    model = VAE(SHAPE, 3, "mlp", classes=4)
    labelled = Split(split.images, torch.arange(23) % 4)
    means = encode(model, labelled).mean
    torch.testing.assert_close(
        reconstruct(model, labelled, redraw_as=2), decode(model, means, torch.full((23,), 2))
    )


def test_samples_are_a_function_of_the_seed(vae: VAE) -> None:
    assert torch.equal(sample(vae, 7, seed=3), sample(vae, 7, seed=3))
    assert not torch.equal(sample(vae, 7, seed=3), sample(vae, 7, seed=4))


def test_grids_of_codes_there_and_back() -> None:
    torch.manual_seed(0)
    model = VQVAE((1, 8, 8), downsample=4, codes=16)
    split = Split(torch.randint(0, 256, (9, 1, 8, 8)).to(torch.uint8))
    indices = encode_codes(model, split)
    assert indices.shape == (9, 2, 2) and indices.dtype == torch.int64
    torch.testing.assert_close(decode_codes(model, indices), reconstruct(model, split))


def test_a_normal_over_all_layers_wants_normal_layers(split: Split) -> None:
    model = AE(SHAPE, 3, "mlp")
    with pytest.raises(SettingError, match="all normal"):
        flat_posterior(model.infer(split.images))


def test_no_images_and_other_images_are_named(vae: VAE, split: Split) -> None:
    with pytest.raises(DataError, match="empty"):
        encode(vae, split.take(torch.tensor([], dtype=torch.int64)))
    with pytest.raises(DataError, match="1x4x4 given to a model of 1x6x5"):
        encode(vae, Split(torch.zeros(2, 1, 4, 4)))


def test_how_many_at_once() -> None:
    assert at_once((1, 28, 28)) == 1000
    assert at_once((3, 256, 256)) == 21
    assert at_once((10**9,)) == 1


def test_spread() -> None:
    assert spread(3, 5).tolist() == [0, 1, 2]
    assert spread(10, 4).tolist() == [0, 2, 5, 7]


def test_toy_data_are_shown_as_they_are() -> None:
    data = toy_data()
    model = VAE(data.shape, 2, "mlp")
    assert torch.equal(shown_images(model, data.test), data.test.images.float() / 255)
