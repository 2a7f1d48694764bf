"""Pictures with light and dark exchanged, beside those that a run knows: a digit written on paper, say."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from vaekit.core import counted
from vaekit.data.dataset import to_unit
from vaekit.data.pixels import chunks
from vaekit.runs.load import Run

FAR = 4  # times the squared error to the nearest one of the run's own, from which on a picture is said to be exchanged


def exchanged(run: Run, images: Iterable[Tensor]) -> list[str]:
    """A note where pictures are far nearer to the run's own once each value is taken from that of white.

    Args:
        images: (N, C, H, W) each, of the run's form; rows and real values give no note.
    """
    if run.model.pixels == "real" or len(run.model.shape) != 3:
        return []
    own = to_unit(run.previews.images).flatten(1)
    count = sum(_count(to_unit(part).flatten(1), own) for tensor in images for part in chunks(tensor))
    if not count:
        return []
    return [
        f"{counted(count, 'image')} would be far nearer to the run's own with light and dark exchanged: take each value from that of white"
    ]


def _count(images: Tensor, own: Tensor) -> int:
    as_they_are, turned = (torch.cdist(one, own).amin(1).square() for one in (images, 1 - images))
    drawn = images.amax(1) > images.amin(1)  # an empty sheet has nothing on it, exchanged or not
    return int((drawn & (FAR * turned < as_they_are)).sum())
