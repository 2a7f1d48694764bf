"""`vaekit.prior` from Python: which prior, with which options, and what samples then come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import vaekit
from clocks import half_a_second_a_step
from vaekit import RunError, SettingError
from vaekit.core import Output
from vaekit.data import Data
from vaekit.models import Model
from vaekit.runs.files import read_tensors
from vaekit.runs.load import load_run
from vaekit.runs.records import read_run_config
from vaekit.runtime import screens
from vaekit.training import progress
from vaekit.training.priors import codes_of, codes_of_run, load_codes, prior_settings

QUIET = {"device": "cpu", "progress": "none"}

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


def test_it_is_resumed_on_the_device_whose_latents_it_has(ae_run: Path) -> None:
    """Another device rounds, and draws, otherwise."""
    assert vaekit.prior(ae_run, **SMALL).out is not None
    settings = load_run(ae_run / "prior").settings
    assert settings.data.encoded_on == "cpu"
    before = load_codes(**settings.data.flat())
    again = codes_of_run(load_run(ae_run))
    assert before.fingerprint == again.fingerprint and torch.equal(before.train.images, again.train.images)
    with pytest.raises(SettingError, match="'cuda:99' is not available"):
        load_codes(ae_run, "cuda:99")


@pytest.mark.parametrize("kind", ["code-prior", "mixture"])
def test_a_budget_is_steps_that_resume_to_the_bit(kind: str, ae_run: Path, tmp_path: Path) -> None:
    """On a clock of its own, 0.5 s a step: 35 s are the 70 steps of a run that was given them, stopped and resumed or not."""
    if kind == "code-prior":
        small = {"downsample": 2, "codes": 8, "code_dim": 4, "width": 8, "depth": 1}
        vaekit.train("vqvae", "digits", out=tmp_path / "vq", steps=20, **small, **QUIET)
        run, sizes = tmp_path / "vq", {"width": 16, "depth": 1, "heads": 2}
    else:
        run, sizes = ae_run, {"components": 2}
    with half_a_second_a_step():
        asked = iter([None] * 13 + ["stop"])
        options = {"batch_size": 200, **sizes, **QUIET}
        stopped = vaekit.prior(run, budget="35s", should_stop=lambda: next(asked), **options)
    assert stopped.interrupted == "stop"
    settings = read_run_config(run / "prior").settings
    assert [settings[name] for name in ("method", "epochs", "steps", "budget")] == [kind, None, 70, None]
    history = vaekit.resume(run / "prior", progress="none")
    assert history.summary is not None and history.summary.steps == 70
    resumed = content(run / "prior")
    vaekit.prior(run, steps=70, replace=True, **options)
    assert read_run_config(run / "prior").settings == settings
    assert content(run / "prior") == resumed


def content(folder: Path) -> tuple[dict[str, bytes], bytes]:
    tensors, _ = read_tensors(folder / "model.safetensors")
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}, (
        folder / "metrics.jsonl"
    ).read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": "1e-3s"}, "no training time"),
        ({"budget": "0.000001s"}, "too short"),
        ({"flip": True}, "flip=True"),
    ],
)
def test_a_prior_that_was_to_be_replaced_outlives_wrong_options(
    options: dict[str, Any], message: str, vae_run: Path
) -> None:
    vaekit.prior(vae_run, **SMALL)
    before = content(vae_run / "prior")
    with pytest.raises(SettingError, match=message):
        vaekit.prior(vae_run, replace=True, components=3, **options, **QUIET)
    assert content(vae_run / "prior") == before


def test_it_says_how_far_the_encoding_is_and_how_long_all_of_it_takes(
    vae_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As plain lines, none of which is held back."""
    monkeypatch.setattr(screens, "AT_MOST", 0.0)
    monkeypatch.setattr(progress, "SOON", 0.0)
    vaekit.prior(vae_run, steps=400, components=2, device="cpu")
    lines = capsys.readouterr().err.splitlines()
    told = [next((i for i, line in enumerate(lines) if text in line), None) for text in ENCODED + TRAINED]
    assert None not in told and told == sorted(told), lines


ENCODED = [
    "latents of the train split, images 1,360 of 1,360",
    "latents of the validation",
    "latents of the test split",
]
TRAINED = ["s for 400 steps", "step 400 of 400", "400 steps in"]


class Plain(Model):
    """Takes a prior, by the three methods alone: an image's two halves are its latents."""

    prior_method = "mixture"

    def __init__(self) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.arguments = (1, 8, 8), 2, {"pixels": "8-bit"}
        self.scale = torch.nn.Parameter(torch.ones(2))

    def latents_for_prior(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return x.flatten(1).unflatten(1, (2, 32)).mean(-1) * self.scale

    def prepare(self, images: Tensor) -> None:
        raise NotImplementedError

    def fitted_prior(self) -> None:
        return None

    def latents_of_prior(self, count: int, y: object, temperature: float, generator: object) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor, y: Tensor | None = None, samples: int | None = None) -> Output:
        raise NotImplementedError

    def sample(self, count: int, y: object = None, **given: object) -> Tensor:
        raise NotImplementedError


def test_a_prior_goes_by_what_a_model_can_do_not_by_its_class(digits_of_few: Data) -> None:
    latents = codes_of(Plain(), digits_of_few, "here")
    images = digits_of_few.train.images.float() / 255
    torch.testing.assert_close(
        latents.train.images, torch.stack([images[:, 0, :4].mean((1, 2)), images[:, 0, 4:].mean((1, 2))], 1)
    )
    assert prior_settings(Plain(), latents, {"components": 2}).model.components == 2
    with pytest.raises(SettingError, match="a prior of latents"):
        codes_of(vaekit.GAN((1, 8, 8)), digits_of_few, "here")


@pytest.fixture
def digits_of_few() -> Data:
    digits = vaekit.load_data("digits")
    return digits.replace(**{name: split.take(torch.arange(30)) for name, split in digits.splits.items()})
