"""What is said elsewhere of a run has no path of this machine, and all else as it was."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import vaekit
from vaekit.runs.json_records import altered, as_json
from vaekit.runs.origin import ABSOLUTE, for_others
from vaekit.runs.records import StartRecord, read_run_config, read_summary


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/ann/photos", "photos"),
        ("/home/ann/photos/", ""),
        ("~/secret/cats.npz", "cats.npz"),
        (r"C:\Users\Ann\cats.npz", "cats.npz"),
        ("D:/data/cats", "cats"),
        ("resume it: vaekit resume /home/ann/runs/a now", "resume it: vaekit resume a now"),
        ("('/home/ann/x', '/home/bob/y')", "('x', 'y')"),
        ("KL(q(z|x) ‖ p(z)), −log p(x|z)/D", "KL(q(z|x) ‖ p(z)), −log p(x|z)/D"),
        ("bits/dim, 1/2 and/or n/a", "bits/dim, 1/2 and/or n/a"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("runs/vae-digits-1", "runs/vae-digits-1"),
        ("a / b", "a / b"),
    ],
)
def test_paths_from_the_root(text: str, left: str) -> None:
    assert ABSOLUTE.sub(r"\1", text) == left


def test_all_else_stays(vae_run: Path) -> None:
    config, summary = read_run_config(vae_run), read_summary(vae_run)
    cleaned, figures = for_others(config, summary)
    assert figures == summary and dataclasses.replace(cleaned, checksum=config.checksum) == config
    assert not altered(as_json(cleaned)), "it is sealed anew"


def test_what_is_known_to_be_a_path_goes_with_its_spaces(
    vae_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, summary = read_run_config(vae_run), read_summary(vae_run)
    assert summary is not None
    place = "/srv/Ann Smith/my photos"
    data = dataclasses.replace(
        config.data, path=place, source="../Ann Smith/my photos", notes=("img of Ann.png: skipped",)
    )
    settings = {**config.settings, "data": place, "data_dir": "/srv/Ann Smith"}
    start = StartRecord("/srv/Ann Smith/runs/first", "0" * 32)
    config = dataclasses.replace(config, data=data, settings=settings, start=start)
    summary = dataclasses.replace(
        summary, data="../Ann Smith/my photos", evaluation={"where": f"{place}/a b.png"}
    )
    cleaned, figures = for_others(config, summary)
    assert cleaned.data.path == cleaned.data.source == cleaned.settings["data"] == "my photos"
    assert cleaned.start is not None and cleaned.start.path == "first"
    assert (
        figures is not None
        and figures.evaluation == {"where": "my photos/a b.png"}
        and figures.data == "my photos"
    )
    text = str(as_json(cleaned)) + str(as_json(figures))
    assert "srv" not in text and "img of Ann" not in text


def test_a_run_that_is_gone_says_nothing(vae_run: Path, tmp_path: Path) -> None:
    run = vaekit.load_run(vae_run)
    vaekit.remove(vae_run)
    loaded = vaekit.load(run.save(tmp_path / "m"))
    assert loaded.origin is None
