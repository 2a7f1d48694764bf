"""How long until the lesson's quality? The whole process of vaekit against the plain loop's 30 epochs.

    python benchmarks/time_to_quality.py [--seeds 5] [--plain-epochs 30]

vaekit: `vaekit train iwae --config recipes/mnist_quick.json` as a process of its own, from the start of
the interpreter to its end, with the run folder; its number of epochs was fixed on validation and the
test split is read once. Plain: the lesson's loop on its own network (all 60,000 images, batch 128, Adam
1e-3, TensorDataset and DataLoader), its imports and its one test pass included; with fewer epochs its
time is scaled up to 30, and said so. The sides take turns. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LESSON_EPOCHS = 30
RECIPE = Path(__file__).parent.parent / "recipes" / "mnist_quick.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--plain-epochs", type=int, default=LESSON_EPOCHS)
    parser.add_argument("--plain", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        print(json.dumps(plain(options.plain_epochs)))
        return
    arguments = [str(Path(__file__)), "--plain", "--plain-epochs", str(options.plain_epochs)]
    runs, plains = [], []
    for seed in range(options.seeds):
        if seed % 2 == 0 and (options.plain_epochs < LESSON_EPOCHS or not plains):
            plains.append(timed(arguments))
        with tempfile.TemporaryDirectory() as folder:
            words = ["-m", "vaekit", "train", "iwae", "--config", str(RECIPE), "--seed", str(seed)]
            runs.append(timed([*words, "--out", str(Path(folder) / "run"), "--json"]))
    ours = statistics.median(seconds for seconds, _ in runs)
    # Imports and data are paid once, so only the epochs are scaled.
    scale = LESSON_EPOCHS / options.plain_epochs
    theirs = statistics.median(seconds + (scale - 1) * result["epochs_seconds"] for seconds, result in plains)
    values = [result["summary"]["test"]["negative_elbo_nats"] for _, result in runs]
    result = {
        "vaekit_seconds": [round(seconds, 2) for seconds, _ in runs],
        "vaekit_median_seconds": round(ours, 2),
        "vaekit_test_negative_elbo_nats": [round(value, 2) for value in values],
        "mean_nats": round(statistics.mean(values), 3),
        "plain_seconds_for_30_epochs": round(theirs, 1),
        "plain_epochs_run": options.plain_epochs,
        "plain_test_negative_elbo_nats": [round(result["test_nats"], 2) for _, result in plains],
        "ratio": round(theirs / ours, 1),
    }
    print(json.dumps(result))


def timed(words: list[str]) -> tuple[float, dict]:
    """Seconds of a whole Python process, and the JSON that it printed."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *words], check=True, capture_output=True, text=True, encoding="utf-8"
    )
    return time.perf_counter() - began, json.loads(done.stdout.splitlines()[-1])


def plain(epochs: int) -> dict:
    """The lesson's loop; test -ELBO with one sample per image."""
    import torch
    from peers import LessonVAE, negative_elbo, plain_epochs

    import vaekit

    data = vaekit.load_data("mnist", validation=0.0)
    torch.manual_seed(0)
    model = LessonVAE()
    began = time.perf_counter()
    plain_epochs(model, data.train.images, epochs)
    seconds = time.perf_counter() - began
    return {"epochs_seconds": seconds, "test_nats": negative_elbo(model, data.test.images)}


if __name__ == "__main__":
    main()
