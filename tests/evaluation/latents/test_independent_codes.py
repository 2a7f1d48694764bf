"""The cost of independent codes, against a plain loop, and against codes whose entropy is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vaekit.evaluation.latents.independent_codes import PULLS, independent_bits

PLACES, CODES = 49, 512


def by_hand(codes: np.ndarray, training: np.ndarray, size: int) -> np.ndarray:
    """The same by loops over places and codes, and over all pairs of left-out codes."""
    images, places = training.shape
    here = [[int((training[:, t] == k).sum()) for k in range(size)] for t in range(places)]
    all_of = [sum(column[k] for column in here) for k in range(size)]
    total = images * places

    def length_of_all(b: float) -> float:
        return -sum(n * math.log((n - 1 + b / size) / (total - 1 + b)) for n in all_of if n)

    b = min(PULLS, key=length_of_all)

    def length_by_place(a: float) -> float:
        found = 0.0
        for column in here:
            for k, n in enumerate(column):
                if n:
                    without = (all_of[k] - 1 + b / size) / (total - 1 + b)
                    found -= n * math.log((n - 1 + a * without) / (images - 1 + a))
        return found

    a = min(PULLS, key=length_by_place)
    bits = np.zeros(len(codes))
    for i, row in enumerate(codes):
        for t, k in enumerate(row):
            overall = (all_of[k] + b / size) / (total + b)
            bits[i] -= math.log2((here[t][k] + a * overall) / (images + a))
    return bits


@pytest.mark.parametrize("concentration", [0.05, 0.5, 50.0])
def test_it_is_the_plain_loop(concentration: float) -> None:
    source = np.random.default_rng(3)
    shares = source.dirichlet([concentration] * 7, size=5)
    drawn = np.stack([source.choice(7, size=80, p=p) for p in shares], axis=1)
    found = independent_bits(torch.from_numpy(drawn[:30]), torch.from_numpy(drawn[30:]), 7)
    np.testing.assert_allclose(found.numpy(), by_hand(drawn[:30], drawn[30:], 7), rtol=1e-9)


@pytest.mark.parametrize("images", [30, 100, 300, 1000, 10_000])
def test_uniform_codes_cost_what_they_must(images: int) -> None:
    """441 bits, whatever the number of training images and of test images: never capped at log2 N."""
    generator = torch.Generator().manual_seed(images)
    for tested in (100, 2000):
        draw = [torch.randint(0, CODES, (n, PLACES), generator=generator) for n in (tested, images)]
        bits = independent_bits(draw[0], draw[1], CODES)
        error = bits.std().item() / math.sqrt(tested)
        assert -3 * error - 1e-6 <= bits.mean().item() - 9 * PLACES < 0.5


@pytest.mark.parametrize("concentration", [0.02, 0.2, 2.0])
def test_the_cost_falls_to_the_entropy_with_training_images(concentration: float) -> None:
    """Codes that differ by position: above the entropy by less and less, and below what half counts cost."""
    torch.manual_seed(0)
    size, places = 64, 16
    shares = torch.distributions.Dirichlet(torch.full((size,), concentration)).sample((places,))
    entropy = -(shares * shares.clamp_min(1e-300).log2()).sum().item()

    def drawn(count: int) -> torch.Tensor:
        return torch.stack([torch.multinomial(p, count, replacement=True) for p in shares], 1)

    tested, costs = drawn(4000), []
    for images in (30, 300, 3000):
        training = drawn(images)
        bits = independent_bits(tested, training, size)
        counts = torch.stack([column.bincount(minlength=size) for column in training.T]).double()
        halves = ((counts + 0.5) / (images + size / 2)).log2()
        assert bits.mean().item() < -halves.T.gather(0, tested).sum(1).mean().item() + 0.1
        assert bits.mean().item() > entropy - 3 * bits.std().item() / math.sqrt(len(tested))
        costs.append(bits.mean().item() - entropy)
    assert costs[0] > costs[1] > costs[2] - 0.05
    assert costs[2] < 0.03 * entropy


def test_a_single_training_image_is_not_trusted() -> None:
    training, codes = torch.full((1, 4), 3), torch.tensor([[3, 3, 3, 3], [0, 1, 2, 4]])
    bits = independent_bits(codes, training, 8)
    assert bits[0] < 12 < bits[1]
    assert bits.isfinite().all()
