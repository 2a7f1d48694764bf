from __future__ import annotations

import math

import pytest
import torch

from vaekit.data.batches import Batches, mixed_seed
from vaekit.data.dataset import Split


def numbered(count: int = 23) -> Split:
    """Images that carry their own number, and labels that repeat it."""
    values = torch.arange(count)
    return Split(values.to(torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2).contiguous(), values)


def numbers(batches: Batches, epoch: int, start: int = 0) -> list[list[int]]:
    found = []
    for x, y in batches.epoch(epoch, start):
        assert y is not None
        assert torch.equal(x[:, 0, 0, 0], y.float() / 255)  # image and label stay together, scaled
        found.append(y.tolist())
    return found


def test_every_image_once_an_epoch_and_a_smaller_last_batch():
    batches = Batches(numbered(), 5, "cpu")
    found = numbers(batches, 0)
    assert [len(batch) for batch in found] == [5, 5, 5, 5, 3]
    assert len(batches) == 5
    assert sorted(n for batch in found for n in batch) == list(range(23))


def test_order_depends_on_seed_and_epoch_alone():
    first = Batches(numbered(), 5, "cpu", seed=1)
    expected = [numbers(first, epoch) for epoch in range(3)]
    torch.manual_seed(99)
    again = Batches(numbered(), 5, "cpu", seed=1)
    assert [numbers(again, epoch) for epoch in (2, 0, 1)] == [expected[2], expected[0], expected[1]]
    other = Batches(numbered(), 5, "cpu", seed=2)
    orders = {str(order) for order in [*expected, numbers(other, 0), numbers(other, 1)]}
    assert len(orders) == 5


@pytest.mark.parametrize("start", [0, 1, 4, 5])
def test_start_gives_the_tail_of_the_epoch(start):
    batches = Batches(numbered(), 5, "cpu", seed=3)
    assert numbers(batches, 7, start) == numbers(batches, 7)[start:]


def test_drop_last_and_order_of_the_split():
    batches = Batches(numbered(), 5, "cpu", shuffle=False, drop_last=True)
    assert [n for batch in numbers(batches, 0) for n in batch] == list(range(20))
    assert len(batches) == 4


def test_floats_and_missing_labels():
    images = torch.rand(6, 4)
    (x, y), *rest = Batches(Split(images), 4, "cpu", shuffle=False).epoch(0)
    assert y is None
    assert torch.equal(torch.cat([x, *(x for x, _ in rest)]), images)


@pytest.mark.parametrize("shuffle", [True, False])
def test_dynamic_draws_have_the_grey_levels_as_means(shuffle):
    levels = torch.tensor([0, 13, 64, 128, 200, 254, 255], dtype=torch.uint8)
    count = 40_000
    batches = Batches(Split(levels.expand(count, -1)), 1000, "cpu", dynamic=True, shuffle=shuffle)
    torch.manual_seed(0)
    drawn = torch.cat([x for x, _ in batches.epoch(0)])
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    expected = levels.double() / 255
    error = (expected * (1 - expected) / count).sqrt()
    assert ((drawn.double().mean(0) - expected).abs() <= 4.5 * error).all()
    assert (drawn[:, 0] == 0).all()
    assert (drawn[:, -1] == 1).all()


def test_training_draws_come_from_the_global_generator():
    batches = Batches(Split(torch.full((50, 30), 128, dtype=torch.uint8)), 50, "cpu", dynamic=True)

    def draw() -> torch.Tensor:
        return next(batches.epoch(0))[0]

    torch.manual_seed(5)
    first, second = draw(), draw()
    torch.manual_seed(5)
    assert torch.equal(draw(), first)
    assert not torch.equal(first, second)
    torch.manual_seed(5)
    assert torch.equal(first, (torch.rand(50, 30) < 128 / 255).float())


def test_evaluation_draws_repeat_and_leave_the_global_generator_alone():
    split = Split(torch.full((50, 30), 128, dtype=torch.uint8))
    batches = Batches(split, 20, "cpu", dynamic=True, shuffle=False, seed=1)
    state = torch.get_rng_state()
    first = torch.cat([x for x, _ in batches.epoch(0)])
    again = torch.cat([x for x, _ in batches.epoch(3)])
    tail = torch.cat([x for x, _ in batches.epoch(0, 1)])
    assert torch.equal(first, again)
    assert torch.equal(tail, first[20:])
    assert not torch.equal(first[:20], first[20:40])
    other = Batches(split, 20, "cpu", dynamic=True, shuffle=False, seed=2)
    assert not torch.equal(first, torch.cat([x for x, _ in other.epoch(0)]))
    assert torch.equal(torch.get_rng_state(), state)


def test_order_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    list(Batches(numbered(), 5, "cpu").epoch(0))
    assert torch.equal(torch.get_rng_state(), state)


def test_orders_of_many_epochs_are_uniform():
    batches = Batches(numbered(10), 10, "cpu")
    epochs = 3000
    first = torch.tensor([numbers(batches, epoch)[0][0] for epoch in range(epochs)])
    counts = torch.bincount(first, minlength=10)
    statistic = float(((counts - epochs / 10) ** 2 / (epochs / 10)).sum())
    assert statistic < 9 + 5 * math.sqrt(18)  # chi-squared with 9 degrees of freedom, 5 sigma


def test_mixed_seeds_differ():
    seeds = {mixed_seed(p, a, b) for p in ("order", "evaluation") for a in range(40) for b in range(40)}
    assert len(seeds) == 3200
    assert all(0 <= seed < 2**63 for seed in seeds)
