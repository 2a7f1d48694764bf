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


def sided(count: int) -> Split:
    """Images (1, 2, 3) of which no column is like another, and no image like another or its mirror."""
    first = torch.arange(count)
    marks = torch.stack([first % 100, 100 + first // 100, torch.full_like(first, 200)], dim=-1)
    return Split(marks.to(torch.uint8)[:, None, None].expand(-1, 1, 2, 3).contiguous(), first)


def mirrored(x: torch.Tensor, y: torch.Tensor, split: Split) -> torch.Tensor:
    """Which of the images are mirrored, (B,) bool; each must be one of its own two forms, to the bit."""
    own = split.images[y].float() / 255
    as_is, other = ((x == form).flatten(1).all(1) for form in (own, torch.stack([*own.unbind(-1)][::-1], -1)))
    assert (as_is ^ other).all()
    return other


@pytest.mark.parametrize("batch", [7, 64, 1000])
def test_each_image_is_itself_or_its_mirror_half_of_the_time(batch: int) -> None:
    split = sided(1000)
    batches = Batches(split, batch, "cpu", seed=3, flip=True)
    found = torch.zeros(40, 1000, dtype=torch.bool)
    for epoch in range(40):
        for x, y in batches.epoch(epoch):
            assert y is not None
            found[epoch, y] = mirrored(x, y, split)
    assert abs(found.double().mean().item() - 0.5) < 5 * 0.5 / math.sqrt(found.numel())
    per_image, per_epoch = found.sum(0).double(), found.sum(1).double()
    assert abs(per_image.var().item() - 10) < 5 * 10 * math.sqrt(2 / 1000), "of 40 fair tosses: variance 10"
    assert ((per_epoch - 500).abs() < 5 * math.sqrt(250)).all()
    again = (found[1:] == found[:-1]).double().mean().item()
    assert abs(again - 0.5) < 5 * 0.5 / math.sqrt(39_000), "a toss says nothing of the next epoch's"


def test_what_is_mirrored_depends_on_seed_and_epoch_and_leaves_order_and_noise_alone() -> None:
    split, state = sided(50), torch.get_rng_state()
    whole = [x for x, _ in Batches(split, 8, "cpu", seed=1, flip=True).epoch(2)]
    assert torch.equal(torch.get_rng_state(), state)
    for start in range(8):
        tail = [x for x, _ in Batches(split, 8, "cpu", seed=1, flip=True).epoch(2, start)]
        assert len(tail) == 7 - min(start, 7) and all(map(torch.equal, tail, whole[start:]))
    plain = [y.tolist() for _, y in Batches(split, 8, "cpu", seed=1).epoch(2) if y is not None]
    assert plain == [
        y.tolist() for _, y in Batches(split, 8, "cpu", seed=1, flip=True).epoch(2) if y is not None
    ]
    tosses = set()
    for seed, epoch in [(1, 2), (1, 3), (2, 2)]:
        batches = Batches(split, 50, "cpu", seed=seed, flip=True)
        x, y = next(batches.epoch(epoch))
        assert y is not None
        tosses.add(str(mirrored(x, y, split)[y.argsort()].tolist()))
    assert len(tosses) == 3


def test_grey_images_are_mirrored_before_they_are_drawn() -> None:
    """Black on the left and white on the right stay so or change sides; nothing in between appears."""
    split = Split(torch.tensor([0, 255], dtype=torch.uint8).expand(400, 1, 1, 2).contiguous())
    x = torch.cat([x for x, _ in Batches(split, 100, "cpu", dynamic=True, flip=True).epoch(0)])[:, 0, 0]
    assert set(map(tuple, x.tolist())) == {(0.0, 1.0), (1.0, 0.0)}


@pytest.mark.parametrize("in_file", [False, True])
def test_processes_mirror_the_images_that_one_would(tmp_path, monkeypatch, in_file) -> None:
    split = sided(103)
    if in_file:
        monkeypatch.setattr("vaekit.data.cache.RESIDENT", 100)
        monkeypatch.setattr("vaekit.data.batches.BLOCK", 16)
        monkeypatch.setattr("vaekit.data.batches.GROUP", 16 * 4 * 6)
        np.save(tmp_path / "images.npy", split.images.numpy())
        mapped = torch.from_numpy(read_npy(tmp_path / "images.npy"))
        assert is_mapped(mapped)
        whole, split = split, Split(mapped, split.labels)
    else:
        whole = split
    one = [x for x, _ in Batches(split, 10, "cpu", seed=5, flip=True).epoch(1)]
    parts = [
        [x for x, _ in Batches(split, 10, "cpu", seed=5, flip=True, part=(r, 3)).epoch(1)] for r in range(3)
    ]
    for together, *apart in zip(one, *parts, strict=True):
        assert torch.equal(torch.cat(apart), together)
    labels = [y for _, y in Batches(split, 10, "cpu", seed=5).epoch(1) if y is not None]
    tossed = torch.cat([mirrored(x, y, whole) for x, y in zip(one, labels, strict=True)])
    assert 20 < tossed.sum() < 83
