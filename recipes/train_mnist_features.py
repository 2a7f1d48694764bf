"""Trains the classifier whose features are `mnist_v1`: python recipes/train_mnist_features.py --out FILE

The number of epochs that is kept is chosen on the validation split; the test split is read once, at
the end. The file that vaekit ships came from this with the defaults; another machine's rounding gives
another file, which is then another set of features: that is why the shipped one has a hash.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path

from vaekit import load_data
from vaekit.evaluation.samples.features.classifier import train_classifier
from vaekit.evaluation.samples.features.store import save_classifier


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("mnist_v1.safetensors"))
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data, started = load_data("mnist"), time.perf_counter()

    def report(epoch: int, accuracy: float | None) -> None:
        print(
            f"epoch {epoch}: validation accuracy {accuracy:.4f}, {time.perf_counter() - started:.0f} s",
            flush=True,
        )

    trained = train_classifier(data, epochs=options.epochs, seed=options.seed, device="cpu", report=report)
    save_classifier(options.out, trained, data)
    content = options.out.read_bytes()
    print(
        f"kept epoch {trained.epoch}: validation {trained.validation_accuracy:.4f}, test {trained.accuracy:.4f}"
    )
    print(f"{options.out}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
