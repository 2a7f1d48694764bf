"""Does exact arithmetic lose nats, what does it cost, and do its bits stay the same where those of floats do not?

    python benchmarks/exact_arithmetic.py RUN [--images 1000] [--draws 4] [--bits 8 10 12 16]

Nats: -ELBO of test images, the same draws of noise for floats and for exact arithmetic at several bits per weight.
Time: processor time per image, in batches of 64. Bits: programs that set what changes floats (instructions of torch, of
oneDNN and of numpy's BLAS; threads) decode the same latents in batches of 1, 7, 64 and all at once, and make the exact
model again from the run. Prints tables.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit import load_run
from vaekit.coding.exact import ExactModel
from vaekit.coding.exact_vae import exact_model
from vaekit.coding.knots import ONE
from vaekit.data.picking import chosen
from vaekit.inference import shown
from vaekit.models import LatentModel

BATCHES = 1, 7, 64, 2**20
SETTINGS: dict[str, dict[str, str]] = {
    "as it is, one thread": {"OMP_NUM_THREADS": "1"},
    "two threads": {"OMP_NUM_THREADS": "2"},
    "ATEN_CPU_CAPABILITY=default": {"ATEN_CPU_CAPABILITY": "default"},
    "ATEN_CPU_CAPABILITY=avx2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "ONEDNN_MAX_CPU_ISA=SSE41": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "MKL_CBWR=COMPATIBLE": {"MKL_CBWR": "COMPATIBLE"},
    "OPENBLAS_CORETYPE=Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
    "OPENBLAS_CORETYPE=Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "OPENBLAS_CORETYPE=SkylakeX": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "NPY_DISABLE_CPU_FEATURES=X86_V3 X86_V4": {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 10, 12, 16])
    parser.add_argument("--child", action="store_true", help="print hashes as JSON and nothing else")
    options = parser.parse_args()
    if options.child:
        print(json.dumps(digests(options.run, options.images)))
        return
    torch.set_num_threads(1)
    model, x, y = subject(options.run, options.images)
    nats(model, x, y, options.draws, options.bits)
    times(model, x, y)
    bits(options.run, options.images)


def subject(path: str, images: int) -> tuple[LatentModel, Tensor, Tensor | None]:
    """The run's model, and test images as it is shown them, with their labels where it is conditioned on them."""
    run = load_run(path)
    assert isinstance(run.model, LatentModel)
    parts = list(shown(run.model, chosen(run.load_data().test, images, 0)))
    labels = torch.cat([y for _, y in parts if y is not None]) if run.model.classes else None
    return run.model, torch.cat([x for x, _ in parts]), labels


def inputs_of(model: LatentModel, exact: ExactModel, x: Tensor, y: Tensor | None) -> dict[str, np.ndarray]:
    """Images and labels as whole numbers."""
    top = 255 if model.pixels == "8-bit" else 1
    condition = {} if y is None else {"y": exact.one_hot(y.numpy())}
    return {"x": (x * top).round().flatten(1).numpy(), **condition}


@torch.no_grad()
def nats(model: LatentModel, x: Tensor, y: Tensor | None, draws: int, weight_bits: list[int]) -> None:
    """Prints -ELBO in floats, and the mean difference of exact arithmetic with its standard error."""
    noise = torch.randn(draws, len(x), model.latent_dim, generator=torch.Generator().manual_seed(0))
    posterior = model.encode(x, y)
    assert isinstance(posterior, torch.distributions.Normal)
    condition = model.condition(y, len(x))
    floats = negative_bound(
        model, x, posterior.mean, 2 * posterior.stddev.log(), noise, lambda z: model.decoder(z, condition)
    )
    print(f"\n-ELBO of {len(x):,} test images, {draws} draws each: {floats.mean():.4f} nats in floats\n")
    print("| bits per weight | nats lost | standard error | share of the bound | bytes of the model |")
    print("|---|---|---|---|---|")
    for number in weight_bits:
        exact = exact_model(model, number)
        inputs = inputs_of(model, exact, x, y)

        def decode(z: Tensor, exact: ExactModel = exact, inputs: dict[str, np.ndarray] = inputs) -> Tensor:
            raw = exact.decoder.run(inputs | {"z": np.rint(z.numpy().astype(np.float64) * ONE)})["raw"]
            return torch.from_numpy(raw / ONE).float().view(len(z), -1, *model.shape[1:])

        found = {k: torch.from_numpy(v / ONE).float() for k, v in exact.encoder.run(inputs).items()}
        lost = negative_bound(model, x, found["mean"], found["log_variance"], noise, decode) - floats
        error, size = (
            float(lost.std()) / len(lost) ** 0.5,
            sum(a.nbytes for a in exact.to_arrays()[1].values()),
        )
        share = float(lost.mean() / floats.mean())
        print(f"| {number} | {lost.mean():+.5f} | {error:.5f} | {share:+.4%} | {size:,} |")


