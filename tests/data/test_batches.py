from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vaekit.data.batches import Batches
from vaekit.data.cache import is_mapped, read_npy, release_pages
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


def told_apart(images: torch.Tensor) -> torch.Tensor:
    """The same images (N, D) uint8 with their numbers in three more pixels: equal images have equal draws."""
    numbers = torch.arange(len(images))
    marks = torch.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], dim=1).to(torch.uint8)
    return torch.cat([images, marks], dim=1)


@pytest.mark.parametrize("shuffle", [True, False])
def test_dynamic_draws_have_the_grey_levels_as_means(shuffle):
    levels = torch.tensor([0, 13, 64, 128, 200, 254, 255], dtype=torch.uint8)
    count = 40_000
    batches = Batches(Split(told_apart(levels.expand(count, -1))), 1000, "cpu", dynamic=True, shuffle=shuffle)
    torch.manual_seed(0)
    drawn = torch.cat([x for x, _ in batches.epoch(0)])[:, : len(levels)]
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
    split = Split(told_apart(torch.full((50, 30), 128, dtype=torch.uint8)))
    batches = Batches(split, 20, "cpu", dynamic=True, shuffle=False, seed=1)
    state = torch.get_rng_state()
    first = torch.cat([x for x, _ in batches.epoch(0)])
    again = torch.cat([x for x, _ in batches.epoch(3)])
    tail = torch.cat([x for x, _ in batches.epoch(0, 1)])
    assert torch.equal(first, again)
    assert torch.equal(tail, first[20:])
    assert not torch.equal(first[:20], first[20:40])
    other = Batches(split, 7, "cpu", dynamic=True, shuffle=False, seed=2)
    assert torch.equal(first, torch.cat([x for x, _ in other.epoch(0)])), "whatever the batches and the seed"
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


def mapped_split(folder: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> Split:
    """Images that carry their own number, in a mapped file; blocks of 16, groups of 4 blocks."""
    monkeypatch.setattr("vaekit.data.cache.RESIDENT", 100)
    monkeypatch.setattr("vaekit.data.batches.BLOCK", 16)
    monkeypatch.setattr("vaekit.data.batches.GROUP", 16 * 4 * 8)
    np.save(folder / "images.npy", np.arange(count, dtype=np.float64)[:, None])
    images = torch.from_numpy(read_npy(folder / "images.npy"))
    assert is_mapped(images)
    return Split(images, torch.arange(count))


@pytest.mark.parametrize("batch", [7, 16, 64, 100, 1000])
def test_mapped_images_come_once_an_epoch_shuffled(tmp_path, monkeypatch, batch):
    batches = Batches(mapped_split(tmp_path, monkeypatch, 300), batch, "cpu", seed=4)
    assert batches.mapped
    found = [(x[:, 0], y) for x, y in batches.epoch(2)]
    assert [len(y) for _, y in found] == [min(batch, 300 - k * batch) for k in range(len(batches))]
    assert all(torch.equal(x, y.float()) for x, y in found)
    order = torch.cat([y for _, y in found])
    assert torch.equal(order.sort().values, torch.arange(300))
    assert (order[1:] - order[:-1] == 1).sum() < 30  # neighbours are torn apart
    again = torch.cat([y for _, y in batches.epoch(2)])
    assert torch.equal(again, order)
    assert not torch.equal(torch.cat([y for _, y in batches.epoch(3)]), order)
    for start in range(len(batches) + 1):
        tail = [y for _, y in batches.epoch(2, start)]
        assert torch.equal(torch.cat([torch.empty(0, dtype=torch.int64), *tail]), order[start * batch :])


def test_released_pages_come_back_as_they_were(tmp_path, monkeypatch):
    split = mapped_split(tmp_path, monkeypatch, 50)
    before = split.images.clone()
    release_pages()
    assert torch.equal(split.images, before)
    assert not is_mapped(before)


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_parts_of_several_processes_make_up_the_batches_of_one(tmp_path, monkeypatch, mapped, shuffle):
    split = mapped_split(tmp_path, monkeypatch, 103)
    if not mapped:
        split = Split(split.images.clone(), split.labels)
    whole = [y.tolist() for _, y in Batches(split, 10, "cpu", shuffle=shuffle).epoch(1)]
    parts = [
        [y.tolist() for _, y in Batches(split, 10, "cpu", shuffle=shuffle, part=(r, 3)).epoch(1)]
        for r in range(3)
    ]
    assert [a + b + c for a, b, c in zip(*parts, strict=True)] == whole


COUNTED = """
import os, sys
from pathlib import Path
import numpy as np, torch
from vaekit.data import cache
cache.RESIDENT = 100
from vaekit.data.batches import Batches
from vaekit.data.dataset import Split

def threads():
    return len(os.listdir("/proc/self/task"))

np.save(sys.argv[1], np.zeros((200_000, 4), np.uint8))
torch.ones(10**6).exp()  # the training's own team is there
batches = Batches(Split(torch.from_numpy(cache.read_npy(Path(sys.argv[1])))), 50_000, "cpu")
assert batches.mapped
before, most = threads(), 0
for _ in batches.epoch(0):
    most = max(most, threads())
print(most - before)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_reading_ahead_takes_one_thread_and_no_team(tmp_path):
    words = [sys.executable, "-c", COUNTED, str(tmp_path / "a.npy")]
    done = subprocess.run(
        words, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "2"}
    )
    assert done.stdout.strip() == "1"
