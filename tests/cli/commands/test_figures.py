"""`vaekit figures`."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from pictures import colour, dots, places
from vaekit.runs.load import load_run


def test_asked_figures_are_drawn_where_asked(terminal, vae_run: Path) -> None:
    told = json.loads(
        terminal("figures", vae_run, "--only", "training, samples", "--out", "here", "--json").out
    )
    assert told["figures"] == {name: str(Path("here", f"{name}.png")) for name in ("training", "samples")}
    assert sorted(path.name for path in Path("here").iterdir()) == [
        f"{name}.{ending}" for name in ("samples", "training") for ending in ("png", "svg")
    ]
    assert colour(Path("here", "training.png")) > 0.0005
    drawn = load_run(vae_run).model.sample(80, generator=torch.Generator().manual_seed(0))
    sheet = dots(Path("here", "samples.png"))
    assert [number for number in range(0, 80, 9) if not places(sheet, drawn[number], 14)] == []


def test_what_does_not_fit_is_left_out_with_its_reason(terminal, ae_run: Path) -> None:
    outcome = terminal("figures", ae_run, "--only", "samples,reconstructions")
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert lines[0] == str(ae_run / "figures" / "reconstructions.png")
    assert lines[1].startswith("left out: samples (") and "prior" in lines[1]


def test_options_reach_the_figures(terminal, vae_run: Path) -> None:
    told = terminal("figures", vae_run, "--only", "latent_tsne").out
    assert told.startswith("left out: latent_tsne (")
    drawn = terminal("figures", vae_run, "--only", "latent_tsne", "--tsne", "--json").out
    assert json.loads(drawn)["figures"].keys() == {"latent_tsne"}
