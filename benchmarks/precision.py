"""Do bf16 and fp32 end where the lesson's own loop ends?

    python benchmarks/precision.py [--epochs 3] [--seeds 3]

The lesson's network and recipe on MNIST. All three sides of a seed begin with the same weights, which decide more
than half a nat of where a short training ends; their batches and noise differ. Prints one JSON object: -ELBO
(`bce`, one sample an image) of the 10,000 test images by side and seed.
"""

from __future__ import annotations

import argparse
import copy
import json

import torch
from peers import LessonVAE, negative_elbo, plain_epochs
from torch import Tensor, nn

import vaekit
from vaekit.data import Data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    data = vaekit.load_data("mnist", validation=0.0)
    result: dict[str, list[float]] = {"bf16": [], "fp32": [], "loop": []}
    for seed in range(options.seeds):
        torch.manual_seed(seed)
        start = LessonVAE()
        for precision in ("bf16", "fp32"):
            model = trained(start, data, options.epochs, precision, seed)
            result[precision].append(negative_elbo(model, data.test.images))
        looped = copy.deepcopy(start)
        plain_epochs(looped, data.train.images, options.epochs, feed="resident")
        result["loop"].append(negative_elbo(looped, data.test.images))
    print(json.dumps({side: [round(value, 2) for value in values] for side, values in result.items()}))


def trained(start: LessonVAE, data: Data, epochs: int, precision: str, seed: int) -> LessonVAE:
    """A copy of the lesson's network that vaekit has trained."""
    model = vaekit.VAE(data.shape, latent_dim=20, network="lesson")
    copied(start, model)
    recipe = {"batch_size": 128, "learning_rate": 1e-3, "beta2": 0.999, "warmup": 0, "schedule": "constant"}
    rest = {"clip": 0.0, "average": 0.0, "weights": "last", "progress": "none", "device": "cpu", "seed": seed}
    vaekit.fit(model, vaekit.ELBO(), data, epochs=epochs, precision=precision, **recipe, **rest)
    end = copy.deepcopy(start)
    copied(end, model, back=True)
    return end


@torch.no_grad()
def copied(plain: LessonVAE, model: nn.Module, back: bool = False) -> None:
    """Weights of the lesson's network into vaekit's, or back; its two heads are the halves of one layer there."""
    layers = [plain.encoder[0], plain.encoder[2], plain.decoder[0], plain.decoder[2], plain.decoder[4]]
    encoder, decoder = model.encoder, model.decoder
    theirs = [encoder.first, encoder.second, decoder.first, decoder.second, decoder.last]
    pairs: list[tuple[Tensor, Tensor]] = []
    for own, other in zip(layers, theirs, strict=True):
        pairs += [(own.weight, other.weight), (own.bias, other.bias)]
    for part, own in enumerate((plain.mean, plain.log_variance)):
        pairs += [
            (own.weight, encoder.head.weight.chunk(2)[part]),
            (own.bias, encoder.head.bias.chunk(2)[part]),
        ]
    for own, other in pairs:
        if back:
            own.copy_(other)
        else:
            other.copy_(own)


if __name__ == "__main__":
    main()
