"""What does a Gaussian mixture on the codes gain over N(0, I)? The table of docs/codes.md.

    python benchmarks/mixture.py RUN [RUN ...]

RUN: an AE or VAE of MNIST with a fitted prior (`vaekit prior RUN`). Prints one JSON object per run: Fréchet distance,
precision and recall of 10,000 images decoded from N(0, I) and from the mixture, against the test images.
"""

from __future__ import annotations

import argparse
import json

import torch

from vaekit import load_run
from vaekit.evaluation.samples.features.store import load_features
from vaekit.evaluation.samples.quality import sample_quality
from vaekit.models import LatentModel
from vaekit.models.base import evaluating

SAMPLES = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    options = parser.parse_args()
    features = load_features("mnist_v1")
    for path in options.runs:
        run = load_run(path)
        model = run.model
        assert isinstance(model, LatentModel)
        data = run.load_data()
        generator = torch.Generator().manual_seed(0)
        normal = torch.randn(SAMPLES, model.latent_dim, generator=generator)
        with evaluating(model), torch.inference_mode():
            decoded = torch.cat([model.picture(model.decode(z)) for z in normal.split(500)])
        drawn = torch.cat([model.sample(500, generator=generator) for _ in range(SAMPLES // 500)])
        result: dict[str, object] = {"run": path, "method": run.settings.method}
        for name, images in (("normal", decoded), ("mixture", drawn)):
            found = sample_quality(images, data.test.images, data.train.images, features).flat()
            kept = ("fd_mnist_v1", "fd_mnist_v1_se", "precision_mnist_v1", "recall_mnist_v1")
            result[name] = {key: round(found[key], 3) for key in kept}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
