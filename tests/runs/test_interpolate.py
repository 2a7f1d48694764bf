"""`interpolate`, against the latents that `encode` gives and what the decoder makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

import vaekit
from vaekit import inference
from vaekit.core import SettingError


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    images = vaekit.load_data("digits").test.images
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, number in zip(paths, (0, 9), strict=True):
        Image.fromarray(images[number, 0].numpy()).save(path)
    return paths


@pytest.mark.parametrize("way", ["linear", "spherical"])
def test_a_walk_from_one_mean_to_the_other(vae_run: Path, two: list[Path], tmp_path: Path, way: str) -> None:
    run = vaekit.load_run(vae_run)
    found = vaekit.interpolate(run, *two, steps=5, way=way, out=tmp_path / "walk.png")
    codes = vaekit.encode(run, split="test").embedding
    assert codes is not None
    torch.testing.assert_close(found.latents[[0, -1]], codes.mean[[0, 9]], atol=1e-5, rtol=1e-5)
    middle = codes.mean[[0, 9]].mean(0)
    if way == "linear":
        torch.testing.assert_close(found.latents[2], middle, atol=1e-5, rtol=1e-5)
    else:  # on the arc it has the length between those of its ends
        direction = middle / middle.norm()
        assert found.latents[2].norm() > middle.norm() and found.latents[2] @ direction > 0
    torch.testing.assert_close(found.images, inference.decode(run.model, found.latents))  # type: ignore[arg-type]
    assert found.names == ["a.png", "b.png"] or [Path(name).name for name in found.names] == [
        "a.png",
        "b.png",
    ]
    with Image.open(tmp_path / "walk.png") as sheet:
        assert sheet.width > 6 * sheet.height  # the two images and five between, in one row


def test_given_a_class_and_without_an_encoder(cvae_run: Path, two: list[Path]) -> None:
    assert len(vaekit.interpolate(cvae_run, *two, label="3").images) == 10
    for given, says in (
        ({"steps": 1}, "at least 2"),
        ({"way": "round"}, "unknown way 'round'"),
        ({"out": "a.txt"}, "cannot write .txt"),
    ):
        with pytest.raises(SettingError, match=says):
            vaekit.interpolate(cvae_run, *two, **given)
    with pytest.raises(SettingError, match="one image at each end"):
        vaekit.interpolate(cvae_run, two[0], two, label="3")
