"""Does a conditional VAE draw the digit that was asked for, and what do its labels save?

    python benchmarks/cvae.py [--seeds 0 1 2] [--config recipes/mnist_cvae.json] [--epochs N] [--each 1000]

Trains the recipe with labels (cvae) and without (vae), everything else equal, and prints one JSON object:
for each seed the negative ELBO on the test set, the share of samples that the shipped classifier reads
as asked (temperature 1, so many of each class), and the coverage of both models' samples, those of the
cvae with the labels of training images drawn at random.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import torch

from vaekit import fit, load_data
from vaekit.config.methods import resolve
from vaekit.config.options import read_config
from vaekit.data import Data
from vaekit.evaluation.samples.features.classifier_features import ClassifierFeatures
from vaekit.evaluation.samples.features.store import load_features
from vaekit.evaluation.samples.generated import generate
from vaekit.evaluation.samples.quality import sample_quality
from vaekit.models import Model
from vaekit.training.fresh import new_model

SAMPLES = 10_000  # for the quality of samples: as many as there are test images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--config", default="recipes/mnist_cvae.json")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--each", type=int, default=1000)
    options = parser.parse_args()
    recipe = read_config(options.config) | ({"epochs": options.epochs} if options.epochs else {})
    rows = [measure(recipe | {"seed": seed}, options.each) for seed in options.seeds]
    lower = [row["vae"]["negative_elbo_nats"] - row["cvae"]["negative_elbo_nats"] for row in rows]
    print(json.dumps({"settings": recipe, "nats_lower": lower, "rows": rows}, indent=2))


def measure(recipe: dict[str, Any], each: int) -> dict[str, Any]:
    """Both models of one seed."""
    row: dict[str, Any] = {"seed": recipe["seed"]}
    for method in ("cvae", "vae"):
        settings = resolve(method, recipe)
        data = load_data(**settings.data.flat())
        model, objective = new_model(settings, data)
        history = fit(model, objective, data, progress="none", options=settings.fit)
        features = load_features("mnist_v1")
        assert isinstance(features, ClassifierFeatures)
        assert history.summary is not None
        row[method] = {
            **{k: v for k, v in history.test.figures.items() if k.endswith("_nats")},
            "train_seconds": history.summary.train_seconds,
            **(read_as_asked(model, features, each) if model.classes else {}),
            **quality(model, data, features, recipe["seed"]),
        }
    return row


def read_as_asked(model: Model, features: ClassifierFeatures, each: int) -> dict[str, Any]:
    """Shares of samples with given labels that the classifier reads as those labels."""
    generator = torch.Generator().manual_seed(0)
    shares = []
    for label in range(model.classes):
        images = model.sample(each, torch.full((each,), label), generator=generator)
        read = features.classify((images * 255).round().to(torch.uint8)).argmax(1)
        shares.append(float((read == label).double().mean()))
    return {"read_as_asked": sum(shares) / len(shares), "read_as_asked_by_class": shares, "each": each}


def quality(model: Model, data: Data, features: ClassifierFeatures, seed: int) -> dict[str, float]:
    """Fréchet distance, coverage and their like, of samples in the features of the classifier."""
    images = generate(model, data.train, SAMPLES, seed)[0]
    found = sample_quality(images, data.test.images, data.train.images, features, seed=seed)
    return {name: value for name, value in found.flat().items() if not name.endswith(("_floor", "_floor_se"))}


if __name__ == "__main__":
    main()
