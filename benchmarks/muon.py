"""Should Muon take the embeddings and the output layers too, or leave them to AdamW as Jordan and Liu et al. do?

    python benchmarks/muon.py RESULTS.json [--seeds 3] [--steps 200]

Both ways, at several learning rates that both rules share: a prior of the codes of a VQ-VAE of digits (bits per image
on the test images), and a VAE of binary digits (-ELBO in nats). RESULTS.json grows run by
run. Prints mean and standard error over the seeds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from vaekit import VAE, VQVAE, fit, load_data
from vaekit.config.optimizer_parts import Muon
from vaekit.models.code_prior import CodePrior
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.nll import CodeLength
from vaekit.objectives.vq import QuantizedReconstruction
from vaekit.runs.files import write_json
from vaekit.training.priors import codes_of

RATES = {"prior": (4e-3, 8e-3, 1.6e-2), "vae": (4e-3, 1.6e-2)}
BATCH = 64


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    found = json.loads(options.results.read_text(encoding="utf-8")) if options.results.exists() else {}
    makes = {"prior": priors(), "vae": autoencoders()}
    for what, make in makes.items():
        for rate in RATES[what]:
            for every in (True, False):
                of = "all matrices" if every else "hidden matrices"
                values = found.setdefault(f"{what}, {options.steps} steps, rate {rate:g}, {of}", [])
                for seed in range(len(values), options.seeds):
                    values.append(trained(make, every, rate, seed, options.steps))
                    write_json(options.results, found)
    for name, values in found.items():
        print(f"{name}: {mean(values):.2f} ± {stdev(values) / len(values) ** 0.5:.2f}  {values}")


def trained(make: Callable[[], Any], every: bool, rate: float, seed: int, steps: int) -> float:
    """The figure of one training on the test images."""
    torch.manual_seed(seed)
    model, objective, data, figure = make()
    history = fit(
        model, objective, data, optimizer=Muon(beta1=0.8, every_matrix=every), learning_rate=rate, steps=steps, batch_size=BATCH,
        warmup=20, seed=seed, progress="none",
    )  # fmt: skip
    return round(float(history.test.figures[figure]), 3)


def priors() -> Callable[[], Any]:
    torch.manual_seed(0)
    digits = load_data("digits")
    quantised = VQVAE(digits.shape, downsample=2, codes=64, code_dim=8, width=32, depth=1)
    fit(quantised, QuantizedReconstruction(), digits, steps=400, progress="none")
    codes = codes_of(quantised, digits, "")
    shape = tuple(codes.train.images.shape[1:])
    return lambda: (CodePrior(shape, width=64, depth=2, heads=4, codes=64), CodeLength(), codes, "code_bits")


def autoencoders() -> Callable[[], Any]:
    digits = load_data("digits", binarize="dynamic")
    sizes = {"network": "mlp", "width": 128, "depth": 2, "likelihood": "bernoulli", "pixels": "binary"}
    return lambda: (VAE(digits.shape, 10, **sizes), ELBO(), digits, "negative_elbo_nats")


if __name__ == "__main__":
    main()
