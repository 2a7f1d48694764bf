"""The codes of a run's images as a data set: what a prior is fitted to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from vaekit.core import SettingError, derive_seed
from vaekit.data import Batches, Data, Split
from vaekit.measuring import BATCH
from vaekit.models import Autoencoder
from vaekit.precision import own_randomness, seed_noise
from vaekit.runs import Run, codes_fingerprint, load_run


def load_codes(data: str | Path, *, run: Run | None = None) -> Data:
    """The codes of the run's own images in the run's own splits, with their labels.

    Args:
        data: folder of the run.
        run: the same, if it is loaded already.

    Raises:
        SettingError: a run whose model has no codes.
        RunError, DataError: the run, or its data, cannot be used.
    """
    run = run or load_run(data)
    if not isinstance(run.model, Autoencoder):
        raise SettingError(
            f"{run.path}: a {run.settings.method} has no codes that a prior could be fitted to; an ae, a vae or "
            "a vqvae has."
        )
    images = run.load_data()
    splits: dict[str, Any] = {
        name: encoded(run.model, split, images.dynamic, name) for name, split in images.splits.items()
    }
    where = str(Path(run.path).resolve())
    return Data(
        source=where,
        **splits,
        pixels="real",
        class_names=images.class_names,
        path=where,
        fingerprint=codes_fingerprint(run.model, images.fingerprint),
        options={"data": where},
    )


def encoded(model: Autoencoder, split: Split, dynamic: bool, name: str) -> Split:
    """The codes of a split as floats, (N, ...); always the same draws, where they are random."""
    device = next(model.parameters()).device
    batches = Batches(split, BATCH, device, dynamic, derive_seed("codes", name), shuffle=False)
    with own_randomness(device):
        seed_noise(device, batches.seed)
        parts = [model.codes_for_prior(x, y).cpu() for x, y in batches.epoch(0)]
    codes = torch.cat(parts) if parts else model.codes_for_prior(split.images.float()).cpu()
    return Split(codes.clone(), split.labels, split.names)
