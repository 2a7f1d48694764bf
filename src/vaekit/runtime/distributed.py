"""The context of a run: its device, its precision, and the processes that train one model together.

Several processes are started by `torchrun --nproc-per-node N -m vaekit train ...`. Every one has the whole data
set and makes its rows of each batch; gradients are averaged by DistributedDataParallel, figures are summed over
all (`vaekit.runtime.random.total`). The first process alone writes and shows.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from vaekit.runtime.device import choose_device, choose_precision
from vaekit.runtime.launch import Process, launched


@dataclass(frozen=True)
class Context:
    """Device, precision and processes of a run; made once and handed down.

    Attributes:
        device: of the model and of what it is given.
        precision: of the networks: "fp32" or "bf16".
        process: this one, among those of the run.
    """

    device: torch.device
    precision: str
    process: Process = Process()  # noqa: RUF009  it is frozen

    @property
    def leads(self) -> bool:
        """Returns whether this process writes files and shows progress."""
        return self.process.leads

    @property
    def part(self) -> tuple[int, int]:
        """(rank, world), as `Batches` takes it."""
        return self.process.rank, self.process.world

    def strongest(self, number: int) -> int:
        """The largest number that any process gives."""
        if self.process.world == 1:
            return number
        shared = torch.tensor(number, device=self.device)
        dist.all_reduce(shared, dist.ReduceOp.MAX)
        return int(shared)

    def meet(self) -> None:
        """Waits until all processes have come here."""
        if self.process.world > 1:
            dist.barrier()

    def average_gradients(self, loss: nn.Module, updated: Iterable[nn.Parameter]) -> nn.Module:
        """The same loss, whose backward averages the gradients of `updated` over all processes."""
        if self.process.world == 1:
            return loss
        wanted = {id(parameter) for parameter in updated}
        others = [name for name, parameter in loss.named_parameters() if id(parameter) not in wanted]
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(loss, others)
        # buffers are equal already; torch 2.13 renamed the argument that says so
        known = inspect.signature(DistributedDataParallel).parameters
        name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
        return DistributedDataParallel(loss, **{name: False})  # type: ignore[arg-type]


def choose_context(device: str, precision: str, process: Process = Process()) -> Context:  # noqa: B008
    """The context that options ask for, `auto` resolved; that of a process alone, if no other is given.

    Raises:
        SettingError: unknown names, or a device that is not there.
    """
    chosen = choose_device(device)
    return Context(chosen, choose_precision(precision, chosen), process)


@contextmanager
def joined(device: str, precision: str) -> Iterator[Context]:
    """The context of a run; the processes that torchrun has started are connected for the length of the block.

    Raises:
        SettingError: as in `choose_context`.
    """
    context = choose_context(device, precision, launched())
    if context.process.world == 1 or dist.is_initialized():
        yield context
        return
    dist.init_process_group("nccl" if context.device.type == "cuda" else "gloo")
    try:
        yield context
        dist.barrier()  # a process that leaves early would take down the others' last exchange
    finally:
        dist.destroy_process_group()
