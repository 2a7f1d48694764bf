"""Figures of sample quality against scipy, closed forms, double loops and sets with known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import linalg
from torch.nn import functional as F

from vaekit.core import DataError
from vaekit.evaluation.samples.estimate import ratio_of_means
from vaekit.evaluation.samples.features.store import Features
from vaekit.evaluation.samples.frechet import frechet_distance, frechet_estimate
from vaekit.evaluation.samples.kernel import kernel_distance, squared_mmd
from vaekit.evaluation.samples.memorisation import memorisation
from vaekit.evaluation.samples.precision_recall import BLOCK, compare_manifolds, neighbours
from vaekit.evaluation.samples.quality import compare_features, laplacian_energy, sample_quality
from vaekit.metrics import metric_of


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Flat(Features):
    """Pixels as they are."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.name, self.shape, self.dimensions = "flat_v1", shape, math.prod(shape)

    def compute(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)


def frechet_by_scipy(x: np.ndarray, y: np.ndarray) -> float:
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = linalg.sqrtm(a @ b)
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * np.real(root)))


def test_frechet_distance_agrees_with_the_matrix_root_of_scipy():
    mixing = draws(16, 16, seed=1)
    x, y = draws(300, 16, seed=2) @ mixing, 1.5 * draws(400, 16, seed=3) + 0.3
    assert frechet_distance(x, y) == pytest.approx(frechet_by_scipy(x.numpy(), y.numpy()), rel=1e-9)


def test_frechet_distance_of_features_that_are_copies_of_each_other():
    x, y = draws(200, 5, seed=4), draws(200, 5, seed=5) + 1  # singular covariances: twice the distance
    twice = frechet_distance(torch.cat([x, x], 1), torch.cat([y, y], 1))
    assert twice == pytest.approx(2 * frechet_distance(x, y), rel=1e-6)


def test_frechet_distance_of_diagonal_gaussians_in_closed_form():
    """Points ±s on each axis have mean m and a diagonal covariance that is known exactly."""
    scales = torch.tensor([[0.5, 1.0, 3.0], [2.0, 1.0, 0.1]], dtype=torch.float64)
    means = torch.tensor([[0.0, 1.0, -2.0], [1.0, 1.0, 0.5]], dtype=torch.float64)
    sets = [m + torch.cat([torch.diag(s), -torch.diag(s)]) for m, s in zip(means, scales, strict=True)]
    deviations = scales * math.sqrt(2 / 5)  # two of six points on each axis, divided by N − 1
    expected = (means[0] - means[1]).square().sum() + (deviations[0] - deviations[1]).square().sum()
    assert frechet_distance(*sets) == pytest.approx(float(expected), rel=1e-12)


def test_error_of_the_frechet_distance_is_its_spread_over_draws():
    real = draws(2000, 4, seed=6)
    estimates = [frechet_estimate(draws(500, 4, seed=seed) + 0.5, real) for seed in range(40)]
    spread = np.std([e.value for e in estimates], ddof=1)
    assert np.mean([e.error for e in estimates]) == pytest.approx(spread, rel=0.35)


def test_squared_mmd_is_the_double_loop():
    x, y = draws(7, 3, seed=7), draws(5, 3, seed=8) + 0.4

    def kernel(a: torch.Tensor, b: torch.Tensor) -> float:
        return float(sum(a * b) / 3 + 1) ** 3

    within = [
        sum(kernel(p[i], p[j]) for i in range(len(p)) for j in range(len(p)) if i != j)
        / (len(p) * (len(p) - 1))
        for p in (x, y)
    ]
    between = sum(kernel(a, b) for a in x for b in y) / 35
    assert squared_mmd(x, y) == pytest.approx(within[0] + within[1] - 2 * between, rel=1e-12)


def test_kernel_distance_is_unbiased():
    """Over 200 pairs of sets of one distribution the mean is 0 within its noise; a biased one is at 0.7."""
    values = torch.tensor(
        [kernel_distance(draws(60, 6, seed=2 * i), draws(60, 6, seed=2 * i + 1)).value for i in range(200)]
    )
    z = float(values.mean() / (values.std() / math.sqrt(len(values))))
    assert abs(z) < 3.5


