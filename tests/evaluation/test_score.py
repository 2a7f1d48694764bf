"""`vaekit.score` from Python, and the files it writes."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vaekit
from vaekit import SettingError
from vaekit.images.sheet import contact_sheet

FAST = {"scores": ["negative_elbo_nats"], "samples": 4, "device": "cpu"}


def test_files_have_the_oddest_first(vae_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "made" / "odd.csv"
    found = vaekit.score(vae_run, split="test", out=out, count=6, **FAST)
    data = vaekit.load_data("digits")
    values = found.scores[found.by]
    order = np.argsort(-values.numpy(), kind="stable")
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [found.names[i] for i in order]
    assert found.sheet == out.with_suffix(".png")
    with Image.open(found.sheet) as sheet:
        shown = np.asarray(sheet)
    (tmp_path / "hand.png").write_bytes(contact_sheet(data.test.images[order[:6]] / 255))
    with Image.open(tmp_path / "hand.png") as sheet:
        np.testing.assert_array_equal(shown, np.asarray(sheet))


def test_nothing_is_written_unless_asked(vae_run: Path) -> None:
    before = sorted(vae_run.rglob("*"))
    found = vaekit.score(vae_run, split="test", **FAST)
    assert found.sheet is None and sorted(vae_run.rglob("*")) == before


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"out": "odd.txt"}, "cannot write .txt"),
        ({"count": 0}, "count must be at least 1"),
        ({"precision": "half"}, "unknown precision"),
        ({"samples": 0}, "samples must be at least 1"),
        ({"by": "latent_distance"}, "add it to scores="),
    ],
)
def test_bad_arguments(vae_run: Path, given: dict, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        vaekit.score(vae_run, **{**FAST, **given})
