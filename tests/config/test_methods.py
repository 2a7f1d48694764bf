"""METHODS and how settings are resolved from it."""

from __future__ import annotations

import dataclasses

import pytest

from vaekit.config import options as s
from vaekit.config.methods import METHODS, Method, find_method, resolve
from vaekit.config.model_options import AutoencoderSettings
from vaekit.config.objective_options import ELBOSettings, NoSettings
from vaekit.core import SettingError
from vaekit.models import AE, VAE
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.nll import Reconstruction


@pytest.mark.parametrize("name", METHODS)
def test_options_are_flat_so_no_two_sections_share_a_name(name: str) -> None:
    options = find_method(name).options()
    assert len(set(options)) == len(options)


@pytest.mark.parametrize("name", METHODS)
def test_overrides_are_options_of_the_method_and_change_a_default(name: str) -> None:
    entry = METHODS[name]
    plain = dataclasses.replace(entry, overrides={})
    sections = [
        kind(data="digits") if title == "data" else kind() for title, kind in plain.sections().items()
    ]
    defaults = {key: value for section in sections for key, value in section.flat().items()}
    for option, value in entry.overrides.items():
        assert defaults[option] != value
    assert resolve(name, {"data": "digits"}).flat() == {"method": name, **defaults, **entry.overrides}


def test_the_first_methods_are_what_their_papers_say() -> None:
    assert (METHODS["ae"].model_class(), METHODS["ae"].objective_class()) == (AE, Reconstruction)
    for name in ("vae", "beta-vae"):
        assert (METHODS[name].model_class(), METHODS[name].objective_class()) == (VAE, ELBO)
    assert resolve("vae", {"data": "digits"}).objective.beta == 1.0
    assert resolve("beta-vae", {"data": "digits"}).objective.beta == 4.0


def test_a_class_itself_serves_as_well_as_its_name() -> None:
    entry = Method(AE, Reconstruction, AutoencoderSettings, NoSettings, "by the classes")
    assert entry.model_class() is AE
    assert entry.objective_class() is Reconstruction


def test_a_later_layer_wins_over_an_earlier_and_both_over_the_method() -> None:
    config = {"method": "vae", "beta": 2, "epochs": 3, "data": "a.npy"}
    settings = resolve("beta-vae", config, {"epochs": 5})
    assert settings.method == "beta-vae"
    assert settings.data == s.DataSettings("a.npy")
    assert settings.objective == ELBOSettings(beta=2.0)
    assert isinstance(settings.objective.beta, float)
    assert settings.fit == s.FitSettings(epochs=5)
    assert settings.model == AutoencoderSettings(init="random")  # as the method says


def test_the_flat_settings_of_a_run_resolve_to_themselves() -> None:
    settings = resolve("beta-vae", {"data": "digits", "latent_dim": 7, "width": 32, "kl_warmup": 0.5})
    assert resolve(settings.method, settings.flat()) == settings


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("vea", {}, r"unknown method 'vea'. Did you mean vae\? Choices: ae, vae, beta-vae"),
        (
            "vae",
            {"data": "digits", "bta": 2},
            r"settings \(method vae\): unknown option 'bta'. Did you mean beta\?",
        ),
        ("ae", {"data": "digits", "beta": 2.0}, r"settings \(method ae\): unknown option 'beta'"),
        ("vae", {}, "settings: no data given; data='digits' works without any file"),
        ("vae", {"data": "digits", "latent_dim": 2.5}, r"latent_dim must be a whole number, not 2.5"),
        ("vae", {"data": "digits", "beta": True}, r"beta must be a number, not True"),
        ("vae", {"data": "digits", "width": "wide"}, r"width must be a whole number, not 'wide'"),
        ("vae", {"data": "digits", "optimizer": "adm"}, r"optimizer: 'adm' is not one of adam.*mean adam\?"),
    ],
)
def test_errors_name_the_option_and_the_remedy(method: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        resolve(method, options)
    assert "\n" not in str(caught.value)
