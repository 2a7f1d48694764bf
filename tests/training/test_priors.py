"""`vaekit.prior` from Python: which prior, with which options, and what samples then come from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import vaekit
from vaekit import RunError, SettingError
from vaekit.runs.load import load_run

SMALL = {"epochs": 1, "components": 2, "device": "cpu"}


def test_samples_of_an_autoencoder_are_its_priors_draws_decoded(ae_run: Path) -> None:
    with pytest.raises(SettingError, match="no prior"):
        vaekit.sample(ae_run, 4)
    lines: list[str] = []
    history = vaekit.prior(ae_run, tell=lines.append, seed=5, **SMALL)
    assert history.out == ae_run / "prior"
    assert lines == [f"fitting a mixture to 1,360 latents of {ae_run} into {ae_run / 'prior'}"]
    fitted = load_run(ae_run / "prior")
    assert (fitted.settings.fit.seed, fitted.settings.model.components) == (5, 2)
    run = load_run(ae_run)
    codes = torch.cat([run.model.encode(s.images).mean for s in vaekit.load_data("digits").splits.values()])  # type: ignore[operator]
    drawn = fitted.model.sample(512, generator=torch.Generator().manual_seed(0))
    gap = (drawn.mean(0) - codes.mean(0)).abs() / codes.std(0)
    assert (gap < 0.3).all(), "draws lie where the codes lie"
    assert vaekit.sample(ae_run, 4).images.shape == (4, 1, 8, 8)


def test_a_prior_that_is_there_stays_unless_it_is_to_be_replaced(vae_run: Path) -> None:
    run = load_run(vae_run)
    vaekit.prior(run, **SMALL)
    before = (vae_run / "prior" / "model.safetensors").read_bytes()
    with pytest.raises(RunError, match="replace=True"):
        vaekit.prior(run, **SMALL)
    assert (vae_run / "prior" / "model.safetensors").read_bytes() == before
    vaekit.prior(run, replace=True, **{**SMALL, "components": 3})
    assert load_run(vae_run / "prior").settings.model.components == 3


def test_unknown_options_are_named(vae_run: Path) -> None:
    with pytest.raises(SettingError, match=r"unknown option 'componnets'\. Did you mean components\?"):
        vaekit.prior(vae_run, componnets=3)
    assert not (vae_run / "prior").exists()
