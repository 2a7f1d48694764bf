"""Does annealed importance sampling know how far off it is, where -log p(x) is known exactly?

    python benchmarks/annealing.py [--repeats 100] [--images 10] [--temperatures 200] [--chains 16] [--leapfrog 2]

Linear-Gaussian VAEs of 12 pixels and 3 latents, sigma from 0.5 to 0.005, with encoders that are right, shifted and too
narrow, too broad, or know nothing of the image; the images of ten models, in repeats of ten. A repeat counts as flagged
where the chains say that they have not arrived, else as inside where the exact mean of its images lies within the stated
95 % interval; how far the others are outside is said. Prints the table of docs/evaluation.md.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from vaekit.data import Split
from vaekit.evaluation.likelihood.ais import CHAINS, LEAPFROG, TEMPERATURES, annealed_bound, at_once
from vaekit.evaluation.likelihood.ais_check import AnnealingCheck
from vaekit.evaluation.likelihood.bounds import MeanNats
from vaekit.evaluation.likelihood.importance import importance_bound
from vaekit.evaluation.likelihood.sandwich import Sandwich, drawn, sandwich_bounds
from vaekit.inference import asking
from vaekit.models import VAE

PIXELS, LATENTS, MODELS, SAMPLES = 12, 3, 10, 1000
SIGMAS = 0.5, 0.1, 0.02, 0.005
ENCODERS = "right", "narrow", "broad", "blind"


class Encoder(nn.Module):
    """q(z|x) by the exact posterior, spoilt."""

    def __init__(self, weight: Tensor, bias: Tensor, sigma: float, kind: str) -> None:
        super().__init__()
        covariance = torch.linalg.inv(torch.eye(LATENTS) + weight.T @ weight / sigma**2)
        self.gain, self.bias, self.kind = covariance @ weight.T / sigma**2, bias, kind
        self.log_variance = nn.Parameter(covariance.diagonal().log())

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        mean, spread = (x - self.bias) @ self.gain.T, self.log_variance.expand(len(x), -1)
        if self.kind == "narrow":
            mean, spread = 0.5 * mean + 0.3, spread - 2
        elif self.kind == "broad":
            mean, spread = mean + 2 * (0.5 * spread).exp(), spread + 2
        elif self.kind == "blind":
            mean, spread = torch.zeros_like(mean), torch.zeros_like(spread)
        return torch.cat([mean, spread], dim=1)


class Decoder(nn.Module):
    """x = W z + b."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = weight, nn.Parameter(bias)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return z @ self.weight.T + self.bias


