"""Chooses the device and its arithmetic."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from vaekit.core import SettingError, choose

PRECISIONS = ("auto", "fp32", "bf16")


def choose_device(name: str) -> torch.device:
    """`auto` takes CUDA, then MPS, then the CPU.

    Raises:
        SettingError: unknown name, or a device that is not there.
    """
    counts = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if name == "auto":
        name = next(device for device in ("cuda", "mps", "cpu") if counts[device])
    if name == "cuda" and "LOCAL_RANK" in os.environ:  # one device per process under torchrun
        name = f"cuda:{os.environ['LOCAL_RANK']}"
    kind, _, number = name.partition(":")
    choose(kind, ["auto", *counts], "device")
    if not (number or "0").isdecimal() or int(number or 0) >= counts[kind]:
        raise SettingError(
            f"device {name!r} is not available here{_why(kind)}; take device='auto'.", "device"
        )
    return torch.device(name)


def _why(kind: str) -> str:
    """The reason for which a kind of device may be missing."""
    if kind == "cuda":
        none = (
            "this torch was built without CUDA" if torch.version.cuda is None else "torch finds no such GPU"
        )
        return f" ({none})"
    return " (torch finds no Metal)" if kind == "mps" else ""


def choose_precision(name: str, device: torch.device) -> str:
    """`fp32` or `bf16`; `auto` takes bf16 only where it is faster.

    On a CPU that needs AMX: with AVX512-BF16 alone bf16 is slower than fp32 (`docs/log.md`).

    Raises:
        SettingError: another name.
    """
    choose(name, PRECISIONS, "precision")
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type == "cpu":
        return "bf16" if torch.cpu._is_amx_tile_supported() else "fp32"
    return "fp32"


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Networks within the block run in this precision; likelihoods and KL cast to fp32 themselves."""
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        yield


def held_by(device: torch.device, x: Tensor) -> Tensor:
    """A tensor in a type that the device has: MPS has no float64."""
    return x.float() if device.type == "mps" and x.dtype == torch.float64 else x


def full_precision(x: Tensor) -> Tensor:
    """Half precision widened to fp32; fp32 and float64 as they are."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


@contextmanager
def only_deterministic(wanted: bool) -> Iterator[None]:
    """Deterministic kernels within the block, if wanted."""
    if not wanted:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS refuses without
    before = torch.get_deterministic_debug_mode()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
