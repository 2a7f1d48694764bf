"""Pictures by their surroundings: restored, smaller than a sheet, and read by a program that was written from the format's page."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from contextlib import suppress

import numpy as np
import pytest

from discs import pictures
from vaekit.coding import surroundings
from vaekit.coding.classical import AROUND, code_classically, coded_sheet, restore_classically
from vaekit.coding.surroundings import code_by_surroundings, lanes_of, restore_by_surroundings, suits
from vaekit.core import DataError


def by_the_page(content: bytes, shape: tuple[int, int, int, int]) -> np.ndarray:
    """A reader in Python's numbers alone, picture by picture within each step, after docs/format.md."""
    count, channels, height, width = shape
    lanes = int.from_bytes(content[:2], "little")
    number = int.from_bytes(content[2:], "little")
    lengths = [(number >> 5 * i & 31) + 31 for i in range(lanes)]
    place, heads = 16 + 5 * lanes, []
    whole = int.from_bytes(content, "little")
    for length in lengths:
        heads.append(1 << length | whole >> place & ((1 << length) - 1))
        place += length
    rest = content[-(-place // 8) :]
    words = [int.from_bytes(rest[i : i + 4], "little") for i in range(0, len(rest), 4)]
    counts: dict = defaultdict(lambda: [0.0] * 16)
    weights: dict = defaultdict(lambda: [1 / 5] * 5)
    order = (1, 0, 2) if channels == 3 else range(channels)
    out = np.zeros(shape, np.uint8)
    for first in range(0, count, lanes):
        group = range(min(lanes, count - first))
        value, lack = defaultdict(int), defaultdict(int)
        for i, j in np.ndindex(height, width):
            for turn, channel in enumerate(order):
                base = 1 if channels == 3 and turn else None

                def less(k: int, y: int, x: int, base=base, channel=channel, value=value) -> int:
                    return value[k, channel, y, x] - (0 if base is None else value[k, base, y, x])

                found = []
                for k in group:
                    a, b, c, d = (
                        less(k, i, j - 1),
                        less(k, i - 1, j),
                        less(k, i - 1, j - 1),
                        less(k, i - 1, j + 1),
                    )
                    guess = min(max(a + b - c, min(a, b)), max(a, b)) + (
                        0 if base is None else value[k, base, i, j]
                    )
                    active = bisect_right(
                        [1, 3, 6, 10, 16, 25, 40, 70, 120], abs(a - c) + abs(b - c) + abs(d - b)
                    )
                    before = lack[k, order[turn - 1], i, j] if turn else 0
                    missed = lack[k, channel, i, j - 1] + lack[k, channel, i - 1, j]
                    contexts = (
                        ("a", active, bisect_right([1, 4, 12], before)),
                        ("b", *(bisect_right([-8, 0, 1, 9], u) for u in (a - c, b - c, d - b))),
                        ("c", value[k, channel, i, j - 1] // 8, value[k, channel, i - 1, j] // 8),
                        ("d", i, j),
                        ("e", active, bisect_right([1, 3, 6, 10, 16, 25, 40, 70, 120], missed)),
                    )
                    found.append((min(max(guess, 0), 255), contexts))
                upper = [0] * len(group)
                for part in (0, 1):
                    seen, taken = [], []
                    for k in group:
                        keys = [(part, channel, upper[k], *context) for context in found[k][1]]
                        w = weights[part, channel, k]
                        shares = [
                            [(counts[keys[0]][s] + 2 / 16) / (sum(counts[keys[0]]) + 2) for s in range(16)]
                        ]
                        for key in keys[1:]:
                            own = counts[key]
                            shares.append([(own[s] + shares[0][s] * 2) / (sum(own) + 2) for s in range(16)])
                        mixed = []
                        for s in range(16):
                            total = shares[0][s] * w[0]
                            for n in range(1, 5):
                                total = total + shares[n][s] * w[n]
                            mixed.append(total)
                        taken.append((keys, shares, mixed))
                    for k in group:
                        keys, shares, mixed = taken[k]
                        start, slot, s = 0, heads[k] & 65535, 0
                        while True:
                            freq = 1 + int(65504 * mixed[s]) if s < 15 else 65536 - start
                            if slot < start + freq:
                                break
                            start, s = start + freq, s + 1
                        heads[k] = freq * (heads[k] >> 16) + slot - start
                        seen.append((s, keys, shares, mixed))
                    low = [k for k in group if heads[k] < 1 << 31]
                    for k, word in zip(low, words[len(words) - len(low) :], strict=True):
                        heads[k] = heads[k] << 32 | word
                    del words[len(words) - len(low) :]
                    for k in group:
                        s, keys, shares, mixed = seen[k]
                        w = weights[part, channel, k]
                        for n, key in enumerate(keys):
                            counts[key][s] += 1
                            w[n] = w[n] * (shares[n][s] / mixed[s]) * (255 / 256) + (1 / 256) / 5
                        upper[k] = 16 * upper[k] + s
                for k in group:
                    z = upper[k]
                    e = -(z + 1) // 2 if z % 2 else z // 2
                    value[k, channel, i, j] = (found[k][0] + e) % 256
                    lack[k, channel, i, j] = (z + 1) // 2
                    out[first + k, channel, i, j] = value[k, channel, i, j]
    assert not words and set(heads) == {1 << 31}
    return out


def smooth(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return (
        np.cumsum(draw.integers(-6, 7, shape), -1) + 100 * draw.integers(0, 3, shape[:1])[:, None, None, None]
    ).astype(np.uint8)


@pytest.fixture
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets that are too small to be tried, in lanes that hold little."""
    monkeypatch.setattr(surroundings, "LEAST_VALUES", 1)
    monkeypatch.setattr(surroundings, "VALUES_OF_A_LANE", 80)


@pytest.mark.usefixtures("few_are_enough")
@pytest.mark.parametrize("shape", [(13, 3, 4, 5), (19, 1, 6, 6), (5, 2, 6, 7), (4, 4, 5, 5)])
def test_a_reader_from_the_page_alone_gives_the_same(shape: tuple[int, int, int, int]) -> None:
    levels = smooth(shape)
    content = code_by_surroundings(levels)
    np.testing.assert_array_equal(by_the_page(content, shape), levels)
    np.testing.assert_array_equal(restore_by_surroundings(content, shape), levels)


@pytest.mark.usefixtures("few_are_enough")
@pytest.mark.parametrize("top", [0, 1, 255])
@pytest.mark.parametrize(
    "shape", [(600, 1, 8, 8), (50, 3, 9, 5), (5000, 1, 1, 1), (1, 1, 64, 64), (700, 3, 5, 5)]
)
def test_whatever_the_levels_they_come_back(shape: tuple[int, ...], top: int) -> None:
    levels = np.random.default_rng(1).integers(0, top + 1, shape).astype(np.uint8)
    content = code_by_surroundings(levels)
    np.testing.assert_array_equal(restore_by_surroundings(content, shape), levels)
    assert len(content) <= levels.size * 1.13 + 5 * lanes_of(shape) + 9  # noise costs little more than it is


@pytest.mark.usefixtures("few_are_enough")
def test_several_rounds_of_lanes_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "MOST_LANES", 16)
    levels = smooth((75, 1, 6, 6))
    content = code_by_surroundings(levels)
    assert lanes_of(levels.shape) == 16
    np.testing.assert_array_equal(restore_by_surroundings(content, levels.shape), levels)
    np.testing.assert_array_equal(by_the_page(content, (75, 1, 6, 6)), levels)


def test_pictures_alike_need_less_than_a_sheet() -> None:
    levels = pictures(60)[:, None]
    number, content = code_classically(levels)
    sheet = coded_sheet(levels)
    assert number == AROUND and sheet is not None and len(content) < 0.95 * len(sheet)
    np.testing.assert_array_equal(restore_classically(number, content, levels.shape), levels)


def test_what_does_not_suit_is_not_tried() -> None:
    assert suits((256, 1, 8, 8)) and suits((1, 1, 128, 128)) and suits((2048, 1, 64, 64))
    for shape in ((255, 1, 8, 8), (2049, 1, 64, 64), (4, 1, 128, 129), (500, 64), (9, 0, 100, 100)):
        assert not suits(shape)
        with pytest.raises(DataError, match="are not coded by their surroundings"):
            restore_by_surroundings(b"", shape)


@pytest.mark.usefixtures("few_are_enough")
def test_damage_is_seen_or_gives_other_levels() -> None:
    levels = smooth((80, 1, 8, 4))
    content, draw = code_by_surroundings(levels), np.random.default_rng(2)
    for length in (0, 1, 5, 12, len(content) - 4, len(content) - 1):
        with pytest.raises(DataError):
            restore_by_surroundings(content[:length], levels.shape)
    for shape in ((81, 1, 8, 4), (160, 1, 8, 4), (70, 1, 8, 4)):
        with pytest.raises(DataError):
            restore_by_surroundings(content, shape)
    for _ in range(10):
        hurt = bytearray(content)
        hurt[draw.integers(2, len(hurt))] ^= 1 << draw.integers(0, 8)
        with suppress(DataError):
            assert not np.array_equal(restore_by_surroundings(bytes(hurt), levels.shape), levels)