class Linear:
    """A model under a seed, images of it, and the truth about any."""

    def __init__(self, sigma: float, encoder: str, images: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        weight, bias = (torch.randn(PIXELS, n, generator=generator) for n in (LATENTS, 1))
        bias = bias[:, 0]
        z, noise = (torch.randn(images, n, generator=generator) for n in (LATENTS, PIXELS))
        self.images = z @ weight.T + bias + sigma * noise
        self.model = VAE(
            (PIXELS,), LATENTS, likelihood="gaussian", sigma=sigma, pixels="real",
            encoder=Encoder(weight, bias, sigma, encoder), decoder=Decoder(weight, bias),
        )  # fmt: skip
        self.bias = bias.double().numpy()
        self.covariance = (weight.double() @ weight.double().T).numpy() + sigma**2 * np.eye(PIXELS)

    def nll(self, images: Tensor) -> np.ndarray:
        """-log N(x; b, W W' + sigma^2 I)."""
        away = images.double().numpy() - self.bias
        distances = (away * np.linalg.solve(self.covariance, away.T).T).sum(1)
        return 0.5 * (distances + np.linalg.slogdet(self.covariance)[1] + PIXELS * np.log(2 * np.pi))


@dataclass
class Row:
    """A row of the table of annealing beside the bound, over repeats."""

    inside: int = 0
    flagged: int = 0
    beyond: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    differences: list[float] = field(default_factory=list)

    def take(self, check: AnnealingCheck, exact: float) -> None:
        """Takes a repeat."""
        assert check.annealed.interval is not None
        low, high = check.annealed.interval
        self.errors.append(check.annealed.value - exact)
        self.differences.append(check.difference.value)
        if not check.arrived:
            self.flagged += 1
        elif low <= exact <= high:
            self.inside += 1
        else:
            self.beyond.append(max(low - exact, exact - high))

    def line(self, *first: object) -> str:
        """As it is printed."""
        counts = self.inside, self.flagged, len(self.beyond), f"{max(self.beyond, default=0.0):.3f}"
        means = f"{np.mean(self.errors):+.3f}", f"{np.mean(self.differences):+.3f}"
        return f"| {' | '.join(map(str, (*first, *counts, *means)))} |"


def checks(sigma: float, options: argparse.Namespace) -> list[str]:
    """Rows of the table of annealing beside the bound: the chains know nothing of the encoder."""
    rows = {encoder: Row() for encoder in ENCODERS}
    images, effective = options.images * options.repeats // MODELS, []
    for number in range(MODELS):
        linear = Linear(sigma, "right", images, number)
        path = {"temperatures": options.temperatures, "leapfrog": options.leapfrog}
        found = annealed_bound(linear.model, Split(linear.images), options.chains, **path, seed=number)
        truth = linear.nll(linear.images)
        effective.append(float(found.effective_chains.mean()))
        for encoder, row in rows.items():
            model = Linear(sigma, encoder, images, number).model
            bound = importance_bound(model, Split(linear.images), SAMPLES, seed=number).per_image
            for some in torch.arange(images).split(options.images):
                part, same = found.take(some), MeanNats.of(bound[some], SAMPLES, number)
                difference = MeanNats.of(part.per_image - same.per_image, options.chains, number)
                row.take(AnnealingCheck(part, same, difference), float(truth[some.numpy()].mean()))
    return [row.line(f"{sigma:g}", encoder, f"{np.mean(effective):.1f}") for encoder, row in rows.items()]


def walls(sigma: float, options: argparse.Namespace) -> str:
    """A row of the table of sandwiches, on images that the models draw; the encoder has no part in it."""
    right = off = 0
    gaps, sides, images = [], [], options.images * options.repeats // MODELS
    for number in range(MODELS):
        linear = Linear(sigma, "right", 1, number)
        path = {"temperatures": options.temperatures, "leapfrog": options.leapfrog}
        found = sandwich_bounds(linear.model, images, options.chains, **path, seed=number)
        with asking(linear.model):
            blocks = drawn(linear.model, images, at_once(linear.model, options.chains), None, number)
            truth = linear.nll(torch.cat([x for x, _, _ in blocks]))
        for rows in torch.arange(images).split(options.images):
            above, below = found.above.per_image[rows], found.below.per_image[rows]
            part = Sandwich.between(above, below, options.chains, number, *path.values())
            exact, interval = truth[rows.numpy()].mean(), part.interval
            inside = interval is not None and interval[0] <= exact <= interval[1]
            right, off = right + inside, off + (not inside)
            gaps.append(part.gap.value)
            sides.append((part.above.value - exact, part.below.value - exact))
    above, below = np.mean(sides, axis=0)
    return f"| {sigma:g} | {right} | {off} | {above:+.3f} | {below:+.3f} | {np.mean(gaps):.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--images", type=int, default=10, help="of a repeat")
    parser.add_argument("--temperatures", type=int, default=TEMPERATURES)
    parser.add_argument("--chains", type=int, default=CHAINS)
    parser.add_argument("--leapfrog", type=int, default=LEAPFROG)
    parser.add_argument("--sigmas", type=float, nargs="+", default=SIGMAS)
    parser.add_argument("--no-sandwich", action="store_true")
    options = parser.parse_args()
    began = time.process_time()
    heads = "inside", "flagged", "outside", "by at most, nats", "error, nats", "annealed less bound"
    print(f"| σ | encoder | effective chains | {' | '.join(heads)} |\n{'|---' * 9}|")
    for sigma in options.sigmas:
        print("\n".join(checks(sigma, options)), flush=True)
    if not options.no_sandwich:
        print("\n| σ | inside | outside | above, error | below, error | gap |\n|---|---|---|---|---|---|")
        for sigma in options.sigmas:
            print(walls(sigma, options), flush=True)
    print(f"\n{time.process_time() - began:.0f} processor seconds")


if __name__ == "__main__":
    main()
