"""What the data decide of methods that are compared: once what they share, else as `train` decides it."""

from __future__ import annotations

from typing import Any

import pytest

from vaekit import Data, load_data
from vaekit.comparison.decided import decide
from vaekit.comparison.wish import Request, settings_of
from vaekit.config.methods import METHODS
from vaekit.config.options import DataSettings
from vaekit.training.train import choices_for


@pytest.fixture(scope="module")
def digits() -> Data:
    return load_data("digits")


def wish(*methods: str, **options: Any) -> Request:
    return Request(DataSettings("digits"), methods, (0,), None, 2, {"device": "cpu", **options})


def alone(method: str, data: Data) -> dict[str, Any]:
    """What `train` takes for a method whose networks have their usual width."""
    settings = settings_of(wish(method), method, {"steps": 1})
    return {one.name: one.value for one in choices_for(settings, data, [*METHODS[method].overrides, "width"])}


def test_latents_and_batches_are_those_of_the_vae_wherever_it_stands(digits: Data) -> None:
    methods = ("cvae", "ae", "vqvae", "gan", "beta-vae", "vae")
    found, lead = decide(wish(*methods), digits), alone("vae", digits)
    assert {own["batch_size"] for own in found.values()} == {lead["batch_size"]}
    latents = {method: own["latent_dim"] for method, own in found.items() if "latent_dim" in own}
    assert latents == dict.fromkeys(("cvae", "ae", "gan", "beta-vae", "vae"), lead["latent_dim"])
    assert lead["latent_dim"] != alone("cvae", digits)["latent_dim"], "or else this shows nothing"


def test_the_rate_and_the_start_are_each_methods_own(digits: Data) -> None:
    found = decide(wish("vae", "beta-vae", "gan"), digits)
    assert found["vae"] == {name: value for name, value in alone("vae", digits).items() if name != "steps"}
    assert "init" not in found["beta-vae"] and "learning_rate" not in found["gan"]
    assert (
        settings_of(wish("gan"), "gan", found["gan"]).fit.learning_rate
        == METHODS["gan"].overrides["learning_rate"]
    )


def test_networks_of_all_methods_have_one_width(digits: Data) -> None:
    found = decide(wish("vae", "gan"), digits)
    assert all("width" not in own for own in found.values())
    settings = settings_of(wish("vae"), "vae", {"steps": 1})
    assert "width" in {one.name for one in choices_for(settings, digits, METHODS["vae"].overrides)}


def test_without_a_vae_the_first_that_has_it_decides(digits: Data) -> None:
    found = decide(wish("vqvae", "cvae", "ae"), digits)
    assert found["ae"]["latent_dim"] == found["cvae"]["latent_dim"] == alone("cvae", digits)["latent_dim"]


def test_what_is_given_stands(digits: Data) -> None:
    found = decide(wish("vae", "gan", latent_dim=3, batch_size=64), digits)
    assert not {"latent_dim", "batch_size"} & {name for own in found.values() for name in own}
    assert found["vae"]["learning_rate"] > alone("vae", digits)["learning_rate"], "it goes with the batch"


def test_likelihoods_are_alike(digits: Data) -> None:
    settings = [settings_of(wish(name), name, {}) for name in ("ae", "vae", "vqvae", "beta-vae")]
    assert {one.flat()["likelihood"] for one in settings} == {"auto"}, "the pixels alone decide"
