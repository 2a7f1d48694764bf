"""Batches from images that stay where the model is: no loader, no workers, no copies by Python."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor

from vaekit.data.dataset import Split, to_unit


class Batches:
    """The batches of one split, epoch by epoch.

    Images keep their type (uint8 mostly) on the device and become floats in [0, 1] batch by batch.
    The order of an epoch depends on the seed and the epoch's number alone, so that a resumed run
    goes on as if it had never stopped. Images that would fill more than half of a GPU's free
    memory stay on the host, and each batch is moved.

    Args:
        split: images (N, ...) and perhaps labels (N,).
        batch_size: images a batch; the last one of an epoch may be smaller.
        device: where batches are made.
        dynamic: draw binary images from the grey ones. A shuffled (training) set draws from the
            global generator of the device; an ordered one (evaluation) from its own, on the CPU,
            so that it gives the same images every time and on every device.
        seed: of the order, and of the evaluation's draws.
        shuffle: a new order each epoch, or that of the split.
        drop_last: leave out a last batch that is smaller.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        device: torch.device | str,
        dynamic: bool = False,
        seed: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
    ) -> None:
        self.device = torch.device(device)
        self.images = split.images.to(self.device) if _fits(split.images, self.device) else split.images
        self.labels = None if split.labels is None else split.labels.to(self.images.device)
        self.batch_size = batch_size
        self.dynamic = dynamic
        self.seed = seed
        self.shuffle = shuffle
        self.drop_last = drop_last

    def __len__(self) -> int:
        """Batches an epoch."""
        count = len(self.images)
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The batches of an epoch as (x, y): x floats (B, ...) in [0, 1], y (B,) or None.

        Args:
            number: of the epoch; decides the order.
            start: batches to leave out at the beginning; they are not made.
        """
        order = self._order(number)
        for index in range(start, len(self)):
            x, y = self._rows(index, order)
            x = to_unit(x.to(self.device))
            if self.dynamic:
                x = (self._noise(x, index) < x).to(x.dtype)
            yield x, None if y is None else y.to(self.device)

    def _order(self, number: int) -> Tensor | None:
        if not self.shuffle:
            return None
        generator = torch.Generator().manual_seed(mixed_seed("order", self.seed, number))
        return torch.randperm(len(self.images), generator=generator).to(self.images.device)

    def _rows(self, index: int, order: Tensor | None) -> tuple[Tensor, Tensor | None]:
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        if order is None:
            return self.images[rows], None if self.labels is None else self.labels[rows]
        chosen = order[rows]
        labels = None if self.labels is None else self.labels.index_select(0, chosen)
        return self.images.index_select(0, chosen), labels

    def _noise(self, x: Tensor, index: int) -> Tensor:
        if self.shuffle:
            return torch.rand(x.shape, device=x.device)
        generator = torch.Generator().manual_seed(mixed_seed("evaluation", self.seed, index))
        return torch.rand(x.shape, generator=generator).to(x.device)


def mixed_seed(purpose: str, *numbers: int) -> int:
    """A 63-bit seed from some numbers, unrelated for different purposes and neighbouring numbers."""
    text = " ".join([purpose, *map(str, numbers)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def _fits(images: Tensor, device: torch.device) -> bool:
    """Whether the images may live on the device."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes <= free // 2
