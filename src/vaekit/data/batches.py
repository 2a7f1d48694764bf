"""Batches from images that stay where the model is: no loader, no workers, no copies by Python."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from vaekit.core import derive_seed
from vaekit.data.cache import is_mapped, release_pages
from vaekit.data.dataset import Split, to_unit
from vaekit.data.view import show
from vaekit.runtime.device import held_by
from vaekit.runtime.random import Share, sharing, uniform

BLOCK = 2048  # neighbouring images that are read from a mapped file at once
GROUP = 2**27  # bytes of blocks that are in memory, and shuffled, together


class Batches:
    """The batches of one split, epoch by epoch.

    Images keep their type (uint8 mostly) on the device and become floats in [0, 1] batch by batch; real
    values stay as they are.
    The order of an epoch depends on the seed and the epoch's number alone, so that a resumed run
    continues as if it had never stopped. Images that would fill more than half of a GPU's free
    memory stay on the host, and each batch is moved. Images that are mapped from a file are read in
    blocks of neighbours, in random order, some ahead of their use; about GROUP bytes of blocks are
    shuffled together.

    Args:
        split: images (N, ...) and perhaps labels (N,).
        batch_size: images per batch, over all processes; the last one of an epoch may be smaller.
        device: where batches are made.
        dynamic: draw binary images from the grey ones. A shuffled (training) set draws anew each time, from
            the global generator of the device; an ordered one (evaluation) shows each image as
            `vaekit.data.view.show` does: always the same draw, on every device.
        seed: of the order.
        shuffle: a new order each epoch, or that of the split.
        drop_last: leave out a last batch that is smaller.
        part: (rank, world): this process makes its part of each batch. If it is shuffled, a last
            batch of fewer images than processes is left out.
        flip: mirror each image left-right with probability 1/2, anew in every epoch; which ones depends on the seed,
            the epoch and their place in its order alone. For images (N, C, H, W).
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
        part: tuple[int, int] = (0, 1),
        flip: bool = False,
    ) -> None:
        self.device = torch.device(device)
        images = held_by(self.device, split.images)
        self.images = images.to(self.device) if _fits(images, self.device) else images
        self.labels = None if split.labels is None else split.labels.to(self.images.device)
        self.batch_size, self.dynamic, self.seed = batch_size, dynamic, seed
        self.shuffle, self.drop_last, self.part, self.flip = shuffle, drop_last, part, flip
        self.mapped = is_mapped(self.images)

    def __len__(self) -> int:
        """Batches per epoch."""
        whole, rest = divmod(len(self.images), self.batch_size)
        fewest = 1 if not self.shuffle else self.part[1]  # a mean over no images would be NaN
        return whole + (rest >= fewest and not self.drop_last)

    def share(self, index: int) -> Share | None:
        """Returns which rows of a batch are this process's; None if it has all of them."""
        rank, world = self.part
        if world == 1:
            return None
        whole = min(self.batch_size, len(self.images) - index * self.batch_size)
        return Share(whole * rank // world, whole * (rank + 1) // world, whole)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The batches of an epoch as (x, y): x floats (B, ...) in [0, 1], y (B,) or None.

        Args:
            number: of the epoch; decides the order.
            start: batches to leave out at the beginning; they are not made.
        """
        if self.mapped:
            rows = self._mapped_rows(number, start) if self.shuffle else self._ordered_rows(start)
        else:
            rows = self._resident_rows(number, start) if self.shuffle else self._ordered_rows(start)
        mirrored = self._mirrored(number) if self.flip else None
        for index, (x, y) in enumerate(rows, start):
            x = moved(x, self.device)
            if mirrored is not None:  # before binary images are drawn
                x = with_mirrored(x, mirrored[self._own(index)])
            x = to_unit(x)
            if self.dynamic and not self.shuffle:
                x = show(x, "binary")
            elif self.dynamic:
                with sharing(self.share(index)):
                    x = (uniform(tuple(x.shape), x.device) < x).to(x.dtype)
            yield x, None if y is None else moved(y, self.device)

    def _mirrored(self, number: int) -> Tensor:
        """Marks the places of an epoch that have mirrored images, (N,) bool; made on the CPU, so alike on every device."""
        generator = torch.Generator().manual_seed(derive_seed("flip", self.seed, number))
        chosen = torch.randint(2, (len(self.images),), generator=generator, dtype=torch.uint8)
        return moved(chosen.bool(), self.device)

    def _own(self, index: int) -> slice:
        """This process's rows of a batch, as positions in the epoch."""
        share = self.share(index)
        first = index * self.batch_size
        if share is None:
            return slice(first, first + self.batch_size)
        return slice(first + share.start, first + share.stop)

    def _ordered_rows(self, start: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        for index in range(start, len(self)):
            rows = self._own(index)
            yield self.images[rows], None if self.labels is None else self.labels[rows]
            if self.mapped:
                release_pages()

    def _resident_rows(self, number: int, start: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        generator = torch.Generator().manual_seed(derive_seed("order", self.seed, number))
        order = moved(torch.randperm(len(self.images), generator=generator), self.images.device)
        for index in range(start, len(self)):
            chosen = order[self._own(index)]
            labels = None if self.labels is None else self.labels.index_select(0, chosen)
            yield self.images.index_select(0, chosen), labels

    def _mapped_rows(self, number: int, start: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        """As `_resident_rows`, but shuffled by blocks; the next group is read while one is used."""
        groups = self._groups(number)
        ends = torch.tensor([len(rows) for rows in groups]).cumsum(0).tolist()
        if start >= len(self):
            return
        first = next(k for k, end in enumerate(ends) if end > start * self.batch_size)
        position = ends[first - 1] if first else 0  # of the first row in memory
        images, labels = self.images[:0], torch.empty(0, dtype=torch.int64)
        index = start
        with ThreadPoolExecutor(1) as reader:
            reading = reader.submit(self._read, number, first, groups[first])
            for k in range(first, len(groups)):
                read_images, read_labels = reading.result()
                last = k + 1 == len(groups)
                if not last:
                    reading = reader.submit(self._read, number, k + 1, groups[k + 1])
                images, labels = torch.cat([images, read_images]), torch.cat([labels, read_labels])
                while index < len(self) and (last or (index + 1) * self.batch_size <= ends[k]):
                    rows = self._own(index)
                    here = slice(rows.start - position, rows.stop - position)
                    yield images[here], None if self.labels is None else labels[here]
                    index += 1
                used = index * self.batch_size - position
                images, labels, position = images[used:].clone(), labels[used:], position + used

    def _groups(self, number: int) -> list[Tensor]:
        """The epoch's rows, a tensor of row numbers for each group of blocks, unshuffled within."""
        count = len(self.images)
        generator = torch.Generator().manual_seed(derive_seed("blocks", self.seed, number))
        blocks = torch.randperm(-(-count // BLOCK), generator=generator)
        size = max(1, GROUP // (self.images[0].nbytes * BLOCK))
        within = torch.arange(BLOCK)
        rows = ((blocks[k : k + size, None] * BLOCK + within).flatten() for k in range(0, len(blocks), size))
        return [group[group < count] for group in rows]

    def _read(self, number: int, group: int, rows: Tensor) -> tuple[Tensor, Tensor]:
        """A group's images and labels, shuffled.

        All by numpy: torch would give the reading thread a team of threads of its own, and once there are
        more of them than processors OpenMP puts every waiting one to sleep, those of the training steps too.
        """
        mapped, chosen = self.images.numpy(), rows.numpy()
        images = np.concatenate([mapped[first : first + BLOCK] for first in chosen[chosen % BLOCK == 0]])
        release_pages()
        order = np.random.default_rng(derive_seed("within", self.seed, number, group)).permutation(
            len(images)
        )
        labels = chosen if self.labels is None else self.labels.numpy()[chosen]
        return torch.from_numpy(images[order]), torch.from_numpy(labels[order])


def with_mirrored(x: Tensor, chosen: Tensor) -> Tensor:
    """Images (B, C, H, W), of which those that are chosen, (B,) bool, are mirrored left-right.

    As rows of a tensor that has both: nothing is read from the device, and on a CPU `torch.where` takes eight times as long.
    """
    places = torch.arange(len(x), device=x.device) + len(x) * chosen
    return torch.cat([x, x.flip(-1)]).index_select(0, places)


def moved(values: Tensor, device: torch.device) -> Tensor:
    """The values on the device; a copy to a GPU is not waited for, which wants memory that the system never moves."""
    if device.type == "cuda" and values.device.type == "cpu":
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)


def _fits(images: Tensor, device: torch.device) -> bool:
    """Returns whether the images may live on the device."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes <= free // 2
