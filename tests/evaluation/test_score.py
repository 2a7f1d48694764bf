"""`vaekit.score` from Python, and the files it writes."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit
from vaekit import SettingError
from vaekit.evaluation.outliers import SCORES
from vaekit.evaluation.threshold import ties
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


class Kept:
    """A screen that notes the lines that stay."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def show(self, standing: object) -> None: ...

    def keep(self, line: str) -> None:
        self.lines.append(line)

    def close(self, line: str) -> None: ...


def test_what_takes_long_is_said_before_and_changes_no_score(
    vae_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the time of 32 images: a score that takes 0.01 s more for each is forecast at least that of all."""
    slow = SCORES["reconstruction_error"]
    calls: list[int] = []

    def slower(split, setting):
        calls.append(len(split))
        time.sleep(0.01 * len(split) if len(split) == 32 else 0)
        return slow(split, setting)

    kept, names = Kept(), ["reconstruction_error", "negative_elbo_nats"]
    monkeypatch.setitem(SCORES, "reconstruction_error", slower)
    monkeypatch.setattr("vaekit.runtime.pulse.choose_screen", lambda: kept)
    told = vaekit.score(vae_run, scores=names, by=names[0])
    assert calls[0] == 32 and len(kept.lines) == 1
    found = re.fullmatch(
        r"about (\d+) s for 2 scores of 1,797 images, reconstruction_error (\d+) s of it", kept.lines[0]
    )
    assert found is not None and int(found[1]) >= int(found[2]) >= 18
    silent = vaekit.score(vae_run, scores=names, by=names[0], progress="none")
    assert all(torch.equal(told.scores[name], silent.scores[name]) for name in names)
    vaekit.score(vae_run, split="test", scores=names, by=names[0])
    assert len(kept.lines) == 1  # few images take no time


def test_a_score_that_is_the_same_for_most_images_says_so() -> None:
    """A likelihood regret of 0, say, of a model whose encoder cannot be bettered."""
    many, some = torch.tensor([0.0] * 99 + [3.0]), torch.arange(100.0)
    (line,) = ties("likelihood_regret_nats", many, ["negative_elbo_nats", "reconstruction_error"])
    assert line == (
        "likelihood_regret_nats is 0 for 99% of 100 images, and so puts them in no order; take by='negative_elbo_nats'."
    )
    assert not ties("x", some, []) and not ties("x", torch.tensor([0.0] * 50 + list(range(1, 51))), [])
    assert not ties("x", torch.zeros(1), []) and not ties("x", torch.zeros(0), [])
    assert ties("x", torch.zeros(20), []) == ["x is 0 for 100% of 20 images, and so puts them in no order."]
