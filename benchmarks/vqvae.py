"""How good is a VQ-VAE after a few minutes, and what do its codes cost? The tables of docs/codes.md.

    python benchmarks/vqvae.py recipes/mnist_vqvae.json --out RUN [--ablate]
    python benchmarks/vqvae.py recipes/mnist_code_prior.json --prior RUN [--classifier]

Prints one JSON object. The first trains as the recipe says: seconds, error, usage and perplexity on the
test images; --ablate leaves out the start by k-means and the revival of dead codes. The second fits the
prior to the codes of that run: bits per image on the test images beside those of independent codes and of
fixed length, and how long 1,000 samples take; with --classifier (MNIST) how many of 1,000 samples a class
the shipped classifier reads as asked, at temperature 1, and their coverage.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaekit import fit, load_data, load_run
from vaekit.config.methods import resolve
from vaekit.config.options import read_config
from vaekit.core import derive_seed
from vaekit.data import Data
from vaekit.evaluation.latents.codebook import measure_codes
from vaekit.evaluation.samples.features.classifier_features import ClassifierFeatures
from vaekit.evaluation.samples.features.store import load_features
from vaekit.evaluation.samples.memorisation import as_bytes
from vaekit.evaluation.samples.quality import sample_quality
from vaekit.models import VQVAE
from vaekit.runs.load import Run
from vaekit.training.fresh import new_model
from vaekit.training.priors import prior as fit_prior

EACH = 1000  # samples per class


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe")
    parser.add_argument("--out", type=Path, help="run folder of the VQ-VAE")
    parser.add_argument("--prior", type=Path, help="run folder whose codes get a prior")
    parser.add_argument("--ablate", action="store_true", help="without k-means and revival")
    parser.add_argument("--classifier", action="store_true", help="read samples by class (MNIST)")
    parser.add_argument("--epochs", type=int, help="other than the recipe's")
    options = parser.parse_args()
    values = read_config(options.recipe) | ({"epochs": options.epochs} if options.epochs else {})
    if options.ablate:
        values |= {"kmeans": False, "revive": False}
    result = (
        codes(values, options.out)
        if options.prior is None
        else prior(values, options.prior, options.classifier)
    )
    print(json.dumps({"recipe": options.recipe, "threads": torch.get_num_threads(), **result}))


def codes(values: dict[str, Any], out: Path) -> dict[str, Any]:
    """Trains and measures the VQ-VAE."""
    settings = resolve(values["method"], values)
    data = load_data(**settings.data.flat())
    model, objective = new_model(settings, data)
    history = fit(model, objective, data, out=out, method=settings.method, options=settings.fit)
    test = history.test
    assert history.summary is not None
    kept = ("mse", "psnr_db", "code_usage", "code_perplexity", "reconstruction_nats")
    return {"seconds": history.summary.train_seconds, **{name: test.figures[name] for name in kept}}


def prior(values: dict[str, Any], folder: Path, classifier: bool) -> dict[str, Any]:
    """Fits and measures the prior of a run."""
    run = load_run(folder)
    model = run.model
    assert isinstance(model, VQVAE)
    history = fit_prior(run, **values)
    run = load_run(folder)
    assert isinstance(run.model, VQVAE)
    data = run.load_data()
    report = measure_codes(run.model, data.test, data.train)
    assert history.summary is not None
    found = {"seconds": history.summary.train_seconds, **report.as_dict()}
    found["of_independent"] = found["code_bits"]["value"] / found["independent_bits"]
    began = time.perf_counter()
    run.model.sample(1000, generator=torch.Generator().manual_seed(0))
    found["seconds_of_1000_samples"] = round(time.perf_counter() - began, 2)
    return found | (read_by_class(run, data) if classifier else {})


def read_by_class(run: Run, data: Data) -> dict[str, Any]:
    """Share of samples with given labels that the classifier reads so, and their coverage of the test images."""
    features = load_features("mnist_v1")
    assert isinstance(features, ClassifierFeatures)
    classes = len(data.class_names or ())
    y = torch.arange(classes).repeat_interleave(EACH)
    generator = torch.Generator().manual_seed(derive_seed("by class"))
    drawn = torch.cat([run.model.sample(len(part), part, generator=generator) for part in y.split(500)])
    quality = sample_quality(drawn, data.test.images, data.train.images, features).flat()
    assert isinstance(run.model, VQVAE)
    rebuilt = torch.cat([run.model.reconstruct(x) for x in data.test.images.split(500)])
    return {
        "read_as_asked": share(features.classify(as_bytes(drawn)), y),
        "reconstructions_read_right": share(features.classify(as_bytes(rebuilt)), data.test.labels),
        **{name: value for name, value in quality.items() if name.startswith(("coverage", "fd_"))},
    }


def share(read: Tensor, y: Tensor | None) -> float:
    assert y is not None
    return (read.argmax(1) == y).double().mean().item()


if __name__ == "__main__":
    main()
