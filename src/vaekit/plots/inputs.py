"""Inputs of figures: a run, a history or an answer stands for the tensors and lines in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from vaekit.core import SettingError
from vaekit.inference import Embedding
from vaekit.models.doors import a_kind, as_tensor
from vaekit.runs.answers import Encoded, Samples
from vaekit.runs.ask import encode, sample
from vaekit.runs.load import Run
from vaekit.runs.records import MetricLine


def embedding_of(given: Any) -> Embedding:
    """An embedding, or that of the test images of a run.

    Raises:
        SettingError: neither, or a run without one.
    """
    given = encode(given, split="test") if _is_run(given) else given
    found = given.embedding if isinstance(given, Encoded) else given
    if not isinstance(found, Embedding):
        raise SettingError(
            f"embedding is {a_kind(given)}; give a run, or what vaekit.encode gives of one.", "embedding"
        )
    return found


def images_of(given: Any) -> Tensor:
    """Images (N, C, H, W), or what is drawn from a run.

    Raises:
        SettingError: no images.
    """
    given = sample(given) if _is_run(given) else given
    images = given.images if isinstance(given, Samples) else as_tensor(given)
    if images.ndim != 4:
        raise SettingError(f"images must be (N, C, H, W), not {tuple(images.shape)}.", "images")
    return images


def lines_of(given: Any) -> Sequence[MetricLine]:
    """Lines of metrics.jsonl, or those of a run or a history.

    Raises:
        SettingError: no lines.
    """
    lines = getattr(given, "metrics", given)
    if not isinstance(lines, Sequence) or isinstance(lines, str):
        raise SettingError(f"metrics is {a_kind(given)}; give a run, a history, or run.metrics.", "metrics")
    return lines


def _is_run(given: Any) -> bool:
    return isinstance(given, Run | str | Path) or isinstance(getattr(given, "out", None), Path)
