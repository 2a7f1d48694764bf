"""`search` and `duplicates`, against distances of every pair worked out one by one."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit
from vaekit.core import SettingError
from vaekit.evaluation import neighbours
from vaekit.evaluation.neighbours import near_pairs


def test_the_nearest_by_latents(vae_run: Path, tmp_path: Path) -> None:
    run = vaekit.load_run(vae_run)
    codes = vaekit.encode(run, split="test")
    assert codes.embedding is not None
    means, picture = codes.embedding.mean, codes.split.images[7]
    Image.fromarray(picture[0].numpy()).save(tmp_path / "seven.png")
    found = vaekit.search(run, tmp_path / "seven.png", count=6, split="test", out=tmp_path / "near.png")
    far = (means - means[7]).norm(dim=1)
    order = torch.argsort(far)[:6]
    assert found.names == [str(i) for i in order.tolist()] and found.names[0] == "7"
    torch.testing.assert_close(found.distances, far[order].double(), atol=1e-4, rtol=1e-4)
    assert codes.split.labels is not None
    assert found.labels == [str(i) for i in codes.split.labels[order].tolist()]
    with Image.open(tmp_path / "near.png") as sheet:
        assert sheet.size[0] > 2 * 56  # the image and six more


def test_pairs_are_those_of_every_distance() -> None:
    points = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    pairs, far = near_pairs(points)
    every = torch.cdist(points.double(), points.double(), compute_mode="donot_use_mm_for_euclid_dist")
    every.fill_diagonal_(torch.inf)
    nearest = every.argsort(1)[:, : neighbours.NEIGHBOURS]
    expected = {(min(a, b), max(a, b)) for a in range(60) for b in nearest[a].tolist()}
    assert {tuple(pair) for pair in pairs.tolist()} == expected
    torch.testing.assert_close(far, every[pairs[:, 0], pairs[:, 1]], atol=1e-7, rtol=0)


def test_copies_that_were_changed_a_little_are_found_and_others_are_not(
    tmp_path: Path, vae_run: Path
) -> None:
    digits = vaekit.load_data("digits").train.images[:60, 0].numpy()
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, picture in enumerate(digits):
        Image.fromarray(picture).save(folder / f"{number:03d}.png")
    Image.fromarray(digits[3]).save(folder / "copy.png")
    noise = np.random.default_rng(0).integers(-6, 7, digits[5].shape)
    Image.fromarray((digits[5].astype(int) + noise).clip(0, 255).astype(np.uint8)).save(
        folder / "saved anew.png"
    )
    found = vaekit.duplicates(vae_run, folder, out=tmp_path / "pairs.csv", progress="none")
    pairs = {frozenset(pair) for pair in zip(found.first, found.second, strict=True)}
    assert {frozenset({"003.png", "copy.png"}), frozenset({"005.png", "saved anew.png"})} <= pairs
    assert found.differences[0] == 0 and (found.differences[1:] < found.limits[1:]).all()
    by_hand = ((digits[5] / 255 - np.asarray(Image.open(folder / "saved anew.png")) / 255) ** 2).mean()
    place = next(i for i, name in enumerate(found.second) if "saved anew.png" in (name, found.first[i]))
    assert found.differences[place].item() == pytest.approx(by_hand, rel=1e-5)
    with (tmp_path / "pairs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["first"] for row in rows] == found.first and len(rows) == len(found)
    assert len(vaekit.duplicates(vae_run, folder, share=0, progress="none")) == 1


def test_what_cannot_be_asked_is_one_line(vae_run: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="takes one image"):
        vaekit.search(vae_run, vaekit.load_data("digits"))
    with pytest.raises(SettingError, match="at least 1"):
        vaekit.search(vae_run, "a.png", count=0)
    with pytest.raises(SettingError, match=r"cannot write \.jpg"):
        vaekit.search(vae_run, "a.png", out="a.jpg")
    with pytest.raises(SettingError, match="share=-1: must be 0 or more"):
        vaekit.duplicates(vae_run, share=-1)
