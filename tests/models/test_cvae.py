"""A conditional VAE against closed forms, against loops, and against the same model without labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import Tensor, nn

from toy import sized
from vaekit import AE, IWAE, VAE, DataError
from vaekit.data import Split
from vaekit.evaluation.latents.health import measure_health
from vaekit.evaluation.likelihood.ais import annealed_bound
from vaekit.evaluation.likelihood.bounds import negative_elbo
from vaekit.evaluation.likelihood.importance import importance_bound
from vaekit.evaluation.samples.generated import generate
from vaekit.models.latent import LatentModel

PIXELS, LATENTS, CLASSES, SIGMA, IMAGES = 5, 2, 3, 0.6, 120


class Encoder(nn.Module):
    """The exact posterior of x = W z + b_y + noise, whose columns of W are orthogonal: it is diagonal."""

    def __init__(self, weight: Tensor, centres: Tensor) -> None:
        super().__init__()
        self.variance = 1 / (1 + weight.square().sum(0) / SIGMA**2)
        self.gain = nn.Parameter(self.variance[:, None] * weight.T / SIGMA**2)
        self.centres = centres / CLASSES**0.5  # the condition has sqrt(K) where the class is

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        mean = (x - condition @ self.centres) @ self.gain.T
        return torch.cat([mean, self.variance.log().expand(len(x), -1)], dim=1)


class Decoder(nn.Module):
    def __init__(self, weight: Tensor, centres: Tensor) -> None:
        super().__init__()
        self.weight, self.centres = nn.Parameter(weight), centres / CLASSES**0.5

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return z @ self.weight.T + condition @ self.centres


class Linear:
    """p(x|y) = N(b_y, W W' + sigma^2 I), and images drawn from it."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(1)
        orthogonal = torch.linalg.qr(torch.randn(PIXELS, LATENTS, generator=generator, dtype=torch.float64))[
            0
        ]
        self.weight = orthogonal * torch.tensor([1.5, 0.7])
        self.centres = 2 * torch.randn(CLASSES, PIXELS, generator=generator, dtype=torch.float64)
        self.y = torch.randint(CLASSES, (IMAGES,), generator=generator)
        z = torch.randn(IMAGES, LATENTS, generator=generator, dtype=torch.float64)
        noise = SIGMA * torch.randn(IMAGES, PIXELS, generator=generator, dtype=torch.float64)
        self.x = z @ self.weight.T + self.centres[self.y] + noise
        self.model = VAE(
            (PIXELS,), LATENTS, likelihood="gaussian", sigma=SIGMA, pixels="real", classes=CLASSES,
            encoder=Encoder(self.weight, self.centres), decoder=Decoder(self.weight, self.centres),
        ).double()  # fmt: skip
        self.single = VAE(
            (PIXELS,), LATENTS, likelihood="gaussian", sigma=SIGMA, pixels="real", classes=CLASSES,
            encoder=Encoder(self.weight.float(), self.centres.float()),
            decoder=Decoder(self.weight.float(), self.centres.float()),
        )  # fmt: skip
        self.split = Split(self.x.float(), self.y)

    def nll(self, y: Tensor) -> np.ndarray:
        """-log p(x|y) of each image, by scipy."""
        covariance = (self.weight @ self.weight.T).numpy() + SIGMA**2 * np.eye(PIXELS)
        centred = (self.x - self.centres[y]).numpy()
        return -multivariate_normal(np.zeros(PIXELS), covariance).logpdf(centred)

    def kl(self) -> np.ndarray:
        """KL of N(m, diag(v)) from N(0, I) at the exact posterior, by hand."""
        w, x = self.weight.numpy(), (self.x - self.centres[self.y]).numpy()
        covariance = np.linalg.inv(np.eye(LATENTS) + w.T @ w / SIGMA**2)
        mean = x @ w @ covariance / SIGMA**2
        return 0.5 * ((mean**2).sum(1) + np.trace(covariance) - LATENTS - np.linalg.slogdet(covariance)[1])


@pytest.fixture(scope="module")
def linear() -> Linear:
    return Linear()


def test_with_the_exact_posterior_every_bound_is_the_evidence_given_the_class(linear: Linear) -> None:
    """Also under wrong labels, which cost what the formula says. (log-variances are softly bounded: 4e-5.)"""
    wrong = (linear.y + 1) % CLASSES
    for y in (linear.y, wrong):
        loss = IWAE(samples=3)(linear.model, linear.x, y, {})
        np.testing.assert_allclose(loss.terms["negative_iwae_bound_nats"].detach(), linear.nll(y), atol=2e-4)
    assert linear.nll(wrong).mean() > linear.nll(linear.y).mean() + 5


def test_the_joint_is_two_formulas(linear: Linear) -> None:
    z = torch.randn(4, IMAGES, LATENTS, dtype=torch.float64)
    residual = linear.x - (z @ linear.weight.T + linear.centres[linear.y])
    normal = torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.Normal(0.0, SIGMA).log_prob(residual).sum(-1) + normal.log_prob(z).sum(-1)
    torch.testing.assert_close(linear.model.log_joint(linear.x, z, linear.y), expected)


def test_evaluation_hands_the_labels_on(linear: Linear) -> None:
    nll = linear.nll(linear.y)
    bound = importance_bound(linear.single, linear.split, 20, precision="fp32")
    np.testing.assert_allclose(bound.per_image, nll, atol=1e-4)
    few = linear.split.take(torch.arange(12))
    annealed = annealed_bound(linear.single, few, 8, temperatures=60, leapfrog=5)
    assert annealed.value == pytest.approx(nll[:12].mean(), abs=0.3)  # a label forgotten costs 5
    elbo = negative_elbo(linear.single, linear.split, samples=200, precision="fp32")
    assert elbo.value == pytest.approx(nll.mean(), abs=0.05)  # sd of log p(x|z) about 1, 24,000 draws
    health = measure_health(linear.single, linear.split, precision="fp32")
    assert health.rate is not None
    np.testing.assert_allclose(health.rate.per_image, linear.kl(), rtol=1e-4)
    rebuilt = linear.model.reconstruct(linear.x, linear.y)
    explained = 1 - (linear.x - rebuilt).square().sum() / (linear.x - linear.x.mean(0)).square().sum()
    assert health.explained == pytest.approx(float(explained), rel=1e-4)


def test_generated_images_have_the_classes_of_the_training_images(linear: Linear) -> None:
    """Means of p(x|z, y) spread around b_y as W W' says, classes as often as they are."""
    from vaekit import Data

    data = Data("linear", linear.split, Split(linear.split.images[:0]), linear.split, "real")
    images = generate(linear.single, data.train, 6000, seed=0)[0].double()
    shares = torch.bincount(linear.y, minlength=CLASSES) / IMAGES
    torch.testing.assert_close(images.mean(0), shares.double() @ linear.centres, atol=0.12, rtol=0)


NETWORKS = {"lesson": (1, 9, 7), "mlp": (1, 6, 5), "resnet": (3, 10, 12)}


def shaken(model: LatentModel) -> LatentModel:
    """Away from blocks that are the identity."""
    with torch.no_grad():
        for parameter in model.double().parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("kind", [VAE, AE])
def test_without_weights_on_the_condition_it_is_the_model_without_labels(kind, network: str) -> None:
    torch.manual_seed(0)
    shape = NETWORKS[network]
    told = shaken(kind(shape, 4, **sized(network, width=8), classes=3))
    plain = shaken(kind(shape, 4, **sized(network, width=8)))
    with torch.no_grad():
        for name, parameter in told.named_parameters():
            target = plain.state_dict().get(name)
            if target is None:  # a layer of the condition alone
                parameter.zero_()
            elif target.shape != parameter.shape:  # the condition's columns come last
                parameter[:, -3:] = 0
                target.copy_(parameter[:, :-3])
            else:
                target.copy_(parameter)
    x, y, z = torch.rand(6, *shape).double(), torch.arange(6) % 3, torch.randn(2, 6, 4).double()
    torch.testing.assert_close(told.encode(x, y).mean, plain.encode(x).mean)
    torch.testing.assert_close(told.decode(z, y).mean, plain.decode(z, y).mean)


@pytest.mark.parametrize("network", NETWORKS)
def test_an_image_has_its_own_label_in_every_sample_of_it(network: str) -> None:
    torch.manual_seed(1)
    model = shaken(VAE(NETWORKS[network], 4, **sized(network, width=8), classes=3))
    y, z = torch.tensor([2, 0, 1, 1]), torch.randn(2, 3, 4, 4, dtype=torch.float64)
    means = model.decode(z, y).mean
    for i in range(4):
        for s in range(2):
            alone = model.decode(z[s, 1, i : i + 1], y[i : i + 1]).mean[0]
            torch.testing.assert_close(means[s, 1, i], alone)
    assert not torch.allclose(model.decode(z, y.flip(0)).mean, means)


def test_the_same_hand_under_another_label() -> None:
    torch.manual_seed(2)
    model = shaken(VAE((1, 6, 5), 4, width=8, classes=3, likelihood="bce"))
    x, y, other = torch.rand(5, 1, 6, 5).double(), torch.tensor([0, 1, 2, 0, 1]), torch.full((5,), 2)
    expected = model.decode(model.encode(x, y).mean, other).mean
    torch.testing.assert_close(model.reconstruct(x, y, redraw_as=other), expected)
    torch.testing.assert_close(model.reconstruct(x, y)[2], model.reconstruct(x, y, redraw_as=other)[2])
    assert not torch.allclose(model.reconstruct(x, y)[0], expected[0])


def test_samples_take_the_classes_in_turn_or_as_asked() -> None:
    torch.manual_seed(3)
    model = shaken(VAE((1, 6, 5), 4, width=8, classes=3, likelihood="bce"))
    z = torch.randn(7, 4, generator=torch.Generator().manual_seed(5)).double()
    for y, expected in (
        (None, torch.tensor([0, 1, 2, 0, 1, 2, 0])),
        (torch.full((7,), 1), torch.full((7,), 1)),
    ):
        drawn = model.sample(7, y, generator=torch.Generator().manual_seed(5))
        torch.testing.assert_close(drawn, model.decode(z, expected).mean.detach())
    with pytest.raises(DataError, match="7 whole numbers"):
        model.sample(7, torch.tensor([1]))


def test_wrong_labels_stop_everything_that_takes_them() -> None:
    model = VAE((1, 6, 5), 4, width=8, classes=3)
    x, z, wrong = torch.rand(2, 1, 6, 5), torch.zeros(2, 4), torch.tensor([0, 3])
    for call in (
        lambda y: model(x, y),
        lambda y: model.encode(x, y),
        lambda y: model.decode(z, y),
        lambda y: model.log_joint(x, z, y),
        lambda y: model.reconstruct(x, y),
    ):
        with pytest.raises(DataError, match="out of range"):
            call(wrong)
        with pytest.raises(DataError, match="pass y"):
            call(None)