def test_kernel_distance_is_that_of_the_distributions():
    """E[(x·y + 1)³] in one dimension, for N(0, 1) and N(m, 1), from the moments of the normal."""
    m = 0.5
    first, second, third = m, 1 + m**2, m**3 + 3 * m

    def expected(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
        return a[2] * b[2] + 3 * a[1] * b[1] + 3 * a[0] * b[0] + 1

    zero, moved = (0.0, 1.0, 0.0), (first, second, third)
    exact = expected(zero, zero) + expected(moved, moved) - 2 * expected(zero, moved)
    estimate = kernel_distance(draws(20_000, 1, seed=9), draws(20_000, 1, seed=10) + m)
    assert estimate.value == pytest.approx(exact, abs=3.5 * estimate.error)
    assert estimate.error < 0.1 * exact


def shares(generated: torch.Tensor, real: torch.Tensor) -> tuple[float, float, float, float]:
    m = compare_manifolds(generated, real)
    return tuple(float(v.double().mean()) for v in (m.inside, m.reached, m.density, m.covered))  # type: ignore


def test_manifolds_of_disjoint_sets_do_not_meet():
    x = draws(100, 2, seed=11)
    assert shares(x, x + 100) == (0, 0, 0, 0)


def test_manifolds_of_the_same_set_agree():
    """k neighbours and the point itself lie in each ball: density (k + 1) / k on average."""
    x = draws(100, 2, seed=12)
    assert shares(x, x) == pytest.approx((1, 1, 6 / 5, 1))


def test_half_of_the_modes_is_half_of_the_recall():
    near, far = draws(60, 2, seed=13), draws(60, 2, seed=14) + 50
    real = torch.cat([near, far])
    precision, recall, density, coverage = shares(near, real)
    assert (precision, recall, coverage) == (1, 0.5, 0.5)
    assert density == pytest.approx(6 / 5)
    assert shares(real, near)[:2] == (0.5, 1)


def test_figures_of_features_bear_the_names_of_what_they_are():
    """A quarter of the samples are the one of two modes, the rest is nowhere: 1/4 precise, 1/2 reached."""
    real = torch.cat([draws(60, 2, seed=13), draws(60, 2, seed=14) + 50])
    generated = torch.cat([real[:60], draws(180, 2, seed=17) - 900])
    found = {name: figure.value for name, figure in compare_features(generated, real, "f_v1").items()}
    assert found["precision_f_v1"] == 0.25
    assert found["recall_f_v1"] == found["coverage_f_v1"] == 0.5
    assert found["density_f_v1"] == pytest.approx(0.25 * 6 / 5)
    assert found["fd_f_v1"] == pytest.approx(frechet_distance(generated, real))
    assert found["kd_f_v1"] == kernel_distance(generated, real).value
    far = compare_features(generated, real[:60], "f_v1")
    assert (far["precision_f_v1"].value, far["recall_f_v1"].value) == (0.25, 1)


def test_manifolds_counted_by_hand():
    """On a line: real 0, 1, ..., 9 and generated 0.4 times 8, 20, 21 with k = 1 and 2."""
    real = torch.arange(10, dtype=torch.float64)[:, None]
    generated = torch.tensor([0.4] * 8 + [20.0, 21.0], dtype=torch.float64)[:, None]
    m = compare_manifolds(generated, real, k=1, k_density=2)
    assert m.inside.tolist() == [True] * 8 + [False] * 2
    # 0.4 lies in the balls of 0 (radius 2), 1 (1), and 2 would need 1.6 (1): two of k = 2.
    assert m.density.tolist() == [1.0] * 8 + [0.0] * 2
    assert m.covered.tolist() == [True, True] + [False] * 8
    assert not m.reached.any()  # the balls of the eight copies have radius 0; 20 reaches to 19


def test_neighbours_do_not_depend_on_blocks_and_agree_with_direct_distances():
    points = draws(2500, 3, seed=15) + 1000  # far from the origin: products alone would cancel
    queries = draws(BLOCK // 2500 + 10, 3, seed=16) + 1000
    expected = torch.cdist(queries, points, compute_mode="donot_use_mm_for_euclid_dist").square()
    torch.testing.assert_close(
        neighbours(queries, points, 4), expected.topk(4, largest=False).values, rtol=1e-6, atol=1e-9
    )


def test_sharpness_of_blurred_and_noisy_images():
    images = torch.rand(200, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    blurred = F.avg_pool2d(images, 3, 1, 1)
    real = laplacian_energy(images)
    assert ratio_of_means(laplacian_energy(blurred), real).value < 0.2
    assert ratio_of_means(real, laplacian_energy(blurred)).value > 5


def test_laplacian_energy_of_independent_pixels():
    """4a − b − c − d − e has variance (16 + 4) / 12 for uniform pixels."""
    images = torch.rand(500, 2, 20, 20, generator=torch.Generator().manual_seed(1))
    energy = laplacian_energy(images)
    assert float(energy.mean()) == pytest.approx(20 / 12, abs=4 * float(energy.std()) / math.sqrt(500))


@pytest.fixture(scope="module")
def worlds() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Generated, test and training images of one distribution."""
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(3000, 1, 4, 4, generator=generator).mul(256).to(torch.uint8)
    return images[:500], images[500:1000], images[1000:]


def test_fresh_images_are_not_taken_for_copies(worlds):
    found = memorisation(*worlds)
    assert abs(found["memorised"].value) < 3.5 * found["memorised"].error
    assert found["near_copies"].value < 0.03


def test_the_share_of_copies_is_found(worlds):
    generated, test, train = worlds
    mixed = torch.cat([generated[:350], train[100:250]])  # 30 %
    found = memorisation(mixed, test, train)
    assert found["memorised"].value == pytest.approx(0.3, abs=3.5 * found["memorised"].error)
    assert found["near_copies"].value == pytest.approx(0.3, abs=0.03)


def test_blurred_images_are_not_taken_for_copies(worlds):
    """They are nearer to all images than real ones are; that is not copying."""
    generated, test, train = worlds
    grey = (generated.float() * 0.3 + 0.7 * 127).to(torch.uint8)
    found = memorisation(grey, test, train)
    assert abs(found["memorised"].value) < 3.5 * found["memorised"].error
    assert found["near_copies"].value < 0.03


def binary_worlds() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Generated, test and training images of 5 x 6 black and white pixels, many of them equally far apart."""
    generator = torch.Generator().manual_seed(8)
    prototypes = torch.rand(20, 1, 5, 6, generator=generator) < 0.5
    which = torch.randint(20, (1500,), generator=generator)
    flipped = torch.rand(1500, 1, 5, 6, generator=generator) < 0.15
    images = (prototypes[which] ^ flipped).to(torch.uint8) * 255
    return images[:300], images[300:600], images[600:]


def test_among_binary_images_the_equally_near_share_the_say(monkeypatch: pytest.MonkeyPatch):
    """Counted in whole numbers of differing pixels; and the same whatever the order in which pixels are summed."""
    monkeypatch.setattr("vaekit.evaluation.samples.memorisation.PART", 400)
    generated, test, train = binary_worlds()
    bits = [(images.flatten(1) > 0).tolist() for images in (generated, test, train)]

    def near(query: list[bool], others: list[list[bool]]) -> tuple[int, int]:
        differing = [sum(a != b for a, b in zip(query, other, strict=True)) for other in others]
        return min(differing), differing.count(min(differing))

    share, tied = 0.0, 0
    for query in bits[0]:
        (a, originals), (b, others) = near(query, bits[2]), near(query, bits[1])
        share += originals / (originals + others) if a == b else float(a < b)
        tied += a == b
    assert tied > 50
    chance = len(train) / (len(train) + len(test))
    found = memorisation(generated, test, train)
    assert found["memorised"].value == pytest.approx((share / 300 - chance) / (1 - chance), rel=1e-6)
    assert abs(found["memorised"].value) < 3.5 * found["memorised"].error, "fresh images are no copies"
    assert found["near_copies"].value < 0.05
    mixed = torch.cat([generated[:210], train[100:190]])  # 30 %
    copied = memorisation(mixed, test, train)
    assert copied["memorised"].value == pytest.approx(0.3, abs=3.5 * copied["memorised"].error)
    for seed in range(3):
        order = torch.randperm(30, generator=torch.Generator().manual_seed(seed))
        shuffled = [x.flatten(1)[:, order].reshape(x.shape) for x in (generated, test, train)]
        assert memorisation(*shuffled) == found


def test_sample_quality_of_copies_blur_and_fresh_images(worlds):
    generated, test, train = worlds
    features = Flat((1, 4, 4))
    fresh = sample_quality(generated, test, train, features)
    grey = sample_quality(generated.float() / 255 * 0.5 + 0.25, test, train, features)
    copied = sample_quality(train[:500], test, train, features)
    fd = "fd_flat_v1"
    assert fresh.figures[fd].value == pytest.approx(
        fresh.floor[fd].value, abs=4 * (fresh.figures[fd].error + fresh.floor[fd].error)
    )
    assert grey.figures[fd].value > 5 * grey.floor[fd].value
    assert grey.figures["sharpness"].value == pytest.approx(0.25, rel=0.1)
    assert copied.figures["memorised"].value == pytest.approx(1)
    assert any("memorised" in note for note in copied.notes)
    assert not any("memorised" in note for note in fresh.notes)
    assert fresh.flat()["fd_flat_v1_floor"] == fresh.floor[fd].value


def test_floats_are_measured_as_the_bytes_of_a_file(worlds):
    generated, test, train = worlds
    features = Flat((1, 4, 4))
    noise = torch.rand(generated.shape, generator=torch.Generator().manual_seed(5)) - 0.5
    floats = ((generated.float() + 0.9 * noise) / 255).clamp(0, 1)
    assert sample_quality(floats, test, train, features).flat() == (
        sample_quality(generated, test, train, features).flat()
    )


def test_too_few_images_are_refused(worlds):
    generated, test, train = worlds
    with pytest.raises(DataError, match=r"at least 50 images.*40 generated.*larger data set"):
        sample_quality(generated[:40], test, train, Flat((1, 4, 4)))


def test_figures_of_features_are_labelled_with_their_name(worlds):
    generated, test, train = worlds
    labels = {
        key: metric_of(key).label for key in sample_quality(generated, test, train, Flat((1, 4, 4))).flat()
    }
    assert labels["fd_flat_v1"] == "Fréchet distance (flat_v1)"
    assert labels["recall_flat_v1_floor_se"] == "recall (flat_v1) of training images, standard error"
    assert labels["near_copies"] == "near copies"
    assert len(set(labels.values())) == len(labels)
