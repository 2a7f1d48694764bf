"""Time on the processors, against time that passes."""

from __future__ import annotations

import time

import torch

from vaekit.runtime.spent import spent


def test_waiting_does_not_count_and_working_does() -> None:
    cpu = torch.device("cpu")
    began = spent(cpu)
    time.sleep(0.3)
    assert spent(cpu) - began < 0.1
    began, working = spent(cpu), time.thread_time()
    while time.thread_time() - working < 0.2:
        pass
    assert spent(cpu) - began >= 0.19
