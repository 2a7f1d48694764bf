"""Masses against the library's own likelihoods; intervals tile the units, and every level is found where it lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vaekit.coding.ans import Lanes
from vaekit.coding.masses import BernoulliMasses, Masses
from vaekit.distributions import build_likelihood

ONE = 1 << 12


def all_intervals(
    masses: Masses, raw: np.ndarray, levels: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of every level of each value, given the levels of the others: (count, V, B) each."""
    starts, freqs = [], []
    for level in range(count):
        rows = []
        for place in range(levels.shape[1]):
            changed = levels.copy()
            changed[:, place] = level
            rows.append([part[place] for part in masses.intervals(masses.params(raw), changed.T)])
        starts.append([row[0] for row in rows])
        freqs.append([row[1] for row in rows])
    return np.array(starts), np.array(freqs)


def check_intervals(masses: Masses, raw: np.ndarray, levels: np.ndarray, count: int) -> None:
    """They tile 2**bits, and `find` gives the one that holds a place, for places at both ends of each."""
    start, freq = all_intervals(masses, raw, levels, count)
    assert start.dtype == freq.dtype == np.uint64 and (freq >= 1).all()
    assert (start[0] == 0).all() and (start[1:] == start[:-1] + freq[:-1]).all()
    assert (start[-1] + freq[-1] == 1 << masses.bits).all()
    params = masses.params(raw)
    for place in range(levels.shape[1]):
        for level in {0, 1, count // 2, count - 2, count - 1}:
            s, f = start[level, place], freq[level, place]
            for slot in (s, s + f // np.uint64(2), s + f - np.uint64(1)):
                found = masses.find(params, place, slot, levels.T)
                assert (found[0] == level).all() and (found[1] == s).all() and (found[2] == f).all()


def check_round_trip(masses: Masses, raw: np.ndarray, levels: np.ndarray) -> float:
    """Returns bits that were pushed; they are what the lanes hold."""
    lanes = Lanes(len(raw))
    bits = masses.push(lanes, raw, levels)
    assert lanes.bits == pytest.approx(bits.sum(), rel=1e-3, abs=len(raw))
    lanes = Lanes.from_bytes(lanes.to_bytes())
    assert (masses.pop(lanes, raw, levels.shape[1]) == levels).all()
    assert (lanes.heads == 1 << 31).all() and not len(lanes.words)
    return float(bits.sum())


def log2_prob(
    name: str, shape: tuple[int, ...], pixels: str, raw: np.ndarray, levels: np.ndarray, **options
) -> float:
    """Bits by the library's likelihood in float64."""
    likelihood = build_likelihood(name, pixels, shape, **options)
    top = 1 if pixels == "binary" else 255
    numbers = torch.from_numpy(raw / ONE).unflatten(1, (likelihood.num_params * shape[0], *shape[1:]))
    images = torch.from_numpy(levels / top).view(-1, *shape)
    with torch.no_grad():
        return -float(likelihood(numbers).log_prob(images).sum()) / np.log(2)


EXTREMES = [-(2**40), -(2**17), -70_000, -1, 0, 1, 5, 70_000, 2**17, 2**40]


def test_bernoulli() -> None:
    draw = np.random.default_rng(0)
    masses, raw = BernoulliMasses(), np.rint(draw.normal(0, 3, (5, 64)) * ONE).astype(np.int64)
    levels = (draw.random((5, 64)) < 1 / (1 + np.exp(-raw / ONE))).astype(np.int64)
    check_intervals(masses, raw, levels, 2)
    bits = check_round_trip(masses, raw, levels)
    assert bits == pytest.approx(log2_prob("bernoulli", (1, 8, 8), "binary", raw, levels), rel=1e-4)
    extreme = np.array([EXTREMES])
    check_intervals(masses, extreme, np.ones_like(extreme), 2)
    check_round_trip(masses, extreme, np.arange(10)[None] % 2)
    zero = masses.params(extreme)[:, 0].tolist()
    assert zero[0] == 2**24 - 1 and zero[-1] == 1 and zero[4] == 2**23
    assert zero[3] + zero[5] == 2**24
