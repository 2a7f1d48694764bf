"""The rank of this process among several. Imports no torch: every command asks before it prints."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """This process among those that train one model.

    Attributes:
        rank: 0 to world - 1.
        world: number of processes; 1 for a run that is not under torchrun.
    """

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Returns whether this is the process that writes files, prints and shows progress: the first."""
        return self.rank == 0


def launched() -> Process:
    """Reads the rank of this process from torchrun's environment; alone without it."""
    return Process(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))
