"""What a grid of codes costs and what it keeps: usage of the codebook, bits per image, and the error beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaekit.data import Batches, Split
from vaekit.distributions.likelihoods import measured_under
from vaekit.evaluation.latents.findings import CodeUsage, Finding
from vaekit.metrics import KINDS
from vaekit.models.base import evaluating
from vaekit.models.code_prior import CodePrior
from vaekit.models.vqvae import VQVAE
from vaekit.training.validate import BATCH

LN2 = math.log(2)


@dataclass(frozen=True)
class CodeReport:
    """Of a VQ-VAE on some images.

    Attributes:
        images: how many.
        grid: codes an image, (h, w).
        usage: of the codebook, by all images together.
        mse: squared error per value of the reconstructions, pixels in [0, 1].
        reconstruction_nats: -log p(x|z), nats per image, where the likelihood is one.
        fixed_bits: of an image, if every code takes log2 K bits.
        independent_bits: entropy of the codes of these images, each position by itself.
        code_bits: -log2 p(c) under the prior, and its standard error; None without a prior.
    """

    images: int
    grid: tuple[int, int]
    usage: CodeUsage
    mse: float
    reconstruction_nats: float | None
    fixed_bits: float
    independent_bits: float
    code_bits: tuple[float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; what is undefined is absent."""
        bits = self.code_bits and {"value": self.code_bits[0], "standard_error": self.code_bits[1]}
        values = {
            "images": self.images,
            "grid": list(self.grid),
            **self.usage.as_dict(),
            "mse": self.mse,
            "psnr_db": -10 * math.log10(self.mse) if self.mse > 0 else None,
            "reconstruction_nats": self.reconstruction_nats,
            "fixed_bits": self.fixed_bits,
            "independent_bits": self.independent_bits,
            "code_bits": bits,
        }
        return {name: value for name, value in values.items() if value is not None}

    def findings(self) -> list[Finding]:
        """Dead codes, and a prior that is missing."""
        found = self.usage.findings()
        if self.code_bits is None:
            text = "no prior is fitted to the codes, so there is nothing to sample from and no code length"
            found.append(Finding(text, "fit one: vaekit prior RUN"))
        return found


@torch.inference_mode()
def measure_codes(model: VQVAE, split: Split, *, dynamic: bool = False, seed: int = 0) -> CodeReport:
    """Measures codes and reconstructions on images, in fp32.

    Args:
        model: its fitted prior is used if there is one.
        split: the images.
        dynamic: binarise the images first (`data.dynamic`).
        seed: of the binarisation.
    """
    prior = model.fitted() if model.fitted is not None and model.can_sample() else None
    codes, error, nats, bits = [], 0.0, 0.0, []
    batches = Batches(split, BATCH, next(model.parameters()).device, dynamic, seed, shuffle=False)
    with evaluating(model):
        for x, _ in batches.epoch(0):
            indices = model.encode_codes(x)
            likelihood = model.decode(model.quantizer.vectors(indices))
            error += float((model.picture(likelihood) - x).square().flatten(1).mean(1).double().sum())
            nats -= float(likelihood.log_prob(x).double().sum())
            codes.append(indices.cpu())
            if isinstance(prior, CodePrior):
                with evaluating(prior):
                    bits.append(prior.marginal_nats(indices[:, None]).double().cpu() / LN2)
    all_codes, count = torch.cat(codes), len(split)
    proper = KINDS[measured_under(model.arguments["likelihood"]).kind].bounds
    return CodeReport(
        images=count,
        grid=model.grid,
        usage=CodeUsage.of(all_codes.flatten().bincount(minlength=model.quantizer.size)),
        mse=error / count,
        reconstruction_nats=nats / count if proper else None,
        fixed_bits=all_codes[0].numel() * math.log2(model.quantizer.size),
        independent_bits=independent_bits(all_codes.flatten(1)),
        code_bits=_mean(torch.cat(bits)) if bits else None,
    )


def independent_bits(codes: Tensor) -> float:
    """Sum over the positions of the entropy of their codes, (N, n) -> bits: what the best code without any
    dependence between positions takes for these very images."""
    total = 0.0
    for column in codes.T:
        shares = column.bincount().double() / len(codes)
        shares = shares[shares > 0]
        total -= float((shares * shares.log2()).sum())
    return total


def _mean(values: Tensor) -> tuple[float, float]:
    error = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else 0.0
    return float(values.mean()), error
