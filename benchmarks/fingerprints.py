"""Are two versions of vaekit the same to the bit? Trains a short run of every method and prints hashes of what it leaves.

    OMP_NUM_THREADS=1 python benchmarks/fingerprints.py OUT.json [--mnist] [--against OTHER.json]

Run it with the one version, then with the other (on the same machine), and compare with --against. A run is
three epochs on `digits`; --mnist adds one epoch of recipes/lesson_mnist.json. Hashed are the weights, the lines
of metrics.jsonl, and summary.json without its times. Only the command line is used, so that versions may differ
in everything else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

METHODS = (
    "ae", "vae", "beta-vae", "beta-tcvae", "factor-vae", "dip-vae", "capacity-vae", "cvae", "iwae", "vqvae", "gan", "cgan",
)  # fmt: skip
PRIORS = ("ae", "vae", "vqvae")  # runs that get a prior too
VARIANTS = {  # name -> words after `train`
    "vae-gaussian-optimal": ["vae", "--likelihood", "gaussian-optimal", "--sigma", "0.2"],
    "vae-logistic-mixture": ["vae", "--likelihood", "logistic-mixture", "--mixtures", "3"],
    "vae-resnet-averaged": ["vae", "--network", "resnet", "--width", "16", "--average", "0.99"],
    "vqvae-gradient": ["vqvae", "--quantizer", "gradient", "--codes", "64"],
    "vqvae-fsq": ["vqvae", "--quantizer", "fsq", "--codes", "64"],
    "iwae-dreg": ["iwae", "--estimator", "dreg"],
    "vae-adamw-cosine": ["vae", "--optimizer", "adamw", "--schedule", "cosine", "--weight-decay", "0.01"],
    "vae-dynamic": ["vae", "--binarize", "dynamic"],
}


def vaekit(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "vaekit", *words], check=True, stdout=subprocess.DEVNULL)


def fingerprint(run: Path) -> dict[str, str]:
    """Hashes of the files of a run that say what was trained."""
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    summary.pop("train_seconds")
    summary.pop("processor_seconds", None)  # older versions have none
    summary.pop("data")  # a path, where it is the folder of a run
    contents = {
        "weights": (run / "model.safetensors").read_bytes(),
        "metrics": (run / "metrics.jsonl").read_bytes(),
        "summary": json.dumps(summary).encode(),
    }
    return {name: hashlib.sha256(content).hexdigest()[:16] for name, content in contents.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--mnist", action="store_true")
    parser.add_argument("--against", type=Path)
    options = parser.parse_args()
    found: dict[str, dict[str, str]] = {}
    runs = {name: [name] for name in METHODS} | VARIANTS
    with tempfile.TemporaryDirectory() as scratch:
        for name, words in runs.items():
            run = Path(scratch) / name
            vaekit("train", *words, "--data", "digits", "--epochs", "3", "--out", str(run))
            found[name] = fingerprint(run)
            if name in PRIORS:
                vaekit("prior", str(run), "--epochs", "2")
                found[f"{name}, prior"] = fingerprint(run / "prior")
        if options.mnist:
            run = Path(scratch) / "lesson"
            vaekit(
                "train", "vae", "--config", "recipes/lesson_mnist.json", "--epochs", "1", "--out", str(run)
            )
            found["lesson_mnist, one epoch"] = fingerprint(run)
    options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    before = json.loads(options.against.read_text(encoding="utf-8")) if options.against else {}
    differ = 0
    for name, hashes in found.items():
        other = before.get(name, hashes)
        marks = [
            f"{kind} {value}{'' if other[kind] == value else ' DIFFERS'}" for kind, value in hashes.items()
        ]
        differ += other != hashes
        print(f"{name:26} {'  '.join(marks)}")
    if before:
        print(f"{len(found)} runs, {differ} differ")
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main())
