"""Measures of a grid of codes: usage of the codebook, bits per image, and the error beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaekit.data import Split
from vaekit.distributions.likelihoods import measured_under
from vaekit.evaluation.latents.findings import CodeUsage
from vaekit.evaluation.latents.independent_codes import independent_bits
from vaekit.inference import MOST, asking, encode_codes, reconstruct, shown, shown_images, squared_errors
from vaekit.metrics import KINDS
from vaekit.models import Model
from vaekit.models.capabilities import HasMarginal, Quantizes, Reconstructs, TakesPrior
from vaekit.runs.records import Note

LN2 = math.log(2)


@dataclass(frozen=True)
class CodeReport:
    """Of a VQ-VAE on some images.

    Attributes:
        images: how many.
        grid: codes per image, (h, w).
        usage: of the codebook, by all images together.
        mse: squared error per value of the reconstructions, pixels in [0, 1].
        reconstruction_nats: -log p(x|z), nats per image, where the likelihood is one.
        fixed_bits: of an image, if every code takes log2 K bits.
        independent_bits: of each position by itself under its frequencies in training images (`independent_bits`); None
            where these are not known.
        code_bits: -log2 p(c) under the prior, and its standard error; None without a prior.
        independent_error: standard error of `independent_bits`.
    """

    images: int
    grid: tuple[int, int]
    usage: CodeUsage
    mse: float
    reconstruction_nats: float | None
    fixed_bits: float
    independent_bits: float | None
    code_bits: tuple[float, float] | None
    independent_error: float = 0.0

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
            "independent_bits_se": None if self.independent_bits is None else self.independent_error,
            "code_bits": bits,
        }
        return {name: value for name, value in values.items() if value is not None}

    def findings(self, notes: Sequence[Note] = ()) -> list[Note]:
        """Dead codes, unless there are notes on the training that say why."""
        return [] if notes else self.usage.findings()

    def remarks(self) -> list[Note]:
        """A prior that is missing."""
        if self.code_bits is not None:
            return []
        text = "no prior is fitted to the codes, so there is nothing to sample from and no code length"
        return [Note("no prior", text, "fit one: vaekit prior RUN")]


def measure_codes(model: Quantizes, split: Split, train: Split | None = None) -> CodeReport:
    """Measures codes and reconstructions on images, in fp32.

    Args:
        model: its fitted prior is used if there is one.
        split: the images.
        train: the images that the model was trained on, whose codes are counted.
    """
    assert isinstance(model, Model)
    assert isinstance(model, Reconstructs)
    codes = encode_codes(model, split)
    errors = squared_errors(shown_images(model, split), reconstruct(model, split), model)
    proper = KINDS[measured_under(model.likelihood_name).kind].bounds
    independent, error = _independent_bits(model, codes, train)
    return CodeReport(
        images=len(split),
        grid=model.grid,
        usage=CodeUsage.of(codes.flatten().bincount(minlength=model.quantizer.size)),
        mse=float(errors.mean()),
        reconstruction_nats=_distortion(model, split, codes) if proper else None,
        fixed_bits=codes[0].numel() * math.log2(model.quantizer.size),
        independent_bits=independent,
        code_bits=_code_bits(model, codes),
        independent_error=error,
    )


def _distortion(model: Quantizes, split: Split, codes: Tensor) -> float:
    """-log p(x|z) at the codes of each image, the mean in nats per image."""
    nats, start = 0.0, 0
    with asking(model):
        for x, _ in shown(model, split):
            here = codes[start : start + len(x)].to(x.device)
            nats -= float(model.decode_indices(here).log_prob(x).double().sum())
            start += len(x)
    return nats / len(split)


def _code_bits(model: Model, codes: Tensor) -> tuple[float, float] | None:
    """-log2 p of the codes under the fitted prior, whatever the class, and its standard error; None without one."""
    prior = model.fitted_prior() if isinstance(model, TakesPrior) else None
    if not (isinstance(prior, HasMarginal) and isinstance(prior, Model)):
        return None
    with asking(prior) as device:
        parts = [prior.marginal_nats(part[:, None].to(device)).double().cpu() for part in codes.split(MOST)]
    return _mean(torch.cat(parts) / LN2)


def _independent_bits(model: Quantizes, codes: Tensor, train: Split | None) -> tuple[float | None, float]:
    """Mean length of the codes by frequencies of training images, None without these, and its standard error."""
    if train is None or not len(train):
        return None, 0.0
    known = encode_codes(model, train).flatten(1)
    return _mean(independent_bits(codes.flatten(1), known, model.quantizer.size))


def _mean(values: Tensor) -> tuple[float, float]:
    error = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else 0.0
    return float(values.mean()), error
