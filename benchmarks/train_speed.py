"""How fast is a step of the lesson's network, against the plain loop, the lesson's loader and pythae?

    python benchmarks/train_speed.py [--images 12800] [--rounds 5] [--precision auto]

The same network, batch of 128 and number of steps on both sides. Sides take turns, each round in another
order; every call is a whole `fit` or a whole epoch of the peer, its set-up included. Prints one JSON
object: images per second of each side (median), and vaekit's over each peer (median of the ratios of
rounds). `pythae` is left out where it is not installed (pip install --no-deps pythae==0.1.2, with
cloudpickle, imageio, pydantic and tqdm).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import time
from collections.abc import Callable

import torch
from peers import LessonVAE, plain_epochs, pythae_epoch

import vaekit
from vaekit.data import Data
from vaekit.runtime.device import choose_precision


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=12_800)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", default="auto")
    options = parser.parse_args()
    mnist = vaekit.load_data("mnist")
    train = mnist.train.take(torch.arange(options.images))
    data = mnist.replace(
        train=train, validation=train.take(torch.arange(0)), test=train.take(torch.arange(0))
    )
    sides = sides_of(data, options.precision)
    for side in sides.values():  # the first call of anything pays for more than its work
        side()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(options.rounds):
        names = list(sides)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            began = time.perf_counter()
            sides[name]()
            seconds[name].append(time.perf_counter() - began)
    ours = seconds["vaekit"]
    ratios = {
        name: statistics.median(theirs / own for theirs, own in zip(seconds[name], ours, strict=True))
        for name in sides
        if name != "vaekit"
    }
    speeds = {name: round(options.images / statistics.median(values)) for name, values in seconds.items()}
    result = {
        "images_per_second": speeds,
        "vaekit_over": {name: round(ratio, 2) for name, ratio in ratios.items()},
        "precision": choose_precision(options.precision, torch.device("cpu")),
        "threads": torch.get_num_threads(),
        "rounds": options.rounds,
    }
    print(json.dumps(result))


def sides_of(data: Data, precision: str) -> dict[str, Callable[[], object]]:
    images = data.train.images

    def ours() -> object:
        model = vaekit.VAE(data.shape, latent_dim=20, network="lesson")
        recipe = {"batch_size": 128, "learning_rate": 1e-3, "warmup": 0, "schedule": "constant", "clip": 0.0}
        return vaekit.fit(
            model, vaekit.ELBO(), data, epochs=1, precision=precision, progress="none", device="cpu", **recipe
        )

    sides: dict[str, Callable[[], object]] = {"vaekit": ours}
    for feed in ("tensors", "pictures", "resident"):
        sides[feed] = lambda feed=feed: plain_epochs(LessonVAE(), images, feed=feed)
    if importlib.util.find_spec("pythae"):
        sides["pythae"] = lambda: pythae_epoch(LessonVAE(), images)
    return sides


if __name__ == "__main__":
    main()
