"""How fast is the importance-weighted bound, against pythae's `get_nll`, with the same networks?

    python benchmarks/bound_speed.py [--images 1000] [--samples 1000] [--peer-images 20]

Both sides measure the same number of samples of z per image; pythae takes one image at a time, so its
time for a few images is scaled up to as many as vaekit's. They take turns. Prints one JSON object:
seconds for all images, and pythae's over vaekit's (median of the rounds). pythae's value is log p(x)
in spite of its name, K a multiple of its batch. Wants pip install --no-deps pythae==0.1.2, with
cloudpickle, imageio, pydantic and tqdm.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import torch
from peers import LessonVAE, as_ours, pythae_vae

import vaekit
from vaekit.data import to_unit
from vaekit.evaluation.likelihood.importance import importance_bound

BATCH = 100  # pythae's default


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--peer-images", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    data = vaekit.load_data("mnist", binarize="static")
    test = data.test.take(torch.arange(options.images))
    theirs = LessonVAE()
    ours = vaekit.VAE(data.shape, latent_dim=20, network="lesson", pixels="binary")
    ours.load_state_dict(as_ours(theirs))
    peer = pythae_vae(theirs).eval()
    binary = to_unit(test.images[: options.peer_images])
    rounds = []
    for _ in range(options.rounds):
        began = time.perf_counter()
        bound = importance_bound(ours, test, options.samples)
        middle = time.perf_counter()
        with torch.no_grad():
            value = peer.get_nll(binary, n_samples=options.samples, batch_size=BATCH)
        end = time.perf_counter()
        rounds.append((middle - began, (end - middle) * options.images / options.peer_images))
    few = bound.per_image[: options.peer_images].mean()
    result = {
        "seconds": round(statistics.median(ours for ours, _ in rounds), 1),
        "seconds_of_pythae": round(statistics.median(peer for _, peer in rounds), 1),
        "pythae_over_vaekit": round(statistics.median(peer / ours for ours, peer in rounds), 1),
        "nats_of_the_same_images": [round(float(few), 2), round(-float(value), 2)],
        "images": options.images,
        "samples": options.samples,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
