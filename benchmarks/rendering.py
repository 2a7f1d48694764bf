"""How many images per second are drawn from known factors?

    python benchmarks/rendering.py [--count 100000] [--repeats 5] [--threads 2]

Prints one JSON object: images per second of `strokes` and `sprites`, the median of the repeats.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import torch

from vaekit.data.synthetic.render import draw_factors
from vaekit.data.synthetic.sprites import FACTORS as SPRITES
from vaekit.data.synthetic.sprites import render_sprites
from vaekit.data.synthetic.strokes import FACTORS as STROKES
from vaekit.data.synthetic.strokes import render_strokes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    speeds = {}
    for name, factors, render in (("strokes", STROKES, render_strokes), ("sprites", SPRITES, render_sprites)):
        values = draw_factors(factors, options.count, 0)
        render(values[:1000])  # what is computed once
        seconds = []
        for _ in range(options.repeats):
            began = time.perf_counter()
            render(values)
            seconds.append(time.perf_counter() - began)
        speeds[name] = round(options.count / statistics.median(seconds))
    print(json.dumps({"images_per_second": speeds, "count": options.count, "threads": options.threads}))


if __name__ == "__main__":
    main()
