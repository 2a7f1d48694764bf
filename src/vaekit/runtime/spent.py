"""The time that a computation takes, whatever else the machine does meanwhile."""

from __future__ import annotations

import time

import torch


def spent(device: torch.device) -> float:
    """Seconds since some moment, for differences.

    Returns:
        On a CPU those that processors have worked for this process, summed over its threads; they stand still while
        others have the processors. On another device those of the clock, when all that was asked of it is done.
    """
    if device.type == "cpu":
        return time.process_time()
    getattr(torch, device.type).synchronize()
    return time.monotonic()
