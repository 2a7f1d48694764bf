"""Pictures with light and dark exchanged are said, by every door; those as they should be are not."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit
from vaekit.core import VaekitWarning
from vaekit.data.dataset import to_unit
from vaekit.runs.exchanged import exchanged

SAID = "would be far nearer to the run's own with light and dark exchanged"


def test_they_are_counted(vae_run: Path) -> None:
    run = vaekit.load_run(vae_run)
    own = run.load_data().test.images
    mixed = torch.cat([own[:30], 255 - own[30:70]])
    x, previews = (to_unit(part).flatten(1).double().numpy() for part in (mixed, run.previews.images))

    def nearest(rows: np.ndarray) -> np.ndarray:
        return ((rows[:, None] - previews[None]) ** 2).sum(-1).min(1)

    count = int((4 * nearest(1 - x) < nearest(x)).sum())
    assert count > 20 and not (4 * nearest(1 - x) < nearest(x))[:30].any()
    (line,) = exchanged(run, [mixed[:50], mixed[50:]])
    assert line.startswith(f"{count} images {SAID}")


def test_a_digit_on_paper_is_said_by_every_door(vae_run: Path, tmp_path: Path) -> None:
    digit = vaekit.load_run(vae_run).load_data().test.images[0, 0].numpy()
    dark, light = tmp_path / "dark.png", tmp_path / "light.png"
    Image.fromarray(255 - digit).save(dark)
    Image.fromarray(digit).save(light)
    for ask in (vaekit.reconstruct, vaekit.encode):
        with pytest.warns(VaekitWarning, match=f"1 image {SAID}"):
            ask(vae_run, [dark] if ask is vaekit.reconstruct else dark)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ask(vae_run, [light] if ask is vaekit.reconstruct else light)


def test_noise_greys_and_empty_sheets_are_not_said(vae_run: Path) -> None:
    run = vaekit.load_run(vae_run)
    noise = torch.randint(0, 256, (50, 1, 8, 8), dtype=torch.uint8, generator=torch.manual_seed(1))
    sheets = [torch.full((1, 1, 8, 8), level, dtype=torch.uint8) for level in (127, 255)]
    assert exchanged(run, [noise, *sheets]) == []
    assert exchanged(run, [split.images for split in run.load_data().splits.values()]) == []
