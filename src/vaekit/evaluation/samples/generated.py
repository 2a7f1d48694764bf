"""The samples by which a model is judged."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.core import derive_seed
from vaekit.data import Split
from vaekit.inference import sample
from vaekit.models import Model
from vaekit.runtime.pulse import ProgressCallback


def generate(
    model: Model, train: Split, count: int, seed: int, tell: ProgressCallback | None = None
) -> tuple[Tensor, Tensor | None]:
    """Samples, (count, *shape) in [0, 1] on the CPU, and the labels they were asked for, (count,).

    Labels are drawn from those of the training images, for a model that asks for some; else None.

    Raises:
        SettingError: the model cannot sample.
    """
    labels = train.labels if model.sampled_classes else None
    if labels is not None:
        generator = torch.Generator().manual_seed(derive_seed(seed, "generated, labels"))
        labels = labels[torch.randint(len(labels), (count,), generator=generator)]
    return sample(model, count, labels, seed=derive_seed(seed, "generated"), tell=tell), labels
