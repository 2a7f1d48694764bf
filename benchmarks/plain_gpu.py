"""The plain baseline of `anyones_data.py` on any device, for pictures: the same networks, loop and -ELBO.

The frozen file counts processor seconds, which say nothing about a GPU; this is its small copy with a clock on the wall.
A test holds that networks and figures are those of the file.
"""

from __future__ import annotations

import math
import time

import torch
from torch import Tensor, nn

SIGMA, LATENTS, BATCH, RATE = 0.1, 64, 128, 1e-3


class PlainVAE(nn.Module):
    """Its convolutions, for pictures of (C, H, W) of 16 pixels and more on each side."""

    def __init__(self, shape: tuple[int, ...], latents: int = LATENTS) -> None:
        super().__init__()
        self.shape = shape
        height, width = [shape[1]], [shape[2]]
        while max(height[-1], width[-1]) > 4:
            height.append((height[-1] + 1) // 2)
            width.append((width[-1] + 1) // 2)
        count = len(height) - 1
        c = [shape[0]] + [min(32 * 2**i, 128) for i in range(count)]
        flat = c[-1] * height[-1] * width[-1]
        down = [m for i in range(count) for m in (nn.Conv2d(c[i], c[i + 1], 3, 2, 1), nn.ReLU())]
        up = [
            m for i in range(count, 0, -1) for m in (nn.ReLU(), nn.ConvTranspose2d(c[i], c[i - 1], 4, 2, 1))
        ]
        self.encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(flat, 2 * latents))
        grid = (c[-1], height[-1], width[-1])
        self.decoder = nn.Sequential(nn.Linear(latents, flat), nn.Unflatten(1, grid), *up, nn.Sigmoid())

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Means and log-variances, (B, D) each."""
        mean, log_variance = self.encoder(x).chunk(2, 1)
        return mean, log_variance

    def decode(self, z: Tensor) -> Tensor:
        """Pictures (B, C, H, W)."""
        return self.decoder(z)[..., : self.shape[1], : self.shape[2]]


def update(model: PlainVAE, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    """One step of the baseline."""
    m, v = model.encode(x)
    y = model.decode(m + (v / 2).exp() * torch.randn_like(m))
    loss = ((x - y) ** 2).sum() / (2 * SIGMA**2) / len(x) + 0.5 * (m**2 + v.exp() - 1 - v).sum() / len(x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def trained(train: Tensor, seconds: float, device: torch.device, seed: int) -> tuple[PlainVAE, float, int]:
    """The model, the seconds that it took and its steps; whole epochs, as the baseline.

    Args:
        train: floats (N, C, H, W) on the device.
    """
    torch.manual_seed(seed)
    model = PlainVAE(tuple(train.shape[1:])).to(device)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    steps, began = 0, now(device)
    while now(device) - began < seconds:
        for rows in torch.randperm(len(train), device=device).split(BATCH):
            update(model, optimizer, train[rows])
            steps += 1
    return model, now(device) - began, steps


def now(device: torch.device) -> float:
    """Seconds of the wall's clock, when all that was asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


@torch.no_grad()
def errors(model: PlainVAE, x: Tensor) -> tuple[float, float, float]:
    """Squared errors per example at a draw of z and at its mean, and KL in nats per example."""
    totals = torch.zeros(3, dtype=torch.float64, device=x.device)
    for part in x.split(200):
        m, v = model.encode(part)
        sampled = (part - model.decode(m + (v / 2).exp() * torch.randn_like(m))) ** 2
        plain = (part - model.decode(m)) ** 2
        kl = 0.5 * (m**2 + v.exp() - 1 - v)
        totals += torch.stack([sampled.sum(), plain.sum(), kl.sum()]).double()
    sampled, plain, kl = (totals / len(x)).tolist()
    return sampled, plain, kl


def figures(model: PlainVAE, train: Tensor, test: Tensor) -> dict[str, float]:
    """-ELBO at a refitted sigma and explained variance, as the baseline prints them."""
    values = math.prod(model.shape)
    variance = errors(model, train[:2000])[0] / values
    sampled, plain, kl = errors(model, test)
    total = float(((test - train.mean(0)) ** 2).sum()) / len(test)
    nats = values / 2 * math.log(2 * math.pi * variance) + sampled / (2 * variance) + kl
    return {"negative_elbo": nats, "explained_variance": 1 - plain / total}
