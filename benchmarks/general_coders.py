"""What coders without a model make of pictures: bytes, without a loss and with one. Needs numpy and Pillow, and no torch.

    python benchmarks/general_coders.py IMAGES.npy [--binary] [--lossy] [--at 0.0069 0.0047]

IMAGES.npy has levels of 8 bits, (N, H, W) or (N, C, H, W), of binary pixels 0 and 1. Prints bits per value C x H x W and bytes of a
picture, each picture as a file, and all of them as one block or one sheet; with --lossy bytes of a picture against mean
squared error, and at some errors, between measured points. JPEG XL is there where `pillow_jxl` is installed.
`python benchmarks/codec.py --without-model SOURCE` does the same for any source of vaekit.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vaekit.coding.general_lossy import general_points, said_at
from vaekit.coding.jpeg_xl import has_jpeg_xl
from vaekit.coding.sums import general_sizes
from vaekit.coding.surroundings import code_by_surroundings, restore_by_surroundings, suits

ERRORS = (0.0069, 0.0047)
MISSING = "JPEG XL: not installed (pip install pillow-jxl-plugin)"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path)
    parser.add_argument("--binary", action="store_true")
    parser.add_argument("--lossy", action="store_true")
    parser.add_argument("--at", type=float, nargs="+", default=ERRORS)
    options = parser.parse_args()
    levels = np.load(options.images)
    levels = levels[:, None] if levels.ndim == 3 else levels
    show(levels, "binary" if options.binary else "8-bit")
    if options.lossy:
        show_lossy(levels * np.uint8(255 if options.binary else 1), options.at)


def show(levels: np.ndarray, pixels: str) -> None:
    """Prints what pictures (N, C, H, W) take without a loss, and whether `surroundings` gives them back."""
    print(f"{len(levels):,} pictures of {levels[0].size:,} values")
    for name, size in general_sizes(levels, pixels).items():
        print(
            f"{name:14} {8 * size / levels.size:.4f} bits per value, {size / len(levels):.1f} bytes of each"
        )
    if not has_jpeg_xl():
        print(MISSING)
    if suits(levels.shape):
        began = time.process_time()
        content = code_by_surroundings(levels)
        between = time.process_time()
        same = np.array_equal(restore_by_surroundings(content, levels.shape), levels)
        coding, restoring = between - began, time.process_time() - between
        print(
            f"surroundings: {'every pixel restored' if same else 'OTHER PIXELS'}; {1000 * coding / len(levels):.2f} and "
            f"{1000 * restoring / len(levels):.2f} ms of processor time to code and to restore a picture"
        )
    else:
        print("surroundings: not for so few, so many or so large pictures")


def show_lossy(levels: np.ndarray, errors: Sequence[float]) -> None:
    """Prints points of coders with a loss, each picture as a file, and bytes at some errors."""
    for name, line in general_points(levels).items():
        print(f"{name}: " + ", ".join(f"{point.size:.1f} at {point.error:.5f}" for point in line))
        print("  between: " + "; ".join(f"at {error}: {said_at(line, error)}" for error in errors))
    if not has_jpeg_xl():
        print(MISSING)


if __name__ == "__main__":
    main()
