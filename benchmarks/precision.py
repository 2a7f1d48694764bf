"""Do bf16 and fp32 end where the lesson's own loop ends?

    python benchmarks/precision.py [--epochs 3] [--seeds 3]

`recipes/lesson_mnist.json`, but for the epochs. All three sides of a seed begin with the same weights, which decide
more than half a nat of where a short training ends; their batches and noise differ. Prints one JSON object: -ELBO
(`bce`, one sample per image) of the 10,000 test images, and seconds of training, by side and seed.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from peers import LessonVAE, as_ours, negative_elbo, plain_epochs

from vaekit import fit, load_data
from vaekit.config.methods import resolve
from vaekit.config.options import read_config
from vaekit.training.fresh import new_model

RECIPE = Path(__file__).parent.parent / "recipes" / "lesson_mnist.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    recipe = read_config(str(RECIPE)) | {"epochs": options.epochs, "device": "cpu"}
    data = load_data(**resolve("vae", recipe).data.flat())
    nats: dict[str, list[float]] = {"bf16": [], "fp32": [], "loop": []}
    seconds: dict[str, list[float]] = {side: [] for side in nats}
    for seed in range(options.seeds):
        torch.manual_seed(seed)
        lesson = LessonVAE()
        for precision in ("bf16", "fp32"):
            settings = resolve("vae", recipe | {"seed": seed, "precision": precision})
            model, objective = new_model(settings, data)
            model.load_state_dict(as_ours(lesson))
            history = fit(model, objective, data, progress="none", options=settings.fit)
            assert history.summary is not None
            nats[precision].append(round(history.test.negative_elbo_nats, 2))
            seconds[precision].append(round(history.summary.train_seconds, 1))
        began = time.perf_counter()
        plain_epochs(lesson, data.train.images, options.epochs)
        seconds["loop"].append(round(time.perf_counter() - began, 1))
        nats["loop"].append(round(negative_elbo(lesson, data.test.images), 2))
    print(json.dumps({"negative_elbo_nats": nats, "seconds": seconds}))


if __name__ == "__main__":
    main()
