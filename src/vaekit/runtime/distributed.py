"""Several processes that train one model: `torchrun --nproc-per-node N -m vaekit train ...`.

Every process has the whole data set and makes its rows of each batch; gradients are averaged by
DistributedDataParallel, figures are summed over all. The first process alone writes and shows.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Processes:
    """This process among those of a run.

    Attributes:
        rank: 0 to world - 1.
        world: number of processes; 1 for a run that is not under torchrun.
    """

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """Sum over all processes; the tensor itself is changed."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def strongest(self, number: int, device: torch.device) -> int:
        """The largest number that any process gives."""
        if self.world == 1:
            return number
        shared = torch.tensor(number, device=device)
        dist.all_reduce(shared, dist.ReduceOp.MAX)
        return int(shared)

    def meet(self) -> None:
        """Waits until all processes have come here."""
        if self.world > 1:
            dist.barrier()

    def average_gradients(self, loss: nn.Module, updated: Iterable[nn.Parameter]) -> nn.Module:
        """The same loss, whose backward averages the gradients of `updated` over all processes."""
        if self.world == 1:
            return loss
        wanted = {id(parameter) for parameter in updated}
        others = [name for name, parameter in loss.named_parameters() if id(parameter) not in wanted]
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(loss, others)
        # buffers are equal already; torch 2.13 renamed the argument that says so
        known = inspect.signature(DistributedDataParallel).parameters
        name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
        return DistributedDataParallel(loss, **{name: False})  # type: ignore[arg-type]


def launched() -> Processes:
    """What torchrun says of this process in the environment; alone without it."""
    return Processes(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Connects the processes that torchrun has started, for the length of the block."""
    processes = launched()
    if processes.world == 1 or dist.is_initialized():
        yield processes
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield processes
        dist.barrier()  # a process that leaves early would take down the others' last exchange
    finally:
        dist.destroy_process_group()
