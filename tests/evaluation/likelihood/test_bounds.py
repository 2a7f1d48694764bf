"""Bounds on the likelihood against the closed form of a linear-Gaussian VAE."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from linear import LinearVAE
from vaekit.core import DataError, SettingError
from vaekit.data import Split
from vaekit.evaluation.likelihood.bounds import MeanNats, distortion_and_rate, negative_elbo
from vaekit.evaluation.likelihood.importance import importance_bound
from vaekit.models import AE, VAE


@pytest.fixture(scope="module")
def linear() -> LinearVAE:
    return LinearVAE(100)


def excess(estimate: MeanNats, truth: np.ndarray) -> tuple[float, float]:
    """Mean difference from the truth, image by image, and its standard error."""
    difference = estimate.per_image.numpy() - truth
    return float(difference.mean()), float(difference.std(ddof=1) / math.sqrt(len(difference)))


def test_negative_elbo_is_the_closed_form(linear: LinearVAE) -> None:
    mean, error = excess(negative_elbo(linear.model, linear.split, samples=50), linear.negative_elbo())
    assert abs(mean) < 3 * error
    assert error < 0.05


def test_one_importance_sample_is_the_elbo_in_expectation(linear: LinearVAE) -> None:
    truth = linear.negative_elbo()
    draws = [
        importance_bound(linear.model, linear.split, 1, seed=seed).per_image.numpy() for seed in range(40)
    ]
    difference = np.mean(draws, axis=0) - truth
    assert abs(difference.mean()) < 3 * difference.std(ddof=1) / math.sqrt(len(truth))
    assert difference.mean() < 0.2 * (truth - linear.nll()).mean()  # and is not -log p(x)


def test_bound_falls_to_the_exact_likelihood_as_samples_grow(linear: LinearVAE) -> None:
    truth = linear.nll()
    bounds = {k: importance_bound(linear.model, linear.split, k) for k in (1, 10, 100, 1000)}
    means = [excess(bound, truth)[0] for bound in bounds.values()]
    assert means == sorted(means, reverse=True)
    mean, error = excess(bounds[1000], truth)
    assert abs(mean) < 3 * error
    assert error < 0.01


def test_jackknife_is_closer(linear: LinearVAE) -> None:
    truth = linear.nll()
    plain = importance_bound(linear.model, linear.split, 10)
    corrected = importance_bound(linear.model, linear.split, 10, jackknife=True)
    assert abs(excess(corrected, truth)[0]) < 0.5 * abs(excess(plain, truth)[0])


def test_jackknife_is_nowozins_formula() -> None:
    """With weights that one sample dominates, where log(1 - share) has no digits left."""
    from vaekit.evaluation.likelihood.importance import _jackknifed

    weights = torch.tensor([[0.0, -3.0], [-50.0, -1.0], [-52.0, -2.0], [-51.0, -1.5]]).double()
    k = len(weights)
    expected = []
    for column in weights.numpy().T:
        left_out = [logsumexp(np.delete(column, i)) - math.log(k - 1) for i in range(k)]
        expected.append(k * (logsumexp(column) - math.log(k)) - (k - 1) * np.mean(left_out))
    found = _jackknifed(iter(weights.split(3)), k)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("rows", [1, 7, 60, 10**6])
def test_images_decoded_at_once_change_only_the_rounding(linear: LinearVAE, rows: int) -> None:
    split = linear.split.take(torch.arange(30))
    whole = importance_bound(linear.model, split, 130)
    parts = importance_bound(linear.model, split, 130, rows=rows)
    assert (whole.per_image - parts.per_image).abs().max() < 1e-5


def test_no_sample_and_no_image_is_dropped(linear: LinearVAE) -> None:
    """K = 230 and 30 images fill no whole number of blocks; one pass by hand over the same draws."""
    from vaekit.core import derive_seed
    from vaekit.evaluation.likelihood.importance import IMAGES, SAMPLES

    x, samples = linear.split.images[:30], 230
    assert samples % SAMPLES
    assert len(x) % IMAGES
    expected = []
    with torch.no_grad():
        for block, part in enumerate(x.split(IMAGES)):
            q = linear.model.encode(part)
            draws = []
            for index, count in enumerate((100, 100, 30)):
                torch.manual_seed(derive_seed(3, "importance", block, index))
                draws.append(q.mean + q.stddev * torch.randn(count, *q.mean.shape))
            z = torch.cat(draws)
            weights = linear.model.log_joint(part, z) - q.log_prob(z).sum(-1)
            expected.append(math.log(samples) - weights.double().logsumexp(0))
    found = importance_bound(linear.model, Split(x), samples, seed=3)
    assert found.images == 30
    torch.testing.assert_close(found.per_image, torch.cat(expected), rtol=0, atol=1e-5)


def test_mean_and_standard_error_are_over_images(linear: LinearVAE) -> None:
    estimate = negative_elbo(linear.model, linear.split)
    values = estimate.per_image.numpy()
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.standard_error == pytest.approx(values.std(ddof=1) / 10)


def test_seed_decides_and_global_random_numbers_stay(linear: LinearVAE) -> None:
    before = torch.get_rng_state()
    first, again = (importance_bound(linear.model, linear.split, 5, seed=1) for _ in range(2))
    other = importance_bound(linear.model, linear.split, 5, seed=2)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first.per_image, again.per_image)
    assert not torch.equal(first.per_image, other.per_image)


@pytest.fixture(scope="module")
def bernoulli() -> VAE:
    torch.manual_seed(0)
    return VAE((1, 4, 4), 2, width=16, pixels="binary")


def test_binarisation_is_one_draw_that_elbo_and_bound_share(bernoulli: VAE) -> None:
    """A decoder that ignores z: each bound is the cross-entropy of the very image that was drawn."""
    grey = torch.full(
        (40, 1, 4, 4), 102, dtype=torch.uint8
    )  # 0.4, and in one pixel about that: equal images are
    grey[:, 0, 0, 0] = torch.arange(82, 122)  # drawn alike
    with torch.no_grad():
        for parameter in bernoulli.decoder.parameters():
            parameter.zero_()
        bernoulli.decoder.last.bias[:8] = math.log(3)  # p = 3/4 in one half of the image, 1/2 in the other
    split = Split(grey)
    bound = importance_bound(bernoulli, split, 2000, seed=4).per_image
    distortion, _ = distortion_and_rate(bernoulli, split, seed=4)
    assert (bound - distortion).abs().max() < 0.2
    ones = (8 * math.log(2) - 8 * math.log(0.25) - distortion) / math.log(3)  # pixels that are 1, of 8
    torch.testing.assert_close(ones, ones.round(), rtol=0, atol=1e-4)
    assert abs(float(ones.mean()) / 8 - 0.4) < 3 * math.sqrt(0.24 / 320)


def test_bf16_agrees_with_fp32(bernoulli: VAE) -> None:
    split = Split((torch.rand(50, 1, 4, 4) < 0.4).to(torch.uint8) * 255)
    values = [importance_bound(bernoulli, split, 200, precision=kind).value for kind in ("fp32", "bf16")]
    assert values[0] == pytest.approx(values[1], abs=0.05)


def test_what_cannot_be_measured_is_named(linear: LinearVAE) -> None:
    with pytest.raises(SettingError, match=r"has a prior.*take a VAE"):
        importance_bound(AE((1, 4, 4), 2, width=8), Split(torch.zeros(3, 1, 4, 4)), 10)
    with pytest.raises(SettingError, match="samples must be at least 2, not 1"):
        importance_bound(linear.model, linear.split, 1, jackknife=True)
    with pytest.raises(DataError, match="the split is empty"):
        negative_elbo(linear.model, Split(torch.zeros(0, 6)))
    with pytest.raises(DataError, match="images of shape 5 given"):
        negative_elbo(linear.model, Split(torch.zeros(2, 5)))


def test_each_image_is_measured_under_its_own_label() -> None:
    """Against the integral over one latent by the trapezoid rule, one image at a time."""
    torch.manual_seed(0)
    model = VAE((1, 4, 4), latent_dim=1, network="mlp", width=16, pixels="binary", classes=3).double().eval()
    images, labels = (torch.rand(6, 1, 4, 4) < 0.5).to(torch.uint8), torch.tensor([0, 1, 2, 2, 0, 1])
    z = torch.linspace(-9, 9, 2001, dtype=torch.float64)[:, None]

    def exact(label: int) -> torch.Tensor:
        """-log p(x|y) of all images under one label, (6,)."""
        with torch.no_grad():
            log_p = torch.stack([
                model.log_joint(image[None].double(), z[:, None], torch.tensor([label]))[:, 0] for image in images
            ])  # fmt: skip
        return -torch.trapezoid(log_p.exp(), z[:, 0]).log()

    by_label = torch.stack([exact(label) for label in range(3)])
    assert by_label.std(0).min() > 0.04  # so a wrong label would be seen
    bound = importance_bound(model, Split(255 * images, labels), 5000)
    np.testing.assert_allclose(bound.per_image, by_label[labels, torch.arange(6)], rtol=0, atol=0.01)
