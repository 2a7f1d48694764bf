"""Sets that are drawn from known factors: which images they hold, and how they become a source.

Factors come from a fixed seed, so that a set is the same everywhere. Grey images are distinguished by their
factors, so that a pixel that is rounded otherwise on another processor changes neither split nor fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vaekit.config.options import DataSettings
from vaekit.data.dataset import Factor, Loaded, Split
from vaekit.data.splits import content_keys
from vaekit.data.synthetic.sprites import COUNT, SHAPES, factors_of, render_sprites
from vaekit.data.synthetic.sprites import FACTORS as SPRITE_FACTORS
from vaekit.data.synthetic.strokes import FACTORS as STROKE_FACTORS
from vaekit.data.synthetic.strokes import render_strokes

STROKES_TRAIN, STROKES_TEST = 60_000, 10_000

SPRITES = 72_000  # of 737,280: the whole set as bytes would take 3 GB; a sixth is for testing

TRAIN_SEED, TEST_SEED, SPRITES_SEED = 1, 2, 3  # changing one changes the data


def load_strokes(settings: DataSettings) -> Loaded:
    """60,000 training and 10,000 test digits drawn with a pen; the label is the digit."""
    parts, keys = {}, {}
    for name, count, seed in (("train", STROKES_TRAIN, TRAIN_SEED), ("test", STROKES_TEST, TEST_SEED)):
        factors = draw_factors(STROKE_FACTORS, count, seed)
        parts[name] = Split(render_strokes(factors), factors[:, 0].long(), None, factors)
        keys[name] = content_keys(factors)
    return Loaded(parts, keys, class_names=list("0123456789"), factors=STROKE_FACTORS)


def load_sprites(settings: DataSettings) -> Loaded:
    """72,000 of the 737,280 sprites, drawn by a fixed seed, in the order of dSprites; the label is the shape."""
    raw = np.random.PCG64(SPRITES_SEED).random_raw(COUNT)
    chosen = np.sort(np.argsort(raw, kind="stable")[:SPRITES])
    factors = factors_of(torch.from_numpy(chosen)).float()
    split = Split(render_sprites(factors), factors[:, 0].long(), None, factors)
    note = f"{SPRITES:,} of the {COUNT:,} sprites, by a fixed seed; re-rendered from a closed form"
    return Loaded({"train": split}, class_names=list(SHAPES), factors=SPRITE_FACTORS, notes=[note])


def draw_factors(factors: Sequence[Factor], count: int, seed: int) -> Tensor:
    """Independent uniform values of some factors, (count, F) float32; the first rows do not depend on the count.

    The raw output of PCG64 is used because numpy keeps that the same in all versions.
    """
    raw = np.asarray(np.random.PCG64(seed).random_raw(count * len(factors)), dtype="<u8")
    uniform = torch.from_numpy((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53).view(count, -1)
    columns = []
    for factor, share in zip(factors, uniform.T, strict=True):
        if factor.values is None:
            columns.append(factor.low + (factor.high - factor.low) * share)
        else:
            columns.append((share * factor.values).floor())
    return torch.stack(columns, dim=1).float()
