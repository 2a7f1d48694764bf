"""Pictures of bright discs, to code."""

from __future__ import annotations

import numpy as np


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Grey pictures with a bright disc somewhere, (count, 37, 53) uint8."""
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[:37, :53]
    centres = draw.uniform(8, 29, (count, 2))
    far = [np.hypot(rows - y, columns - x * 53 / 37) for y, x in centres]
    return np.stack([np.clip(230 - 12 * d + draw.integers(0, 6, d.shape), 0, 255) for d in far]).astype(
        np.uint8
    )