def negative_bound(
    model: LatentModel, x: Tensor, mean: Tensor, log_variance: Tensor, noise: Tensor, decode: Callable[[Tensor], Tensor]
) -> Tensor:  # fmt: skip
    """-ELBO of each image, (B,) float64."""
    rate = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).double().sum(1)
    draws = [mean + (log_variance / 2).exp() * part for part in noise]
    log_p = [
        model.likelihood(decode(z).view(len(x), -1, *model.shape[1:])).log_prob(x).double() for z in draws
    ]
    return rate - torch.stack(log_p).mean(0)


@torch.no_grad()
def times(model: LatentModel, x: Tensor, y: Tensor | None) -> None:
    """Prints milliseconds of processor time per image."""
    exact, condition = exact_model(model), model.condition(y, len(x))
    inputs = inputs_of(model, exact, x, y) | {"z": latents(model, len(x))}
    z = torch.from_numpy(inputs["z"] / ONE).float()
    split = [slice(i, i + 64) for i in range(0, len(x), 64)]
    sides: dict[str, Callable[[slice], Any]] = {
        "exact encoder": lambda part: exact.encoder.run({k: v[part] for k, v in inputs.items()}),
        "exact decoder": lambda part: exact.decoder.run({k: v[part] for k, v in inputs.items()}),
        "float encoder": lambda part: model.encoder(x[part], None if condition is None else condition[part]),
        "float decoder": lambda part: model.decoder(z[part], None if condition is None else condition[part]),
    }
    print("\n| | ms per image, one core |\n|---|---|")
    for name, side in sides.items():
        side(split[0])
        began = time.process_time()
        for part in split:
            side(part)
        print(f"| {name} | {(time.process_time() - began) / len(x) * 1e3:.4f} |")


def latents(model: LatentModel, count: int) -> np.ndarray:
    """Draws of the prior times 2^12, (count, D) int64; of a generator whose draws are whole numbers."""
    generator = np.random.default_rng(0)
    return (generator.integers(0, ONE, (12, count, model.latent_dim)).sum(0) - 6 * ONE).astype(np.int64)


@torch.no_grad()
def digests(path: str, images: int) -> dict[str, Any]:
    """Hashes of the exact model, and for each size of a batch of what both decoders give for the same latents."""
    model, x, y = subject(path, images)
    exact, condition = exact_model(model), model.condition(y, len(x))
    inputs = inputs_of(model, exact, x, y) | {"z": latents(model, len(x))}
    z = torch.from_numpy(inputs["z"] / ONE).float()
    sums = inputs["z"] / 3, next(v for k, v in exact.decoder.arrays.items() if k.endswith("weight")) / 7
    found: dict[str, list[str]] = {"exact": [], "floats": [], "sums": []}
    for size in BATCHES:
        split = [slice(i, i + size) for i in range(0, len(x), size)]
        whole = (exact.decoder.run({k: v[part] for k, v in inputs.items()})["raw"] for part in split)
        codes = (exact.encoder.run({k: v[part] for k, v in inputs.items()})["mean"] for part in split)
        products = (sums[0][part] @ sums[1][:, : model.latent_dim].T for part in split)
        floats = (model.decoder(z[part], None if condition is None else condition[part]) for part in split)
        found["exact"].append(digest(part for side in (whole, codes) for part in side))
        found["sums"].append(digest(products))
        found["floats"].append(digest(part.contiguous().numpy() for part in floats))
    return {"model": exact.hash(), **found}


def digest(parts: Iterator[np.ndarray]) -> str:
    """The first eight digits of the SHA-256 of arrays one after another."""
    held = hashlib.sha256()
    for part in parts:
        held.update(np.ascontiguousarray(part).tobytes())
    return held.hexdigest()[:8]


def bits(path: str, images: int) -> None:
    """Prints hashes under every setting, each in a process of its own."""
    print(f"\n{images:,} images in batches of 1, 7, 64 and all at once\n")
    print("| setting | exact model | exact outputs | outputs in floats | sums of fractions in numpy |")
    print("|---|---|---|---|---|")
    for name, setting in SETTINGS.items():
        command = [sys.executable, __file__, path, "--images", str(images), "--child"]
        ran = subprocess.run(command, env=os.environ | setting, capture_output=True, text=True)
        if ran.returncode:
            print(f"| {name} | {ran.stderr.strip().splitlines()[-1]} | | | |", flush=True)
            continue
        found = json.loads(ran.stdout)
        shown_hashes = [" ".join(dict.fromkeys(found[side])) for side in ("exact", "floats", "sums")]
        print(f"| {name} | {found['model'][:8]} | {' | '.join(shown_hashes)} |", flush=True)


if __name__ == "__main__":
    main()
