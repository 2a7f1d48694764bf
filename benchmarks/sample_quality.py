"""How good are the samples of a run, beside images that are known to be good or bad?

    python benchmarks/sample_quality.py RUN [--samples 10000] [--features NAME] [--seed 0]

Prints one JSON object: every figure with its standard error and floor, for the run's samples, for its
reconstructions of the test images, and for the controls: validation images, which nobody trained on;
training images, which are all copies; and test images blurred by a 3x3 mean.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vaekit import load_run
from vaekit.data import Data, to_unit
from vaekit.evaluation.samples.features.store import features_for
from vaekit.evaluation.samples.quality import sample_quality
from vaekit.models.latent import LatentModel
from vaekit.runs.load import Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--features")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    run = load_run(options.run)
    data = run.load_data()
    features = features_for(data, options.features)
    result: dict[str, Any] = {"run": options.run, "features": features.name, "seed": options.seed}
    for name, images in kinds(run, data, options.samples, options.seed):
        started = time.perf_counter()
        quality = sample_quality(images, data.test.images, data.train.images, features, seed=options.seed)
        seconds = time.perf_counter() - started
        result[name] = {**quality.flat(), **quality.counts, "seconds": seconds, "notes": quality.notes}
    print(json.dumps(result, indent=2))


def kinds(run: Run, data: Data, samples: int, seed: int) -> Iterator[tuple[str, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    yield "samples", torch.cat([run.model.sample(n, generator=generator) for n in parts(samples)])
    if isinstance(run.model, LatentModel):
        yield "reconstructions", torch.cat([run.model.reconstruct(x) for x in data.test.images.split(1000)])
    if len(data.validation):
        yield "validation images", data.validation.images
    yield "training images", data.train.images[torch.randperm(len(data.train), generator=generator)[:samples]]
    if data.test.images.ndim == 4:
        yield "blurred test images", F.avg_pool2d(to_unit(data.test.images), 3, 1, 1)


def parts(samples: int, size: int = 1000) -> list[int]:
    return [min(size, samples - start) for start in range(0, samples, size)]


if __name__ == "__main__":
    main()
