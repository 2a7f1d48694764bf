"""Precedence: command line, then --config, then the method's overrides, then defaults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vaekit.cli.main import COMMANDS
from vaekit.cli.reading import read_training
from vaekit.config.methods import PRIORS, resolve
from vaekit.config.options import DataSettings, FitSettings, Settings
from vaekit.core import SettingError

RECIPES = Path(__file__).parents[2] / "recipes"


def read(*words: object) -> Settings:
    return read_training("vaekit train", COMMANDS["train"], [str(word) for word in words])[0]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "my config.json"
    options = {"data": "digits", "beta": 2, "epochs": 7, "deterministic": True}
    path.write_text(json.dumps({"format": 1, "settings": options}), encoding="utf-8")
    return path


def test_defaults() -> None:
    settings = read("vae", "--data", "digits")
    assert settings.method == "vae"
    assert (settings.data, settings.fit) == (DataSettings("digits"), FitSettings())
    assert settings.objective.beta == 1.0


def test_overrides_of_the_method_come_over_defaults() -> None:
    assert read("beta-vae", "--data", "digits").objective.beta == 4.0


def test_config_comes_over_overrides(config: Path) -> None:
    settings = read("beta-vae", "--config", config)
    assert (settings.objective.beta, settings.fit.epochs, settings.data.data) == (2.0, 7, "digits")
    assert settings.fit.batch_size == FitSettings().batch_size


def test_command_line_comes_over_config(config: Path) -> None:
    words = ["--beta", 3, f"--config={config}", "--data", "mnist", "--no-deterministic"]
    settings = read("beta-vae", *words)
    assert (settings.objective.beta, settings.fit.epochs, settings.data.data) == (3.0, 7, "mnist")
    assert settings.fit.deterministic is False
    assert read("beta-vae", "--config", config).fit.deterministic is True


def test_config_of_a_run_gives_its_settings_again(vae_run: Path) -> None:
    settings = read("vae", "--config", vae_run / "config.json")
    stored = json.loads((vae_run / "config.json").read_text(encoding="utf-8"))["settings"]
    assert settings.flat() == stored
    assert settings.model.latent_dim == 3


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.json")), ids=lambda path: path.stem)
def test_every_recipe_can_be_read(path: Path) -> None:
    options = json.loads(path.read_text(encoding="utf-8"))["settings"]
    if options["method"] in PRIORS:  # the run whose codes it fits is named on the command line
        flat = resolve(options["method"], options, {"data": "run"}).flat()
    else:
        flat = read(options["method"], "--config", path).flat()
    assert {name: flat[name] for name in options} == options


def test_unknown_option_of_a_config_names_the_file(config: Path) -> None:
    with pytest.raises(SettingError, match=r"my config\.json.*'beta'"):
        read("ae", "--config", config)
