"""Small runs of every kind, trained by `fit` and loaded from their folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vaekit.data import load_data
from vaekit.models import AE, VAE
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.nll import Reconstruction
from vaekit.runs.load import Run, load_run
from vaekit.training.fit import fit


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    def make(
        shape: tuple[int, ...],
        latent_dim: int = 3,
        kind: str = "vae",
        binarize: str = "none",
        likelihood: str = "auto",
        **options: Any,
    ) -> Run:
        rng = np.random.default_rng(0)
        labels = np.arange(180) % 3
        images = rng.integers(0, 80, (180, *shape), dtype=np.uint8) + 80 * labels.reshape(
            -1, *[1] * len(shape)
        )
        if len(shape) == 1:
            images = (images / 40.0 - 2).astype(np.float32)
        np.savez(
            tmp_path / "given.npz", x=images.astype(images.dtype if len(shape) == 1 else np.uint8), y=labels
        )
        layout = "ND" if len(shape) == 1 else "NCHW"
        pixels = "real" if len(shape) == 1 else "8-bit"
        data = load_data(tmp_path / "given.npz", layout=layout, pixels=pixels, binarize=binarize)
        arguments = {
            "latent_dim": latent_dim,
            "network": "mlp",
            "width": 16,
            "depth": 1,
            "likelihood": likelihood,
            "pixels": data.pixels,
            "classes": data.classes if kind == "cvae" else 0,
        }
        torch.manual_seed(0)
        model = (AE if kind == "ae" else VAE)(data.shape, **arguments)
        objective = Reconstruction() if kind == "ae" else ELBO()
        fit(model, objective, data, out=tmp_path / "run", progress="none", device="cpu", precision="fp32",
            **({"epochs": 2, "batch_size": 32} | options))  # fmt: skip
        return load_run(tmp_path / "run")

    return make
