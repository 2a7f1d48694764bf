"""Random numbers for a batch of which several processes hold parts.

Every process draws the numbers of the whole batch and keeps its own rows, so that N processes train on
the very noise that one process would have used. Alone, a process keeps all of them. Sums over the
batch (statistics of a codebook, say) are taken over all parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from numbers import Integral

import torch
import torch.distributed as dist
from torch import Tensor

from vaekit.core import SettingError, derive_seed


@dataclass(frozen=True)
class Share:
    """This process holds rows `start` to `stop` of a batch of `whole` images."""

    start: int
    stop: int
    whole: int


_share: ContextVar[Share | None] = ContextVar("share", default=None)
_alike: ContextVar[bool] = ContextVar("alike", default=False)


@contextmanager
def sharing(share: Share | None) -> Iterator[None]:
    """Within the block, batches are this share of a larger one."""
    token = _share.set(share)
    try:
        yield
    finally:
        _share.reset(token)


@contextmanager
def alike() -> Iterator[None]:
    """Within the block all images of a batch get the same normal numbers.

    What is computed of an image is then a function of it and of the seed, whatever stands beside it.
    """
    token = _alike.set(True)
    try:
        yield
    finally:
        _alike.reset(token)


def normal(shape: tuple[int, ...], device: torch.device, batch: int = 0) -> Tensor:
    """Standard normal numbers from the global generator of the device.

    Args:
        shape: of the result; `shape[batch]` is the number of images that this process holds.
        batch: which dimension counts images.
    """
    if _alike.get():
        return torch.randn((*shape[:batch], 1, *shape[batch + 1 :]), device=device).expand(shape)
    share = _share.get()
    if share is None:
        return torch.randn(shape, device=device)
    whole = (*shape[:batch], share.whole, *shape[batch + 1 :])
    return torch.randn(whole, device=device).narrow(batch, share.start, share.stop - share.start)


def uniform(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Numbers in [0, 1) from the global generator of the device; the first dimension counts images."""
    share = _share.get()
    if share is None:
        return torch.rand(shape, device=device)
    return torch.rand((share.whole, *shape[1:]), device=device)[share.start : share.stop]


def is_shared() -> bool:
    """Returns whether other processes hold parts of the batch too."""
    return _share.get() is not None


def total(values: Tensor) -> Tensor:
    """Sum over the processes that hold parts of the batch; the tensor itself is changed."""
    if is_shared() and dist.is_initialized():
        dist.all_reduce(values)
    return values


def gathered(rows: Tensor, wanted: Tensor, per_image: int) -> Tensor:
    """Rows of the whole batch by their number, wherever they are held: (len(wanted), D).

    Args:
        rows: (images of this process * per_image, D).
        wanted: row numbers within the whole batch, equal in all processes.
        per_image: rows that an image has.
    """
    share = _share.get()
    if share is None:
        return rows[wanted]
    own = wanted - share.start * per_image
    here = (own >= 0) & (own < len(rows))
    return total(rows[own.clamp(0, len(rows) - 1)] * here[:, None])


def whole(images: int) -> int:
    """Images in the whole batch, of which this process holds its share."""
    share = _share.get()
    return images if share is None else share.whole


@contextmanager
def own_randomness(device: torch.device) -> Iterator[None]:
    """Whatever the block does to the global random numbers is undone after it."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        yield


@contextmanager
def weights_of(seed: int | None) -> Iterator[None]:
    """Within the block, weights are drawn as a function of the seed alone; of the global generator where it is None.

    Raises:
        SettingError: no whole number of 0 or more.
    """
    if seed is None:
        yield
        return
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise SettingError(f"seed must be a whole number of 0 or more, not {seed!r}.", "seed")
    cpu = torch.device("cpu")
    with own_randomness(cpu):
        seed_noise(cpu, derive_seed("weights", int(seed)))
        yield


def seed_noise(device: torch.device, seed: int) -> None:
    """Seeds the global random numbers of the CPU and of this device.

    `torch.manual_seed` also looks for every other kind of device, which takes 0.2 ms: a fifth of a
    small step.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
