"""Which objective trains which model: what does not fit is refused in one line that names both, before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from toy import SMALL, toy_data
from two_layers import TWO_LAYERS, TwoLayers
from vaekit.config.methods import METHODS
from vaekit.core import SettingError
from vaekit.models import AE, GAN, VAE, VQVAE, Model
from vaekit.objectives.adversarial import Adversarial
from vaekit.objectives.base import Objective
from vaekit.objectives.capacity import Capacity
from vaekit.objectives.dip_vae import DIPVAE
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.factor_vae import FactorVAE
from vaekit.objectives.iwae import IWAE
from vaekit.objectives.nll import CodeLength, Density, Reconstruction
from vaekit.objectives.tcvae import TCVAE
from vaekit.objectives.vq import QuantizedReconstruction
from vaekit.training.fit import fit

MODELS: dict[str, Callable[[], Model]] = {
    "AE": lambda: AE((1, 4, 4), 2, width=8),
    "VAE": lambda: VAE((1, 4, 4), 2, width=8),
    "VQVAE": lambda: VQVAE((1, 4, 4), width=8, codes=4),
    "GAN": lambda: GAN((1, 4, 4), 2, width=8),
    "TwoLayers": lambda: TwoLayers((1, 4, 4), hidden=8),
}

BOUNDS = {"ELBO", "IWAE", "Capacity", "Reconstruction"}
OF_ONE_VECTOR = {"TCVAE", "FactorVAE", "DIPVAE"}
FITS = {  # written here once more, by what each paper asks for
    "AE": {"Reconstruction"},
    "VAE": BOUNDS | OF_ONE_VECTOR,
    "VQVAE": {"Reconstruction", "QuantizedReconstruction"},
    "GAN": {"Adversarial"},
    "TwoLayers": BOUNDS,
}

OBJECTIVES: dict[str, Callable[[], Objective]] = {
    kind.__name__: kind
    for kind in (
        ELBO, IWAE, Capacity, TCVAE, FactorVAE, DIPVAE, Reconstruction, QuantizedReconstruction, Adversarial,
        CodeLength, Density,
    )
}  # fmt: skip

LINES = {  # what is said of some of them
    ("GAN", "ELBO"): "ELBO needs a model that encodes examples as latent variables; GAN does not; take a VAE.",
    ("GAN", "Reconstruction"): "Reconstruction needs a model that reconstructs examples; GAN does not; "
    "take a VAE, an AE or a VQVAE.",
    ("AE", "ELBO"): "ELBO needs a model that has a prior over z of its own; AE does not; take a VAE.",
    ("VQVAE", "IWAE"): "IWAE needs a model that encodes examples as latent variables; VQVAE does not; "
    "take a VAE.",
    ("VAE", "QuantizedReconstruction"): "QuantizedReconstruction needs a model that encodes an image as a grid of "
    "codes out of a codebook; VAE does not; take a VQVAE.",
    ("TwoLayers", "FactorVAE"): "FactorVAE needs a model that encodes an example as one vector, the only layer of "
    "latents; TwoLayers does not; take a VAE.",
    ("VAE", "Adversarial"): "Adversarial needs a model that draws images with the noise of training and judges "
    "whether images are real; VAE does not; take a GAN.",
}  # fmt: skip


def refusal(model: Model, objective: Objective, out: Path, **options: Any) -> str:
    """What `fit` says, with a method named, so that no other check comes first."""
    with pytest.raises(SettingError) as caught:
        fit(model, objective, toy_data(), out=out / "run", method="vae", epochs=1, **SMALL, **options)
    assert list(out.iterdir()) == [], "something was written"
    return str(caught.value)


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing reaches a model or a loop."""

    def reached(*given: Any, **named: Any) -> Any:
        raise AssertionError("something ran")

    for kind in (AE, VAE, VQVAE, GAN, TwoLayers):
        monkeypatch.setattr(kind, "prepare", reached)
        monkeypatch.setattr(kind, "forward", reached)
    monkeypatch.setattr("vaekit.training.fit.Trainer", reached)
    monkeypatch.setattr("vaekit.training.fit.begin_run", reached)


PAIRS = [(model, objective) for model in MODELS for objective in OBJECTIVES]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(("model", "objective"), [p for p in PAIRS if p[1] not in FITS[p[0]]])
def test_what_does_not_fit_is_refused_before_anything_runs(
    model: str, objective: str, tmp_path: Path
) -> None:
    said = refusal(MODELS[model](), OBJECTIVES[objective](), tmp_path)
    assert said.startswith(f"{objective} needs a model that ") and f"; {model} does not" in said
    assert "\n" not in said and len(said) < 170
    assert said == LINES.get((model, objective), said)


def test_the_lines_are_of_pairs_that_do_not_fit() -> None:
    assert all(objective not in FITS[model] for model, objective in LINES)


@pytest.mark.parametrize(("model", "objective"), [p for p in PAIRS if p[1] in FITS[p[0]]])
def test_what_fits_trains(model: str, objective: str) -> None:
    torch.manual_seed(0)
    history = fit(MODELS[model](), OBJECTIVES[objective](), toy_data(), epochs=1, weights="last", **SMALL)
    assert history.summary is not None and history.summary.steps > 0


def test_every_method_is_a_pair_that_fits() -> None:
    for entry in [*METHODS.values(), TWO_LAYERS]:
        assert entry.objective_class().__name__ in FITS[entry.model_class().__name__]


@pytest.mark.usefixtures("untouched")
def test_a_gradient_for_one_layer_is_refused_to_two(tmp_path: Path) -> None:
    said = refusal(TwoLayers((1, 4, 4), hidden=8), IWAE(estimator="dreg"), tmp_path)
    assert said == (
        "IWAE with estimator='dreg' needs a model that encodes an example as one vector, the only layer of latents; "
        "TwoLayers does not; take a VAE, or estimator='standard'."
    )


class Deaf(VAE):
    """It says that it has a prior, and gives no posterior."""

    def forward(self, x: Tensor, y: Tensor | None = None, samples: int | None = None) -> Any:
        output = super().forward(x, y, samples)
        latent = output.latents[0]
        return type(output)(output.likelihood, (type(latent)(None, latent.prior, latent.z),))


def test_a_model_that_does_not_keep_its_word_gets_one_line_too() -> None:
    with pytest.raises(SettingError, match=r"^the ELBO needs a model with a posterior; for an AE take"):
        fit(Deaf((1, 4, 4), 2, width=8), ELBO(), toy_data(), epochs=1, **SMALL)
