"""The hardware that a result was computed on, by name."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path

import torch

from vaekit.runs.json_records import OPTIONAL

LINUX = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Hardware:
    """The hardware of a result.

    Attributes:
        processor: its name.
        cores: that the process may use; None where nobody noted it.
        threads: of torch, likewise.
        device: "cpu", or the name of the accelerator, likewise.
    """

    processor: str
    cores: int | None = field(default=None, metadata=OPTIONAL)
    threads: int | None = field(default=None, metadata=OPTIONAL)
    device: str | None = field(default=None, metadata=OPTIONAL)

    @property
    def text(self) -> str:
        """In words: `AMD EPYC, 1 core, 1 thread, cpu`."""
        counts = [(self.cores, "core"), (self.threads, "thread")]
        said = [f"{count} {noun}{'s' * (count != 1)}" for count, noun in counts if count is not None]
        return ", ".join([self.processor, *said, *filter(None, [self.device])])


def this_machine(device: str) -> Hardware:
    """Describes the hardware here.

    Args:
        device: that was computed on, as torch names it.
    """
    kind = torch.device(device).type
    name = torch.cuda.get_device_name(device) if kind == "cuda" else kind
    return Hardware(processor_name(), usable_cores(), torch.get_num_threads(), name)


def processor_name(source: Path = LINUX) -> str:
    """Returns the processor's name as the system gives it."""
    try:
        lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, [*named, platform.processor(), platform.machine()]), "unknown processor")


def usable_cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
