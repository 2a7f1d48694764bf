"""Does training from a memory-mapped file keep up with images in memory?

    python benchmarks/mapped_speed.py [--images 6000000] [--seconds 30] [--rounds 3] [--folder DIR]

Writes MNIST's training images over and over into one .npy file (784 bytes per image: 4.7 GB for
6,000,000, and as much again for the copies of its splits), then trains the default network from it, and on
MNIST itself, for some seconds each, in turns; each side is a process of its own. Prints one JSON object:
images per second of both (after the first two seconds), their ratio, the seconds until the first step, and the
peak memory of each process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SETTLED = 2.0  # seconds of training that are not counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=6_000_000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where the file is written (default: a temporary folder)")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(speed(options.side, options.seconds)))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "many.npy"
        write(path, options.images)
        own = os.environ | {"VAEKIT_CACHE": str(Path(folder) / "cache")}  # splits are copied there
        sides: dict[str, list[dict[str, float]]] = {"mnist": [], str(path): []}
        for turn in range(options.rounds):
            for source in sorted(sides, reverse=bool(turn % 2)):
                words = [__file__, "--side", source, "--seconds", str(options.seconds)]
                there = own if source == str(path) else os.environ
                done = subprocess.run(
                    [sys.executable, *words], check=True, stdout=subprocess.PIPE, text=True, env=there
                )
                sides[source].append(json.loads(done.stdout))
    resident, mapped = sides.values()
    ratios = [b["images_per_second"] / a["images_per_second"] for a, b in zip(resident, mapped, strict=True)]
    result = {
        "images": options.images,
        "resident_images_per_second": [round(side["images_per_second"]) for side in resident],
        "mapped_images_per_second": [round(side["images_per_second"]) for side in mapped],
        "mapped_over_resident": round(statistics.median(ratios), 3),
        "mapped_seconds_to_first_step": [round(side["first_step"], 1) for side in mapped],
        "mapped_peak_memory_mb": max(side["peak_memory_mb"] for side in mapped),
    }
    print(json.dumps(result))


def write(path: Path, images: int) -> None:
    """MNIST's training images, repeated, as one array."""
    import numpy as np

    import vaekit

    once = vaekit.load_data("mnist", validation=0.0).train.images.numpy()
    file = np.lib.format.open_memmap(path, "w+", np.uint8, (images, 28, 28))
    for start in range(0, images, len(once)):
        file[start : start + len(once)] = once[: images - start, 0]
        file.flush()


def speed(source: str | np.ndarray, seconds: float, batch_size: int = 192) -> dict[str, float]:
    """Trains for some seconds, and at least two steps after those that are not counted."""
    import vaekit

    began = time.perf_counter()
    data = vaekit.load_data(source, validation=0.0)
    model = vaekit.VAE(data.shape)
    times: list[float] = []
    counted: list[float] = []

    def stop() -> str | None:
        now = time.perf_counter()
        times.append(now)
        if now - times[0] > SETTLED:
            counted.append(now)
        return "measured" if now - times[0] > seconds and len(counted) > 2 else None

    vaekit.fit(
        model, vaekit.ELBO(), data, epochs=1000, should_stop=stop, progress="none", batch_size=batch_size
    )
    rate = batch_size * (len(counted) - 1) / (counted[-1] - counted[0])
    return {"images_per_second": rate, "first_step": times[0] - began, "peak_memory_mb": peak_memory_mb()}


def peak_memory_mb() -> int:
    """Of this process. Linux's ru_maxrss begins at that of the parent, which has the whole file in its pages."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
